package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// ShippingOption is one way a brand ships.
type ShippingOption struct {
	Brand     id.Brand     `json:"brand_id"`
	Code      string       `json:"code" doc:"Names the option within its brand"`
	Name      string       `json:"name"`
	Price     money.Amount `json:"price"`
	FreeOver  money.Amount `json:"free_over" doc:"Goods of the brand from which it costs nothing; an amount of 0 means never"`
	Countries []string     `json:"countries" doc:"ISO 3166 codes it goes to; empty means everywhere"`
	DaysMin   int64        `json:"days_min"`
	DaysMax   int64        `json:"days_max"`
	// HandlingDays are promised from the payment until the parcel is handed over.
	HandlingDays int64        `json:"handling_days" doc:"Days from the payment until it is handed over; what is not sent three days after them cancels itself"`
	Position     int64        `json:"position"`
	Cost         money.Amount `json:"cost" doc:"What it comes to for the goods asked about"`
	Version      int64        `json:"version" doc:"As If-Match takes it, in quotes"`
}

// due returns what the option comes to for goods of its brand.
func (o ShippingOption) due(goods money.Amount) money.Amount {
	if o.FreeOver.Minor > 0 && goods.Minor >= o.FreeOver.Minor {
		return money.Of(0, o.Price.Currency)
	}
	return o.Price
}

// Reaches reports whether the option ships to the country.
func (o ShippingOption) Reaches(country string) bool {
	return len(o.Countries) == 0 || slices.Contains(o.Countries, country)
}

const optionsOf = `SELECT o.brand_id, o.code, o.name, o.price_minor, o.free_over_minor, b.currency, o.countries, o.days_min, o.days_max, o.handling_days, o.position, o.version
	FROM shipping_options o JOIN brands b ON b.id = o.brand_id WHERE o.state = 'active' AND o.brand_id = $1 ORDER BY o.position, o.code`

// ShippingFor returns the ways the brand ships goods of this worth to the country, in the brand's
// order; none when it does not ship there. One query.
func ShippingFor(tx *db.Tx, brand id.Brand, country string, goods money.Amount) ([]ShippingOption, error) {
	all, err := db.All(tx, scanOption, optionsOf, string(brand))
	var reach []ShippingOption
	for _, o := range all {
		if o.Reaches(country) {
			o.Cost = o.due(goods)
			reach = append(reach, o)
		}
	}
	return reach, err
}

func scanOption(rows *sql.Rows) (o ShippingOption, err error) {
	var countries string
	err = rows.Scan(&o.Brand, &o.Code, &o.Name, &o.Price.Minor, &o.FreeOver.Minor, &o.Price.Currency, &countries, &o.DaysMin, &o.DaysMax, &o.HandlingDays, &o.Position, &o.Version)
	o.FreeOver.Currency = o.Price.Currency
	if err == nil {
		err = json.Unmarshal([]byte(countries), &o.Countries)
	}
	return o, err
}

// MaxOptions is how many ways to ship a brand can offer at a time.
const MaxOptions = 20

// StandardCode names the option a brand gets with its first product.
const StandardCode = "standard"

// firstShipping gives a brand that has never said how it ships one option, so that its first product can be
// bought at all: free, within its own country. Free, because buyers must not be charged what nobody chose;
// its own country, because the brand must not pay for a parcel round the world that it never offered.
func firstShipping(tx *db.Tx, brand id.Brand) error {
	b, err := account.BrandOf(tx, brand)
	if err != nil {
		return err
	}
	countries, err := json.Marshal([]string{b.Country})
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO shipping_options (id, brand_id, code, name, price_minor, countries)
		SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), 'Standard', 0, CAST($4 AS TEXT)
		WHERE NOT EXISTS (SELECT 1 FROM shipping_options WHERE brand_id = $2) ON CONFLICT (brand_id, code) DO NOTHING`,
		optionID(brand, StandardCode), string(brand), StandardCode, string(countries))
	return err
}

// optionID names an option's row: one for each code of a brand.
func optionID(brand id.Brand, code string) string { return string(brand) + "/" + code }

// NewShippingOption is what a brand says of one way it ships.
type NewShippingOption struct {
	Name      string
	Price     money.Amount
	FreeOver  *money.Amount // nil: never free
	Countries []string      // empty: everywhere
	DaysMin   int64
	DaysMax   int64
	Handling  *int64 // days until it is handed over; nil: DefaultHandling
	Position  int64
}

// DefaultHandling is how many days a brand has to hand a paid order over where it has not said otherwise:
// a working week end lies within it.
const DefaultHandling = 3

// MaxHandling is the longest handling time a brand can promise: buyers' money does not wait longer.
const MaxHandling = 30

func (in *NewShippingOption) check(currency money.Currency) error {
	var c checks
	in.Name = c.line("body.name", in.Name, 1, MaxVariantTitle)
	c.add(in.Price.Currency == currency, "body.price.currency", "This brand sells in "+string(currency)+".")
	c.add(in.Price.Minor >= 0 && in.Price.Minor <= money.Max, "body.price.amount", "A shipping price is not negative.")
	if in.FreeOver == nil {
		in.FreeOver = &money.Amount{Currency: currency}
	}
	c.add(in.FreeOver.Currency == currency, "body.free_over.currency", "This brand sells in "+string(currency)+".")
	c.add(in.FreeOver.Minor >= 0 && in.FreeOver.Minor <= money.Max, "body.free_over.amount", "An amount of goods is not negative.")
	c.add(in.DaysMin >= 0 && in.DaysMin <= in.DaysMax && in.DaysMax <= 365, "body.days_max", "Say how many days it takes, from the fewest to the most, up to 365.")
	if in.Handling == nil {
		days := int64(DefaultHandling)
		in.Handling = &days
	}
	c.add(*in.Handling >= 0 && *in.Handling <= MaxHandling, "body.handling_days", "Hand a paid order over within 0 to 30 days.")
	c.add(in.Position >= 0 && in.Position <= 1000, "body.position", "A position is between 0 and 1000.")
	c.add(len(in.Countries) <= 250, "body.countries", "List each country once, or none for everywhere.")
	slices.Sort(in.Countries)
	in.Countries = slices.Compact(in.Countries)
	for i, code := range in.Countries {
		c.add(countryCode.MatchString(code), fmt.Sprintf("body.countries[%d]", i), "A country is two capital letters, by ISO 3166.")
	}
	return c.fault()
}

var (
	countryCode = regexp.MustCompile(`^[A-Z]{2}$`)
	optionCode  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
)

// ShippingOptions returns how a brand ships, to anyone: it is part of what shoppers are told.
func (c *Catalog) ShippingOptions(ctx context.Context, brand id.Brand) ([]ShippingOption, error) {
	return db.Get(ctx, c.d, func(tx *db.Tx) ([]ShippingOption, error) {
		if _, err := account.BrandOf(tx, brand); err != nil {
			return nil, err
		}
		return db.All(tx, scanOption, optionsOf, string(brand))
	})
}

// ShippingOption returns one way a brand ships, to anyone; Missing when there is none of that code.
func (c *Catalog) ShippingOption(ctx context.Context, brand id.Brand, code string) (ShippingOption, error) {
	all, err := c.ShippingOptions(ctx, brand)
	for _, o := range all {
		if o.Code == code {
			o.Cost = o.Price
			return o, err
		}
	}
	if err == nil {
		err = fault.New(fault.Missing, "There is no such shipping option.")
	}
	return ShippingOption{}, err
}

// PutShippingOption makes or replaces the option of that code; match is the version it was read at, 0
// any. Stale when it has another, or there is none to replace.
func (c *Catalog) PutShippingOption(ctx context.Context, who account.Asker, brand id.Brand, code string, match int64, in NewShippingOption) (ShippingOption, error) {
	if err := who.OfBrand(brand, account.CatalogWrite); err != nil {
		return ShippingOption{}, err
	}
	if !optionCode.MatchString(code) {
		return ShippingOption{}, fault.InvalidField("path.code", "A code has up to 32 small letters, digits, - and _.")
	}
	return db.Do(ctx, c.d, func(tx *db.Tx) (ShippingOption, error) {
		currency, err := currencyOf(tx, brand)
		if err != nil {
			return ShippingOption{}, err
		}
		in := in
		in.Countries = slices.Clone(in.Countries)
		if err := in.check(currency); err != nil {
			return ShippingOption{}, err
		}
		o := ShippingOption{Brand: brand, Code: code, Name: in.Name, Price: in.Price, FreeOver: *in.FreeOver, Countries: in.Countries,
			DaysMin: in.DaysMin, DaysMax: in.DaysMax, HandlingDays: *in.Handling, Position: in.Position, Cost: in.Price}
		if o.Countries == nil {
			o.Countries = []string{}
		}
		return o, storeOption(tx, &o, match)
	})
}

func storeOption(tx *db.Tx, o *ShippingOption, match int64) error {
	var others int64
	if err := tx.Row(`SELECT COUNT(*) FROM shipping_options WHERE brand_id = $1 AND code <> $2 AND state = 'active'`, string(o.Brand), o.Code).Scan(&others); err != nil {
		return err
	}
	if others >= MaxOptions {
		return fault.New(fault.Conflict, "A brand offers at most %d ways to ship. Take one away first.", MaxOptions)
	}
	countries, err := json.Marshal(o.Countries)
	if err != nil {
		return err
	}
	if match != 0 {
		n, err := tx.Exec(`UPDATE shipping_options SET version = version WHERE brand_id = $1 AND code = $2 AND version = $3 AND state = 'active'`, string(o.Brand), o.Code, match)
		if err == nil && n == 0 {
			err = fault.New(fault.Stale, "This shipping option has changed since you read it. Read it again and repeat your change.")
		}
		if err != nil {
			return err
		}
	}
	return tx.Row(`INSERT INTO shipping_options (id, brand_id, code, name, price_minor, free_over_minor, countries, days_min, days_max, handling_days, position, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'active')
		ON CONFLICT (brand_id, code) DO UPDATE SET name = excluded.name, price_minor = excluded.price_minor, free_over_minor = excluded.free_over_minor,
		  countries = excluded.countries, days_min = excluded.days_min, days_max = excluded.days_max, handling_days = excluded.handling_days, position = excluded.position, state = 'active',
		  version = shipping_options.version + 1 RETURNING version`,
		optionID(o.Brand, o.Code), string(o.Brand), o.Code, o.Name, o.Price.Minor, o.FreeOver.Minor, string(countries), o.DaysMin, o.DaysMax, o.HandlingDays, o.Position).Scan(&o.Version)
}

// DeleteShippingOption takes an option away; orders that chose it keep it. Conflict for the last one:
// without any, nothing of the brand could be bought.
func (c *Catalog) DeleteShippingOption(ctx context.Context, who account.Asker, brand id.Brand, code string) error {
	if err := who.OfBrand(brand, account.CatalogWrite); err != nil {
		return err
	}
	return c.d.Write(ctx, func(tx *db.Tx) error {
		all, err := db.All(tx, scanOption, optionsOf, string(brand))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(o ShippingOption) bool { return o.Code == code }) {
			return fault.New(fault.Missing, "There is no such shipping option.")
		}
		if len(all) == 1 {
			return fault.New(fault.Conflict, "This is the only way the brand ships: without it nothing could be bought. Make another first.")
		}
		_, err = tx.Exec(`UPDATE shipping_options SET state = 'archived' WHERE brand_id = $1 AND code = $2`, string(brand), code)
		return err
	})
}
