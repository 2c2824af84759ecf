package demo

import "mezzo/internal/client"

// trader is a brand and the terms on which others may sell its goods.
type trader struct {
	email, owner                      string
	name, legal, contact, at, country string
	goods                             []string // ids in the manifest
	rate, hold                        int      // basis points, days
	shipping, freeOver                int64    // minor units
	label                             string   // the service of the platform's that its parcels go with; "": it carries them itself
	samples                           map[string]any
}

// traders returns the brands of the demo.
func traders() []trader {
	return []trader{
		{email: "ember@demo.example", owner: "Nora Lindqvist", name: "Ember & Oak", legal: "Ember & Oak Supply LLC", contact: "hello@ember.example", at: "418 Foundry Row, Portland, OR 97209", country: "US",
			goods: []string{"pan", "knife", "board", "apron"}, rate: 1500, hold: 7, shipping: 590, freeOver: 7500,
			samples: map[string]any{"units": 8, "days": 14}},
		{email: "twotone@demo.example", owner: "Duarte Reis", name: "Two-Tone Studio", legal: "Reis & Filha Lda.", contact: "ola@twotone.example", at: "Rua da Olaria 12, 2500-082 Caldas da Rainha", country: "PT",
			goods: []string{"mug", "teapot", "soap"}, rate: 2000, hold: 5, shipping: 650, freeOver: 9000,
			samples: map[string]any{"units": 4, "days": 7, "charged": true}},
		{email: "halfsun@demo.example", owner: "Freja Holm", name: "Half Sun", legal: "Half Sun ApS", contact: "hej@halfsun.example", at: "Havnegade 7, 8000 Aarhus", country: "DK",
			goods: []string{"lamp", "candle", "throw", "plant", "basket", "tote"}, rate: 1000, hold: 10, shipping: 790, freeOver: 12000, label: smallParcel},
		{email: "alba@demo.example", owner: "Inés Romero", name: "Finca Alba", legal: "Finca Alba S.L.", contact: "hola@alba.example", at: "Camino del Molino 3, 23400 Úbeda", country: "ES",
			goods: []string{"oil", "honey", "cream"}, rate: 1800, hold: 30, shipping: 490, freeOver: 5000, label: heavyParcel},
	}
}

// sizes are the variants of goods that come in more than one; the price of each is that of the
// goods and so many hundredths.
func sizes(id string) []size {
	switch id {
	case "pan":
		return []size{{"26 cm", 100}, {"30 cm", 125}}
	case "apron":
		return []size{{"Short", 100}, {"Long", 110}}
	case "mug":
		return []size{{"Lagoon", 100}, {"Clay", 100}, {"Cream", 100}}
	case "candle":
		return []size{{"Fig and cedar", 100}, {"Unscented", 90}}
	case "throw":
		return []size{{"Clay stripe", 100}, {"Lagoon stripe", 100}}
	case "oil":
		return []size{{"50 cl", 100}, {"Case of three", 280}}
	case "honey":
		return []size{{"500 g", 100}, {"1 kg", 185}}
	}
	return []size{{"", 100}}
}

type size struct {
	title   string
	percent int64
}

// category returns where in the shop's tree the manifest's word stands.
func category(word string) string {
	switch word {
	case "kitchen":
		return "home.kitchen"
	case "home":
		return "home.decor"
	case "care":
		return "beauty.skincare"
	case "pantry":
		return "food.pantry"
	}
	return "other"
}

// maker is a creator. How many follow them and how well they sell have nothing to do with each other.
type maker struct {
	email, name, handle, bio string
	categories               []string
	follow                   int     // in a hundred of the demo's people who follow them
	appeal                   float64 // how likely somebody who watches taps
	street                   string  // of those who are sent something, or paid: nobody else's, for who shares an address with a buyer earns nothing by them
	posts                    []posting
}

// posting is a video: a clip under one of its captions, on a day of the demo's past.
type posting struct {
	clip    string
	caption int
	day     int
}

// makers returns the creators of the demo: the famous first, the small who sell behind them.
func makers() []maker {
	return []maker{
		{email: "lena@demo.example", name: "Lena Glow", handle: "lenaglow", bio: "Everything, everywhere, in good light.", categories: []string{"home.decor", "beauty.skincare"}, follow: 97, appeal: 0.02,
			posts: []posting{{"dusk.mp4", 2, 0}, {"sea.mp4", 1, 5}}},
		{email: "marisol@demo.example", name: "Marisol Vega", handle: "marisol", bio: "Eggs, mostly.", categories: []string{"home.kitchen"}, follow: 6, appeal: 0.36, street: "2210 Comal St",
			posts: []posting{{"eggs.mp4", 0, 0}, {"crust.mp4", 1, 3}, {"eggs.mp4", 2, 11}}},
		{email: "tomas@demo.example", name: "Tomas Brandt", handle: "tomas.bakes", bio: "Baker, up at three. Questions about crumb welcome.", categories: []string{"home.kitchen", "food.pantry"}, follow: 3, appeal: 0.30, street: "31 Rosewood Ave",
			posts: []posting{{"crust.mp4", 0, 0}, {"saturday.mp4", 2, 8}}},
		{email: "ada@demo.example", name: "Ada Okafor", handle: "ada.draws", bio: "Pencils, paper, one good lamp.", categories: []string{"home.decor"}, follow: 41, appeal: 0.12,
			posts: []posting{{"evening.mp4", 2, 0}}},
		{email: "hugo@demo.example", name: "Hugo Marchetti", handle: "hugo.pours", bio: "Oil, honey, bread, repeat.", categories: []string{"food.pantry"}, follow: 14, appeal: 0.24,
			posts: []posting{{"grove.mp4", 1, 0}, {"hives.mp4", 0, 6}}},
		{email: "wren@demo.example", name: "Wren Castellane", handle: "wren", bio: "Slow mornings on the third floor.", categories: []string{"home.decor", "home.kitchen"}, follow: 62, appeal: 0.07, street: "5 Waller Ct",
			posts: []posting{{"morning.mp4", 0, 0}, {"rain.mp4", 0, 9}}},
		{email: "yuki@demo.example", name: "Yuki Tanabe", handle: "sixty.days", bio: "One window sill. Things grow on it.", categories: []string{"home.decor"}, follow: 9, appeal: 0.20,
			posts: []posting{{"growing.mp4", 0, 0}}},
		{email: "bea@demo.example", name: "Bea Fontaine", handle: "bea.market", bio: "Two stalls, one apron.", categories: []string{"home.kitchen", "home.decor"}, follow: 2, appeal: 0.28, street: "804 Garden St",
			posts: []posting{{"market.mp4", 0, 2}, {"saturday.mp4", 0, 12}}},
		{email: "ole@demo.example", name: "Ole Sandvik", handle: "ole.sails", bio: "Hands like rope. Working on it.", categories: []string{"beauty.skincare"}, follow: 24, appeal: 0.16,
			posts: []posting{{"sea.mp4", 0, 1}}},
		{email: "priya@demo.example", name: "Priya Nair", handle: "priya.steeps", bio: "The second steep is the good one.", categories: []string{"home.kitchen"}, follow: 1, appeal: 0.33, street: "77 Holly Ln",
			posts: []posting{{"dusk.mp4", 0, 4}, {"morning.mp4", 2, 14}}},
	}
}

// Names of the demo's people.
var (
	firstNames = []string{"Ana", "Ben", "Chloe", "Dev", "Elif", "Finn", "Grace", "Hana", "Ivo", "Jun", "Kofi", "Lucia", "Mina", "Noah", "Olga", "Pavel", "Quinn", "Rosa", "Sami", "Tess"}
	lastNames  = []string{"Abbott", "Bauer", "Costa", "Dahl", "Evans", "Ferrari"}
)

// remarks are what people write under videos.
func remarks() []string {
	return []string{"Bought it on Sunday, used it every day since.", "Does it fit in a small kitchen?", "The sound of this one.", "My grandmother had exactly this.", "How heavy is it really?",
		"Came in four days, well packed.", "I watched this three times.", "More of this, please.", "Does the glaze stay like that?", "Is it as quiet as it looks?", "Ordered. No regrets.",
		"Finally somebody who shows it in use.", "What is the song?", "Mine arrived this morning.", "The colour is even better in daylight.", "Asking for my sister: does it come smaller?"}
}

// homes are where parcels go.
func homes() []client.Address {
	return []client.Address{
		{Line1: "12 Alder St", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US"},
		{Line1: "900 Pine Ave", City: "Seattle", Region: "WA", PostalCode: "98101", Country: "US"},
		{Line1: "44 Court St", City: "Brooklyn", Region: "NY", PostalCode: "11201", Country: "US"},
		{Line1: "7 Ocean Dr", City: "San Diego", Region: "CA", PostalCode: "92101", Country: "US"},
		{Line1: "Lindenweg 4", City: "Berlin", PostalCode: "10115", Country: "DE"},
		{Line1: "3 rue du Four", City: "Lyon", PostalCode: "69001", Country: "FR"},
	}
}

// levy is a tax as the demo charges it: made-up simple, near to what is true.
type levy struct {
	country, region, category, name string
	rate                            int // basis points
	inside                          bool
}

// levies returns the tax table of the demo. New York has none, so that such an order can be seen too.
func levies() []levy {
	return []levy{
		{"US", "TX", "", "Sales tax", 825, false},
		{"US", "WA", "", "Sales tax", 1035, false},
		{"US", "CA", "", "Sales tax", 775, false},
		{"DE", "", "", "MwSt.", 1900, true},
		{"DE", "", "food", "MwSt.", 700, true},
		{"FR", "", "", "TVA", 2000, true},
		{"FR", "", "food", "TVA", 550, true},
	}
}
