package affiliate

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Program is a brand's terms for those who promote it.
type Program struct {
	ID          id.Program    `json:"id"`
	Brand       id.Brand      `json:"brand_id"`
	BrandName   string        `json:"brand_name"`
	Kind        Kind          `json:"kind" enum:"open,targeted"`
	Name        string        `json:"name"`
	Rate        money.Bps     `json:"commission_bps" doc:"Basis points of what the buyer pays for the goods, without tax and shipping"`
	Indirect    money.Bps     `json:"indirect_bps" doc:"Likewise, where a click on one product of the program led to another product of the brand; 0: nothing"`
	WindowHours int64         `json:"window_hours" doc:"How long after a click a sale counts"`
	HoldDays    int64         `json:"hold_days" doc:"Days after delivery until a commission is available"`
	AllProducts bool          `json:"all_products"`
	Products    []id.Product  `json:"product_ids" nullable:"false" doc:"Empty when it covers all"`
	Creators    []Creator     `json:"creators,omitempty" doc:"Of a targeted program, for its brand only"`
	StartsAt    time.Time     `json:"starts_at"`
	EndsAt      *time.Time    `json:"ends_at"`
	Budget      *money.Amount `json:"budget,omitempty" doc:"For its brand only"`
	Spent       *money.Amount `json:"spent,omitempty" doc:"Commissions so far, reversed ones taken off; for its brand, where there is a budget"`
	Left        *money.Amount `json:"left,omitempty" doc:"Of the budget, for new clicks"`
	Reserved    *money.Amount `json:"reserved,omitempty" doc:"Of the budget, for clicks made before the rest was spent"`
	ClosedAt    *time.Time    `json:"budget_closed_at,omitempty" doc:"Since when the budget takes no new clicks; those made before are paid"`
	Kept        *KeptRate     `json:"kept,omitempty" doc:"A rate that was cut, and until when it is kept for those who promoted before"`
	Samples     *SampleTerms  `json:"samples,omitempty" doc:"Left out where the program offers no free samples"`
	State       string        `json:"state" enum:"scheduled,running,ended,spent"`
	Version     int64         `json:"version"`
	CreatedAt   time.Time     `json:"created_at"`
	currency    money.Currency
}

// KeptRate is a rate that was cut and is kept for a while.
type KeptRate struct {
	Rate  money.Bps `json:"commission_bps"`
	Until time.Time `json:"until"`
}

// Creator is somebody a targeted program names.
type Creator struct {
	ID          id.Creator `json:"id"`
	Handle      string     `json:"handle"`
	DisplayName string     `json:"display_name"`
	LeavesAt    *time.Time `json:"leaves_at,omitempty" doc:"Taken out of the program, and covered until then"`
}

// NewProgram is what a brand says of a program it opens.
type NewProgram struct {
	Kind        Kind
	Name        string
	Rate        money.Bps
	Indirect    money.Bps
	WindowHours int64  // 0: DefaultWindow
	HoldDays    *int64 // nil: DefaultHoldDays
	All         bool   // of the brand's products, those to come too
	Products    []id.Product
	Handles     []string      // of creators; targeted only
	StartsAt    time.Time     // zero: at once
	EndsAt      time.Time     // zero: without end
	Budget      *money.Amount // nil: none
	Samples     *SampleTerms  // nil: none
}

// ProgramChange names what to change of a program; nil leaves it as it is. What those already promoting
// were promised holds for Notice: see UpdateProgram.
type ProgramChange struct {
	Name        *string
	Rate        *money.Bps
	Indirect    *money.Bps
	WindowHours *int64
	HoldDays    *int64
	All         *bool
	Products    *[]id.Product
	Handles     *[]string
	StartsAt    *time.Time
	EndsAt      *time.Time    // the zero time takes the end away
	Budget      *money.Amount // an amount of 0 takes the budget away
	Samples     *SampleTerms  // of samples asked for from then on; none in all takes the offer away
}

// checks collects everything wrong with an input.
type checks struct{ fields []fault.Field }

func (c *checks) add(ok bool, location, format string, args ...any) {
	if !ok {
		c.fields = append(c.fields, fault.Field{Location: location, Message: fmt.Sprintf(format, args...)})
	}
}

func (c *checks) fault() error {
	if len(c.fields) == 0 {
		return nil
	}
	f := fault.New(fault.Invalid, "%s", c.fields[0].Message)
	f.Fields = c.fields
	return f
}

func (c *checks) name(s string) string {
	s = strings.TrimSpace(s)
	c.add(s != "" && utf8.RuneCountInString(s) <= MaxName && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl),
		"body.name", "A name is one line of 1 to %d characters.", MaxName)
	return s
}

func (c *checks) rate(r money.Bps) {
	c.add(r >= MinRate && r <= MaxRate, "body.commission_bps", "A rate is between %d and %d basis points: 1500 is 15 %%.", MinRate, MaxRate)
}

func (c *checks) indirect(r money.Bps) {
	c.add(r >= 0 && r <= MaxRate, "body.indirect_bps", "A rate for other products is between 0 and %d basis points: 500 is 5 %%.", MaxRate)
}

func (c *checks) window(hours int64) {
	c.add(hours >= 1 && hours <= MaxWindowHours, "body.window_hours", "A window is between 1 and %d hours.", MaxWindowHours)
}

func (c *checks) hold(days int64) {
	c.add(days >= 0 && days <= MaxHoldDays, "body.hold_days", "A hold is between 0 and %d days.", MaxHoldDays)
}

// date refuses what RFC 3339 cannot write: a zone can lead past the year 9999, and no answer could hold it.
func (c *checks) date(t time.Time, location string) {
	c.add(t.UTC().Year() <= 9999, location, "A program starts and ends before the year 10000.")
}

func (c *checks) span(from, until, now time.Time) {
	c.add(until.IsZero() || (until.After(from) && until.After(now)), "body.ends_at", "The end lies after the start, and in the future.")
}

func (c *checks) budget(b *money.Amount, currency money.Currency) {
	if b == nil {
		return
	}
	c.add(b.Currency == currency, "body.budget.currency", "This brand sells in %s.", currency)
	c.add(b.Minor >= 0 && b.Minor <= money.Max, "body.budget.amount", "A budget is not negative; leave it out for none.")
}

// check fills in what was left out and says everything that is wrong. now is the start where none is given.
func (in NewProgram) check(currency money.Currency, now time.Time) (NewProgram, error) {
	var c checks
	in.Name = c.name(in.Name)
	c.add(in.Kind == Open || in.Kind == Targeted, "body.kind", "A program is open or targeted.")
	c.rate(in.Rate)
	c.indirect(in.Indirect)
	if in.WindowHours == 0 {
		in.WindowHours = DefaultWindow
	}
	c.window(in.WindowHours)
	if in.HoldDays == nil {
		days := int64(DefaultHoldDays)
		in.HoldDays = &days
	}
	c.hold(*in.HoldDays)
	in.Products, in.Handles = distinct(in.Products), handles(in.Handles)
	c.add(in.All != (len(in.Products) > 0), "body.product_ids", `Say which products, or "all".`)
	c.add(len(in.Products) <= MaxProducts, "body.product_ids", "A program lists at most %d products; it may cover all.", MaxProducts)
	c.add((in.Kind == Targeted) == (len(in.Handles) > 0), "body.creator_handles", "A targeted program names its creators; an open one names none.")
	c.add(len(in.Handles) <= MaxCreators, "body.creator_handles", "A program names at most %d creators.", MaxCreators)
	if in.StartsAt.Before(now) {
		in.StartsAt = now
	}
	in.StartsAt, in.EndsAt = in.StartsAt.UTC().Truncate(time.Microsecond), in.EndsAt.UTC().Truncate(time.Microsecond)
	c.date(in.StartsAt, "body.starts_at")
	c.date(in.EndsAt, "body.ends_at")
	c.span(in.StartsAt, in.EndsAt, now)
	c.budget(in.Budget, currency)
	c.samples(in.Samples)
	return in, c.fault()
}

// distinct sorts a list and takes repeats out of it.
func distinct[T ~string](list []T) []T {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func handles(list []string) []string {
	clean := make([]string, len(list))
	for i, h := range list {
		clean[i] = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(h), "@"))
	}
	return distinct(clean)
}

// stateAt names where a program stands.
func (p *Program) stateAt(now time.Time) string {
	switch {
	case now.Before(p.StartsAt):
		return "scheduled"
	case p.EndsAt != nil && !now.Before(*p.EndsAt):
		return "ended"
	case p.ClosedAt != nil:
		return "spent"
	default:
		return "running"
	}
}

// public leaves out what is between the brand and its creators.
func (p Program) public() Program {
	p.Budget, p.Spent, p.Left, p.Reserved, p.Creators = nil, nil, nil, nil, nil
	return p
}
