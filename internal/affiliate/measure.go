package affiliate

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Measure is how a program has done lately. What nothing is known of is nil.
type Measure struct {
	EPC        *money.Amount // settled commission per product click
	CTOR       *float64      // orders per product click
	CVR        *float64      // orders per product-page visit
	RefundRate *float64      // units given back per unit sold
	Settled    int64         // minor units of commission settled: EPC before it is rounded
	Clicks     int64
	Visits     int64
	Units      int64
}

// Measures tells how programs do; it must answer at once, from memory.
type Measures interface {
	Program(program id.Program) Measure
}

// Attach gives the marketplace its numbers, once they are counted.
func (a *Affiliate) Attach(m Measures) { a.measures = m }

// Bounds of sorting by what was measured.
const (
	// MinMeasured is how many clicks or visits a program needs to be sorted by them: fewer are chance.
	MinMeasured = 30
	// maxMeasured is how many programs one search looks at: the newest.
	maxMeasured = 5000
)

// key is by what a program is sorted; -1 stands for what is not measured.
func (m Measure) key(by Order) float64 {
	switch {
	case by == ByEPC && m.EPC != nil && m.Clicks >= MinMeasured:
		return float64(m.Settled) / float64(m.Clicks) / math.Pow10(m.EPC.Currency.Exponent())
	case by == ByCVR && m.CVR != nil && m.Visits >= MinMeasured:
		return *m.CVR
	}
	return -1
}

// measured fills in how a program does.
func (l *Listing) measured(a *Affiliate) {
	if a.measures == nil {
		return
	}
	m := a.measures.Program(l.ID)
	l.EPC, l.CTOR, l.CVR, l.RefundRate = m.EPC, m.CTOR, m.CVR, m.RefundRate
	l.N = MeasuredOf{Clicks: m.Clicks, Visits: m.Visits, Units: m.Units}
}

// MeasuredOf is what a listing's numbers stand on.
type MeasuredOf struct {
	Clicks int64 `json:"product_clicks" doc:"Of epc and ctor"`
	Visits int64 `json:"product_views" doc:"Of cvr"`
	Units  int64 `json:"units" doc:"Of refund_rate"`
	Won    int64 `json:"won_lines" doc:"Of brand_cancel_rate, of the last 90 days"`
}

// CancelsOver is over how long a program's cancellations are counted.
const CancelsOver = 90 * 24 * time.Hour

// cancelled fills in how often creators lost what they had won because the brand did not send it. A rate of
// nothing is nil.
func (a *Affiliate) cancelled(ctx context.Context, list []Listing) error {
	if len(list) == 0 {
		return nil
	}
	at, programs := map[id.Program]*Listing{}, make([]id.Program, len(list))
	for i := range list {
		programs[i], at[list[i].ID] = list[i].ID, &list[i]
	}
	in, args := db.In(2, programs)
	return a.d.Read(ctx, func(tx *db.Tx) error {
		return each(tx, func(rows *sql.Rows) error {
			var p id.Program
			var lost, won int64
			if err := rows.Scan(&p, &lost, &won); err != nil {
				return err
			}
			rate := float64(lost) / float64(won)
			at[p].CancelRate, at[p].N.Won = &rate, won
			return nil
		}, `SELECT program_id, CAST(SUM(brand_cancelled) AS BIGINT), COUNT(*) FROM commissions WHERE created_at >= $1 AND program_id IN `+in+` GROUP BY program_id`,
			append([]any{db.Micros(tx.Now().Add(-CancelsOver))}, args...)...)
	})
}

// SortKey returns by what the marketplace sorted a listing: where its next page begins.
func (l Listing) SortKey() float64 { return l.key }

// byMeasure returns a page of the marketplace sorted by what was measured: best first, what was not
// measured behind, newest first. Amounts of different currencies are compared by their figures.
func (a *Affiliate) byMeasure(ctx context.Context, who account.Asker, m Market) ([]Listing, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]Listing, error) {
		all := m
		all.After = ""
		where, args, order, err := all.sql(tx, who)
		if err != nil {
			return nil, err
		}
		ids, err := db.All(tx, scanProgramID, `SELECT p.id FROM programs p JOIN brands b ON b.id = p.brand_id WHERE `+where+order+` LIMIT `+nth(maxMeasured), args...)
		if err != nil {
			return nil, err
		}
		type ranked struct {
			id  id.Program
			key float64
		}
		list := make([]ranked, len(ids))
		for i, p := range ids {
			list[i] = ranked{p, -1}
			if a.measures != nil {
				list[i].key = a.measures.Program(p).key(m.Sort)
			}
		}
		behind := func(x, y ranked) int {
			if x.key != y.key {
				if x.key > y.key {
					return -1
				}
				return 1
			}
			return strings.Compare(string(y.id), string(x.id))
		}
		slices.SortFunc(list, behind)
		if m.After != "" {
			list = slices.DeleteFunc(list, func(r ranked) bool { return behind(r, ranked{m.After, m.AfterKey}) <= 0 })
		}
		list = list[:min(len(list), m.Limit)]
		if len(list) == 0 {
			return nil, nil
		}
		wanted, place := make([]id.Program, len(list)), map[id.Program]int{}
		for i, r := range list {
			wanted[i], place[r.id] = r.id, i
		}
		in, inArgs := db.In(1, wanted)
		programs, err := loadList(tx, `p.id IN `+in, inArgs, ``, len(wanted))
		out := make([]Listing, len(programs))
		for _, p := range programs {
			out[place[p.ID]] = Listing{Program: p.public(), key: list[place[p.ID]].key}
		}
		return out, err
	})
}

func scanProgramID(rows *sql.Rows) (p id.Program, err error) {
	err = rows.Scan(&p)
	return p, err
}
