package insight

// Definition says what a number means: the one text behind pages and the contract.
type Definition struct {
	Key     string // the field of the API
	Name    string // as people read it
	Means   string // one sentence
	Formula string // how it is made; "" when the sentence says it
}

// definitions is the table itself, in the order people meet the numbers.
var definitions = [...]Definition{
	{"impressions", "Impressions", "At least half of it was on screen, for however short a time: a fast skip is one.", ""},
	{"views", "Views", "It played for two seconds.", ""},
	{"watch_seconds", "Watch time", "Seconds it played, never more than passed and at most three times its length.", ""},
	{"uniques", "People", "Different viewers with a view, or with a click or visit of a product; counted within 3 %.", ""},
	{"product_clicks", "Product clicks", "The product was opened from content.", ""},
	{"product_views", "Product visits", "The product's page was opened, from wherever.", ""},
	{"add_to_carts", "In the bag", "The product was put into a bag.", ""},
	{"orders", "Orders", "Paid orders with at least one line of it, by the time of payment.", ""},
	{"sku_orders", "SKU orders", "Lines of paid orders: one order of two products is two.", ""},
	{"units", "Units", "Pieces in paid orders.", ""},
	{"gmv", "GMV", "Value of the goods in paid orders after discounts, without tax and shipping, before refunds; by the time of payment.", ""},
	{"net_gmv", "Net GMV", "GMV after refunds and lost disputes, each taken off in the hour of its order.", ""},
	{"refunds", "Refunds", "Order lines given back, called off or taken back by a bank after payment, by the time of that.", ""},
	{"refunded", "Refunded", "What those lines came to.", ""},
	{"commission", "Commission", "What creators earned by sales in this time, as frozen at sale; what is reversed later is taken off where it was earned.", ""},
	{"ctr", "CTR", "How often an impression led to a product click. A click counts where its impression counts, so it cannot pass 100 %.", "product clicks ÷ impressions"},
	{"ctor", "CTOR", "How often a product click led to an order. An order counts where its winning click counts, by click cohort.", "orders ÷ product clicks"},
	{"cvr", "CVR", "How often a visit of the product's page led to an order, by the cohort of the visit.", "orders ÷ product visits"},
	{"aov", "AOV", "What an order is worth on average.", "GMV ÷ orders"},
	{"gpm", "GPM", "What a thousand views sell.", "GMV × 1,000 ÷ views"},
	{"show_gpm", "Show GPM", "What a thousand impressions sell.", "GMV × 1,000 ÷ impressions"},
	{"epc", "EPC", "What a product click earns its creator, of commission that is settled: held no more, and not taken back.", "settled commission ÷ product clicks"},
	{"velocity", "Velocity", "Units sold per hour, recent ones counting more: a unit counts half after five minutes, an hour or a day.", ""},
	{"refund_rate", "Refund rate", "How many of the units sold came back, were called off or were lost to a bank. A unit counts where its sale counts, so it cannot pass 100 %.", "units given back ÷ units"},
	{"late", "Late", "Events that happened before the time within which repeats are known: counted here and nowhere else.", ""},
	{"flagged", "Flagged", "Events of robots, with forged or another's tokens, or told by clients who cannot know: kept, counted here and nowhere else.", ""},
	{"lost", "Lost on the way", "Events that never came: a client numbers what it sends, and these numbers are missing. One that comes late is taken off again.", ""},
	{"repeats", "Repeats dropped", "Events told before, as a client does that had no answer: each is counted once, the first time.", ""},
	{"interval", "Interval", "The true rate lies within with 95 % confidence (Wilson's score interval). n is what it stands on; below 30 it is early.", ""},
	{"ingest", "Ingest", "Events acknowledged per second: each of them is on disk.", ""},
	{"lag", "Lag", "How far the counting is behind the clock. When nothing happens it is up to a second, for then only the log's own tick moves it on.", ""},
	{"fresh_visible", "To be counted", "From the acknowledgement of an event until dashboards can read it. p50: half are faster; p99: 99 of 100 are.", ""},
	{"fresh_ranked", "To change the feed", "From the acknowledgement of an event until the next page of feed goes by it. p50: half are faster; p99: 99 of 100 are.", ""},
	{"fresh_pushed", "To a dashboard", "From the acknowledgement of an event until open dashboards have been sent it, told as late as it can have been. p50: half are faster; p99: 99 of 100 are.", ""},
	{"log_size", "Log", "Bytes of the log of what happened that are kept now; older ones lie in files.", ""},
	{"dedupe_horizon", "Repeats known", "How far back a repeated event is recognised. Older ones count as late.", ""},
	{"log_ahead", "Log ahead", "How far the log's time is ahead of the clock. Time in the log never runs back: where the clock was set back, the log waits for it; events older than repeats are known for count as late meanwhile.", ""},
	{"subscribers", "Open dashboards", "Streams of live numbers that are being read now.", ""},
}

// Definitions returns what every number means, in the order people meet them.
func Definitions() []Definition { return append([]Definition(nil), definitions[:]...) }

// Defined returns the definition of a key; the zero Definition for a key that is none.
func Defined(key string) Definition {
	for _, d := range definitions {
		if d.Key == key {
			return d
		}
	}
	return Definition{}
}

// Text returns the definition as one text: what it means and how it is made.
func (d Definition) Text() string {
	if d.Formula == "" {
		return d.Means
	}
	return d.Means + " " + d.Formula + "."
}
