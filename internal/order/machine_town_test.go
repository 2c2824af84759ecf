package order_test

import (
	"context"
	"slices"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// unitsOfEach is how many units of everything are there at first.
const unitsOfEach = 20

// shop is a brand and who runs it.
type shop struct {
	id               id.Brand
	who              account.Asker
	program          id.Program
	shipping, freeAt int64
}

// good is something on sale.
type good struct {
	brand   id.Brand
	product id.Product
	variant id.Variant
	first   int64 // what a unit costs at first
}

// star is a creator and what stands on its shelf.
type star struct {
	who   account.Asker
	shelf map[id.Product]id.Showcase
}

// owner is how payouts name it.
func (s star) owner() payout.Owner { return payout.OfCreator(s.who.Creator) }

// town is where the machine lives: two brands that differ in commission, shipping and taxes, four things they sell, and
// three creators, of whom one promotes both brands.
type town struct {
	shops  []shop
	goods  []good
	stars  []star
	prices map[id.Variant]int64
	taxes  map[id.Brand]order.Tax // on what a brand sells
	onward order.Tax              // on shipping
}

// settles makes a town of the world: its brand and its creator are the first of each.
func (m *sales) settles(t *rapid.T) {
	now, at := m.clock.Now(), db.Micros(m.clock.Now())
	brand, product, another := id.Brand("").Next(now), id.Product("").Next(now), id.Product("").Next(now)
	boss := account.Asker{Account: m.person("boss"), Brands: map[id.Brand]account.Role{brand: account.Owner}}
	m.exec(`INSERT INTO brands(id, name, slug, country, currency, created_at) VALUES ($1,'Pot Sons','pot','US','USD',$2)`, brand, at)
	m.exec(`INSERT INTO brand_members(brand_id, account_id, role, created_at) VALUES ($1,$2,'owner',$3)`, brand, boss.Account, at)
	m.exec(`INSERT INTO shipping_options(id, brand_id, code, name, price_minor, free_over_minor) VALUES ('sho_2',$1,'standard','Standard',350,6000)`, brand)
	for _, p := range []id.Product{product, another} {
		m.exec(`INSERT INTO products(id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1,$2,'Pot','','beauty','USD',$3,$3)`, p, brand, at)
	}
	m.goods = []good{{m.brand, m.product, m.variant, 1999}, {m.brand, m.product, id.Variant("").Next(now), 333}, {brand, product, id.Variant("").Next(now), 2497}, {brand, another, id.Variant("").Next(now), 7}}
	for i, g := range m.goods[1:] {
		m.exec(`INSERT INTO variants(id, product_id, brand_id, sku, title, price_minor, currency, created_at, updated_at) VALUES ($1,$2,$3,$4,'Other',$5,'USD',$6,$6)`, g.variant, g.product, g.brand, string(rune('B'+i)), g.first, at)
		m.exec(`INSERT INTO stock(variant_id, brand_id, on_hand, updated_at) VALUES ($1,$2,$3,$4)`, g.variant, g.brand, int64(unitsOfEach), at)
	}
	m.prices = map[id.Variant]int64{}
	for _, g := range m.goods {
		m.prices[g.variant] = g.first
	}
	in := affiliate.NewProgram{Kind: affiliate.Open, Name: "Pots", Rate: 2250, Indirect: 400, All: true, Samples: &affiliate.SampleTerms{Units: 4, Days: 14, Charged: true}}
	if rapid.Bool().Draw(t, "the second brand has a budget") {
		in.Budget = cents(3000)
	}
	program, err := affiliateOf(m.world).CreateProgram(context.Background(), boss, brand, in)
	if err != nil {
		m.t.Fatal(err)
	}
	var first id.Program
	if err := m.d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Row(`SELECT id FROM programs WHERE brand_id = $1`, m.brand).Scan(&first)
	}); err != nil {
		m.t.Fatal(err)
	}
	m.shops = []shop{{m.brand, m.member, first, 499, 0}, {brand, boss, program.ID, 350, 6000}}
	m.stars = []star{{m.maker(), map[id.Product]id.Showcase{m.product: m.shelf}}}
	for _, name := range []string{"one", "two"} {
		made := id.Creator("").Next(now)
		who := m.person(name)
		m.exec(`INSERT INTO creators(id, account_id, handle, display_name, created_at) VALUES ($1,$2,$3,$3,$4)`, made, who, name, at)
		m.stars = append(m.stars, star{account.Asker{Account: who, Creator: made, Over18: true, Session: "ses_1"}, map[id.Product]id.Showcase{}})
	}
	for i, list := range [][]id.Product{{product, another}, {product}, {m.product}} {
		for _, p := range list {
			shelf := id.Showcase("").Next(now)
			of := brand
			if p == m.product {
				of = m.brand
			}
			m.exec(`INSERT INTO showcase(id, creator_id, product_id, brand_id, accepted_at) VALUES ($1,$2,$3,$4,$5)`, shelf, m.stars[i].who.Creator, p, of, at)
			m.stars[i].shelf[p] = shelf
		}
	}
	m.taxation(t, brand)
}

// taxation draws what is taxed: everything or nothing, in the price or beside it, and the second brand's goods by
// another rate, which it collects itself.
func (m *sales) taxation(t *rapid.T, second id.Brand) {
	kinds := []order.Tax{{}, {Rate: 825, CollectedBy: order.ByPlatform, OnShipping: true}, {Rate: 1900, Inclusive: true, CollectedBy: order.ByPlatform, OnShipping: true},
		{Rate: 1900, Inclusive: true, CollectedBy: order.ByBrand, OnShipping: true}, {Rate: 725, CollectedBy: order.ByBrand, OnShipping: true}}
	general := rapid.SampledFrom(kinds).Draw(t, "tax")
	m.taxes = map[id.Brand]order.Tax{m.brand: general, second: general}
	m.onward = general
	if general.Rate > 0 {
		m.taxed(general)
	}
	if rapid.Bool().Draw(t, "the second brand's goods are taxed by themselves") {
		own := order.Tax{Category: "beauty", Rate: 700, CollectedBy: order.ByBrand, Inclusive: rapid.Bool().Draw(t, "in the price")}
		m.taxed(own)
		m.taxes[second] = own
	}
}

// shopOf is a brand's.
func (m *sales) shopOf(b id.Brand) shop {
	return m.shops[slices.IndexFunc(m.shops, func(s shop) bool { return s.id == b })]
}

// someone is a brand or a creator of whom so much stands in an account, and who asks for them.
func (m *sales) someone(t *rapid.T, least int64, of func(ledger.Purse) ledger.Account) (o payout.Owner, who account.Asker, has int64) {
	var list []int
	all, stand := m.owners(), map[int]int64{}
	for i, o := range all {
		if stand[i] = m.balance(of(o.Purse())); stand[i] >= least {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		t.Skip("nobody has, or owes, as much")
	}
	i := rapid.SampledFrom(list).Draw(t, "whose")
	if i < len(m.shops) {
		return all[i], m.shops[i].who, stand[i]
	}
	return all[i], m.stars[i-len(m.shops)].who, stand[i]
}

// owners are everybody who is paid.
func (m *sales) owners() (list []payout.Owner) {
	for _, s := range m.shops {
		list = append(list, payout.OfBrand(s.id))
	}
	for _, s := range m.stars {
		list = append(list, s.owner())
	}
	return list
}

// changePrice changes what something costs from now on.
func (m *sales) changePrice(t *rapid.T) {
	g := rapid.SampledFrom(m.goods).Draw(t, "good")
	m.prices[g.variant] = rapid.SampledFrom([]int64{g.first, 1, 3, 99, 1001, 4999}).Draw(t, "price")
	m.exec(`UPDATE variants SET price_minor = $1 WHERE id = $2`, m.prices[g.variant], g.variant)
}

// changeRate changes what a program pays from now on; what is sold keeps its own.
func (m *sales) changeRate(t *rapid.T) {
	m.clock.Advance(1e9)
	s := rapid.SampledFrom(m.shops).Draw(t, "program")
	m.exec(`UPDATE programs SET commission_bps = $1 WHERE id = $2`, rapid.Int64Range(100, 8000).Draw(t, "rate"), s.program)
	m.exec(`INSERT INTO program_terms(program_id, from_at, commission_bps, window_hours) SELECT id, CAST($1 AS BIGINT), commission_bps, window_hours FROM programs WHERE id = $2`, db.Micros(m.clock.Now()), s.program)
}

// keepBack sets a brand's reserve.
func (m *sales) keepBack(t *rapid.T) {
	m.clock.Advance(1e9)
	in := order.Reserve{Bps: money.Bps(rapid.SampledFrom([]int{0, 1000, 10_000}).Draw(t, "bps")), Days: rapid.Int64Range(0, 30).Draw(t, "days")}
	_, err := m.world.orders.SetReserve(context.Background(), m.house(), rapid.SampledFrom(m.shops).Draw(t, "brand").id, in, "By chance")
	m.fine(t, "keep back", err)
}
