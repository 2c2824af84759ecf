package catalog

import (
	"database/sql"
	"encoding/json"
	"slices"

	"mezzo/internal/db"
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
	Position  int64        `json:"position"`
	Cost      money.Amount `json:"cost" doc:"What it comes to for the goods asked about"`
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

const optionsOf = `SELECT o.brand_id, o.code, o.name, o.price_minor, o.free_over_minor, b.currency, o.countries, o.days_min, o.days_max, o.position
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
	err = rows.Scan(&o.Brand, &o.Code, &o.Name, &o.Price.Minor, &o.FreeOver.Minor, &o.Price.Currency, &countries, &o.DaysMin, &o.DaysMax, &o.Position)
	o.FreeOver.Currency = o.Price.Currency
	if err == nil {
		err = json.Unmarshal([]byte(countries), &o.Countries)
	}
	return o, err
}
