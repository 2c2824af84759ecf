package order

import (
	"database/sql"
	"encoding/json"
	"errors"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// insertOrder stores a placed order with its parts and lines: three statements.
func insertOrder(tx *db.Tx, o *Order) error {
	now := db.Micros(o.PlacedAt)
	_, err := tx.Exec(`INSERT INTO orders(id, checkout_id, cart_id, viewer_id, account_id, email, currency, state, subtotal_minor, discount_minor,
		shipping_minor, tax_minor, tax_added_minor, total_minor, shipping_address, touch_horizon, reserved_until, placed_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)`,
		o.ID, o.Checkout, o.Cart, o.Viewer, o.Account, o.Email, o.Currency, o.State, o.Subtotal.Minor, o.Discounts.Minor,
		o.Shipping.Minor, o.Tax.Minor, o.TaxAdded.Minor, o.Total.Minor, encode(o.Address), o.Horizon, db.Micros(o.ReservedUntil), now)
	if err != nil {
		return err
	}
	var parts db.Values
	for _, p := range o.Parts {
		parts.Row(p.ID, o.ID, p.Brand, p.State, o.Currency, p.Goods.Minor, p.ShippingOption, p.ShippingName, p.Shipping.Minor,
			p.ShippingTax.Amount.Minor, int64(p.ShippingTax.Rate), p.ShippingTax.Name, db.Flag(p.ShippingTax.Inclusive), p.ShippingTax.CollectedBy,
			p.ShippingTax.Jurisdiction, p.Total.Minor, p.HandlingDays, p.TransitDays)
	}
	_, err = tx.Exec(`INSERT INTO order_parts(id, order_id, brand_id, state, currency, goods_minor, shipping_option, shipping_name, shipping_minor,
		shipping_tax_minor, shipping_tax_bps, shipping_tax_name, shipping_tax_inclusive, shipping_tax_collected_by, shipping_tax_jurisdiction, total_minor, handling_days, transit_days) VALUES `+parts.Text(), parts.Args()...)
	if err != nil {
		return err
	}
	var lines db.Values
	for _, l := range o.Lines {
		lines.Row(l.ID, o.ID, l.Part, l.Brand, l.Product, l.Variant, l.SKU, l.Title, l.VariantTitle, l.Image, l.Quantity, l.Unit.Minor, o.Currency,
			l.Goods.Minor, l.Tax.Amount.Minor, int64(l.Tax.Rate), l.Tax.Name, db.Flag(l.Tax.Inclusive), l.Tax.CollectedBy,
			l.Tax.Jurisdiction, l.Base.Minor, l.Off.Brand, l.Off.Platform, l.ByBrand, l.ByPlatform)
	}
	_, err = tx.Exec(`INSERT INTO order_lines(id, order_id, part_id, brand_id, product_id, variant_id, sku, title, variant_title, image_id, quantity,
		unit_minor, currency, goods_minor, tax_minor, tax_bps, tax_name, tax_inclusive, tax_collected_by, tax_jurisdiction, base_minor,
		brand_off_minor, platform_off_minor, brand_voucher_id, platform_voucher_id) VALUES `+lines.Text(), lines.Args()...)
	return err
}

const orderColumns = `id, checkout_id, cart_id, viewer_id, account_id, email, currency, state, subtotal_minor, discount_minor, shipping_minor,
	tax_minor, tax_added_minor, total_minor, refunded_minor, shipping_address, touch_horizon, reserved_until, placed_at, paid_at, closed_at, closed_reason, disputed`

type scanner interface{ Scan(dest ...any) error }

func scanOrder(r scanner) (Order, error) {
	var o Order
	var address string
	var subtotal, discounts, shipping, tax, added, total, refunded, reserved, placed, paid, closed int64
	err := r.Scan(&o.ID, &o.Checkout, &o.Cart, &o.Viewer, &o.Account, &o.Email, &o.Currency, &o.State, &subtotal, &discounts, &shipping,
		&tax, &added, &total, &refunded, &address, &o.Horizon, &reserved, &placed, &paid, &closed, &o.ClosedReason, &o.disputed)
	if err != nil {
		return Order{}, err
	}
	in := func(minor int64) money.Amount { return money.Of(minor, o.Currency) }
	o.Subtotal, o.Discounts, o.Shipping, o.Tax, o.TaxAdded, o.Total, o.Refunded = in(subtotal), in(discounts), in(shipping), in(tax), in(added), in(total), in(refunded)
	o.ReservedUntil, o.PlacedAt, o.PaidAt, o.ClosedAt = db.Time(reserved), db.Time(placed), db.Time(paid), db.Time(closed)
	o.Asker = AsBuyer
	return o, json.Unmarshal([]byte(address), &o.Address)
}

// loadOrder reads an order with its parts and lines; Missing when there is none.
func loadOrder(tx *db.Tx, ord id.Order) (Order, error) {
	return loadWhere(tx, `id = $1`, string(ord))
}

func orderOfCheckout(tx *db.Tx, checkout id.Checkout) (Order, error) {
	return loadWhere(tx, `checkout_id = $1`, string(checkout))
}

// headWhere reads an order without its parts and lines; Missing when there is none.
func headWhere(tx *db.Tx, where, arg string) (Order, error) {
	o, err := scanOrder(tx.Row(`SELECT `+orderColumns+` FROM orders WHERE `+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return Order{}, missing("order")
	}
	return o, err
}

func loadWhere(tx *db.Tx, where, arg string) (Order, error) {
	o, err := headWhere(tx, where, arg)
	if err != nil {
		return Order{}, err
	}
	if o.Parts, err = db.All(tx, scanPart, `SELECT `+partColumns+` FROM order_parts p JOIN brands b ON b.id = p.brand_id WHERE p.order_id = $1 ORDER BY p.brand_id`, o.ID); err != nil {
		return Order{}, err
	}
	o.Lines, err = db.All(tx, scanLine, `SELECT `+lineColumns+` FROM order_lines l LEFT JOIN shipment_lines s ON s.line_id = l.id WHERE l.order_id = $1 ORDER BY l.id`, o.ID)
	if err == nil && o.disputed > 0 {
		err = loadDisputes(tx, &o)
	}
	return o, err
}

const partColumns = `p.id, p.brand_id, b.name, p.state, p.currency, p.goods_minor, p.shipping_option, p.shipping_name, p.shipping_minor, p.shipping_tax_minor,
	p.shipping_tax_bps, p.shipping_tax_name, p.shipping_tax_inclusive, p.shipping_tax_collected_by, p.shipping_tax_jurisdiction, p.total_minor, p.refunded_minor, p.shipping_back, p.label_minor, p.hold_days,
	p.handling_days, p.transit_days, p.ship_by, p.proven, p.cancelled_by, p.paid_at, p.shipped_at, p.delivered_at, p.release_at, p.completed_at, p.cancelled_at`

func scanPart(r *sql.Rows) (Part, error) {
	var p Part
	var c money.Currency
	var goods, shipping, tax, total, refunded, by, paid, shipped, delivered, release, completed, cancelled int64
	err := r.Scan(&p.ID, &p.Brand, &p.BrandName, &p.State, &c, &goods, &p.ShippingOption, &p.ShippingName, &shipping, &tax,
		&p.ShippingTax.Rate, &p.ShippingTax.Name, &p.ShippingTax.Inclusive, &p.ShippingTax.CollectedBy, &p.ShippingTax.Jurisdiction, &total, &refunded, &p.ShippingBack, &p.Label, &p.HoldDays,
		&p.HandlingDays, &p.TransitDays, &by, &p.Proven, &p.CancelledBy, &paid, &shipped, &delivered, &release, &completed, &cancelled)
	p.Goods, p.Shipping, p.ShippingTax.Amount, p.Total = money.Of(goods, c), money.Of(shipping, c), money.Of(tax, c), money.Of(total, c)
	p.Refunded, p.ShipBy = money.Of(refunded, c), db.Time(by)
	p.PaidAt, p.ShippedAt, p.DeliveredAt = db.Time(paid), db.Time(shipped), db.Time(delivered)
	p.ReleaseAt, p.CompletedAt, p.CancelledAt = db.Time(release), db.Time(completed), db.Time(cancelled)
	return p, err
}

const lineColumns = `l.id, l.part_id, l.brand_id, l.product_id, l.variant_id, l.sku, l.title, l.variant_title, l.image_id, l.quantity, l.unit_minor, l.currency,
	l.goods_minor, l.tax_minor, l.tax_bps, l.tax_name, l.tax_inclusive, l.tax_collected_by, l.tax_jurisdiction, l.base_minor, l.creator_id, l.program_id, l.commission_bps,
	l.commission_minor, l.fee_bps, l.fee_minor, l.brand_minor, l.back_quantity, l.back_tax_minor, l.back_brand_minor, l.back_commission_minor, l.back_fee_minor, l.brand_off_minor, l.platform_off_minor,
	l.brand_voucher_id, l.platform_voucher_id, l.back_platform_off_minor, l.back_base_minor, CASE WHEN s.line_id IS NULL THEN 0 ELSE 1 END`

func scanLine(r *sql.Rows) (Line, error) {
	var l Line
	var c money.Currency
	var unit, goods, tax, base, commission, fee, brand int64
	err := r.Scan(&l.ID, &l.Part, &l.Brand, &l.Product, &l.Variant, &l.SKU, &l.Title, &l.VariantTitle, &l.Image, &l.Quantity, &unit, &c,
		&goods, &tax, &l.Tax.Rate, &l.Tax.Name, &l.Tax.Inclusive, &l.Tax.CollectedBy, &l.Tax.Jurisdiction, &base, &l.Creator, &l.Program, &l.Rate,
		&commission, &l.FeeRate, &fee, &brand, &l.Back.Quantity, &l.Back.Tax, &l.Back.Brand, &l.Back.Commission, &l.Back.Fee, &l.Off.Brand, &l.Off.Platform,
		&l.ByBrand, &l.ByPlatform, &l.Back.Off, &l.Back.Base, &l.Shipped)
	in := func(minor int64) money.Amount { return money.Of(minor, c) }
	l.Unit, l.Goods, l.Tax.Amount, l.Base = in(unit), in(goods), in(tax), in(base)
	l.Frozen = Frozen{Commission: in(commission), Fee: in(fee), Brand: in(brand)}
	return l, err
}

// addStep writes an entry of the order's timeline.
func addStep(tx *db.Tx, ord id.Order, part id.Part, kind, detail, actor string) error {
	var rows db.Values
	stepRow(&rows, tx, ord, part, kind, detail, actor)
	return insertSteps(tx, &rows)
}

func stepRow(rows *db.Values, tx *db.Tx, ord id.Order, part id.Part, kind, detail, actor string) {
	var step id.Event
	rows.Row(step.Next(tx.Now()), ord, part, kind, detail, actor, db.Micros(tx.Now()))
}

func insertSteps(tx *db.Tx, rows *db.Values) error {
	_, err := tx.Exec(`INSERT INTO order_steps(id, order_id, part_id, kind, detail, actor, at) VALUES `+rows.Text(), rows.Args()...)
	return err
}

// loadStory adds the timeline and the shipments to an order.
func loadStory(tx *db.Tx, o *Order) (err error) {
	o.Steps, err = db.All(tx, func(r *sql.Rows) (Step, error) {
		var s Step
		var at int64
		err := r.Scan(&s.Part, &s.Kind, &s.Detail, &s.Actor, &at)
		s.At = db.Time(at)
		return s, err
	}, `SELECT part_id, kind, detail, actor, at FROM order_steps WHERE order_id = $1 ORDER BY at, id`, o.ID)
	if err != nil {
		return err
	}
	if err = loadVouchers(tx, o); err != nil || o.PaidAt.IsZero() { // nothing is sent or given back before
		return err
	}
	var sent, more int64 // most orders that are looked at were paid this moment
	err = tx.Row(`SELECT (SELECT COUNT(*) FROM shipments WHERE order_id = $1), (SELECT COUNT(*) FROM refunds WHERE order_id = $1)
		+ (SELECT COUNT(*) FROM returns WHERE order_id = $1) + (SELECT COUNT(*) FROM claims WHERE order_id = $1)`, o.ID).Scan(&sent, &more)
	if err != nil || sent+more == 0 {
		return err
	}
	if o.Shipments, err = shipmentsWhere(tx, `s.order_id = $1`, string(o.ID)); err != nil || more == 0 {
		return err
	}
	if o.Refunds, err = refundsWhere(tx, `r.order_id = $1`, string(o.ID)); err != nil {
		return err
	}
	if o.Returns, err = returnsWhere(tx, `r.order_id = $1 ORDER BY r.id`, o.ID); err != nil {
		return err
	}
	o.Claims, err = claimsWhere(tx, `c.order_id = $1 ORDER BY c.id`, o.ID)
	return err
}

// shipmentsWhere reads shipments with their lines.
func shipmentsWhere(tx *db.Tx, where, arg string) ([]Shipment, error) {
	var list []Shipment
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var s Shipment
		var line id.Line
		var shipped, delivered int64
		err := r.Scan(&s.ID, &s.Order, &s.Part, &s.Brand, &s.Carrier, &s.Tracking, &s.State, &shipped, &delivered, &line, &s.Label.Rate, &s.Label.account, &s.Label.Service, &s.Label.Price.Minor, &s.Label.Price.Currency)
		if err != nil {
			return struct{}{}, err
		}
		if n := len(list); n == 0 || list[n-1].ID != s.ID {
			s.ShippedAt, s.DeliveredAt = db.Time(shipped), db.Time(delivered)
			list = append(list, s)
		}
		last := &list[len(list)-1]
		last.Lines = append(last.Lines, line)
		return struct{}{}, nil
	}, `SELECT s.id, s.order_id, s.part_id, s.brand_id, s.carrier, s.tracking, s.state, s.shipped_at, s.delivered_at, l.line_id, s.label_id, s.label_account, s.label_service, s.label_minor, p.currency
		FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id JOIN order_parts p ON p.id = s.part_id WHERE `+where+` ORDER BY s.id, l.line_id`, arg)
	return list, err
}

// loadWhole reads an order with its story.
func loadWhole(tx *db.Tx, ord id.Order) (Order, error) {
	full, err := loadOrder(tx, ord)
	if err != nil {
		return Order{}, err
	}
	return full, loadStory(tx, &full)
}
