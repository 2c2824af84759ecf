package order

import (
	"context"
	"database/sql"
	"slices"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// tokenPurpose keeps an order token from passing for another kind of token.
const tokenPurpose = "order"

// Token returns the token with which a guest comes back to an order.
func (o *Orders) Token(ord id.Order) string { return o.keys.Sign(tokenPurpose, string(ord)) }

// Order returns an order with its story, as the asker may see it: the buyer, or who holds its token,
// everything; a brand its own part without the others' and without the buyer's e-mail; the operator
// everything. Missing for anybody else.
func (o *Orders) Order(ctx context.Context, who account.Asker, ord id.Order, token string) (Order, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) (Order, error) {
		full, err := loadWhole(tx, ord)
		if err != nil {
			return Order{}, err
		}
		opened := ""
		if token != "" {
			opened, _ = o.keys.Open(tokenPurpose, token)
		}
		switch {
		case owns(who, full.Viewer, full.Account) || opened == string(ord):
			full.Asker = AsBuyer
			return full, who.May(account.OrdersRead)
		case who.Operator:
			full.Asker = AsOperator
			return full, nil
		}
		for _, p := range full.Parts {
			if who.Member(p.Brand) && full.State != Placed && full.State != Expired {
				return asBrandSees(full, who), who.May(account.OrdersRead)
			}
		}
		return Order{}, missing("order")
	})
}

// asBrandSees leaves of an order what concerns the asker's brands: their parts, lines, parcels and
// steps, with totals of just these.
func asBrandSees(full Order, who account.Asker) Order {
	seen := full
	seen.Asker, seen.Email, seen.Viewer, seen.Account, seen.Cart, seen.Horizon = AsBrand, "", "", "", "", ""
	seen.Parts, seen.Lines, seen.Steps, seen.Shipments, seen.Refunds, seen.Returns, seen.Claims = nil, nil, nil, nil, nil, nil, nil
	zero := money.Of(0, full.Currency)
	seen.Subtotal, seen.Discounts, seen.Shipping, seen.Tax, seen.TaxAdded, seen.Total, seen.Refunded = zero, zero, zero, zero, zero, zero, zero
	mine := map[id.Part]bool{}
	for _, p := range full.Parts {
		if who.Member(p.Brand) {
			mine[p.ID] = true
			seen.Parts = append(seen.Parts, p)
			seen.Subtotal.Minor += full.PriceOf(p.ID).Minor
			seen.Discounts.Minor += full.PriceOf(p.ID).Minor - p.Goods.Minor
			seen.Shipping.Minor += p.Shipping.Minor
			seen.Tax.Minor += p.ShippingTax.Amount.Minor
			seen.TaxAdded.Minor += p.ShippingTax.Added()
			seen.Total.Minor += p.Total.Minor
			seen.Refunded.Minor += p.Refunded.Minor
		}
	}
	for _, l := range full.Lines {
		if mine[l.Part] {
			seen.Lines = append(seen.Lines, l)
			seen.Tax.Minor += l.Tax.Amount.Minor
			seen.TaxAdded.Minor += l.Tax.Added()
		}
	}
	seen.Vouchers = vouchersOf(full.Vouchers, seen.Lines)
	seen.Disputes = nil
	for _, d := range full.Disputes {
		d.Shares = slices.DeleteFunc(slices.Clone(d.Shares), func(s DisputeShare) bool { return !mine[s.Part] })
		d.Amount.Minor = 0
		for _, s := range d.Shares {
			d.Amount.Minor += s.Amount
		}
		d.Covered, d.Fee = d.Amount, zero
		seen.Disputes = append(seen.Disputes, d)
	}
	for _, s := range full.Steps {
		if s.Part == "" || mine[s.Part] {
			if s.Part == "" {
				s.Detail = "" // of the whole order: how much was given back for everybody's parts
			}
			seen.Steps = append(seen.Steps, s)
		}
	}
	for _, s := range full.Shipments {
		if mine[s.Part] {
			seen.Shipments = append(seen.Shipments, s)
		}
	}
	for _, r := range full.Refunds {
		if mine[r.Part] {
			seen.Refunds = append(seen.Refunds, r)
		}
	}
	for _, r := range full.Returns {
		if mine[r.Part] {
			seen.Returns = append(seen.Returns, r)
		}
	}
	for _, c := range full.Claims {
		if mine[c.Part] {
			seen.Claims = append(seen.Claims, c)
		}
	}
	return seen
}

// Bearer returns who asks: whoever brings the token of an order is its buyer, for that order and the returns and
// claims of it, of which of is the id; for everything else, and without the token, they are themselves.
func (o *Orders) Bearer(ctx context.Context, who account.Asker, of, token string) (account.Asker, error) {
	if token == "" {
		return who, nil
	}
	opened, err := o.keys.Open(tokenPurpose, token)
	if err != nil {
		return who, nil // forged or of another kind: it opens nothing
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (account.Asker, error) {
		if of != opened {
			var here int64
			if err := tx.Row(`SELECT (SELECT COUNT(*) FROM returns WHERE id = $1 AND order_id = $2) + (SELECT COUNT(*) FROM claims WHERE id = $1 AND order_id = $2)`,
				of, opened).Scan(&here); err != nil || here == 0 {
				return who, err
			}
		}
		full, err := headWhere(tx, `id = $1`, opened)
		return account.Asker{Viewer: full.Viewer, Account: full.Account}, err
	})
}

// MaxPage is how many orders one page of a list has at most.
const MaxPage = 100

// Orders returns the asker's own paid orders, newest first, from after one of them, at most limit.
func (o *Orders) Orders(ctx context.Context, who account.Asker, after id.Order, limit int) ([]Order, error) {
	if who.Account == "" && who.Viewer == "" {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	if err := who.May(account.OrdersRead); err != nil {
		return nil, err
	}
	return o.list(ctx, after, limit, `SELECT id FROM orders WHERE ((account_id = $1 AND account_id <> '') OR (viewer_id = $2 AND viewer_id <> ''))
		AND state IN ('paid','cancelled') AND paid_at > 0 AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4`,
		func(full Order) Order { return full }, string(who.Account), string(who.Viewer))
}

// AllOrders returns every order, newest first, to the operator.
func (o *Orders) AllOrders(ctx context.Context, who account.Asker, state State, after id.Order, limit int) ([]Order, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return o.list(ctx, after, limit, `SELECT id FROM orders WHERE (CAST($1 AS TEXT) = '' OR state = $1) AND ($2 = '') AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4`,
		func(full Order) Order { full.Asker = AsOperator; return full }, string(state), "")
}

// BrandOrders returns the orders with a part of the brand in the state ("" any that was paid), newest
// first, each as the brand sees it.
func (o *Orders) BrandOrders(ctx context.Context, who account.Asker, brand id.Brand, state State, after id.Order, limit int) ([]Order, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	if _, known := partStates[state]; state != "" && !known {
		return nil, fault.InvalidField("query.state", "A part is placed, paid, shipped, delivered, completed or cancelled.")
	}
	as := account.Asker{Brands: map[id.Brand]account.Role{brand: account.Staff}}
	return o.list(ctx, after, limit, `SELECT p.order_id FROM order_parts p WHERE p.brand_id = $1 AND p.paid_at > 0 AND ($2 = '' OR p.state = $2)
		AND ($3 = '' OR p.order_id < $3) ORDER BY p.order_id DESC LIMIT $4`,
		func(full Order) Order { return asBrandSees(full, as) }, string(brand), string(state))
}

// list reads the orders of a query, whole, at most limit of them.
func (o *Orders) list(ctx context.Context, after id.Order, limit int, q string, show func(Order) Order, first, second string) ([]Order, error) {
	limit = min(max(limit, 1), MaxPage+1)
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]Order, error) {
		ids, err := db.All(tx, func(r *sql.Rows) (id.Order, error) {
			var ord id.Order
			err := r.Scan(&ord)
			return ord, err
		}, q, first, second, string(after), int64(limit))
		if err != nil {
			return nil, err
		}
		orders := make([]Order, 0, len(ids))
		for _, ord := range ids {
			full, err := loadWhole(tx, ord)
			if err != nil {
				return nil, err
			}
			orders = append(orders, show(full))
		}
		return orders, nil
	})
}
