package affiliate

import (
	"encoding/json"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// MaxCandidates is how many touches of a line its receipt lists; it counts the others.
const MaxCandidates = 40

// Sale is an order as it is paid, as far as it matters to who earns.
type Sale struct {
	Order    id.Order   `json:"order"`
	Viewer   id.Viewer  `json:"viewer"`
	Account  id.Account `json:"account,omitempty"` // "" for a guest
	Email    string     `json:"-"`
	EmailKey string     `json:"email_key,omitempty"` // made from Email unless it is given
	PlacedAt time.Time  `json:"placed_at"`           // touches after it do not count
	At       time.Time  `json:"at"`                  // of payment: the moment that freezes rates
	CaughtUp bool       `json:"-"`                   // the touches before the order's horizon are rows
	Lines    []SaleLine `json:"lines"`
}

// SaleLine is one line of a sale.
type SaleLine struct {
	Line    id.Line      `json:"line"`
	Part    id.Part      `json:"part"`
	Brand   id.Brand     `json:"brand"`
	Product id.Product   `json:"product"`
	Base    money.Amount `json:"base"` // commission base: after discounts, without tax and shipping
}

// Decision is who a line is owed to, and on which terms. Without a creator it is owed to nobody.
type Decision struct {
	Creator   id.Creator
	Program   id.Program
	Rate      money.Bps
	HoldDays  int64
	Why       Why // of nobody: the reason of the newest touch, or that there is none
	Touch     id.Touch
	Kind      TouchKind
	Video     id.Video
	Showcase  id.Showcase
	Request   id.Request
	Slot      int64
	Surface   string
	ClickedAt time.Time
	Waiting   bool      // not decided yet: the follower is behind the order's horizon
	Most      money.Bps // of a waiting line: the highest rate it can come to
}

// Decide settles, in the paying transaction, who each line is owed to, and stores the receipts. While the
// touches are not all rows (CaughtUp is false) every line waits: DecideWaiting settles it later.
// At most five queries and one insert, whatever the number of lines.
func Decide(tx *db.Tx, s Sale) (map[id.Line]Decision, error) {
	if s.EmailKey == "" {
		s.EmailKey = emailKey(s.Email)
	}
	if !s.CaughtUp {
		return wait(tx, s)
	}
	decisions, receipts, err := decide(tx, s)
	if err != nil || len(s.Lines) == 0 {
		return decisions, err
	}
	var rows db.Values
	for _, l := range s.Lines {
		d := decisions[l.Line]
		text, err := json.Marshal(receipts[l.Line])
		if err != nil {
			return nil, err
		}
		rows.Row(string(l.Line), string(s.Order), string(l.Part), string(l.Brand), string(d.Creator), string(d.Program), string(d.Touch),
			"decided", RuleName, int64(RuleVersion), string(text), db.Micros(tx.Now()))
	}
	return decisions, insertAttributions(tx, &rows)
}

func insertAttributions(tx *db.Tx, rows *db.Values) error {
	_, err := tx.Exec(`INSERT INTO attributions (line_id, order_id, part_id, brand_id, creator_id, program_id, touch_id, state, rule, rule_version, receipt, decided_at)
		VALUES `+rows.Text(), rows.Args()...)
	return err
}

// decide reads the facts and judges each line.
func decide(tx *db.Tx, s Sale) (map[id.Line]Decision, map[id.Line]Receipt, error) {
	decisions, receipts := make(map[id.Line]Decision, len(s.Lines)), make(map[id.Line]Receipt, len(s.Lines))
	touches, err := touchesOf(tx, s)
	if err != nil {
		return nil, nil, err
	}
	var programs []*facts
	insider := map[id.Brand]bool{}
	if len(touches) > 0 {
		if insider, err = brandsOfBuyer(tx, s); err != nil {
			return nil, nil, err
		}
		if programs, err = programsOf(tx, s, touches); err != nil {
			return nil, nil, err
		}
	}
	for _, l := range s.Lines {
		verdicts := judge(question{line: l.Line, brand: l.Brand, product: l.Product, base: l.Base, placed: s.PlacedAt, at: s.At,
			insider: insider[l.Brand], touches: touches[l.Product], programs: programs})
		decisions[l.Line] = decisionOf(verdicts)
		receipts[l.Line] = receiptOf(s, l, verdicts)
		for i := range verdicts {
			if v := &verdicts[i]; v.why == Won {
				v.program.spent += upTo(l.Base, v.term.Rate) // the order's next line sees it
			}
		}
	}
	return decisions, receipts, nil
}

func decisionOf(verdicts []verdict) Decision {
	if len(verdicts) == 0 {
		return Decision{Why: NoTouch}
	}
	for _, v := range verdicts {
		if v.why == Won {
			t := v.touch
			return Decision{Creator: t.creator, Program: v.program.id, Rate: v.term.Rate, HoldDays: v.program.hold, Touch: t.id, Kind: t.kind,
				Video: t.video, Showcase: t.showcase, Request: t.request, Slot: t.slot, Surface: t.surface, ClickedAt: t.at}
		}
	}
	return Decision{Why: verdicts[0].why}
}

// Receipt is why a line is owed to whom: kept with the line for ever.
type Receipt struct {
	Rule       string       `json:"rule"`
	Version    int          `json:"version"`
	Line       id.Line      `json:"line"`
	Product    id.Product   `json:"product"`
	Base       money.Amount `json:"base"`
	PlacedAt   time.Time    `json:"placed_at"`
	SoldAt     time.Time    `json:"sold_at"`
	Why        Why          `json:"why,omitempty"` // nobody earns: the reason
	Program    string       `json:"program,omitempty"`
	Rate       money.Bps    `json:"commission_bps,omitempty"`
	Window     int64        `json:"window_hours,omitempty"`
	HoldDays   int64        `json:"hold_days,omitempty"`
	Candidates []Candidate  `json:"candidates"`
	More       int          `json:"more,omitempty"` // older touches not listed
}

// Candidate is one touch that was considered.
type Candidate struct {
	Touch    id.Touch    `json:"touch"`
	Creator  id.Creator  `json:"creator"`
	Kind     TouchKind   `json:"kind"`
	At       time.Time   `json:"at"`
	Surface  string      `json:"surface"`
	Video    id.Video    `json:"video,omitempty"`
	Showcase id.Showcase `json:"showcase,omitempty"`
	Lost     Why         `json:"lost,omitempty"` // "": it won
}

func receiptOf(s Sale, l SaleLine, verdicts []verdict) Receipt {
	r := Receipt{Rule: RuleName, Version: RuleVersion, Line: l.Line, Product: l.Product, Base: l.Base, PlacedAt: s.PlacedAt, SoldAt: s.At,
		Why: decisionOf(verdicts).Why, Candidates: []Candidate{}}
	for i, v := range verdicts {
		if v.why == Won {
			r.Program, r.Rate, r.Window, r.HoldDays = v.program.name, v.term.Rate, int64(v.term.Window/time.Hour), v.program.hold
		}
		if i >= MaxCandidates && v.why != Won {
			r.More++
			continue
		}
		t := v.touch
		r.Candidates = append(r.Candidates, Candidate{Touch: t.id, Creator: t.creator, Kind: t.kind, At: t.at, Surface: t.surface,
			Video: t.video, Showcase: t.showcase, Lost: v.why})
	}
	return r
}
