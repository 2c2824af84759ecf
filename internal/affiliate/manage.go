package affiliate

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// TermsLocked is the problem type of a change that breaks what those already promoting were promised.
const TermsLocked = "terms_locked"

func errNoProgram() error { return fault.New(fault.Missing, "There is no such program.") }

// CreateProgram opens a program. Invalid names every mistake.
func (a *Affiliate) CreateProgram(ctx context.Context, who account.Asker, brand id.Brand, in NewProgram) (Program, error) {
	if err := who.OfBrand(brand, account.ProgramsWrite); err != nil {
		return Program{}, err
	}
	return db.Do(ctx, a.d, func(tx *db.Tx) (Program, error) {
		b, err := account.BrandOf(tx, brand)
		if err != nil {
			return Program{}, err
		}
		clean, err := in.check(b.Currency, tx.Now())
		if err != nil {
			return Program{}, err
		}
		creators, err := named(tx, clean.Handles)
		if err != nil {
			return Program{}, err
		}
		if err := ofBrand(tx, brand, clean.Products); err != nil {
			return Program{}, err
		}
		var p id.Program
		p = p.Next(tx.Now())
		if err := insertProgram(tx, p, b, clean, creators); err != nil {
			return Program{}, err
		}
		return told(tx, p, true)
	})
}

func insertProgram(tx *db.Tx, p id.Program, b account.Brand, in NewProgram, creators []id.Creator) error {
	now := db.Micros(tx.Now())
	if _, err := tx.Exec(`INSERT INTO programs (id, brand_id, kind, name, commission_bps, window_hours, hold_days, all_products, starts_at, ends_at, indirect_bps, currency, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`, string(p), string(b.ID), string(in.Kind), in.Name, int64(in.Rate), in.WindowHours, *in.HoldDays,
		db.Flag(in.All), db.Micros(in.StartsAt), db.Micros(in.EndsAt), int64(in.Indirect), string(b.Currency), now); err != nil {
		return err
	}
	if err := setTerm(tx, p, in.Rate, in.Indirect, in.WindowHours); err != nil {
		return err
	}
	if in.Budget != nil && in.Budget.Minor > 0 {
		if err := newBudget(tx, p, in.Budget.Minor); err != nil {
			return err
		}
	}
	if err := setSamples(tx, p, in.Samples); err != nil {
		return err
	}
	if err := join(tx, `program_products`, `product_id`, p, in.Products); err != nil {
		return err
	}
	return join(tx, `program_creators`, `creator_id`, p, creators)
}

// setTerm puts rates and a window in force from now on; the terms before stay, for the lock.
func setTerm(tx *db.Tx, p id.Program, rate, indirect money.Bps, hours int64) error {
	_, err := tx.Exec(`INSERT INTO program_terms (program_id, from_at, commission_bps, indirect_bps, window_hours) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (program_id, from_at) DO UPDATE SET commission_bps = excluded.commission_bps, indirect_bps = excluded.indirect_bps, window_hours = excluded.window_hours`,
		string(p), db.Micros(tx.Now()), int64(rate), int64(indirect), hours)
	return err
}

// join makes members of a program; who is leaving it stays instead.
func join[T ~string](tx *db.Tx, table, column string, p id.Program, members []T) error {
	if len(members) == 0 {
		return nil
	}
	var rows db.Values
	now := db.Micros(tx.Now())
	for _, m := range members {
		rows.Row(string(p), string(m), now)
	}
	_, err := tx.Exec(`INSERT INTO `+table+` (program_id, `+column+`, added_at) VALUES `+rows.Text()+`
		ON CONFLICT (program_id, `+column+`) DO UPDATE SET
		  added_at = CASE WHEN `+table+`.removed_at = 0 OR `+table+`.removed_at > excluded.added_at THEN `+table+`.added_at ELSE excluded.added_at END,
		  removed_at = 0`, rows.Args()...)
	return err
}

// leave takes members out of a program from a time on.
func leave[T ~string](tx *db.Tx, table, column string, p id.Program, members []T, at time.Time) error {
	if len(members) == 0 {
		return nil
	}
	in, args := db.In(3, members)
	_, err := tx.Exec(`UPDATE `+table+` SET removed_at = $1 WHERE program_id = $2 AND removed_at = 0 AND `+column+` IN `+in,
		append([]any{db.Micros(at), string(p)}, args...)...)
	return err
}

// named returns the creators of the handles; Invalid names those that nobody has.
func named(tx *db.Tx, list []string) ([]id.Creator, error) {
	if len(list) == 0 {
		return nil, nil
	}
	in, args := db.In(1, list)
	found := map[string]id.Creator{}
	err := each(tx, func(rows *sql.Rows) error {
		var handle string
		var c id.Creator
		err := rows.Scan(&handle, &c)
		found[handle] = c
		return err
	}, `SELECT c.handle, c.id FROM creators c JOIN accounts a ON a.id = c.account_id WHERE a.standing <> 'removed' AND c.handle IN `+in, args...)
	if err != nil {
		return nil, err
	}
	var creators []id.Creator
	var unknown []string
	for _, h := range list {
		if c, ok := found[h]; ok {
			creators = append(creators, c)
		} else {
			unknown = append(unknown, "@"+h)
		}
	}
	if len(unknown) > 0 {
		return nil, fault.InvalidField("body.creator_handles", "Nobody here is called %s.", strings.Join(unknown[:min(len(unknown), 5)], ", "))
	}
	return creators, nil
}

// ofBrand refuses products that are not the brand's, or archived.
func ofBrand(tx *db.Tx, brand id.Brand, products []id.Product) error {
	if len(products) == 0 {
		return nil
	}
	in, args := db.In(2, products)
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM products WHERE brand_id = $1 AND state = 'active' AND id IN `+in, append([]any{string(brand)}, args...)...).Scan(&n); err != nil {
		return err
	}
	if int(n) != len(products) {
		return fault.InvalidField("body.product_ids", "Some of these are not products of this brand, or are archived.")
	}
	return nil
}

// told tells the log what a program is now and returns it.
func told(tx *db.Tx, program id.Program, created bool) (Program, error) {
	p, err := load(tx, program)
	if err != nil {
		return p, err
	}
	s := p.fact()
	if created {
		return p, event.Emit(tx, event.ProgramCreated{ProgramState: s})
	}
	return p, event.Emit(tx, event.ProgramChanged{ProgramState: s})
}

// fact is what the log is told of a program.
func (p *Program) fact() event.ProgramState {
	s := event.ProgramState{Program: p.ID, Brand: p.Brand, Kind: string(p.Kind), Rate: p.Rate, WindowHours: p.WindowHours, HoldDays: p.HoldDays,
		AllProducts: p.AllProducts, Products: p.Products, StartsAt: p.StartsAt}
	if p.EndsAt != nil {
		s.EndsAt = *p.EndsAt
	}
	return s
}

// load reads one program whole; Missing when there is none.
func load(tx *db.Tx, program id.Program) (Program, error) {
	list, err := loadList(tx, `p.id = $1`, []any{string(program)}, ``, 1)
	if err != nil {
		return Program{}, err
	}
	if len(list) == 0 {
		return Program{}, errNoProgram()
	}
	return list[0], nil
}

// loadList reads programs whole, in three queries. More than limit are cut off.
func loadList(tx *db.Tx, where string, args []any, order string, limit int) ([]Program, error) {
	now := tx.Now()
	list, err := db.All(tx, scanRow, `SELECT p.id, p.brand_id, b.name, p.kind, p.name, p.commission_bps, p.window_hours, p.hold_days, p.all_products,
		  p.starts_at, p.ends_at, p.budget_minor, p.spent_minor, p.indirect_bps, p.closed_at, p.currency, p.version, p.created_at
		FROM programs p JOIN brands b ON b.id = p.brand_id WHERE `+where+order, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	list = list[:min(len(list), limit)]
	if err := leftOf(tx, list); err != nil {
		return nil, err
	}
	ids := make([]id.Program, len(list))
	at := map[id.Program]*Program{}
	for i := range list {
		ids[i] = list[i].ID
		at[list[i].ID] = &list[i]
		list[i].State = list[i].stateAt(now)
	}
	if err := keptOf(tx, ids, at); err != nil {
		return nil, err
	}
	if err := samplesOf(tx, ids, at); err != nil {
		return nil, err
	}
	in, inArgs := db.In(2, ids)
	inArgs = append([]any{db.Micros(now)}, inArgs...)
	err = each(tx, func(rows *sql.Rows) error {
		var p id.Program
		var product id.Product
		err := rows.Scan(&p, &product)
		at[p].Products = append(at[p].Products, product)
		return err
	}, `SELECT program_id, product_id FROM program_products WHERE (removed_at = 0 OR removed_at > $1) AND program_id IN `+in+` ORDER BY program_id, product_id`, inArgs...)
	if err != nil {
		return nil, err
	}
	err = each(tx, func(rows *sql.Rows) error {
		var p id.Program
		var c Creator
		var leaves int64
		err := rows.Scan(&p, &c.ID, &c.Handle, &c.DisplayName, &leaves)
		c.LeavesAt = timeOf(leaves)
		at[p].Creators = append(at[p].Creators, c)
		return err
	}, `SELECT m.program_id, c.id, c.handle, c.display_name, m.removed_at FROM program_creators m JOIN creators c ON c.id = m.creator_id
		WHERE (m.removed_at = 0 OR m.removed_at > $1) AND m.program_id IN `+in+` ORDER BY m.program_id, c.handle`, inArgs...)
	return list, err
}

func scanRow(rows *sql.Rows) (p Program, err error) {
	var starts, ends, budget, spent, closed, created int64
	err = rows.Scan(&p.ID, &p.Brand, &p.BrandName, &p.Kind, &p.Name, &p.Rate, &p.WindowHours, &p.HoldDays, &p.AllProducts,
		&starts, &ends, &budget, &spent, &p.Indirect, &closed, &p.currency, &p.Version, &created)
	p.StartsAt, p.EndsAt, p.CreatedAt, p.Products = db.Time(starts), timeOf(ends), db.Time(created), []id.Product{}
	if budget > 0 {
		b, s := money.Of(budget, p.currency), money.Of(spent, p.currency)
		p.Budget, p.Spent = &b, &s
	}
	p.ClosedAt = timeOf(closed)
	return p, err
}

func timeOf(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// creators returns who a program names and is not leaving it.
func (p *Program) staying() []id.Creator {
	var list []id.Creator
	for _, c := range p.Creators {
		if c.LeavesAt == nil {
			list = append(list, c.ID)
		}
	}
	return distinct(list)
}

// without returns the members of a that are not in b.
func without[T ~string](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(m T) bool { return slices.Contains(b, m) })
}

// keptOf reads which rates were cut lately and are kept for those who promoted before.
func keptOf(tx *db.Tx, ids []id.Program, at map[id.Program]*Program) error {
	rates := map[id.Program][]attribution.Rate{}
	in, args := db.In(1, ids)
	err := each(tx, func(rows *sql.Rows) error {
		var p id.Program
		var from int64
		var rate money.Bps
		err := rows.Scan(&p, &from, &rate)
		rates[p] = append(rates[p], attribution.Rate{From: db.Time(from), Rate: rate})
		return err
	}, `SELECT program_id, from_at, commission_bps FROM program_terms WHERE program_id IN `+in+` ORDER BY program_id, from_at`, args...)
	if err != nil {
		return err
	}
	for p, list := range rates {
		first := attribution.Touch{PromotingSince: list[0].From.Add(-time.Microsecond)} // by whoever was the first
		if rate, until, _, ok := attribution.KeptUntil(list, first, tx.Now()); ok && rate > at[p].Rate {
			at[p].Kept = &KeptRate{Rate: rate, Until: until}
		}
	}
	return nil
}
