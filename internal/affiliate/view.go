package affiliate

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// LineReceipt is who an order line is owed to and why, as far as the asker may know. The buyer finds who
// earned; a creator their own touches and the number of others; a brand the creators of its programs, with
// times to the day; an operator everything.
type LineReceipt struct {
	Line        id.Line             `json:"line_id"`
	Product     id.Product          `json:"product_id"`
	Outcome     attribution.Outcome `json:"outcome" enum:"creator,none,waiting"`
	Because     attribution.Reason  `json:"because,omitempty" doc:"Why nobody earns"`
	Says        string              `json:"says" doc:"The outcome in a sentence"`
	Rule        string              `json:"rule,omitempty"`
	RuleVersion int                 `json:"rule_version,omitempty"`
	Winner      *Creator            `json:"winner,omitempty"`
	Program     id.Program          `json:"program_id,omitempty"`
	Rate        *money.Bps          `json:"commission_bps,omitempty"`
	RateLocked  bool                `json:"rate_locked,omitempty"`
	Rung        string              `json:"rung,omitempty" doc:"Of the winner: click, live (in the same live session) or code"`
	Indirect    bool                `json:"indirect,omitempty" doc:"Won by a click on another product of the brand"`
	WindowHours int64               `json:"window_hours,omitempty"`
	Base        *money.Amount       `json:"base,omitempty"`
	Touches     []TouchView         `json:"touches" nullable:"false"`
	Others      int                 `json:"others" doc:"Touches the asker may count and not see"`
}

// TouchView is one touch of a receipt.
type TouchView struct {
	At       time.Time          `json:"at"`
	Kind     string             `json:"kind"`
	Creator  *Creator           `json:"creator,omitempty"`
	Video    id.Video           `json:"video_id,omitempty"`
	Showcase id.Showcase        `json:"showcase_id,omitempty"`
	Surface  string             `json:"surface,omitempty"`
	Product  id.Product         `json:"product_id,omitempty" doc:"When it was another product of the brand"`
	Code     string             `json:"code,omitempty" doc:"A creator's code that was typed"`
	Won      bool               `json:"won"`
	Lost     attribution.Reason `json:"lost,omitempty"`
	Says     string             `json:"says"`
}

// view is what an asker may see of a line.
type view int

const (
	viewNone view = iota
	viewCreator
	viewBuyer
	viewBrand
	viewAll
)

// Attribution returns the receipts of an order's lines that the asker may see. buyer says that the caller
// knows the asker for the buyer by other means than viewer and account (an order token). Missing when there
// is nothing for the asker to see.
func (a *Affiliate) Attribution(ctx context.Context, who account.Asker, order id.Order, buyer bool) ([]LineReceipt, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) ([]LineReceipt, error) {
		rows, err := receiptsOf(tx, order)
		if err != nil {
			return nil, err
		}
		var viewer id.Viewer
		var buys id.Account
		if len(rows) > 0 && !buyer {
			if err := tx.Row(`SELECT viewer_id, account_id FROM orders WHERE id = $1`, string(order)).Scan(&viewer, &buys); err != nil && err != sql.ErrNoRows {
				return nil, err
			}
			buyer = (viewer != "" && viewer == who.Viewer) || (buys != "" && buys == who.Account)
		}
		people, err := creatorsNamed(tx, rows)
		if err != nil {
			return nil, err
		}
		list := []LineReceipt{}
		for _, r := range rows {
			if v := r.seenBy(who, buyer); v != viewNone {
				list = append(list, r.show(v, who.Creator, people))
			}
		}
		if len(list) == 0 {
			return nil, fault.New(fault.Missing, "There is no such order, or nothing of it is yours to see.")
		}
		return list, nil
	})
}

// stored is a row of attributions.
type stored struct {
	attribution.Receipt
	brand   id.Brand
	waiting bool
}

func receiptsOf(tx *db.Tx, order id.Order) ([]stored, error) {
	return db.All(tx, func(rows *sql.Rows) (r stored, err error) {
		var line id.Line
		var state, text string
		if err = rows.Scan(&line, &r.brand, &state, &text); err != nil {
			return r, err
		}
		if r.waiting = state == "waiting"; !r.waiting {
			return r, json.Unmarshal([]byte(text), &r.Receipt)
		}
		var s Sale
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return r, err
		}
		for _, l := range s.Lines {
			if l.Line == line {
				r.Receipt = attribution.Waiting(attribution.Line{Line: l.Line, Product: l.Product, Base: l.Base, PlacedAt: s.PlacedAt})
			}
		}
		return r, nil
	}, `SELECT line_id, brand_id, state, receipt FROM attributions WHERE order_id = $1 ORDER BY line_id`, string(order))
}

// creatorsNamed returns the people of the receipts.
func creatorsNamed(tx *db.Tx, list []stored) (map[id.Creator]*Creator, error) {
	var ids []id.Creator
	for _, r := range list {
		for _, t := range r.Touches {
			ids = append(ids, t.Creator)
		}
	}
	people := map[id.Creator]*Creator{}
	if len(ids) == 0 {
		return people, nil
	}
	in, args := db.In(1, distinct(ids))
	return people, each(tx, func(rows *sql.Rows) error {
		c := &Creator{}
		err := rows.Scan(&c.ID, &c.Handle, &c.DisplayName)
		people[c.ID] = c
		return err
	}, `SELECT id, handle, display_name FROM creators WHERE id IN `+in, args...)
}

// seenBy returns the widest view the asker has of the line.
func (r *stored) seenBy(who account.Asker, buyer bool) view {
	switch {
	case who.Operator && who.May(account.OrdersRead) == nil:
		return viewAll
	case who.Member(r.brand) && who.May(account.OrdersRead) == nil:
		return viewBrand
	case buyer && who.May(account.OrdersRead) == nil:
		return viewBuyer
	}
	if who.Creator != "" && who.May(account.MoneyRead) == nil {
		for _, t := range r.Touches {
			if t.Creator == who.Creator {
				return viewCreator
			}
		}
	}
	return viewNone
}

func (r *stored) show(v view, me id.Creator, people map[id.Creator]*Creator) LineReceipt {
	l := LineReceipt{Line: r.Line, Product: r.Product, Outcome: r.Outcome, Touches: []TouchView{}}
	mine := r.Creator == me && me != ""
	switch r.Outcome {
	case attribution.OutcomeWaiting:
		l.Says = "This is being decided: it takes a moment after the order."
	case attribution.OutcomeNone:
		l.Because = r.Because
		if v != viewAll {
			l.Because = r.Because.Told()
		}
		l.Says = l.Because.Sentence()
	default:
		l.Says = wonBy(r.Rung, r.Indirect)
		if v != viewCreator || mine {
			l.Winner = people[r.Creator]
		}
	}
	if v == viewBuyer {
		if r.Outcome == attribution.OutcomeNone {
			l.Because, l.Says = "", "Nobody earns a commission on this."
		}
		return l
	}
	l.Rule, l.RuleVersion, l.Base = r.Rule, r.RuleVersion, &r.Base
	if r.Outcome == attribution.OutcomeCreator && (v != viewCreator || mine) {
		l.Program, l.Rate, l.RateLocked, l.WindowHours = r.Program, &r.Rate, r.RateLocked, r.WindowHours
		l.Rung, l.Indirect = r.Rung, r.Indirect
	}
	for _, t := range r.Touches {
		if v == viewCreator && t.Creator != me {
			l.Others++
			continue
		}
		l.Touches = append(l.Touches, r.showTouch(t, v, people))
	}
	if v == viewCreator && !mine && r.Outcome == attribution.OutcomeNone {
		l.Because, l.Says = "", "Nobody earns a commission on this: see why of each of your touches."
	}
	return l
}

func (r *stored) showTouch(t attribution.Considered, v view, people map[id.Creator]*Creator) TouchView {
	s := TouchView{At: t.At, Kind: t.Kind, Creator: people[t.Creator], Video: t.Video, Showcase: t.Showcase, Surface: t.Surface, Code: t.Code,
		Won: t.Lost == "", Lost: t.Lost, Says: "It won. " + wonBy(r.Rung, r.Indirect)}
	if v != viewAll {
		s.Lost = t.Lost.Told()
	}
	if t.Lost != "" {
		s.Says = s.Lost.Sentence()
	}
	if t.Product != r.Product {
		s.Product = t.Product
	}
	if v == viewBrand {
		s.At = s.At.Truncate(24 * time.Hour)
	}
	return s
}

// wonBy says by what a line was won; receipts of before the ladder have no rung.
func wonBy(rung string, indirect bool) string {
	says := "The last eligible click before the order earns the commission."
	switch rung {
	case attribution.RungCode.String():
		says = "A creator's code that was typed earns the commission before any click."
	case attribution.RungLive.String():
		says = "A touch in the same live session earns the commission before an ordinary click."
	}
	if indirect {
		says += " It was on another product of the brand, for which the program pays a rate of its own."
	}
	return says
}
