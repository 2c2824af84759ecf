package order

import (
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// ParcelLabel is the platform's label of a parcel as it was bought.
type ParcelLabel struct {
	Rate    id.LabelRate `json:"label_rate_id"`
	Service string       `json:"service"`
	Price   money.Amount `json:"price"`

	account string // the carrier's word in the book
}

// booked is the label as the ledger knows it.
func (l ParcelLabel) booked() ledger.Label {
	return ledger.Label{Carrier: l.account, Price: l.Price.Minor}
}

// labelFor takes the platform's label that the next parcel of a part is to carry, none where the brand carries it itself.
// A part goes one way: its shipping is paid once, for all of its parcels.
func (o *Orders) labelFor(tx *db.Tx, full *Order, part *Part, in *NewShipment) (ParcelLabel, error) {
	label := ParcelLabel{Price: money.Of(0, full.Currency)}
	sent := false
	for _, l := range full.linesOf(part.ID) {
		sent = sent || l.Shipped
	}
	if sent && (part.Label > 0) != (in.Label != "") {
		return label, fault.New(fault.Conflict, "Parcels of this part went another way: with our label or with your own carriage. Send the rest of it as you have begun.").WithType("wrong_state")
	}
	if in.Label == "" {
		return label, nil
	}
	rate, err := LabelOnSale(tx, in.Label, full.Currency)
	if err != nil {
		return label, err
	}
	cover := brandPending(full, part)
	if !part.ShippingBack {
		cover.Minor += shippingNet(part)
	}
	if part.Label+rate.Price.Minor > cover.Minor {
		return label, fault.New(fault.Conflict, "The labels of this part would cost more than the %s that it brings you with its shipping. Send it with a carriage of your own.", cover).WithType("label_too_dear")
	}
	in.Carrier = rate.Carrier
	return rate.ForParcel(), nil
}

// LabelOnSale returns a label that a parcel can be sent with whose brand is paid in the currency: it is on sale, and in
// that currency.
func LabelOnSale(tx *db.Tx, rate id.LabelRate, c money.Currency) (LabelRate, error) {
	r, err := labelRate(tx, rate)
	switch {
	case err != nil:
		return LabelRate{}, err
	case r.Price.Currency != c:
		return LabelRate{}, fault.InvalidField("body.label_rate_id", "This label is sold in %s, and %s is what pays for it.", r.Price.Currency, c)
	case r.EndedAt != nil:
		return LabelRate{}, fault.New(fault.Conflict, "This label is not sold any more. Read the list again and choose another.").WithType("label_ended")
	}
	return r, nil
}

// ForParcel returns the label as one parcel goes with it.
func (r LabelRate) ForParcel() ParcelLabel {
	return ParcelLabel{Rate: r.ID, Service: r.Service, Price: r.Price, account: r.Account}
}

// bookLabel owes the carrier a parcel's label. With the last parcel it is booked together with the part.
func (o *Orders) bookLabel(tx *db.Tx, full *Order, part *Part, s Shipment, last bool) error {
	if s.Label.Price.Minor == 0 {
		return nil
	}
	part.Label += s.Label.Price.Minor
	if _, err := tx.Exec(`UPDATE order_parts SET label_minor = $1, version = version + 1 WHERE id = $2`, part.Label, part.ID); err != nil || last {
		return err
	}
	return post(tx, []ledger.Transfer{ledger.LabelBought(o.ledgerSale(full, part), s.ID, s.Label.booked())}, nil)
}

// bookShipped owes a part's shipping to whoever has carried it: its brand, or the carriers of the platform's labels. last
// is the label of its last parcel.
func (o *Orders) bookShipped(tx *db.Tx, ord *Order, part *Part, last ledger.Label) error {
	sale := o.ledgerSale(ord, part)
	if part.Label == 0 {
		transfers, err := ledger.ShippedByBrand(sale)
		return post(tx, transfers, err)
	}
	var available int64
	if sale.Shipping.Beyond() > 0 {
		purse := ledger.BrandPurse(part.Brand)
		left, err := ledger.Take(tx, ord.Currency, purse)
		if err != nil {
			return err
		}
		available = left[purse.Available]
	}
	transfers, err := ledger.ShippedByLabel(sale, last, available)
	if err := post(tx, transfers, err); err != nil || sale.Shipping.Beyond() <= available {
		return err
	}
	return DrawReserve(tx, string(part.ID)+":"+ledger.KeyShipped, part.Brand, ord.Currency)
}

// carried is what of a part's shipping is its brand's once it is sent.
func (p *Part) carried() int64 {
	if p.Label > 0 || p.ShippingBack {
		return 0
	}
	return shippingNet(p)
}

// labelProofs hold labels against their parcels and the book.
var labelProofs = []proof{
	{says: "the labels of part %s are not those of its parcels", query: `SELECT p.id FROM order_parts p LEFT JOIN (SELECT s.part_id, SUM(s.label_minor) AS x FROM shipments s WHERE s.label_minor > 0 GROUP BY s.part_id) y ON y.part_id = p.id
		WHERE p.label_minor <> COALESCE(y.x, 0)`},
	{says: "part %s goes with labels and with its brand's carriage", query: `SELECT DISTINCT s.part_id FROM shipments s JOIN order_parts p ON p.id = s.part_id WHERE p.label_minor > 0 AND s.label_minor = 0`},
	{says: "what is owed to carrier %s is not what its labels cost, less what it was paid", query: `SELECT z.k FROM (
		SELECT r.account AS k, e.currency AS c, e.amount AS x FROM (SELECT DISTINCT account FROM label_rates) r JOIN ledger_entries e ON e.account = 'carrier:' || r.account
		UNION ALL SELECT s.label_account, p.currency, -s.label_minor FROM shipments s JOIN order_parts p ON p.id = s.part_id WHERE s.label_minor > 0
		UNION ALL SELECT m.label_account, m.currency, -m.label_minor FROM samples m WHERE m.label_minor > 0
		UNION ALL SELECT y.account, y.currency, y.amount_minor FROM carrier_payments y) z GROUP BY z.k, z.c HAVING SUM(z.x) <> 0`},
	{says: "what was kept of shipping in %s is not what labels left of it", query: `SELECT z.c FROM (
		SELECT e.currency AS c, e.amount AS x FROM ledger_entries e WHERE e.account = 'shipping:margin'
		UNION ALL SELECT p.currency, CASE WHEN p.shipped_at = 0 THEN p.label_minor WHEN p.shipping_back = 0 AND p.shipping_minor - ` + taxInShipping + ` > p.label_minor
			THEN p.label_minor - p.shipping_minor + ` + taxInShipping + ` ELSE 0 END FROM order_parts p WHERE p.label_minor > 0) z GROUP BY z.c HAVING SUM(z.x) <> 0`},
}

// taxInShipping is the tax contained in a part's shipping.
const taxInShipping = `CASE WHEN p.shipping_tax_inclusive = 1 THEN p.shipping_tax_minor ELSE 0 END`
