package affiliate

import (
	"context"
	"strconv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Order is how the marketplace is sorted.
type Order string

// The orders. What has not been measured yet, or on too few, stands behind what has, newest first.
const (
	ByEPC        Order = "epc"
	ByCVR        Order = "cvr"
	ByCommission Order = "commission"
	ByNew        Order = "new"
)

// Limits of a search of the marketplace.
const (
	MaxQuery = 200 // bytes
	maxWords = 8
)

// Listing is a program as creators find it: the terms, and how it has done. Numbers are null until they
// have been measured.
type Listing struct {
	Program
	EPC        *money.Amount `json:"epc" doc:"Settled commission per product click"`
	CTOR       *float64      `json:"ctor" doc:"Orders per product click, by click cohort"`
	CVR        *float64      `json:"cvr" doc:"Orders per product-page visit"`
	RefundRate *float64      `json:"refund_rate" doc:"Units given back or called off of those sold"`
	CancelRate *float64      `json:"brand_cancel_rate" doc:"Of the order lines that creators won by it in the last 90 days, those that its brand called off or did not send in time"`
	N          MeasuredOf    `json:"n" doc:"What they stand on, of the last 28 days"`
	key        float64
}

// Market narrows the marketplace.
type Market struct {
	Q         string // words of program, brand or product
	Sort      Order
	After     id.Program // go on after this program,
	AfterRate money.Bps  // which has this rate: for ByCommission
	AfterKey  float64    // which had this SortKey: for ByEPC and ByCVR
	Limit     int
}

// Marketplace returns a page of programs that the asker could join: running, open or naming them.
func (a *Affiliate) Marketplace(ctx context.Context, who account.Asker, m Market) ([]Listing, error) {
	if len(m.Q) > MaxQuery {
		return nil, fault.InvalidField("query.q", "Search for at most %d bytes.", MaxQuery)
	}
	find := a.byRow
	if m.Sort == ByEPC || m.Sort == ByCVR {
		find = a.byMeasure
	}
	list, err := find(ctx, who, m)
	for i := range list {
		list[i].measured(a)
	}
	if err != nil {
		return nil, err
	}
	return list, a.cancelled(ctx, list)
}

// byRow returns a page of the marketplace in an order that the database keeps.
func (a *Affiliate) byRow(ctx context.Context, who account.Asker, m Market) ([]Listing, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Listing, error) {
		where, args, order, err := m.sql(tx, who)
		if err != nil {
			return nil, err
		}
		programs, err := loadList(tx, where, args, order+` LIMIT `+strconv.Itoa(m.Limit), m.Limit)
		list := make([]Listing, len(programs))
		for i, p := range programs {
			list[i].Program = p.public()
		}
		return list, err
	})
}

func (m Market) sql(tx *db.Tx, who account.Asker) (where string, args []any, order string, err error) {
	args = []any{db.Micros(tx.Now()), string(who.Creator)}
	var b strings.Builder
	b.WriteString(`p.starts_at <= $1 AND (p.ends_at = 0 OR p.ends_at > $1) AND p.closed_at = 0
		AND (p.kind = 'open' OR EXISTS (SELECT 1 FROM program_creators c WHERE c.program_id = p.id AND c.creator_id = $2 AND c.removed_at = 0))`)
	words := catalog.Words(m.Q)
	for _, word := range words[:min(len(words), maxWords)] {
		args = append(args, "%"+word+"%") // letters and digits only: nothing LIKE would read as a pattern
		n := `$` + nth(len(args))
		b.WriteString(` AND (LOWER(p.name) LIKE ` + n + ` OR LOWER(b.name) LIKE ` + n + ` OR EXISTS (
			SELECT 1 FROM products x JOIN product_search w ON w.product_id = x.id WHERE x.brand_id = p.brand_id AND x.state = 'active' AND x.standing = 'visible'
			AND w.title LIKE ` + n + ` AND (p.all_products = 1 OR EXISTS (SELECT 1 FROM program_products i WHERE i.program_id = p.id AND i.product_id = x.id AND i.removed_at = 0))))`)
	}
	order = ` ORDER BY p.id DESC`
	switch m.Sort {
	case ByCommission:
		order = ` ORDER BY p.commission_bps DESC, p.id DESC`
		if m.After != "" {
			args = append(args, int64(m.AfterRate), string(m.After))
			r, p := `$`+nth(len(args)-1), `$`+nth(len(args))
			b.WriteString(` AND (p.commission_bps < ` + r + ` OR (p.commission_bps = ` + r + ` AND p.id < ` + p + `))`)
		}
	case ByNew, ByEPC, ByCVR, "":
		if m.After != "" {
			args = append(args, string(m.After))
			b.WriteString(` AND p.id < $` + nth(len(args)))
		}
	default:
		return "", nil, "", fault.InvalidField("query.sort", "Sort by epc, cvr, commission or new.")
	}
	return b.String(), args, order, nil
}

func nth(n int) string { return strconv.Itoa(n) }

// BrandPrograms returns a page of a brand's own programs, ended ones too, newest first.
func (a *Affiliate) BrandPrograms(ctx context.Context, who account.Asker, brand id.Brand, after id.Program, limit int) ([]Program, error) {
	if err := who.OfBrand(brand, account.ProgramsRead); err != nil {
		return nil, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Program, error) {
		where, args := `p.brand_id = $1`, []any{string(brand)}
		if after != "" {
			where, args = where+` AND p.id < $2`, append(args, string(after))
		}
		return loadList(tx, where, args, ` ORDER BY p.id DESC LIMIT `+nth(limit), limit)
	})
}

// BudgetsClosed counts the brand's running programs whose budget takes no new clicks, for the page that says so.
func (a *Affiliate) BudgetsClosed(ctx context.Context, who account.Asker, brand id.Brand) (int, error) {
	if err := who.OfBrand(brand, account.ProgramsRead); err != nil {
		return 0, err
	}
	return db.Get(ctx, a.d, func(tx *db.Tx) (n int, err error) {
		err = tx.Row(`SELECT COUNT(*) FROM programs WHERE brand_id = $1 AND closed_at > 0 AND (ends_at = 0 OR ends_at > $2)`, string(brand), db.Micros(tx.Now())).Scan(&n)
		return n, err
	})
}

// Program returns one program: whole to its brand, its public terms to who could join it or has; Missing
// to everyone else.
func (a *Affiliate) Program(ctx context.Context, who account.Asker, program id.Program) (Listing, error) {
	l, err := a.program(ctx, who, program)
	if err != nil {
		return l, err
	}
	one := []Listing{l}
	err = a.cancelled(ctx, one)
	return one[0], err
}

func (a *Affiliate) program(ctx context.Context, who account.Asker, program id.Program) (Listing, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) (Listing, error) {
		p, err := load(tx, program)
		if err != nil {
			return Listing{}, err
		}
		if who.OfBrand(p.Brand, account.ProgramsRead) == nil {
			l := Listing{Program: p}
			l.measured(a)
			return l, nil
		}
		named := p.Kind == Open
		for _, c := range p.Creators {
			named = named || (c.ID == who.Creator && who.Creator != "")
		}
		if !named {
			return Listing{}, errNoProgram()
		}
		l := Listing{Program: p.public()}
		l.measured(a)
		return l, nil
	})
}
