package order

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Limits of the tax table.
const (
	// MaxTaxName is the longest name of a tax, in characters.
	MaxTaxName = 60
	// MaxTaxRates is how many rates may be in force for one country: what a checkout reads.
	MaxTaxRates = 500
)

// TaxRate is a row of the tax table with its history: who set it, and who ended it. It is never
// edited; a change ends it and puts another in its place.
type TaxRate struct {
	ID id.TaxRate `json:"id"`
	Tax
	Replaces    id.TaxRate `json:"replaces,omitempty" doc:"The rate this one took the place of"`
	MadeBy      string     `json:"made_by"`
	MadeByName  string     `json:"made_by_name,omitempty"`
	MadeAt      time.Time  `json:"made_at"`
	EndedBy     string     `json:"ended_by,omitempty"`
	EndedByName string     `json:"ended_by_name,omitempty"`
	EndedAt     *time.Time `json:"ended_at" doc:"Null while it is in force"`
}

// Version is 1 while the rate is in force and 2 once it has ended.
func (r TaxRate) Version() int64 { return ofEnd(r.EndedAt) }

// Jurisdiction names whose tax a rate is: its country, or the country and its region.
func (t Tax) Jurisdiction() string {
	if t.Region == "" {
		return t.Country
	}
	return t.Country + "-" + t.Region
}

// clean trims the rate and checks it; every field that is wrong is named.
func (t Tax) clean() (Tax, error) {
	f := fault.New(fault.Invalid, "This cannot stand in the tax table.")
	t.Country = strings.ToUpper(strings.TrimSpace(t.Country))
	if !countryWord.MatchString(t.Country) {
		f.WithField("body.country", "Use the two-letter country code, such as DE.")
	}
	t.Region = strings.ToUpper(strings.TrimSpace(t.Region))
	if t.Region != "" && !regionWord.MatchString(t.Region) {
		f.WithField("body.region", "Use the code buyers give as their region, such as TX: letters, digits and dashes, at most 10. Empty means the whole country.")
	}
	if t.Category = strings.TrimSpace(t.Category); t.Category != "" {
		slug, ok := catalog.CategoryNamed(t.Category)
		if !ok {
			f.WithField("body.category", "There is no such category. Empty means all of them.")
		}
		t.Category = slug
	}
	t.Name = strings.TrimSpace(t.Name)
	if n := utf8.RuneCountInString(t.Name); n == 0 || n > MaxTaxName || !utf8.ValidString(t.Name) || strings.ContainsAny(t.Name, "\x00\r\n") {
		f.WithField("body.name", "Name it as buyers shall read it, such as VAT, in at most %d characters on one line.", MaxTaxName)
	}
	if t.Rate < 0 || t.Rate > money.Whole {
		f.WithField("body.rate_bps", "A rate is 0 to 10000 hundredths of a per cent.")
	}
	if t.CollectedBy != ByPlatform && t.CollectedBy != ByBrand {
		f.WithField("body.collected_by", "A tax is collected by platform or by brand.")
	}
	if t.OnShipping && t.Category != "" {
		f.WithField("body.on_shipping", "Shipping has no category: say it on the rate for all categories.")
	}
	if len(f.Fields) > 0 {
		return t, f
	}
	return t, nil
}

var countryWord = regexp.MustCompile(`^[A-Z]{2}$`)

// taxTable is the tax table as one of those whose rows are never edited.
func taxTable() versions[id.TaxRate, Tax, TaxRate] {
	return versions[id.TaxRate, Tax, TaxRate]{
		table: "tax_rates", next: id.TaxRate("").Next, check: Tax.clean, says: func(r TaxRate) Tax { return r.Tax }, insert: insertTax, read: taxRate,
		twiceType: "tax_in_force",
		words: versionWords{
			twice: "A rate for this place and category is in force already: change that one.",
			ended: "This rate has ended already. Ended rates stay as they were: add another.",
			same:  "The rate is like this already.",
			stale: "This rate has changed since you read it. Read it again and repeat your change.",
		},
	}
}

// AddTax puts a rate into force, for orders placed from now on. Only the operator may. Conflict: a
// rate for this place and category is in force already.
func (o *Orders) AddTax(ctx context.Context, who account.Asker, in Tax) (TaxRate, error) {
	return taxTable().add(ctx, o.db, who, in)
}

// ChangeTax ends a rate and puts another in its place at the same moment; match is the version it was
// read at, 0 any. Orders placed before keep what they were charged. Conflict: it has ended already.
func (o *Orders) ChangeTax(ctx context.Context, who account.Asker, rate id.TaxRate, match int64, in Tax) (TaxRate, error) {
	return taxTable().change(ctx, o.db, who, rate, match, in)
}

// EndTax takes a rate out of force for orders placed from now on; match is the version it was read at,
// 0 any. It stays in the history. One that has ended already is answered as it is.
func (o *Orders) EndTax(ctx context.Context, who account.Asker, rate id.TaxRate, match int64) (TaxRate, error) {
	return taxTable().end(ctx, o.db, who, rate, match)
}

// TaxRate returns one rate, in force or ended, to the operator.
func (o *Orders) TaxRate(ctx context.Context, who account.Asker, rate id.TaxRate) (TaxRate, error) {
	return taxTable().one(ctx, o.db, who, rate)
}

func insertTax(tx *db.Tx, made id.TaxRate, in Tax, replaces id.TaxRate, by string) error {
	var open int64
	if err := tx.Row(`SELECT COUNT(*) FROM tax_rates WHERE country = $1 AND ended_at = 0`, in.Country).Scan(&open); err != nil {
		return err
	}
	if open >= MaxTaxRates {
		return fault.New(fault.Conflict, "At most %d rates of one country are in force at a time. End one first.", MaxTaxRates)
	}
	_, err := tx.Exec(`INSERT INTO tax_rates(id, country, region, category, name, rate_bps, inclusive, collected_by, on_shipping, replaces, made_by, made_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`, made, in.Country, in.Region, in.Category, in.Name, int64(in.Rate), db.Flag(in.Inclusive),
		string(in.CollectedBy), db.Flag(in.OnShipping), replaces, by, db.Micros(tx.Now()))
	return err
}

// TaxSearch narrows a list of rates.
type TaxSearch struct {
	Country string // "" any
	Ended   bool   // those that ended, else those in force
	After   string // the Place of the last rate of the page before
	Limit   int
}

// Place is where a rate stands in a list: by country, region and category, the older first.
func (r TaxRate) Place() string {
	return r.Country + "|" + r.Region + "|" + r.Category + "|" + string(r.ID)
}

// Taxes returns a page of the tax table to the operator.
func (o *Orders) Taxes(ctx context.Context, who account.Asker, s TaxSearch) ([]TaxRate, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	const place = `(r.country || '|' || r.region || '|' || r.category || '|' || r.id)`
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]TaxRate, error) {
		return db.All(tx, func(r *sql.Rows) (TaxRate, error) { return scanTax(r) }, taxSelect+` WHERE (CASE WHEN r.ended_at = 0 THEN 0 ELSE 1 END) = $1
			AND (CAST($2 AS TEXT) = '' OR r.country = $2) AND `+place+` > $3 ORDER BY `+place+` LIMIT $4`,
			db.Flag(s.Ended), strings.ToUpper(s.Country), s.After, int64(s.Limit))
	})
}

const taxSelect = `SELECT r.id, r.country, r.region, r.category, r.name, r.rate_bps, r.inclusive, r.collected_by, r.on_shipping, ` + history + ` FROM tax_rates r`

func taxRate(tx *db.Tx, rate id.TaxRate) (TaxRate, error) {
	r, err := scanTax(tx.Row(taxSelect+` WHERE r.id = $1`, rate))
	if errors.Is(err, sql.ErrNoRows) {
		return TaxRate{}, missing("tax rate")
	}
	return r, err
}

func scanTax(row scanner) (TaxRate, error) {
	var r TaxRate
	var made, ended int64
	err := row.Scan(&r.ID, &r.Country, &r.Region, &r.Category, &r.Name, &r.Rate, &r.Inclusive, &r.CollectedBy, &r.OnShipping, &r.Replaces,
		&r.MadeBy, &r.MadeByName, &made, &r.EndedBy, &r.EndedByName, &ended)
	r.MadeAt, r.EndedAt = db.Time(made), endOf(ended)
	return r, err
}

// taxRows returns the rates of a country that are in force.
func taxRows(tx *db.Tx, country string) ([]Tax, error) {
	return db.All(tx, func(r *sql.Rows) (Tax, error) {
		t := Tax{Country: country}
		err := r.Scan(&t.Region, &t.Category, &t.Name, &t.Rate, &t.Inclusive, &t.CollectedBy, &t.OnShipping)
		return t, err
	}, `SELECT region, category, name, rate_bps, inclusive, collected_by, on_shipping FROM tax_rates WHERE country = $1 AND ended_at = 0 ORDER BY id`, country)
}
