// Package voucher owns vouchers: who gives them, what they take off, and how often they may be used.
package voucher

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Limits of vouchers.
const (
	// MaxCode and MinCode bound the characters of a code.
	MaxCode, MinCode = 32, 3
	// MaxTitle bounds what a voucher is called.
	MaxTitle = 80
	// MaxProducts is how many products one voucher may list; it may cover all.
	MaxProducts = 500
	// MaxListed is how many vouchers one giver may offer to everybody at a time.
	MaxListed = 20
	// MaxUses bounds a limit of uses.
	MaxUses = 1_000_000_000
)

// Platform is the giver of vouchers that the platform pays for.
const Platform id.Brand = ""

// Kind is how a voucher takes off.
type Kind string

// The kinds.
const (
	Percent Kind = "percent" // a share of the goods, at most Most
	Fixed   Kind = "fixed"   // an amount, at most the goods
)

// Voucher is a lower price with conditions.
type Voucher struct {
	ID        id.Voucher     `json:"id"`
	Brand     id.Brand       `json:"brand_id,omitempty" doc:"Whose lower price it is; absent: the platform pays for it"`
	Code      string         `json:"code"`
	Title     string         `json:"title"`
	Kind      Kind           `json:"kind" enum:"percent,fixed"`
	Rate      money.Bps      `json:"percent_bps,omitempty" doc:"Of a percent voucher: 1000 is 10 %"`
	Off       money.Amount   `json:"amount,omitzero" doc:"Of a fixed voucher"`
	Most      money.Amount   `json:"max_discount,omitzero" doc:"A percent voucher takes off no more"`
	Least     money.Amount   `json:"min_basket,omitzero" doc:"Goods it covers must come to so much"`
	Currency  money.Currency `json:"currency"`
	All       bool           `json:"all_products"`
	Products  []id.Product   `json:"product_ids,omitempty"`
	StartsAt  time.Time      `json:"starts_at"`
	EndsAt    time.Time      `json:"ends_at,omitzero"`
	Total     int64          `json:"total_uses,omitempty" doc:"How often it may be used in all; absent: any number"`
	PerPerson int64          `json:"uses_per_person,omitempty" doc:"How often one person may use it; absent: any number"`
	Taken     int64          `json:"uses" doc:"Uses in paid orders, and in checkouts that hold one"`
	Saved     money.Amount   `json:"saved" doc:"What it took off paid orders"`
	Listed    bool           `json:"listed" doc:"Offered to every shopper at the bag, without typing its code"`
	Creator   id.Creator     `json:"creator_id,omitempty" doc:"Whose code it is: who types it buys from this creator"`
	Handle    string         `json:"creator_handle,omitempty"`
	State     string         `json:"state" enum:"scheduled,running,used_up,ended"`
	CreatedAt time.Time      `json:"created_at"`
	Version   int64          `json:"version"`
}

// New is a voucher as its giver describes it.
type New struct {
	Code, Title      string
	Kind             Kind
	Rate             money.Bps
	Off, Most, Least *money.Amount
	Products         []id.Product // none: all
	StartsAt, EndsAt time.Time    // zero: now, and no end
	Total, PerPerson int64        // 0: any number
	Listed           bool
	Handle           string         // of the creator whose code it is
	Currency         money.Currency // of the platform's; a brand's are in its own
}

// Change names what to change of a voucher; nil leaves it as it is. What it takes off never changes: end it
// and give another.
type Change struct {
	Title     *string
	EndsAt    *time.Time // the zero time takes the end away; one that has passed ends it now
	Total     *int64
	PerPerson *int64
	Listed    *bool
	End       bool // now, for good measure whatever EndsAt says
}

// Key returns a code in the form it is compared by: capitals, without spaces around it.
func Key(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }

// validCode reports whether a code can be one: letters, digits, - and _.
func validCode(key string) bool {
	if len(key) < MinCode || len(key) > MaxCode {
		return false
	}
	for _, c := range key {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// checks collects everything wrong with an input.
type checks struct{ fields []fault.Field }

func (c *checks) add(ok bool, location, message string) {
	if !ok {
		c.fields = append(c.fields, fault.Field{Location: location, Message: message})
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

func (c *checks) title(s string) string {
	s = strings.TrimSpace(s)
	c.add(s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxTitle && !strings.ContainsFunc(s, unicode.IsControl),
		"body.title", "Say what shoppers read, in one line of 1 to 80 characters.")
	return s
}

// amount returns the minor units of an amount that may be left out.
func (c *checks) amount(a *money.Amount, currency money.Currency, location string) int64 {
	if a == nil {
		return 0
	}
	c.add(a.Currency == currency, location, "This voucher is in "+string(currency)+".")
	c.add(a.Minor > 0 && a.Minor <= money.Max, location, "An amount is more than nothing; leave it out for none.")
	return a.Minor
}

// date refuses what RFC 3339 cannot write: a zone can lead past the year 9999, and no answer could hold it.
func (c *checks) date(t time.Time, location string) {
	c.add(t.UTC().Year() <= 9999, location, "A voucher starts and ends before the year 10000.")
}

func (c *checks) uses(n int64, location string) {
	c.add(n >= 0 && n <= MaxUses, location, "A number of uses is between 1 and 1,000,000,000; leave it out for any number.")
}

// check makes the voucher of what its giver said, or says everything that is wrong with it.
func (in New) check(brand id.Brand, currency money.Currency, now time.Time) (Voucher, error) {
	var c checks
	at := func(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
	v := Voucher{Brand: brand, Code: strings.TrimSpace(in.Code), Title: c.title(in.Title), Kind: in.Kind, Currency: currency, All: len(in.Products) == 0,
		Products: in.Products, StartsAt: at(in.StartsAt), EndsAt: at(in.EndsAt), Total: in.Total, PerPerson: in.PerPerson, Listed: in.Listed, CreatedAt: now, Version: 1}
	c.add(validCode(Key(v.Code)), "body.code", "A code has 3 to 32 letters, digits, - or _.")
	c.add(currency.Known(), "body.currency", "Say the currency, such as USD.")
	off, most, least := c.amount(in.Off, currency, "body.amount"), c.amount(in.Most, currency, "body.max_discount"), c.amount(in.Least, currency, "body.min_basket")
	v.Off, v.Most, v.Least = orNone(off, currency), orNone(most, currency), orNone(least, currency)
	switch in.Kind {
	case Percent:
		v.Rate = in.Rate
		c.add(in.Rate >= 1 && in.Rate <= money.Whole, "body.percent_bps", "A percent voucher takes off between 1 and 10000 basis points: 1000 is 10 %.")
		c.add(in.Off == nil, "body.amount", "A percent voucher has no amount; max_discount bounds it.")
	case Fixed:
		c.add(in.Off != nil, "body.amount", "Say how much a fixed voucher takes off.")
		c.add(in.Rate == 0 && in.Most == nil, "body.percent_bps", "A fixed voucher takes off its amount, and no percent.")
	default:
		c.add(false, "body.kind", "A voucher is percent or fixed.")
	}
	c.add(len(in.Products) <= MaxProducts, "body.product_ids", "A voucher lists at most 500 products; it may cover all.")
	c.uses(in.Total, "body.total_uses")
	c.uses(in.PerPerson, "body.uses_per_person")
	if v.StartsAt.Before(now) {
		v.StartsAt = now
	}
	c.date(v.StartsAt, "body.starts_at")
	c.date(v.EndsAt, "body.ends_at")
	c.add(v.EndsAt.IsZero() || v.EndsAt.After(v.StartsAt), "body.ends_at", "The end lies after the start, and in the future.")
	return v, c.fault()
}

// orNone is an amount, the zero value where there is none.
func orNone(minor int64, c money.Currency) money.Amount {
	if minor == 0 {
		return money.Amount{}
	}
	return money.Of(minor, c)
}

// stateAt names where a voucher stands.
func (v *Voucher) stateAt(now time.Time) string {
	switch {
	case !v.EndsAt.IsZero() && !now.Before(v.EndsAt):
		return "ended"
	case now.Before(v.StartsAt):
		return "scheduled"
	case v.Total > 0 && v.Taken >= v.Total:
		return "used_up"
	}
	return "running"
}

// Says is what a voucher takes off, in words: "10 % off, at most 5.00 USD, from 30.00 USD".
func (v *Voucher) Says() string {
	says := v.Off.String() + " off"
	if v.Kind == Percent {
		says = v.Rate.String() + " off"
	}
	if v.Most.Minor > 0 {
		says += ", at most " + v.Most.String()
	}
	if v.Least.Minor > 0 {
		says += ", from " + v.Least.String()
	}
	return says
}

// Wishes are the vouchers a shopper chose by hand in place of the best, by who gives them: None for none.
type Wishes map[id.Brand]id.Voucher

// None is the wish for no voucher of a giver.
const None id.Voucher = "none"

// ReadWishes reads what WriteWishes wrote.
func ReadWishes(s string) (Wishes, error) {
	w := Wishes{}
	return w, json.Unmarshal([]byte(s), &w)
}
