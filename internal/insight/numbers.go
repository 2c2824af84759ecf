package insight

import (
	"math"
	"time"

	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// Numbers is what an entity did in a window, as of a moment of the log.
type Numbers struct {
	AsOf  time.Time `json:"as_of" doc:"Everything acknowledged until then is counted"`
	LagMS int64     `json:"lag_ms" doc:"How far as_of is behind the clock, in milliseconds"`
	Figures
}

// Figures are the numbers themselves. What each means stands in Definitions.
type Figures struct {
	Entity       string           `json:"entity" example:"video:vid_01hzx3v7q8e9r0t1y2w3p4m5n6"`
	Window       string           `json:"window" enum:"1m,1h,24h,7d,28d"`
	Impressions  int64            `json:"impressions"`
	Views        int64            `json:"views"`
	WatchSeconds float64          `json:"watch_seconds"`
	Uniques      int64            `json:"uniques" doc:"Distinct viewers, within 3 %"`
	Clicks       int64            `json:"product_clicks"`
	Visits       int64            `json:"product_views"`
	Carts        int64            `json:"add_to_carts"`
	Orders       int64            `json:"orders"`
	SKUOrders    int64            `json:"sku_orders"`
	Units        int64            `json:"units"`
	GMV          *money.Amount    `json:"gmv" doc:"In the main currency: the one of most orders; null before the first"`
	NetGMV       *money.Amount    `json:"net_gmv"`
	Refunds      int64            `json:"refunds" doc:"Lines given back, called off or taken back by a bank after payment"`
	Refunded     *money.Amount    `json:"refunded"`
	Commission   *money.Amount    `json:"commission"`
	CTR          *float64         `json:"ctr" doc:"null when n is 0, as all rates"`
	CTOR         *float64         `json:"ctor"`
	CVR          *float64         `json:"cvr"`
	AOV          *money.Amount    `json:"aov"`
	GPM          *money.Amount    `json:"gpm"`
	ShowGPM      *money.Amount    `json:"show_gpm"`
	EPC          *money.Amount    `json:"epc"`
	RefundRate   *float64         `json:"refund_rate" doc:"Units given back, called off or lost to a bank, of those sold, where the sale lies; null without sales"`
	Velocity     VelocityFigures  `json:"velocity"`
	Intervals    Intervals        `json:"intervals" doc:"95 % of each rate"`
	N            Bases            `json:"n" doc:"What each number stands on"`
	Currencies   []CurrencyAmount `json:"currencies" nullable:"false" doc:"Every currency by itself, the main one first; never added up across"`
	Late         int64            `json:"late" doc:"Events older than repeats are known for: counted here alone"`
	Flagged      int64            `json:"flagged" doc:"Events of robots and of tokens that are not the sender's: counted here alone"`
}

// VelocityFigures are units sold per hour, recent ones counting more.
type VelocityFigures struct {
	FiveMinutes float64 `json:"units_per_hour_5m"`
	Hour        float64 `json:"units_per_hour_1h"`
	Day         float64 `json:"units_per_hour_24h"`
}

// Interval is where a rate lies with 95 % confidence: low and high.
type Interval [2]float64

// Intervals are those of the rates; null when nothing is known.
type Intervals struct {
	CTR  *Interval `json:"ctr"`
	CTOR *Interval `json:"ctor"`
	CVR  *Interval `json:"cvr"`

	RefundRate *Interval `json:"refund_rate"`
}

// Bases are what rates and averages stand on: impressions, clicks, visits, orders, views, units.
type Bases struct {
	CTR     int64 `json:"ctr"`
	CTOR    int64 `json:"ctor"`
	CVR     int64 `json:"cvr"`
	AOV     int64 `json:"aov"`
	GPM     int64 `json:"gpm"`
	ShowGPM int64 `json:"show_gpm"`
	EPC     int64 `json:"epc"`

	RefundRate int64 `json:"refund_rate" doc:"Units sold"`
}

// CurrencyAmount is what was sold in one currency.
type CurrencyAmount struct {
	Currency   money.Currency `json:"currency"`
	Orders     int64          `json:"orders"`
	GMV        money.Amount   `json:"gmv"`
	NetGMV     money.Amount   `json:"net_gmv"`
	Refunded   money.Amount   `json:"refunded"`
	Commission money.Amount   `json:"commission"`
	Settled    money.Amount   `json:"settled" doc:"Commission released, by the time of the winning click"`
}

// figuresOf writes a reading in the API's words.
func figuresOf(e metric.Entity, w metric.Window, r metric.Reading) Figures {
	f := Figures{
		Entity: e.String(), Window: w.String(), Impressions: r.Impressions, Views: r.Views, WatchSeconds: float64(r.WatchMS) / 1000, Uniques: r.Uniques,
		Clicks: r.ProductClicks, Visits: r.ProductViews, Carts: r.AddToCarts, Orders: r.Orders, SKUOrders: r.SKUOrders, Units: r.Units, Refunds: r.Refunds,
		Velocity:   VelocityFigures{rounded(r.Velocity.FiveMinutes), rounded(r.Velocity.Hour), rounded(r.Velocity.Day)},
		N:          Bases{CTR: r.CTR.N, CTOR: r.CTOR.N, CVR: r.CVR.N, GPM: r.Views, ShowGPM: r.Impressions, EPC: r.ProductClicks, RefundRate: r.RefundRate.N},
		Currencies: make([]CurrencyAmount, len(r.Money)), Late: r.Late, Flagged: r.Flagged,
	}
	f.CTR, f.Intervals.CTR = rateOf(r.CTR)
	f.CTOR, f.Intervals.CTOR = rateOf(r.CTOR)
	f.CVR, f.Intervals.CVR = rateOf(r.CVR)
	f.RefundRate, f.Intervals.RefundRate = rateOf(r.RefundRate)
	for i, m := range r.Money {
		in := func(minor int64) money.Amount { return money.Of(minor, m.Currency) }
		f.Currencies[i] = CurrencyAmount{Currency: m.Currency, Orders: m.Orders, GMV: in(m.GMV), NetGMV: in(m.Net), Refunded: in(m.Refunded),
			Commission: in(m.Commission), Settled: in(m.Settled)}
	}
	if len(r.Money) > 0 {
		m, main := r.Money[0], f.Currencies[0]
		f.GMV, f.NetGMV, f.Refunded, f.Commission = &main.GMV, &main.NetGMV, &main.Refunded, &main.Commission
		f.N.AOV = m.Orders
		f.AOV, f.GPM = perOf(m.AOV(), m.Currency), perOf(r.GPM(m), m.Currency)
		f.ShowGPM, f.EPC = perOf(r.ShowGPM(m), m.Currency), perOf(r.EPC(m), m.Currency)
	}
	return f
}

func rateOf(r metric.Rate) (*float64, *Interval) {
	if r.N == 0 {
		return nil, nil
	}
	value := r.Value
	return &value, &Interval{r.Low, r.High}
}

// perOf returns an amount for each of something; nil when there are none.
func perOf(p metric.MoneyPer, c money.Currency) *money.Amount {
	if !p.Known {
		return nil
	}
	return &money.Amount{Minor: p.Minor, Currency: c}
}

// rounded leaves of a velocity what a person can read: what decays by less is no change.
func rounded(v float64) float64 {
	if v < 0.005 {
		return 0
	}
	return math.Round(v*100) / 100
}
