package affiliate

import (
	"encoding/json"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// MaxCandidates is how many touches of a product one decision looks at: the newest.
const MaxCandidates = 100

// Sale is an order as it is paid, as far as it matters to who earns.
type Sale struct {
	Order    id.Order   `json:"order"`
	Viewer   id.Viewer  `json:"viewer"`
	Account  id.Account `json:"account,omitempty"` // "" for a guest
	Email    string     `json:"-"`
	EmailKey string     `json:"email_key,omitempty"` // made from Email unless it is given
	PlacedAt time.Time  `json:"placed_at"`           // touches after it do not count, and its rates are frozen
	At       time.Time  `json:"at"`                  // of payment
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
	// Codes are the creators' codes that were typed, held when the order was placed and cover this line, in the
	// order they were typed; whether their discount was the one chosen does not matter.
	Codes []SaleCode `json:"codes,omitempty"`
}

// SaleCode is a creator's code that a buyer typed.
type SaleCode struct {
	Voucher id.Voucher `json:"voucher"`
	Code    string     `json:"code"`
	Creator id.Creator `json:"creator"`
	At      time.Time  `json:"at"` // when the order was placed
}

// Decision is who a line is owed to, and on which terms. Without a creator it is owed to nobody.
type Decision struct {
	Creator   id.Creator
	Program   id.Program
	Rate      money.Bps
	HoldDays  int64
	Because   attribution.Reason // why nobody
	Touch     id.Touch           // the winning one, and where it came from:
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
// At most two queries and one insert, whatever the number of lines.
func Decide(tx *db.Tx, s Sale) (map[id.Line]Decision, error) {
	if s.EmailKey == "" {
		s.EmailKey = account.EmailKey(s.Email)
	}
	if !s.CaughtUp {
		return postpone(tx, s)
	}
	decisions, receipts, err := decide(tx, s)
	if err != nil || len(s.Lines) == 0 {
		return decisions, err
	}
	var rows db.Values
	for _, l := range s.Lines {
		text, err := json.Marshal(receipts[l.Line])
		if err != nil {
			return nil, err
		}
		addAttribution(&rows, tx, s, l, decisions[l.Line], "decided", string(text))
	}
	return decisions, insertAttributions(tx, &rows)
}

func addAttribution(rows *db.Values, tx *db.Tx, s Sale, l SaleLine, d Decision, state, receipt string) {
	rows.Row(string(l.Line), string(s.Order), string(l.Part), string(l.Brand), string(d.Creator), string(d.Program), string(d.Touch),
		state, attribution.RuleName, int64(attribution.RuleVersion), receipt, db.Micros(tx.Now()))
}

func insertAttributions(tx *db.Tx, rows *db.Values) error {
	_, err := tx.Exec(`INSERT INTO attributions (line_id, order_id, part_id, brand_id, creator_id, program_id, touch_id, state, rule, rule_version, receipt, decided_at)
		VALUES `+rows.Text(), rows.Args()...)
	return err
}

// decide reads the facts and judges each line.
func decide(tx *db.Tx, s Sale) (map[id.Line]Decision, map[id.Line]attribution.Receipt, error) {
	decisions, receipts := make(map[id.Line]Decision, len(s.Lines)), make(map[id.Line]attribution.Receipt, len(s.Lines))
	touches, err := touchesOf(tx, s)
	if err != nil {
		return nil, nil, err
	}
	var programs []*program
	if len(touches) > 0 {
		if programs, err = loadPrograms(tx, brandsOf(s), productsOf(s), creatorsOf(touches), false); err != nil {
			return nil, nil, err
		}
	}
	for _, l := range s.Lines {
		candidates := touches[l.Product]
		line := attribution.Line{Line: l.Line, Product: l.Product, Base: l.Base, PlacedAt: s.PlacedAt}
		asked := make([]attribution.Touch, len(candidates))
		for i := range candidates {
			asked[i] = candidates[i].Touch
			line.BuyerIsMember = line.BuyerIsMember || candidates[i].insider
		}
		r := attribution.Decide(line, asked, rulesFor(programs, l, s.PlacedAt))
		receipts[l.Line], decisions[l.Line] = r, decisionOf(r, candidates)
		for _, p := range programs {
			if p.id == r.Program {
				p.spent += r.Rate.Of(l.Base.Minor) // the order's next line sees it
			}
		}
	}
	return decisions, receipts, nil
}

func decisionOf(r attribution.Receipt, touches []touch) Decision {
	d := Decision{Creator: r.Creator, Program: r.Program, Rate: r.Rate, HoldDays: r.HoldDays, Because: r.Because, Touch: r.Touch}
	for _, t := range touches {
		if t.Touch.Touch == r.Touch && r.Touch != "" {
			d.Kind, d.Video, d.Showcase, d.Request, d.Slot, d.Surface, d.ClickedAt = TouchKind(t.Kind), t.Video, t.Showcase, t.Request, t.slot, t.Surface, t.At
		}
	}
	return d
}

// rulesFor returns the programs that may pay for a line, as attribution wants them. A program's membership
// has its own beginning and end: the line's product bounds the whole, a targeted creator their own copy.
func rulesFor(programs []*program, l SaleLine, at time.Time) attribution.Rules {
	var rules attribution.Rules
	for _, p := range programs {
		listed, ok := p.products[l.Product]
		if p.brand != l.Brand || (!p.all && !ok) {
			continue
		}
		during := p.running
		if !p.all {
			during = during.within(listed)
		}
		spent := p.budget > 0 && p.spent+p.rateAt(at).Of(l.Base.Minor) > p.budget
		terms := attribution.Program{Program: p.id, Kind: p.kind, Window: p.windowAt(at), HoldDays: p.hold, Spent: spent, Rates: p.rates}
		if p.kind == Open {
			terms.StartsAt, terms.EndsAt = during.from, during.until
			rules.Programs = append(rules.Programs, terms)
			continue
		}
		for creator, member := range p.creators {
			own := terms
			both := during.within(member)
			own.Creators, own.StartsAt, own.EndsAt = []id.Creator{creator}, both.from, both.until
			rules.Programs = append(rules.Programs, own)
		}
	}
	return rules
}
