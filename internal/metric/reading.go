package metric

import (
	"time"

	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// Counts is what happened in some span, by event time. Cohort counts lie where the click, visit or
// impression they stem from lies, so that no rate made of them passes 1.
type Counts struct {
	Impressions   int64
	Views         int64
	WatchMS       int64 // playback in milliseconds
	ProductClicks int64
	ProductViews  int64 // visits of a product's page
	AddToCarts    int64
	Orders        int64 // orders with at least one line of the entity
	SKUOrders     int64 // lines: one product of an order may be two of them
	Units         int64
	NetUnits      int64 // units after what was given back or called off, each at the time of its sale
	Refunds       int64 // lines given back or called off after payment, by the time of that
	UnitsBack     int64 // their units, likewise

	ClicksOfImpressions int64 // clicks, in the bucket of the impression that was clicked: CTR's numerator
	OrdersOfClicks      int64 // clicks that won an order, in the bucket of the click: CTOR's numerator
	OrdersOfVisits      int64 // visits that an order followed, in the bucket of the visit: CVR's numerator

	// Of these three the bucket is that of their arrival.
	Late    int64 // events before the horizon within which repeats are known: counted here alone
	Flagged int64 // events of robots, with forged or foreign tokens, or told by clients who cannot know: counted here alone
	Own     int64 // events of a creator with their own content or a brand with its own product: counted here alone
}

// Money is what was sold and earned in one currency, in minor units, by the time of the order except
// where it says otherwise.
type Money struct {
	Currency   money.Currency
	Orders     int64 // orders that had a line in this currency
	GMV        int64 // goods after discounts, without tax and shipping, before refunds
	Refunded   int64 // of it, by the time of the refund
	Net        int64 // GMV after refunds, each in the hour of its order
	Commission int64 // earned by creators, as of the sale, reversals taken off in the hour of the sale
	Settled    int64 // of it released, by the time of the winning click: EPC's numerator
}

// Rate is a share with what it stands on. Low and High bound it with 95 % confidence (Wilson 1927).
// With N of 0 nothing is known and the others are 0.
type Rate struct {
	Value, Low, High float64
	Hits, N          int64
}

// Velocity is units sold per hour, each unit counting half as much after a half-life of five minutes,
// an hour, a day.
type Velocity struct{ FiveMinutes, Hour, Day float64 }

// Reading is one entity's numbers in one window, as of one position of the log.
type Reading struct {
	Entity   Entity
	Window   Window
	Position stream.Position
	AsOf     time.Time // log time at that position

	Counts
	Uniques int64   // distinct viewers, within 3 %, or one where few of many are left in the window
	Money   []Money // the main currency first: the one of most orders; never added up across

	CTR, CTOR, CVR Rate
	RefundRate     Rate // units given back or called off of the units sold in the window: by cohort of the sale
	Velocity       Velocity
}

// MoneyPer is an amount of minor units for each, or each thousand, of something, rounded half away
// from zero; Known is false when there were none.
type MoneyPer struct {
	Minor, N int64
	Known    bool
}
