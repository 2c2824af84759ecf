package affiliate

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// MaxCandidates is how many touches of a product one decision looks at: the newest.
const MaxCandidates = 100

// MaxIndirect is how many touches of the brand's other products one decision looks at: the newest.
const MaxIndirect = 20

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
	// Marks are what else the buyer is known by: an address, a phone, what was paid with.
	Marks []account.Mark `json:"marks,omitempty"`
	Lines []SaleLine     `json:"lines"`
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

// Decide settles, in the paying transaction, who each line is owed to, and stores the receipts with what they
// were made of. While the touches are not all rows (CaughtUp is false) every line waits: DecideWaiting settles
// it later. A few queries and inserts, whatever the number of lines; programs with a budget are locked.
func Decide(tx *db.Tx, s Sale) (map[id.Line]Decision, error) {
	if s.EmailKey == "" {
		s.EmailKey = account.EmailKey(s.Email)
	}
	if !s.CaughtUp {
		return postpone(tx, s)
	}
	made, err := decide(tx, s)
	if err != nil || len(s.Lines) == 0 {
		return made.decisions, err
	}
	var rows db.Values
	for _, l := range s.Lines {
		receipt, facts, err := made.texts(l.Line)
		if err != nil {
			return nil, err
		}
		addAttribution(&rows, tx, s, l, made.decisions[l.Line], "decided", receipt, facts)
	}
	if err := insertAttributions(tx, &rows); err != nil {
		return nil, err
	}
	return made.decisions, insertCandidates(tx, s, made)
}

func addAttribution(rows *db.Values, tx *db.Tx, s Sale, l SaleLine, d Decision, state, receipt, facts string) {
	rows.Row(string(l.Line), string(s.Order), string(l.Part), string(l.Brand), string(d.Creator), string(d.Program), string(d.Touch),
		state, attribution.RuleName, int64(attribution.RuleVersion), receipt, facts, db.Micros(tx.Now()))
}

func insertAttributions(tx *db.Tx, rows *db.Values) error {
	_, err := tx.Exec(`INSERT INTO attributions (line_id, order_id, part_id, brand_id, creator_id, program_id, touch_id, state, rule, rule_version, receipt, facts, decided_at)
		VALUES `+rows.Text(), rows.Args()...)
	return err
}

// made is what came of deciding a sale: of each line the decision, its receipt and its facts.
type made struct {
	decisions map[id.Line]Decision
	receipts  map[id.Line]attribution.Receipt
	facts     map[id.Line]attribution.Facts
}

// texts returns a line's receipt and facts as they are stored. Of a line that nobody contended for the facts
// are left out: there is nothing to decide again.
func (m made) texts(l id.Line) (receipt, facts string, err error) {
	r, err := json.Marshal(m.receipts[l])
	if err != nil || len(m.facts[l].Touches) == 0 {
		return string(r), "", err
	}
	f, err := json.Marshal(m.facts[l])
	return string(r), string(f), err
}

// insertCandidates notes for each creator that contended for a line what became of it, so that they find it.
func insertCandidates(tx *db.Tx, s Sale, m made) error {
	var rows db.Values
	for _, l := range s.Lines {
		lost := map[id.Creator]attribution.Reason{}
		var order []id.Creator
		for _, t := range m.receipts[l.Line].Touches {
			before, known := lost[t.Creator]
			if !known {
				order = append(order, t.Creator)
			}
			if !known || (before != "" && t.Lost == "") {
				lost[t.Creator] = t.Lost
			}
		}
		for _, c := range order {
			rows.Row(string(l.Line), string(c), string(s.Order), string(l.Product), string(lost[c].Told()), db.Micros(tx.Now()))
		}
	}
	if rows.Empty() {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO attribution_candidates (line_id, creator_id, order_id, product_id, lost, decided_at) VALUES `+rows.Text(), rows.Args()...)
	return err
}

// decide reads the facts and judges each line. What one line takes of a budget the next does not find.
func decide(tx *db.Tx, s Sale) (made, error) {
	m := made{make(map[id.Line]Decision, len(s.Lines)), make(map[id.Line]attribution.Receipt, len(s.Lines)), make(map[id.Line]attribution.Facts, len(s.Lines))}
	touches, err := touchesOf(tx, s)
	if err != nil {
		return m, err
	}
	var programs []*program
	if len(touches) > 0 {
		if programs, err = loadPrograms(tx, brandsOf(s), productsOf(touches), creatorsOf(touches), false); err == nil {
			err = lockBudgets(tx, programs)
		}
		if err != nil {
			return m, err
		}
	}
	for _, l := range s.Lines {
		candidates := contenders(touches, l)
		f := attribution.Facts{Version: attribution.RuleVersion, Line: attribution.Line{Line: l.Line, Product: l.Product, Brand: l.Brand, Base: l.Base, PlacedAt: s.PlacedAt}}
		var products []id.Product
		for i := range candidates {
			f.Touches = append(f.Touches, candidates[i].Touch)
			f.Line.BuyerIsMember = f.Line.BuyerIsMember || candidates[i].insider
			products = append(products, candidates[i].Product)
		}
		if len(candidates) > 0 {
			f.Rules = rulesFor(programs, l.Brand, distinct(products))
		}
		r, err := f.Decide()
		if err != nil {
			return m, err
		}
		m.receipts[l.Line], m.facts[l.Line], m.decisions[l.Line] = r, f, decisionOf(r, candidates)
		if err := takeFrom(tx, programs, f, r); err != nil {
			return m, err
		}
	}
	return m, nil
}

// takeFrom takes what a line can come to out of its program's budget, for the order's next line to see, and
// closes the budgets that would have paid for it and had not enough.
func takeFrom(tx *db.Tx, programs []*program, f attribution.Facts, r attribution.Receipt) error {
	for _, p := range programs {
		switch {
		case p.budget == nil:
		case p.id == r.Program:
			p.left -= attribution.Most(r.Base.Minor, r.Rate)
		case !p.budget.closed:
			short, err := wouldPay(f, p.id)
			if err == nil && short {
				err = p.budget.close(tx)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// wouldPay reports whether a program would win the line, were there no end to its budget.
func wouldPay(f attribution.Facts, p id.Program) (bool, error) {
	f.Programs = slices.Clone(f.Programs)
	for i := range f.Programs {
		if f.Programs[i].Program == p {
			f.Programs[i].Budgeted = false
		}
	}
	r, err := f.Decide()
	return r.Program == p, err
}

// contenders returns the touches that may be asked about a line: those of its product, and the newest of the
// brand's other products.
func contenders(touches map[id.Product][]touch, l SaleLine) []touch {
	list := slices.Clone(touches[l.Product])
	var others []touch
	for product, of := range touches {
		if product == l.Product {
			continue
		}
		for _, t := range of {
			if t.Brand == l.Brand && t.Kind != string(TouchCode) { // a code is for the lines it holds for
				others = append(others, t)
			}
		}
	}
	slices.SortFunc(others, func(a, b touch) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Touch.Touch, a.Touch.Touch))
	})
	return append(list, others[:min(len(others), MaxIndirect)]...)
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

// rulesFor returns the programs of a brand that may pay for touches of the products, as attribution wants
// them, each product's terms by themselves. A program's membership has its own beginning and end: the product
// bounds the whole, a targeted creator their own copy.
func rulesFor(programs []*program, brand id.Brand, products []id.Product) attribution.Rules {
	var rules attribution.Rules
	for _, p := range programs {
		if p.brand != brand {
			continue
		}
		for _, product := range products {
			if !p.holds(product) {
				continue
			}
			during := p.running
			if !p.all {
				during = during.within(p.products[product])
			}
			terms := attribution.Program{Program: p.id, Product: product, Kind: p.kind, HoldDays: p.hold, Rates: p.rates, Indirect: p.indirect, Windows: p.windows, Closed: p.closed}
			if p.budget != nil {
				terms.Budgeted, terms.Left = true, p.left
			}
			if p.kind == Open {
				terms.StartsAt, terms.EndsAt = during.from, during.until
				rules.Programs = append(rules.Programs, terms)
				continue
			}
			for _, creator := range slices.Sorted(maps.Keys(p.creators)) {
				own := terms
				both := during.within(p.creators[creator])
				own.Creators, own.StartsAt, own.EndsAt = []id.Creator{creator}, both.from, both.until
				rules.Programs = append(rules.Programs, own)
			}
		}
	}
	return rules
}

// holds reports whether the program covers a product, or did.
func (p *program) holds(product id.Product) bool {
	_, listed := p.products[product]
	return p.all || listed
}
