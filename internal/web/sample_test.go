package web

import (
	"strings"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

func usd(minor int64) money.Amount { return money.Of(minor, "USD") }

func pic(name string) Picture { return Picture{URL: "/sample/" + name + ".svg"} }

func noon(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)
}

func sampleChrome(title string, room Room, place string) Chrome {
	return Chrome{
		Title: title, Room: room, Place: place, Bag: 2, Back: "/", Path: "/you", Sandbox: true,
		Me:    &Me{Name: "Marisol Vega", Face: "/sample/marisol.svg", Handle: "marisol", Operator: true},
		Brand: &BrandRef{ID: "brd_1", Name: "Ferro & Ash", Face: "/sample/pan.svg", Role: "owner", Wait: 18},
	}
}

func sampleSeller() Seller {
	return Seller{Name: "Ferro & Ash", Legal: "Ferro & Ash LLC", Country: "United States", Email: "hello@ferro.example", Address: "12 Foundry Row, Dayton, OH 45402"}
}

func sampleClip(id string) Clip {
	return Clip{
		ID: id, Impression: "imp-" + id, Poster: "/sample/film.svg",
		Sources:    []Source{{URL: "/sample/none.mp4", Type: "video/mp4", Height: 720, Bitrate: 1_200_000}},
		Caption:    "Three eggs, no oil, no stick. The trick is patience and six weeks of breakfast. Week six, and still no oil in this pan.",
		Creator:    CreatorRef{Handle: "marisol", Name: "Marisol Vega", Face: "/sample/marisol.svg"},
		Disclosure: []string{"commission"},
		Products: []Offer{{ID: "prd_1", Title: "Everyday skillet, 26 cm", Price: usd(4800), Picture: pic("pan"),
			Stars: &Stars{Average: "4.7", Count: 312}, Left: "14 left · arrives Mon–Tue"}},
		Likes: 2418, Comments: 38, Liked: id == "vid_1", Why: []string{"You watched cooking to the end", "New: being tested"},
	}
}

func sampleProduct() ProductView {
	return ProductView{
		ID: "prd_1", Title: "Everyday skillet", Price: usd(4800), Impression: "imp-1",
		Description: "Cast in Ohio from recycled iron, machined smooth, seasoned three times with linseed oil.\n\nWeighs 2.1 kg. Fits induction, gas and the oven.",
		Pictures:    []Picture{pic("pan"), pic("board"), pic("plant")},
		Brand:       Link{Text: "Ferro & Ash", URL: "/search?brand=brd_1"}, Origin: "cast in Ohio",
		Stars: &Stars{Average: "4.7", Count: 312, URL: "#reviews"},
		Variants: []VariantView{
			{ID: "var_1", Title: "20 cm", Price: usd(3600), Left: 41},
			{ID: "var_2", Title: "26 cm", Price: usd(4800), Left: 14, Chosen: true},
			{ID: "var_3", Title: "30 cm", Price: usd(6400), Left: 0},
		},
		Facts: []Fact{
			{Icon: "truck", Text: "2–4 days", Note: "within the United States, from Ferro & Ash", Sum: "$4.90"},
			{Icon: "return", Text: "30 days to send it back", Note: "Ferro & Ash pays the postage"},
		},
		Earner: &Earner{Name: "Marisol Vega", Amount: usd(720), Bps: 1500}, Seller: sampleSeller(),
		Disclosure: []string{"commission"}, Discloser: "Marisol Vega",
		Reviews: []Review{{Stars: 5, Text: "Slides like glass after a month.", By: "Jo K., bought 26 cm in August"}, {Stars: 4, Text: "Heavy, and worth it.", By: "R. D., bought 20 cm in July"}},
	}
}

func sampleGoods() []Good {
	return []Good{
		{URL: "/products/1", Title: "Everyday skillet", Brand: "Ferro & Ash", Price: usd(3600), From: true, Picture: pic("pan"), Stars: &Stars{Average: "4.7", Count: 312}},
		{URL: "/products/2", Title: "Harbour mug, teal glaze over bare clay", Brand: "Tidewater Clay", Price: usd(2400), Picture: pic("mug"), Stars: &Stars{Average: "4.9", Count: 88}},
		{URL: "/products/3", Title: "Linen apron, flax", Brand: "Field Cloth", Price: usd(6200), Picture: pic("apron")},
		{URL: "/products/4", Title: "Dusk desk lamp", Brand: "Halle Light", Price: usd(7900), Picture: pic("lamp"), SoldOut: true},
		{URL: "/products/5", Title: "Cedar candle", Brand: "Low Tide", Price: usd(1800), Picture: pic("candle")},
		{URL: "/products/6", Title: "Monstera, small", Brand: "Green Corner", Price: usd(2900), Picture: Picture{}},
	}
}

func sampleFilms() []FilmRef {
	var out []FilmRef
	for _, c := range []string{"Three eggs, no oil, no stick", "Restoring a rusty one", "Pão de queijo, one pan", "Camp stove test"} {
		out = append(out, FilmRef{URL: "/v/1", Poster: "/sample/film.svg", Caption: c})
	}
	return out
}

func sampleTill() []TillLine {
	return []TillLine{{Title: "Everyday skillet, 26 cm", Brand: "Ferro & Ash", Picture: pic("pan"), Total: usd(4800), Earner: "Marisol Vega earns $6.45"}}
}

func sampleShips() []ShipGroup {
	return []ShipGroup{{Brand: "Ferro & Ash", ID: "brd_1", Seller: sampleSeller(), Options: []ShipOption{
		{ID: "s1", Name: "Mon 23 – Tue 24 Nov", Note: "Lonestar Parcel, tracked", Price: usd(490), Chosen: true},
		{ID: "s2", Name: "Tomorrow", Note: "Courier before noon", Price: usd(1490)},
	}}}
}

func sampleSums() []SumRow {
	return []SumRow{{Label: "Goods", Value: "$48.00"}, {Label: "Voucher GOLDEN5", Value: "−$5.00", Less: true}, {Label: "Shipping", Value: "$4.90"}, {Label: "Sales tax, Texas 8.25 %", Value: "$3.95"}}
}

func sampleSteps() []Step {
	return []Step{
		{State: "done", Text: "Paid", At: noon(18, 11, 6)},
		{State: "done", Text: "Handed over", At: noon(19, 15, 20)},
		{State: "now", Icon: "truck", Text: "On its way", When: "since Thursday", Note: "Lonestar Parcel ·", Way: Link{Text: "LP 4471 0092 18"}},
		{State: "next", Text: "Delivered", When: "Mon 23 – Tue 24 Nov"},
		{State: "next", Text: "Last day to send it back", When: "24 Dec", Note: "Ferro & Ash pays the postage"},
	}
}

func sampleOrder() OrderPage {
	return OrderPage{
		Chrome: sampleChrome("Your order", Market, "orders"), ID: "ord_0001f4471", Head: "On its way", Lead: "Expected Monday or Tuesday, from Ferro & Ash in Ohio",
		Picture: pic("pan"), Placed: noon(18, 11, 6), PaidWith: "Paid with Visa ·· 4242", Total: usd(5185), Sums: sampleSums(), CanStop: true,
		Parts:   []OrderPart{{ID: "opt_1", Brand: Link{Text: "Ferro & Ash", URL: "/"}, Seller: sampleSeller(), Lines: sampleTill(), Steps: sampleSteps()}},
		Earned:  []Earned{{Name: "Marisol Vega", Face: "/sample/marisol.svg", Amount: usd(645), State: Pending, Words: "15 % of $43.00, because you opened it from a video.", Slip: []SumRow{{Label: "Goods after voucher", Value: "$43.00"}, {Label: "Rate, frozen at sale", Value: "15 %"}, {Label: "Commission", Value: "$6.45", Total: true}}, Why: "Last click within 14 days. One other creator’s click was older."}},
		Refunds: sampleRefunds()[:1], Refunded: usd(4800), Returns: sampleReturns(), Return: []ReturnForm{sampleReturnForm()},
		Claims:  []ClaimRow{{ID: "clm_1", State: "open", Badge: "waits for the seller", Says: "The carrier says Monday, nothing came", Next: "Without proof by Wed 25 Nov, 09:12 everything is given back.", At: noon(22, 9, 12), Drop: true}},
		Claim:   []ClaimForm{{Action: "/", Part: "opt_2", Open: true, Says: Field{Name: "says", Label: "What happened", ID: "says-2"}}},
		Address: []string{"Dana Reyes", "1804 Kinney Avenue, 3B", "Austin, TX 78704", "United States"},
	}
}

func sampleEarnings() EarningsPage {
	receipt := []SumRow{{Label: "Goods after voucher", Value: "$43.00"}, {Label: "Your rate, frozen at sale", Value: "15 %"}, {Label: "Commission", Value: "$6.45", Total: true}}
	return EarningsPage{
		Chrome: sampleChrome("Earnings", Studio, "earnings"), Available: usd(21240), Pending: usd(38944), Paid: usd(114825), Reversed: usd(1824),
		NextWords: "next $31.20 on 24 Nov", PaidWords: "9 payouts", BackWords: "3 returns",
		Payout: &PayoutForm{Amount: usd(21240), Destination: "dst_1", To: "Lone Star Credit Union ·· 8830", Words: "usually the next working day. No fee."},
		Lines: []CommissionLine{
			{ID: "com_1", Title: "Skillet, 26 cm", Picture: pic("pan"), Amount: usd(645), State: Pending, Says: "until 8 Dec", When: "18 Nov, order ··4471", Open: true, Slip: receipt, Why: "Yours by last click within 14 days: opened from “Three eggs, no oil” on 18 Nov, 11:02. One other creator’s click was older."},
			{ID: "com_2", Title: "Harbour mug, teal", Picture: pic("mug"), Amount: usd(360), State: Available, When: "2 Nov, order ··4102", Slip: receipt},
			{ID: "com_3", Title: "Linen apron, flax", Picture: pic("apron"), Amount: usd(744), State: Reversed, When: "30 Oct, sent back 9 Nov", Slip: receipt},
			{ID: "com_4", Title: "Dusk desk lamp", Picture: pic("lamp"), Amount: usd(1185), State: Paid, Says: "16 Nov", When: "21 Oct, order ··3977", Slip: receipt},
		},
	}
}

func sampleStudio() StudioPage {
	return StudioPage{
		Chrome: sampleChrome("Studio", Studio, "studio"), Greeting: "Good evening, Marisol", Today: usd(8664), Orders: 14, AllOf: Pending, Available: usd(21240), Pending: usd(38944),
		PayWords: "Earliest pay date 10 Dec: delivered, then 15 days",
		Live:     sampleLive(true), Plot: samplePlot("creator:crt_1", "views", "Views"),
		Now:    cellsOf(sampleFigures("creator:crt_1"), "views", "uniques", "product_clicks", "orders", "gmv", "commission", "ctr", "ctor", "gpm", "epc", "velocity", "watch_seconds"),
		Alerts: []Alert{{Faster: true, Title: "Three eggs, no oil, no stick", URL: "/studio/videos/vid_1", Text: "sells 3.2 times as fast as in the day before.", Why: "12 orders in the last hour, 14 in the 23 hours before."}},
		Ranks: []VideoRank{{Head: "Best", URL: "/", Poster: "/sample/film.svg", Title: "Three eggs, no oil, no stick", Cells: cellsOf(sampleFigures("video:vid_1"), "gpm", "views", "orders")},
			{Head: "Worst", URL: "/", Title: "Camp stove test", Cells: cellsOf(sampleFigures("video:vid_2"), "gpm", "views", "orders")}},
		Best: &BestVideo{Of: "video:vid_1", Numbers: "/studio/videos/vid_1", URL: "/v/1", Poster: "/sample/film.svg", Length: 9 * time.Second, Caption: "Three eggs, no oil, no stick", Earned: usd(6480), Share: "9 of 14 orders",
			Funnel: funnelOf(sampleFigures("video:vid_1")), Cells: cellsOf(sampleFigures("video:vid_1"), "ctor", "gpm")},
		Next: []Todo{{URL: "/studio/programs", Picture: pic("apron"), Text: "Add the linen apron", Note: "12 %, EPC $0.41 over 2,140 clicks, returns 3 %"}, {URL: "/studio/upload", Icon: "film", Text: "Film the skillet on induction", Note: "11 of 38 comments ask about it"}},
	}
}

func sampleLive(windowed bool) Live {
	l := Live{Stream: "/api/v1/metrics/stream?entities=creator:crt_1", AsOf: noon(22, 18, 42), LagMS: 400}
	for _, w := range windows {
		l.Tabs = append(l.Tabs, Tab{Text: w.text, URL: "/", Here: w.text == "24 hours"})
	}
	if !windowed {
		l.Tabs = nil
	}
	return l
}

// sampleFigures are the numbers of the drawings in LOOK.md.
func sampleFigures(entity string) insight.Figures {
	share := func(v float64) *float64 { return &v }
	sum := func(minor int64) *money.Amount { a := usd(minor); return &a }
	return insight.Figures{Entity: entity, Window: "24h", Impressions: 15760, Views: 10514, WatchSeconds: 48210, Uniques: 7204, Clicks: 961, Visits: 1204, Carts: 121, Orders: 60, SKUOrders: 73, Units: 81,
		GMV: sum(276400), NetGMV: sum(271200), Refunds: 2, Refunded: sum(5200), Commission: sum(34890), CTR: share(0.061), CTOR: share(0.051), CVR: share(0.048), AOV: sum(4607), GPM: sum(26289), ShowGPM: sum(17538), EPC: sum(36),
		RefundRate: share(0.027), Velocity: insight.VelocityFigures{FiveMinutes: 8.4, Hour: 6.2, Day: 3.4},
		Intervals: insight.Intervals{CTR: &insight.Interval{0.057, 0.065}, CTOR: &insight.Interval{0.039, 0.066}, CVR: &insight.Interval{0.037, 0.061}},
		N:         insight.Bases{CTR: 15760, CTOR: 961, CVR: 1204, AOV: 60, GPM: 10514, ShowGPM: 15760, EPC: 961}}
}

func samplePoints() (points []PlotPoint) {
	for i, n := range []int64{10, 8, 4, 3, 3, 6, 20, 44, 90, 120, 131, 104, 160, 247, 230, 150, 176, 260, 498, 510, 380, 260, 180, 96} {
		points = append(points, PlotPoint{At: noon(21, 19, 0).Add(time.Duration(i) * time.Hour), Value: n, Text: Count(n)})
	}
	return points
}

func samplePlot(of, field, title string) *Plot {
	return &Plot{Of: of, Path: "/api/v1/metrics/" + strings.Replace(of, ":", "/", 1) + "/series", Field: field, As: "count", Window: "24h", Title: title, Points: samplePoints()}
}

func sampleVideoNumbers() VideoPage {
	f := sampleFigures("video:vid_1")
	c := sampleChrome("Numbers", Studio, "videos")
	c.Back, c.Live = "/studio/videos", true
	return VideoPage{Chrome: c, Caption: "Three eggs, no oil, no stick", URL: "/v/1", Poster: "/sample/film.svg", Length: 9 * time.Second, Live: sampleLive(true), Of: f.Entity, Funnel: funnelOf(f),
		Cells: cellsOf(f, "ctr", "ctor", "gpm", "epc", "gmv", "velocity", "uniques", "watch_seconds", "commission", "refunds"), Plot: *samplePlot(f.Entity, "views", "Views"),
		Alerts: sampleStudio().Alerts, Goods: sampleSellers("By product", "Product", "Everyday skillet", "Harbour mug, teal")}
}

func sampleSellers(label, first string, names ...string) Table {
	var rows []insight.Row
	for i := range names {
		gmv, fee, rate := usd(97200/int64(i+1)), usd(14580/int64(i+1)), 0.07/float64(i+1)
		rows = append(rows, insight.Row{Entity: names[i], Clicks: int64(300 / (i + 1)), SKUOrders: int64(21 / (i + 1)), GMV: &gmv, Commission: &fee, CTOR: &rate, Interval: &insight.Interval{rate * 0.7, rate * 1.4}, N: int64(300 / (i*12 + 1))})
	}
	return sellerTable(label, first, "USD", rows, func(r insight.Row) (string, string) { return r.Entity, "/" })
}

func sampleHouse() insight.House {
	ms := func(v float64) *float64 { return &v }
	return insight.House{Entity: "house", AsOf: noon(22, 18, 42), Ingest: 1842.5, LagMS: 3, Visible: insight.Measured{P50MS: ms(4.2), P99MS: ms(42), N: 10000}, Ranked: insight.Measured{P50MS: ms(5.1), P99MS: ms(38), N: 10000}, Pushed: insight.Measured{P50MS: ms(142), P99MS: ms(318), N: 4000},
		Flagged: 214, Late: 3, LogBytes: 4_200_000_000, Horizon: 259200, Subscribers: 7}
}

func samplePrograms() []ProgramOffer {
	return []ProgramOffer{
		{ProductID: "prd_1", URL: "/", Title: "Everyday skillet", Brand: "Ferro & Ash", Picture: pic("pan"), Price: usd(4800), Bps: 1500, Earn: usd(720), Window: "14 days after the click", Hold: "15 days after delivery", Epc: "$0.41 over 2,140 clicks", Refunds: "3 %", Showing: true, Lock: "15 % is yours until 20 Dec", Stock: "55 left"},
		{ProductID: "prd_3", URL: "/", Title: "Linen apron, flax", Brand: "Field Cloth", Picture: pic("apron"), Price: usd(6200), Bps: 1200, Earn: usd(744), Window: "7 days after the click", Hold: "15 days after delivery", Stock: "120 left"},
	}
}

func sampleBrand() BrandPage {
	f := sampleFigures("brand:brd_1")
	sold, plot := cellOf(f, "gmv"), samplePlot("brand:brd_1", "gmv", "GMV")
	plot.As = "money"
	c := sampleChrome("Today", Brand, "today")
	c.Live = true
	return BrandPage{
		Chrome: c, Head: "Ferro & Ash", Live: sampleLive(true), Sold: &sold, Plot: plot, Gmv: usd(276400), GmvWords: "Yours of what was sold: held and ready",
		Split: []SumRow{{Label: "Held until delivered and kept", Value: "$1,931.40"}, {Label: "Ready to pay out", Value: "$2,249.26", Total: true}},
		States: []StateCount{{"/", "box", "To pack", "oldest 5 h, promised in 48 h", 18, true}, {"/", "return", "Returns to answer", "17 h left, then accepted", 2, true},
			{"/", "truck", "Shipped", "", 42, false}, {"/", "clock", "Delivered, in hold", "", 131, false}, {"/", "check", "Completed", "", 612, false}},
		Cells:   cellsOf(f, "orders", "aov", "ctr", "ctor", "cvr", "gpm", "velocity", "refunds", "commission", "uniques"),
		Sellers: []Table{sampleSellers("Who sold it", "Creator", "Marisol Vega", "Tomasz Wrona", "Inês Duarte"), sampleSellers("Which video sold it", "Video", "Three eggs, no oil", "Restoring a rusty one"), sampleSellers("What was sold", "Product", "Everyday skillet")},
	}
}

func sampleJob(part, state, says string) OrderJob {
	carrier, tracking, label := NewShipFields(part, []Option{{Value: "", Label: "Ourselves"}, {Value: "lbr_1", Label: "DHL, Parcel up to 2 kg: $4.20"}})
	job := OrderJob{Order: "ord_00" + part, Part: part, State: state, Says: says, Paid: noon(22, 13, 40), Buyer: "Dana Reyes", Address: []string{"1804 Kinney Avenue, 3B", "Austin, TX 78704"},
		Lines: []JobLine{{ID: "lin_1", Title: "Everyday skillet, 26 cm", SKU: "FA-26", Quantity: 1, Picture: pic("pan"), Earner: "Marisol Vega, $6.45", Open: true}}, Yours: usd(3397), Total: usd(4300), Carrier: carrier, Tracking: tracking, Label: label, Shipping: "$4.99"}
	if state == "shipped" {
		job.Shipments = []Shipment{{ID: "shp_1", Carrier: "Lonestar Parcel", Tracking: "LP 4471 0092 18", At: noon(19, 15, 20), Label: "The platform’s label, Parcel up to 2 kg: $4.20"}}
	}
	units := Field{Name: "units_lin_" + part, ID: "units_lin_" + part, Label: "Everyday skillet, 26 cm", Options: []Option{{"0", "none", true}, {"1", "1 of 2", false}}}
	job.Refund = &RefundForm{Action: "/", Part: part, Units: []Field{units}, Shipping: "$4.90", Sent: state == "shipped", Open: state == "shipped",
		Reason: Field{Name: "reason", Label: "Why", Hint: "The buyer reads it.", ID: "reason-" + part}}
	if state == "shipped" {
		job.Lines[0].Quantity, job.Lines[0].Back, job.Refunded = 2, "1 of 2 refunded", usd(4800)
		job.Refunds, job.Dispute = sampleRefunds(), Link{Text: "Disputed at the buyer’s bank", URL: "/"}
	}
	return job
}

func sampleReturns() []ReturnRow {
	return []ReturnRow{
		{ID: "ret_1", State: "approved", Says: "agreed", What: []string{"Everyday skillet, 26 cm: “Too small for the four of us”"}, Note: "To our yard in Ohio, please. The postage is ours.", Next: "To be sent back by Sun 6 Dec, 09:12; otherwise it stays sold.", At: noon(21, 9, 12),
			Send: []Field{{Name: "carrier", Label: "Carrier", ID: "carrier-ret_1"}, {Name: "tracking", Label: "Tracking number", Optional: true, ID: "tracking-ret_1"}}, Drop: true},
		{ID: "ret_2", State: "requested", Says: "waits for the seller", Keeps: true, What: []string{"2 × Walnut trivet: “One came split along the grain”"}, Next: "Without an answer by Tue 24 Nov, 09:12 it is agreed, and the money goes back.", At: noon(22, 9, 12), Drop: true},
	}
}

func sampleReturnForm() ReturnForm {
	return ReturnForm{Action: "/", Part: "opt_1", Until: "6 Dec", Open: true, Lines: []ReturnLine{{Units: Field{Name: "units_lin_1", ID: "r-u", Label: "Everyday skillet, 26 cm", Options: []Option{{"0", "none", true}, {"1", "1 of 2", false}}},
		Reason: Field{Name: "reason_lin_1", ID: "r-r", Label: "Why", Optional: true}}}}
}

// sampleAnswers are the same returns as their brand answers them.
func sampleAnswers() []ReturnRow {
	rows := sampleReturns()
	note := Field{Name: "note", Label: "What you say to it", Optional: true, Hint: "The buyer reads it. Needed to decline.", ID: "note-1"}
	rows[0].Send, rows[0].Drop, rows[0].Order, rows[0].Parcel, rows[0].Says = nil, false, "ord_0001f4471", "Lonestar Parcel LP 4471 0099", "on its way back"
	rows[0].Decide = &DecideForm{Action: "/", Note: note, Restock: true, Answers: []Option{{Value: "refund", Label: "It has come: give the money back"}}}
	note.ID = "note-2"
	rows[1].Drop, rows[1].Order = false, "ord_0001f4468"
	rows[1].Decide = &DecideForm{Action: "/", Note: note, Answers: []Option{{Value: "approve", Label: "Agreed, send it back"}, {Value: "refund", Label: "Give the money back now"}, {Value: "decline", Label: "Decline"}}}
	return rows
}

func sampleRefunds() []RefundRow {
	return []RefundRow{
		{Amount: usd(4800), State: "confirmed", Says: "given back", What: "Everyday skillet, 26 cm", Reason: "The handle came loose on the way", Did: "$37.92 from you, $7.20 from Marisol Vega, $2.88 of the platform’s fee.", At: noon(21, 9, 12)},
		{Amount: usd(490), State: "requested", Says: "on its way", What: "the shipping", Reason: "Two days late", Did: "$4.90 from you.", At: noon(21, 9, 14)},
	}
}

func sampleThing(kind, title string) Thing {
	return Thing{Kind: kind, ID: kind + "_1", Title: title, URL: "/", Picture: pic("board"), Sub: "by Marisol Vega, 18 Nov", Standing: "limited", Why: "Limited by Noor Haddad on 20 Nov: the caption claims a cure.", Change: "chg_1", Reports: 3}
}

func sampleTaxes(c Chrome) TaxPage {
	noor := func(t order.Tax, tax id.TaxRate) TaxRow {
		return taxRow(order.TaxRate{ID: tax, Tax: t, MadeByName: "Noor Haddad", MadeAt: noon(3, 9, 0)})
	}
	return TaxPage{Chrome: c, Tabs: []Tab{{Text: "In force", URL: "/", Here: true}, {Text: "Ended", URL: "/"}}, Form: newTaxForm(), Rates: []TaxRow{
		noor(order.Tax{Country: "DE", Name: "VAT", Rate: 1900, Inclusive: true, OnShipping: true, CollectedBy: order.ByPlatform}, "tax_1"),
		noor(order.Tax{Country: "DE", Category: "food", Name: "VAT", Rate: 700, Inclusive: true, CollectedBy: order.ByPlatform}, "tax_2"),
		noor(order.Tax{Country: "US", Region: "TX", Name: "Sales tax", Rate: 825, CollectedBy: order.ByBrand}, "tax_3")}}
}

func sampleVouchers() []VoucherRow {
	return []VoucherRow{
		{ID: "vch_1", Code: "MARISOL-AUTUMN-2026", Title: "Marisol’s favourites, for those who cook", Says: "12.5 % off, at most $20.00, from $40.00", Covers: "3 products", When: "until 8 Dec 2026", Uses: "1,204 uses of 5,000, 1 for each person",
			Saved: "$9,120.40 taken off", Whose: "code of @marisol", State: "running", Running: true, Listed: true, Live: true},
		{ID: "vch_2", Code: "HELLO", Title: "Welcome", Says: "$5.00 off", Covers: "all products", When: "ended 1 Nov 2026", Uses: "12 uses", Saved: "$60.00 taken off", State: "ended"},
	}
}

func sampleSaving() SavingBox {
	return SavingBox{Code: codeField(), Back: "/bag", Offers: []SavingRow{
		{Code: "MARISOL-AUTUMN-2026", Title: "Marisol’s favourites, for those who cook", Says: "10 % off, at most $20.00", Giver: "brd_1", ID: "vch_1", From: "from Ferro & Ash", Off: "−$4.80", Saves: "$4.80", Typed: true, Chosen: true},
		{Code: "HELLO", Title: "Welcome", Says: "$5.00 off", ID: "vch_2", From: "from Mezzo", Off: "−$5.00", Saves: "$5.00", Chosen: true, Wished: true},
		{Code: "SMALL", Title: "A little less", Says: "$1.00 off", Giver: "brd_1", ID: "vch_3", From: "from Ferro & Ash", Saves: "$1.00"},
		{Code: "BIG-BASKET", Title: "For big baskets", Says: "$20.00 off, from $100.00", Giver: "brd_1", ID: "vch_4", From: "from Ferro & Ash", Why: "It needs $52.00 more of what it covers."},
	}}
}

// sampleSamples are free samples as their brand, or their creator, sees them.
func sampleSamples(brand bool) []SampleRow {
	reason := Field{Name: "reason", Label: "A word to the creator", Optional: true, Hint: "Say why, if you decline.", ID: "reason-1"}
	asked := SampleRow{ID: "smp_1", Title: "Everyday cast-iron skillet (26 cm)", URL: "/", Other: Link{Text: "Marisol Vega, @marisol", URL: "/c/marisol"}, Record: "2 of 3 samples answered with a video, 1 overdue",
		State: "requested", Badge: "waits for the brand", Note: "Three eggs without oil, as in my last one", Terms: "A video that tags it within 14 days of arrival; without one its creator pays $48.00.", Next: "If you do not answer by 30 Nov 2026, it is declined."}
	sent := asked
	sent.ID, sent.State, sent.Badge, sent.Parcel, sent.Next = "smp_2", "shipped", "on its way", "Lonestar Parcel RX12345678901", "It counts as arrived on 7 Dec 2026."
	sent.Address = []string{"Marisol Vega", "7 Quiet Lane", "Austin TX 73301", "US"}
	if brand {
		asked.Decide, sent.Back = &reason, true
	} else {
		asked.Drop, sent.Came, asked.Record, sent.Record = true, true, "", ""
	}
	done := asked
	done.ID, done.State, done.Badge, done.Decide, done.Drop, done.Next, done.Video = "smp_3", "fulfilled", "answered", nil, false, "", Link{Text: "The video", URL: "/"}
	return []SampleRow{asked, sent, done}
}

func sampleAsk() AskSamplePage {
	form := NewAddressForm()
	form.Country.Options = choose(countries(), "US")
	return AskSamplePage{Chrome: sampleChrome("Ask for a sample", Studio, "samples"), Line: TillLine{Title: "Everyday cast-iron skillet", Brand: "Ferro & Ash"}, Form: form, Note: Field{Name: "note", Label: "A word to the brand", Rows: 2, Optional: true},
		Variant: Field{Name: "variant_id", Label: "Which one", Options: []Option{{Value: "a:4800", Label: "26 cm, $48.00"}, {Value: "b:6400", Label: "30 cm, $64.00"}}},
		Terms:   []string{"3 samples are left. The brand answers within 7 days.", "A video that tags it is due within 14 days of its arrival."}, Agree: "I agree: without such a video in time I pay the price of the one I chose, as it stands above."}
}
