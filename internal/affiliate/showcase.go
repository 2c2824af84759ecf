package affiliate

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// MaxShowcase is how many products a creator can promote at a time.
const MaxShowcase = 500

// Problem types of promoting.
const (
	NoProgramHere = "no_program"   // nobody pays a commission for it
	NotInShowcase = "not_promoted" // it is not on the creator's shelf
	// BudgetClosedHere says that the program that pays for it takes no new clicks at present.
	BudgetClosedHere = "budget_closed"
)

// Item is a product on a creator's shelf.
type Item struct {
	ID         id.Showcase     `json:"id"`
	Product    catalog.Product `json:"product"`
	AcceptedAt time.Time       `json:"accepted_at"`
	Terms      *Terms          `json:"terms,omitempty" doc:"For the creator only; null when nobody pays for it at present"`
	creator    id.Creator
	productID  id.Product
}

// Terms are what a creator would earn by a product, were it clicked and sold now.
type Terms struct {
	Program     id.Program `json:"program_id"`
	Rate        money.Bps  `json:"commission_bps"`
	Indirect    money.Bps  `json:"indirect_bps" doc:"Where a click on it leads to another product of the brand"`
	RateLocked  bool       `json:"rate_locked" doc:"A rate that was cut since, kept for 30 days"`
	LockedUntil *time.Time `json:"locked_until,omitempty" doc:"Clicks before then are paid at this rate"`
	ThenRate    *money.Bps `json:"then_bps,omitempty" doc:"And clicks from then on at this one"`
	ClosedAt    *time.Time `json:"budget_closed_at,omitempty" doc:"Since when the program's budget takes no new clicks; those made before are paid"`
	WindowHours int64      `json:"window_hours"`
	HoldDays    int64      `json:"hold_days"`
}

// PutShowcase puts a product on the asker's shelf: the acceptance of its program, from which the rate lock
// counts. A product that is there already stays as it is. Conflict "no_program" when no program covers it
// and it is not the asker's own brand's; Missing when there is no such product for sale.
func (a *Affiliate) PutShowcase(ctx context.Context, who account.Asker, product id.Product) (Item, error) {
	if err := promoter(who); err != nil {
		return Item{}, err
	}
	return db.Do(ctx, a.d, func(tx *db.Tx) (Item, error) {
		found, err := catalog.ByIDs(tx, []id.Product{product})
		if err != nil {
			return Item{}, err
		}
		if len(found) == 0 {
			return Item{}, fault.New(fault.Missing, "There is no such product for sale.")
		}
		terms, err := termsFor(tx, who.Creator, found, nil)
		if err != nil {
			return Item{}, err
		}
		if t := terms[product]; t != nil && t.ClosedAt != nil && !who.Member(found[0].SoldBy.ID) {
			return Item{}, fault.New(fault.Conflict, "The program's budget is spent: it takes no new clicks until the brand adds to it.").WithType(BudgetClosedHere)
		}
		if terms[product] == nil && !who.Member(found[0].SoldBy.ID) {
			return Item{}, fault.New(fault.Conflict, "No program covers this product for you at present. Look for others in the marketplace, or ask the brand.").WithType(NoProgramHere)
		}
		if err := shelve(tx, who.Creator, found[0]); err != nil {
			return Item{}, err
		}
		items, err := shelf(tx, `s.creator_id = $1 AND s.product_id = $2 AND s.removed_at = 0`, []any{string(who.Creator), string(product)}, 1)
		if err != nil {
			return Item{}, err
		}
		if len(items) == 0 {
			return Item{}, fault.New(fault.Conflict, "The product was taken off the market in this very moment.")
		}
		items[0].Terms = terms[product]
		return items[0], nil
	})
}

func promoter(who account.Asker) error {
	if err := who.IsCreator(); err != nil {
		return err
	}
	return who.May(account.ContentWrite)
}

// shelve stores the acceptance, unless the product is on the shelf already.
func shelve(tx *db.Tx, creator id.Creator, p catalog.Product) error {
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM showcase WHERE creator_id = $1 AND removed_at = 0 AND product_id <> $2`, string(creator), string(p.ID)).Scan(&n); err != nil {
		return err
	}
	if n >= MaxShowcase {
		return fault.New(fault.Conflict, "A showcase holds at most %d products. Take one out first.", MaxShowcase)
	}
	var item id.Showcase
	fresh, err := tx.Exec(`INSERT INTO showcase (id, creator_id, product_id, brand_id, accepted_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (creator_id, product_id) DO UPDATE SET accepted_at = excluded.accepted_at, removed_at = 0 WHERE showcase.removed_at <> 0`,
		string(item.Next(tx.Now())), string(creator), string(p.ID), string(p.SoldBy.ID), db.Micros(tx.Now()))
	if err != nil || fresh == 0 {
		return err
	}
	return event.Emit(tx, event.ShowcaseAdded{Creator: creator, Product: p.ID, Brand: p.SoldBy.ID})
}

// DeleteShowcase takes a product off the asker's shelf: clicks from now on earn nothing, and the rate lock
// ends. Missing when it is not there.
func (a *Affiliate) DeleteShowcase(ctx context.Context, who account.Asker, product id.Product) error {
	if err := promoter(who); err != nil {
		return err
	}
	return a.d.Write(ctx, func(tx *db.Tx) error {
		var brand id.Brand
		err := tx.Row(`UPDATE showcase SET removed_at = $1 WHERE creator_id = $2 AND product_id = $3 AND removed_at = 0 RETURNING brand_id`,
			db.Micros(tx.Now()), string(who.Creator), string(product)).Scan(&brand)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.Missing, "This product is not in your showcase.")
		}
		if err != nil {
			return err
		}
		return event.Emit(tx, event.ShowcaseRemoved{Creator: who.Creator, Product: product, Brand: brand})
	})
}

// MyShowcase returns a page of the asker's shelf, newest first after the item after, with what each earns.
func (a *Affiliate) MyShowcase(ctx context.Context, who account.Asker, after id.Showcase, limit int) ([]Item, error) {
	if err := who.IsCreator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Item, error) {
		items, err := page(tx, who.Creator, after, limit)
		if err != nil || len(items) == 0 {
			return nil, err
		}
		products := make([]catalog.Product, len(items))
		since := make(map[id.Product]time.Time, len(items))
		for i := range items {
			products[i], since[items[i].productID] = items[i].Product, items[i].AcceptedAt
		}
		terms, err := termsFor(tx, who.Creator, products, since)
		for i := range items {
			items[i].Terms = terms[items[i].productID]
		}
		return items, err
	})
}

// CreatorShowcase returns a page of a creator's shelf as anyone may see it. Who answers with it hands out
// an impression token for each item.
func (a *Affiliate) CreatorShowcase(ctx context.Context, creator id.Creator, after id.Showcase, limit int) ([]Item, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Item, error) { return page(tx, creator, after, limit) })
}

func page(tx *db.Tx, creator id.Creator, after id.Showcase, limit int) ([]Item, error) {
	where, args := `s.creator_id = $1 AND s.removed_at = 0`, []any{string(creator)}
	if after != "" {
		where, args = where+` AND s.id < $2`, append(args, string(after))
	}
	return shelf(tx, where, args, limit)
}

// shelf reads items whose product the public may open; what has been archived or removed is left out.
func shelf(tx *db.Tx, where string, args []any, limit int) ([]Item, error) {
	args = append(args, int64(limit))
	items, err := db.All(tx, func(rows *sql.Rows) (i Item, err error) {
		var accepted int64
		err = rows.Scan(&i.ID, &i.creator, &i.productID, &accepted)
		i.AcceptedAt = db.Time(accepted)
		return i, err
	}, `SELECT s.id, s.creator_id, s.product_id, s.accepted_at FROM showcase s JOIN products p ON p.id = s.product_id AND p.state = 'active' AND p.standing <> 'removed'
		WHERE `+where+` ORDER BY s.id DESC LIMIT $`+nth(len(args)), args...)
	if err != nil {
		return nil, err
	}
	ids := make([]id.Product, len(items))
	for i := range items {
		ids[i] = items[i].productID
	}
	products, err := catalog.ByIDs(tx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[id.Product]catalog.Product, len(products))
	for _, p := range products {
		byID[p.ID] = p
	}
	for i := range items {
		items[i].Product = byID[items[i].productID]
	}
	return items, nil
}

// MayPromote returns nil when the creator may tag all the products: they are on the shelf, or the
// creator's own brand's, and for sale; and which of them are the own brand's. Invalid names the
// first that is neither, by title.
func (a *Affiliate) MayPromote(tx *db.Tx, creator id.Creator, products []id.Product) (own map[id.Product]bool, err error) {
	own = map[id.Product]bool{}
	if len(products) == 0 {
		return own, nil
	}
	in, args := db.In(2, products)
	good := map[id.Product]bool{}
	titles := map[id.Product]string{}
	err = each(tx, func(rows *sql.Rows) error {
		var p id.Product
		var title string
		var shelved, member bool
		err := rows.Scan(&p, &title, &shelved, &member)
		titles[p], good[p], own[p] = title, shelved || member, member
		return err
	}, `SELECT p.id, p.title, CASE WHEN s.id IS NOT NULL THEN 1 ELSE 0 END, CASE WHEN m.account_id IS NOT NULL THEN 1 ELSE 0 END
		FROM products p
		JOIN creators c ON c.id = $1
		LEFT JOIN showcase s ON s.product_id = p.id AND s.creator_id = c.id AND s.removed_at = 0
		LEFT JOIN brand_members m ON m.brand_id = p.brand_id AND m.account_id = c.account_id
		WHERE p.state = 'active' AND p.standing <> 'removed' AND p.id IN `+in, append([]any{string(creator)}, args...)...)
	if err != nil {
		return nil, err
	}
	for i, p := range products {
		at := "body.product_ids[" + nth(i) + "]"
		switch title, known := titles[p]; {
		case !known:
			return nil, fault.InvalidField(at, "There is no such product for sale.")
		case !good[p]:
			return nil, fault.InvalidField(at, "Put %s into your showcase first: that accepts its program.", title).WithType(NotInShowcase)
		}
	}
	return own, nil
}

// termsFor returns what the creator would earn by each product, were it clicked and sold now; none where
// nobody pays. since is when each was accepted; who has not accepted it is taken to do so now.
func termsFor(tx *db.Tx, creator id.Creator, products []catalog.Product, since map[id.Product]time.Time) (map[id.Product]*Terms, error) {
	sale := Sale{PlacedAt: tx.Now()}
	for _, p := range products {
		sale.Lines = append(sale.Lines, SaleLine{Product: p.ID, Brand: p.SoldBy.ID, Base: money.Of(0, p.SoldBy.Currency)})
	}
	var list []id.Product
	for _, l := range sale.Lines {
		list = append(list, l.Product)
	}
	if len(list) == 0 {
		return nil, nil
	}
	programs, err := loadPrograms(tx, brandsOf(sale), distinct(list), []id.Creator{creator}, false)
	if err == nil {
		err = readClosures(tx, programs)
	}
	if err != nil {
		return nil, err
	}
	terms := make(map[id.Product]*Terms, len(products))
	for _, l := range sale.Lines {
		accepted, ok := since[l.Product]
		if !ok {
			accepted = sale.PlacedAt
		}
		terms[l.Product] = termsOf(programs, creator, l, accepted, sale.PlacedAt)
	}
	return terms, nil
}

// readClosures reads when the budgets of programs were closed, without locking them.
func readClosures(tx *db.Tx, programs []*program) error {
	var budgeted []id.Program
	for _, p := range programs {
		if p.budgeted {
			budgeted = append(budgeted, p.id)
		}
	}
	spans, err := closuresOf(tx, budgeted)
	for _, p := range programs {
		p.closed = spans[p.id]
	}
	return err
}

// termsOf returns what a click now would earn, or would while the program's budget is closed; nil for nothing.
func termsOf(programs []*program, creator id.Creator, l SaleLine, accepted, now time.Time) *Terms {
	var t id.Touch
	click := attribution.Touch{Touch: t.Next(now), Kind: string(TouchClick), At: now, Creator: creator, Product: l.Product, Brand: l.Brand, PromotingSince: accepted}
	line := attribution.Line{Product: l.Product, Brand: l.Brand, PlacedAt: now, Base: l.Base}
	rules := rulesFor(programs, l.Brand, []id.Product{l.Product})
	r := attribution.Decide(line, []attribution.Touch{click}, rules)
	closed := r.Because == attribution.BudgetClosed
	if closed {
		for i := range rules.Programs {
			rules.Programs[i].Closed = nil
		}
		r = attribution.Decide(line, []attribution.Touch{click}, rules)
	}
	if r.Outcome != attribution.OutcomeCreator {
		return nil
	}
	terms := &Terms{Program: r.Program, Rate: r.Rate, RateLocked: r.RateLocked, WindowHours: r.WindowHours, HoldDays: r.HoldDays}
	for _, p := range programs {
		if p.id != r.Program {
			continue
		}
		if n := len(p.indirect); n > 0 {
			terms.Indirect = p.indirect[n-1].Rate
		}
		if _, until, then, ok := attribution.KeptUntil(p.rates, click, now); ok {
			terms.LockedUntil, terms.ThenRate = &until, &then
		}
		if n := len(p.closed); closed && n > 0 {
			terms.ClosedAt = &p.closed[n-1].From
		}
	}
	return terms
}

// RateFor returns what the creator would earn by the product, were it clicked and sold now; ok is false
// when nobody pays for it.
func RateFor(tx *db.Tx, creator id.Creator, product id.Product) (t Terms, ok bool, err error) {
	var brand id.Brand
	var currency money.Currency
	var accepted int64
	err = tx.Row(`SELECT p.brand_id, p.currency, COALESCE(s.accepted_at, 0) FROM products p
		LEFT JOIN showcase s ON s.product_id = p.id AND s.creator_id = $1 AND s.removed_at = 0 WHERE p.id = $2`, string(creator), string(product)).Scan(&brand, &currency, &accepted)
	if errors.Is(err, sql.ErrNoRows) {
		return Terms{}, false, nil
	}
	if err != nil {
		return Terms{}, false, err
	}
	since := map[id.Product]time.Time{}
	if accepted > 0 {
		since[product] = db.Time(accepted)
	}
	found := []catalog.Product{{ID: product, SoldBy: catalog.Seller{ID: brand, Currency: currency}}}
	terms, err := termsFor(tx, creator, found, since)
	if err != nil || terms[product] == nil || terms[product].ClosedAt != nil {
		return Terms{}, false, err
	}
	return *terms[product], true, nil
}
