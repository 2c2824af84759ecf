package order

import (
	"context"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// MaxCarrier is the longest name of a carrier and the longest tracking code, in bytes.
const MaxCarrier = 80

// NewShipment is a parcel a brand hands over.
type NewShipment struct {
	Lines    []id.Line    // none: every line of the part not shipped yet
	Carrier  string       // who carries it, where the brand sends it itself
	Label    id.LabelRate // the platform's label it goes with; "" the brand's own carriage
	Tracking string
}

// Ship records a parcel with lines of the brand's part. When every line has shipped the part is
// shipped and its shipping is owed to the brand, or pays for the platform's labels. Conflict: not paid, cancelled, or shipped already.
func (o *Orders) Ship(ctx context.Context, who account.Asker, ord id.Order, in NewShipment) (Shipment, error) {
	in.Carrier, in.Tracking = strings.TrimSpace(in.Carrier), strings.TrimSpace(in.Tracking)
	if in.Label != "" && in.Carrier != "" {
		return Shipment{}, fault.InvalidField("body.carrier", "The label says who carries it: name a carrier or a label.")
	}
	if in.Label == "" && in.Carrier == "" || len(in.Carrier) > MaxCarrier {
		return Shipment{}, fault.InvalidField("body.carrier", "Name the carrier, in at most %d characters.", MaxCarrier)
	}
	if len(in.Tracking) > MaxCarrier {
		return Shipment{}, fault.InvalidField("body.tracking", "A tracking code has at most %d characters.", MaxCarrier)
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (Shipment, error) {
		full, part, err := o.partToShip(tx, who, ord, in.Lines)
		if err != nil {
			return Shipment{}, err
		}
		lines, err := linesToShip(full, part, in.Lines)
		if err != nil {
			return Shipment{}, err
		}
		label, err := o.labelFor(tx, full, part, &in)
		if err != nil {
			return Shipment{}, err
		}
		return o.ship(tx, who, full, part, lines, in, label)
	})
}

// partToShip finds the asker's part of the order: the brand whose lines are named, or whose
// member asks.
func (o *Orders) partToShip(tx *db.Tx, who account.Asker, ord id.Order, lines []id.Line) (*Order, *Part, error) {
	full, err := loadLocked(tx, ord)
	if err != nil {
		return nil, nil, err
	}
	var mine []*Part
	for i := range full.Parts {
		if who.Member(full.Parts[i].Brand) {
			mine = append(mine, &full.Parts[i])
		}
	}
	if len(mine) == 0 || full.State == Placed || full.State == Expired {
		return nil, nil, missing("order")
	}
	part := mine[0]
	if len(mine) > 1 {
		if len(lines) == 0 {
			return nil, nil, fault.InvalidField("body.line_ids", "You belong to several brands of this order: name the lines.")
		}
		for _, p := range mine {
			for _, l := range full.linesOf(p.ID) {
				if l.ID == lines[0] {
					part = p
				}
			}
		}
	}
	if err := who.OfBrand(part.Brand, account.OrdersWrite); err != nil {
		return nil, nil, err
	}
	if part.State != Paid {
		return nil, nil, fault.New(fault.Conflict, "This part of the order is %s: there is nothing left to ship.", part.State).WithType("wrong_state")
	}
	return &full, part, nil
}

// linesToShip returns the lines a parcel holds, each of the part and not shipped yet.
func linesToShip(full *Order, part *Part, asked []id.Line) ([]Line, error) {
	byID := map[id.Line]Line{}
	var open []Line
	for _, l := range full.linesOf(part.ID) {
		byID[l.ID] = l
		if l.Open() {
			open = append(open, l)
		}
	}
	if len(asked) == 0 {
		return open, nil
	}
	var lines []Line
	seen := map[id.Line]bool{}
	for _, a := range asked {
		l, ok := byID[a]
		if !ok {
			return nil, missing("line in your part of this order")
		}
		if l.Shipped {
			return nil, fault.New(fault.Conflict, "%s has been shipped already.", l.Title).WithType("wrong_state")
		}
		if !l.Open() {
			return nil, fault.New(fault.Conflict, "%s was refunded: there is nothing of it left to ship.", l.Title).WithType("wrong_state")
		}
		if !seen[a] {
			lines, seen[a] = append(lines, l), true
		}
	}
	return lines, nil
}

func (o *Orders) ship(tx *db.Tx, who account.Asker, full *Order, part *Part, lines []Line, in NewShipment, label ParcelLabel) (Shipment, error) {
	var sid id.Shipment
	s := Shipment{ID: sid.Next(tx.Now()), Order: full.ID, Part: part.ID, Brand: part.Brand, Carrier: in.Carrier, Tracking: in.Tracking, State: Shipped, Label: label, ShippedAt: tx.Now()}
	_, err := tx.Exec(`INSERT INTO shipments(id, order_id, part_id, brand_id, carrier, tracking, state, shipped_at, label_id, label_account, label_service, label_minor) VALUES ($1,$2,$3,$4,$5,$6,'shipped',$7,$8,$9,$10,$11)`,
		s.ID, s.Order, s.Part, s.Brand, s.Carrier, s.Tracking, db.Micros(s.ShippedAt), label.Rate, label.account, label.Service, label.Price.Minor)
	if err != nil {
		return Shipment{}, err
	}
	var rows db.Values
	for _, l := range lines {
		s.Lines = append(s.Lines, l.ID)
		rows.Row(s.ID, l.ID)
	}
	if _, err := tx.Exec(`INSERT INTO shipment_lines(shipment_id, line_id) VALUES `+rows.Text(), rows.Args()...); err != nil {
		return Shipment{}, err
	}
	if err := addStep(tx, full.ID, part.ID, "shipped", in.Carrier+" "+in.Tracking, who.Actor()); err != nil {
		return Shipment{}, err
	}
	open := 0
	for _, l := range full.linesOf(part.ID) {
		if l.Open() {
			open++
		}
	}
	last := open == len(lines)
	if err := o.bookLabel(tx, full, part, s, last); err != nil {
		return Shipment{}, err
	}
	if last {
		if err := o.partShipped(tx, full, part, label.booked()); err != nil {
			return Shipment{}, err
		}
	}
	return s, event.Emit(tx, event.OrderShipped{Order: full.ID, Part: part.ID, Brand: part.Brand, Shipment: s.ID, Lines: s.Lines})
}

// partShipped moves the part on and owes its shipping to whoever has carried it; last is the label of its last parcel.
func (o *Orders) partShipped(tx *db.Tx, full *Order, part *Part, last ledger.Label) error {
	pending := brandPending(full, part)
	pending.Minor += part.carried()
	n, err := tx.Exec(partShips.update(`shipped_at = $1, brand_pending_minor = $2, version = version + 1`)+`id = $3`,
		db.Micros(tx.Now()), pending.Minor, part.ID)
	if err != nil {
		return err
	}
	if n != 1 {
		return fault.New(fault.Conflict, "This part of the order has moved on meanwhile. Look again.")
	}
	return o.bookShipped(tx, full, part, last)
}

// Delivered records that a parcel arrived. When all of a part's have, the hold begins.
func (o *Orders) Delivered(ctx context.Context, who account.Asker, shipment id.Shipment) (Shipment, error) {
	return db.Do(ctx, o.db, func(tx *db.Tx) (Shipment, error) {
		found, err := shipmentsWhere(tx, `s.id = $1`, string(shipment))
		if err == nil && len(found) > 0 {
			if err = lock(tx, found[0].Order); err == nil {
				found, err = shipmentsWhere(tx, `s.id = $1`, string(shipment))
			}
		}
		if err != nil {
			return Shipment{}, err
		}
		if len(found) == 0 || !who.Member(found[0].Brand) {
			return Shipment{}, missing("shipment")
		}
		s := found[0]
		if err := who.OfBrand(s.Brand, account.OrdersWrite); err != nil {
			return Shipment{}, err
		}
		if !parcelArrives.allows(s.State) {
			return s, nil // it has arrived already
		}
		s.State, s.DeliveredAt = Delivered, tx.Now()
		if _, err := tx.Exec(parcelArrives.update(`delivered_at = $1`)+`id = $2`, db.Micros(tx.Now()), s.ID); err != nil {
			return Shipment{}, err
		}
		return s, o.arrived(tx, who, s)
	})
}

// arrived moves the part to delivered once nothing of it is on its way.
func (o *Orders) arrived(tx *db.Tx, who account.Asker, s Shipment) error {
	if err := addStep(tx, s.Order, s.Part, "delivered", "", who.Actor()); err != nil {
		return err
	}
	full, err := loadOrder(tx, s.Order)
	if err != nil {
		return err
	}
	return o.allArrived(tx, &full, full.part(s.Part), s.ID)
}

// allArrived begins the hold of a shipped part of which nothing is on its way any more; last is the parcel
// that came last, "" where a refund left nothing to wait for.
func (o *Orders) allArrived(tx *db.Tx, full *Order, part *Part, last id.Shipment) error {
	var under int64
	if err := tx.Row(`SELECT COUNT(*) FROM shipments WHERE part_id = $1 AND state <> 'delivered'`, part.ID).Scan(&under); err != nil || under > 0 {
		return err
	}
	if part.State != Shipped {
		return nil // other lines of the part are still to be shipped
	}
	release := releaseAt(part.ShippedAt, tx.Now(), part.HoldDays, ReturnWindow, part.Proven)
	if _, err := tx.Exec(partArrives.update(`delivered_at = $1, release_at = $2, version = version + 1`)+`id = $3`,
		db.Micros(tx.Now()), db.Micros(release), part.ID); err != nil {
		return err
	}
	if err := o.bookDelivered(tx, full, part, release); err != nil {
		return err
	}
	return event.Emit(tx, event.OrderDelivered{Order: full.ID, Part: part.ID, Brand: part.Brand, Shipment: last, ReleaseAt: release})
}
