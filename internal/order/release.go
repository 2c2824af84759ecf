package order

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// ReleaseBatch is how many parts, or reserves, are released in one transaction: one posting and one commit for
// all, and nobody waits long behind them.
const ReleaseBatch = 50

// ripe is a part whose hold has passed, with its order.
type ripe struct {
	order *Order
	part  *Part
}

// releaseHolds completes parts whose hold has passed.
func (o *Orders) releaseHolds(ctx context.Context) error {
	list, err := due[id.Part](ctx, o, o.clock.Now(), `SELECT id FROM order_parts WHERE state = 'delivered' AND release_at <= $1 AND`+notDisputed("order_parts.order_id")+`ORDER BY release_at LIMIT $2`)
	if err != nil {
		return err
	}
	return db.InGroups(ctx, list, o.together, func(parts []id.Part) error {
		return o.db.Write(ctx, func(tx *db.Tx) error { return o.releaseParts(tx, parts) })
	})
}

// releaseParts makes the money of parts available: the creators' commissions and the brands' shares, less
// their reserves. A part with a commission still undecided waits for the decision, one with a refund under way
// for the provider's answer, one with a return, a claim or a dispute for its end.
func (o *Orders) releaseParts(tx *db.Tx, parts []id.Part) error {
	list, err := ripeOf(tx, parts)
	if err != nil || len(list) == 0 {
		return err
	}
	ids := make([]id.Part, len(list))
	var steps db.Values
	for i, r := range list {
		ids[i] = r.part.ID
		stepRow(&steps, tx, r.order.ID, r.part.ID, "completed", "", "platform")
	}
	in, args := db.In(2, ids)
	n, err := tx.Exec(partReleases.update(`completed_at = $1, version = version + 1`)+`id IN `+in, append([]any{db.Micros(tx.Now())}, args...)...)
	if err == nil && n != int64(len(list)) {
		err = fmt.Errorf("order: %d of %d parts could be released", n, len(list))
	}
	if err != nil {
		return err
	}
	if err := o.bookReleased(tx, list); err != nil {
		return err
	}
	if err := insertSteps(tx, &steps); err != nil {
		return err
	}
	for _, r := range list {
		if err := event.Emit(tx, event.OrderCompleted{Order: r.order.ID, Part: r.part.ID, Brand: r.part.Brand}); err != nil {
			return err
		}
	}
	return nil
}

// ripeOf takes the parts' orders, in order of their names so that two runs take turns, and returns the parts
// that may be released now, in the order given.
func ripeOf(tx *db.Tx, parts []id.Part) ([]ripe, error) {
	in, args := db.In(1, parts)
	names, err := db.All(tx, func(r *sql.Rows) (ord id.Order, err error) { return ord, r.Scan(&ord) },
		`SELECT DISTINCT order_id FROM order_parts WHERE id IN `+in, args...)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	slices.Sort(names)
	for _, ord := range names {
		if err := lock(tx, ord); err != nil {
			return nil, err
		}
	}
	orders, err := loadOrders(tx, names)
	if err != nil {
		return nil, err
	}
	waiting, err := waitingOf(tx, names)
	if err != nil {
		return nil, err
	}
	var list []ripe
	for i := range orders {
		full := &orders[i]
		for j := range full.Parts {
			p := &full.Parts[j]
			if slices.Contains(parts, p.ID) && partReleases.allows(p.State) && !p.ReleaseAt.After(tx.Now()) && full.undisputed() == nil && !slices.Contains(waiting, p.ID) {
				list = append(list, ripe{full, p})
			}
		}
	}
	slices.SortFunc(list, func(a, b ripe) int {
		return cmp.Compare(slices.Index(parts, a.part.ID), slices.Index(parts, b.part.ID))
	})
	return list, nil
}

// waitingOf returns the parts of the orders whose release something holds up.
func waitingOf(tx *db.Tx, orders []id.Order) ([]id.Part, error) {
	undecided, err := affiliate.Waiting(tx, orders)
	if err != nil {
		return nil, err
	}
	in, args := db.In(1, orders)
	held, err := db.All(tx, scanPartID, `SELECT part_id FROM refunds WHERE order_id IN `+in+` AND state = 'requested'
		UNION ALL SELECT part_id FROM returns WHERE order_id IN `+in+` AND state IN ('requested','approved')
		UNION ALL SELECT part_id FROM claims WHERE order_id IN `+in+` AND state = 'open'`, args...)
	return append(undecided, held...), err
}

func scanPartID(r *sql.Rows) (p id.Part, err error) { return p, r.Scan(&p) }

// bookReleased makes what is pending of the parts available: all of them in one posting, and their owners'
// debts are paid from it as they would have been one part after the other.
func (o *Orders) bookReleased(tx *db.Tx, list []ripe) error {
	terms := map[id.Brand]Reserve{}
	moved := make([][]ledger.Transfer, len(list))
	ids := make([]id.Part, len(list))
	var kept db.Values
	for i, r := range list {
		ids[i] = r.part.ID
		reserve, known := terms[r.part.Brand]
		if !known {
			var err error
			if reserve, err = o.reserveOf(tx, r.part.Brand); err != nil {
				return err
			}
			terms[r.part.Brand] = reserve
		}
		var err error
		if moved[i], err = ledger.HoldReleased(o.ledgerSale(r.order, r.part), reserve.Bps); err != nil {
			return err
		}
		keepBack(&kept, tx, r.part, r.order.Currency, moved[i], reserve)
	}
	if err := postAll(tx, slices.Concat(moved...)); err != nil {
		return err
	}
	if err := insertKept(tx, &kept); err != nil {
		return err
	}
	freed, err := affiliate.ReleaseCommissions(tx, ids...)
	if err != nil {
		return err
	}
	var came []ledger.Came
	for i, r := range list {
		purses := []ledger.Purse{ledger.BrandPurse(r.part.Brand)}
		for _, c := range freed {
			if p := ledger.CreatorPurse(c.Creator); c.Part == r.part.ID && !slices.Contains(purses, p) {
				purses = append(purses, p)
			}
		}
		for _, p := range purses {
			came = append(came, ledger.CameTo(p, string(r.part.ID), r.order.Currency, moved[i]))
		}
	}
	return ledger.RecoverEach(tx, came...)
}

// postAll posts as many transfers at once as the ledger takes.
func postAll(tx *db.Tx, transfers []ledger.Transfer) error {
	for some := range slices.Chunk(transfers, ledger.MaxTransfers) {
		if err := post(tx, some, nil); err != nil {
			return err
		}
	}
	return nil
}

// loadOrders reads orders with their parts and lines, a few statements for all of them, in order of their names.
func loadOrders(tx *db.Tx, names []id.Order) ([]Order, error) {
	in, args := db.In(1, names)
	orders, err := db.All(tx, func(r *sql.Rows) (Order, error) { return scanOrder(r) }, `SELECT `+orderColumns+` FROM orders WHERE id IN `+in+` ORDER BY id`, args...)
	if err != nil {
		return nil, err
	}
	of := map[id.Part]id.Order{}
	if _, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var part id.Part
		var ord id.Order
		err := r.Scan(&part, &ord)
		of[part] = ord
		return struct{}{}, err
	}, `SELECT id, order_id FROM order_parts WHERE order_id IN `+in, args...); err != nil {
		return nil, err
	}
	parts, err := db.All(tx, scanPart, `SELECT `+partColumns+` FROM order_parts p JOIN brands b ON b.id = p.brand_id WHERE p.order_id IN `+in+` ORDER BY p.brand_id`, args...)
	if err != nil {
		return nil, err
	}
	lines, err := db.All(tx, scanLine, `SELECT `+lineColumns+` FROM order_lines l LEFT JOIN shipment_lines s ON s.line_id = l.id WHERE l.order_id IN `+in+` ORDER BY l.id`, args...)
	if err != nil {
		return nil, err
	}
	at := make(map[id.Order]*Order, len(orders))
	for i := range orders {
		at[orders[i].ID] = &orders[i]
	}
	for _, p := range parts {
		at[of[p.ID]].Parts = append(at[of[p.ID]].Parts, p)
	}
	for _, l := range lines {
		at[of[l.Part]].Lines = append(at[of[l.Part]].Lines, l)
	}
	for i := range orders {
		if orders[i].disputed > 0 {
			if err := loadDisputes(tx, &orders[i]); err != nil {
				return nil, err
			}
		}
	}
	return orders, nil
}

// releaseReserves makes available what was kept back long enough; a debt is paid from it first.
func (o *Orders) releaseReserves(ctx context.Context) error {
	list, err := due[id.Part](ctx, o, o.clock.Now(), `SELECT part_id FROM reserves WHERE released_at = 0 AND release_at <= $1 ORDER BY release_at LIMIT $2`)
	if err != nil {
		return err
	}
	return db.InGroups(ctx, list, o.together, func(parts []id.Part) error {
		return o.db.Write(ctx, func(tx *db.Tx) error { return releaseKept(tx, parts) })
	})
}

func releaseKept(tx *db.Tx, parts []id.Part) error {
	list, err := keptOf(tx, parts)
	if err != nil {
		return err
	}
	// The purses first, as a refund that draws on a reserve takes them; then what is left, as it stands now.
	purses := map[money.Currency][]ledger.Purse{}
	for _, k := range list {
		purses[k.left.Currency] = append(purses[k.left.Currency], ledger.BrandPurse(k.brand))
	}
	for _, c := range slices.Sorted(maps.Keys(purses)) {
		if _, err := ledger.Take(tx, c, purses[c]...); err != nil {
			return err
		}
	}
	if list, err = keptOf(tx, parts); err != nil {
		return err
	}
	in, args := db.In(2, parts)
	open, err := db.All(tx, scanPartID, `UPDATE reserves SET released_at = $1 WHERE released_at = 0 AND part_id IN `+in+` RETURNING part_id`, append([]any{db.Micros(tx.Now())}, args...)...)
	if err != nil {
		return err
	}
	var transfers []ledger.Transfer
	var came []ledger.Came
	for _, k := range list {
		if !slices.Contains(open, k.part) || k.left.Minor == 0 {
			continue // released already, or all of it has paid debts
		}
		freed := ledger.ReserveReleased(k.part, k.brand, k.left)
		transfers = append(transfers, freed)
		came = append(came, ledger.CameTo(ledger.BrandPurse(k.brand), "reserve:"+string(k.part), k.left.Currency, []ledger.Transfer{freed}))
	}
	if err := postAll(tx, transfers); err != nil {
		return err
	}
	return ledger.RecoverEach(tx, came...)
}
