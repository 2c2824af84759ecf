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
func (r TaxRate) Version() int64 {
	if r.EndedAt != nil {
		return 2
	}
	return 1
}

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

// AddTax puts a rate into force, for orders placed from now on. Only the operator may. Conflict: a
// rate for this place and category is in force already.
func (o *Orders) AddTax(ctx context.Context, who account.Asker, in Tax) (TaxRate, error) {
	if err := who.IsOperator(); err != nil {
		return TaxRate{}, err
	}
	in, err := in.clean()
	if err != nil {
		return TaxRate{}, err
	}
	return told(db.Do(ctx, o.db, func(tx *db.Tx) (TaxRate, error) { return addTax(tx, who, in, "") }))
}

// ChangeTax ends a rate and puts another in its place at the same moment; match is the version it was
// read at, 0 any. Orders placed before keep what they were charged. Conflict: it has ended already.
func (o *Orders) ChangeTax(ctx context.Context, who account.Asker, rate id.TaxRate, match int64, in Tax) (TaxRate, error) {
	if err := who.IsOperator(); err != nil {
		return TaxRate{}, err
	}
	in, err := in.clean()
	if err != nil {
		return TaxRate{}, err
	}
	return told(db.Do(ctx, o.db, func(tx *db.Tx) (TaxRate, error) {
		before, now, err := endTax(tx, who, rate, match)
		switch {
		case err != nil:
			return TaxRate{}, err
		case !now:
			return TaxRate{}, fault.New(fault.Conflict, "This rate has ended already. Ended rates stay as they were: add another.").WithType("wrong_state")
		case before.Tax == in:
			return TaxRate{}, fault.New(fault.Conflict, "The rate is like this already.").WithType("wrong_state")
		}
		return addTax(tx, who, in, rate)
	}))
}

// EndTax takes a rate out of force for orders placed from now on; match is the version it was read at,
// 0 any. It stays in the history. One that has ended already is answered as it is.
func (o *Orders) EndTax(ctx context.Context, who account.Asker, rate id.TaxRate, match int64) (TaxRate, error) {
	if err := who.IsOperator(); err != nil {
		return TaxRate{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (TaxRate, error) {
		r, _, err := endTax(tx, who, rate, match)
		return r, err
	})
}

// told turns a second rate for one place and category into a sentence.
func told(r TaxRate, err error) (TaxRate, error) {
	if err != nil && db.IsUnique(err) {
		return TaxRate{}, fault.Wrap(fault.Conflict, err, "A rate for this place and category is in force already: change that one.").WithType("tax_in_force")
	}
	return r, err
}

func addTax(tx *db.Tx, who account.Asker, in Tax, replaces id.TaxRate) (TaxRate, error) {
	var open int64
	if err := tx.Row(`SELECT COUNT(*) FROM tax_rates WHERE country = $1 AND ended_at = 0`, in.Country).Scan(&open); err != nil {
		return TaxRate{}, err
	}
	if open >= MaxTaxRates {
		return TaxRate{}, fault.New(fault.Conflict, "At most %d rates of one country are in force at a time. End one first.", MaxTaxRates)
	}
	var made id.TaxRate
	made = made.Next(tx.Now())
	_, err := tx.Exec(`INSERT INTO tax_rates(id, country, region, category, name, rate_bps, inclusive, collected_by, on_shipping, replaces, made_by, made_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`, made, in.Country, in.Region, in.Category, in.Name, int64(in.Rate), db.Flag(in.Inclusive),
		string(in.CollectedBy), db.Flag(in.OnShipping), replaces, who.Actor(), db.Micros(tx.Now()))
	if err != nil {
		return TaxRate{}, err
	}
	return taxRate(tx, made)
}

// endTax ends a rate; now reports whether it was in force until now.
func endTax(tx *db.Tx, who account.Asker, rate id.TaxRate, match int64) (r TaxRate, now bool, err error) {
	n, err := tx.Exec(`UPDATE tax_rates SET ended_at = $1, ended_by = $2 WHERE id = $3 AND ended_at = 0`, db.Micros(tx.Now()), who.Actor(), rate)
	if err != nil {
		return TaxRate{}, false, err
	}
	if r, err = taxRate(tx, rate); err != nil {
		return TaxRate{}, false, err
	}
	if match != 0 && match != r.Version()-n {
		return TaxRate{}, false, fault.New(fault.Stale, "This rate has changed since you read it. Read it again and repeat your change.")
	}
	return r, n == 1, nil
}

// TaxRate returns one rate, in force or ended, to the operator.
func (o *Orders) TaxRate(ctx context.Context, who account.Asker, rate id.TaxRate) (TaxRate, error) {
	if err := who.IsOperator(); err != nil {
		return TaxRate{}, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) (TaxRate, error) { return taxRate(tx, rate) })
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
	const place = `(t.country || '|' || t.region || '|' || t.category || '|' || t.id)`
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]TaxRate, error) {
		return db.All(tx, func(r *sql.Rows) (TaxRate, error) { return scanTax(r) }, taxSelect+` WHERE (CASE WHEN t.ended_at = 0 THEN 0 ELSE 1 END) = $1
			AND (CAST($2 AS TEXT) = '' OR t.country = $2) AND `+place+` > $3 ORDER BY `+place+` LIMIT $4`,
			db.Flag(s.Ended), strings.ToUpper(s.Country), s.After, int64(s.Limit))
	})
}

const taxSelect = `SELECT t.id, t.country, t.region, t.category, t.name, t.rate_bps, t.inclusive, t.collected_by, t.on_shipping, t.replaces,
	t.made_by, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = t.made_by), ''), t.made_at,
	t.ended_by, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = t.ended_by), ''), t.ended_at FROM tax_rates t`

func taxRate(tx *db.Tx, rate id.TaxRate) (TaxRate, error) {
	r, err := scanTax(tx.Row(taxSelect+` WHERE t.id = $1`, rate))
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
	r.MadeAt = db.Time(made)
	if ended != 0 {
		at := db.Time(ended)
		r.EndedAt = &at
	}
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
