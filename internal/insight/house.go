package insight

import (
	"context"
	"slices"
	"sync"
	"time"

	"mezzo/internal/account"
)

// Machine is what this node counts of itself, as of now.
type Machine struct {
	Records  int64         // acknowledged by the log since the start
	Applied  int64         // counted since the start
	Lag      time.Duration // of the counting behind the log
	LogBytes int64         // of the log kept now
	Flagged  int64         // events flagged since counting began
	Late     int64         // events later than the horizon
	Repeats  int64         // events dropped because they were known
	Lost     int64         // events that clients numbered and never sent
	Horizon  time.Time     // since when repeats are known
	Entities int64         // of which numbers are held in memory
	Ahead    time.Duration // of the log's last stamp before the clock
	Doubted  time.Duration // by which the machine's clock leapt ahead of the one that is gone by
}

// HouseName is how a stream names the machine itself among the entities it follows.
const HouseName = "house"

// House is how the machine does, for the operator.
type House struct {
	Entity      string    `json:"entity" enum:"house"`
	AsOf        time.Time `json:"as_of"`
	Ingest      float64   `json:"ingest" doc:"Records acknowledged per second, over the last ten"`
	Applied     float64   `json:"applied" doc:"Records counted per second, over the last ten"`
	LagMS       int64     `json:"lag_ms"`
	Visible     Measured  `json:"fresh_visible" doc:"From acknowledged to countable, last hour"`
	Ranked      Measured  `json:"fresh_ranked" doc:"From acknowledged to changing the next page of feed, last hour"`
	Pushed      Measured  `json:"fresh_pushed" doc:"From acknowledged to sent to open dashboards, last hour"`
	Flagged     int64     `json:"flagged"`
	Late        int64     `json:"late"`
	Repeats     int64     `json:"repeats"`
	Lost        int64     `json:"lost"`
	Horizon     int64     `json:"dedupe_horizon_seconds"`
	LogBytes    int64     `json:"log_bytes"`
	Entities    int64     `json:"entities"`
	Subscribers int64     `json:"subscribers"`
	Ahead       int64     `json:"log_ahead_seconds" doc:"How far the log's time is ahead of the clock, which was set back; 0 when it is not"`
	Doubted     int64     `json:"clock_doubted_seconds" doc:"By how much the machine's clock leapt ahead and is not followed yet; 0 when it did not"`
}

// House returns how the machine does; Missing for all but operators.
func (i *Insight) House(_ context.Context, who account.Asker) (House, error) {
	if err := who.IsOperator(); err != nil {
		return House{}, err
	}
	if err := who.May(account.MetricsRead); err != nil {
		return House{}, err
	}
	return i.house.now(i.clock.Now(), i.hub.Subscribers()), nil
}

// rateSpan is over how long the rates of the machine are taken, rateStep how often it is read, and ratesHeld for how
// many steps they are remembered.
const (
	rateSpan  = 10 * time.Second
	rateStep  = time.Second
	ratesHeld = 120
)

// Rate is how many records a second were acknowledged at a moment.
type Rate struct {
	At     time.Time
	Ingest float64
}

// Rates returns how the machine did in the last two minutes, oldest first; Missing for all but operators.
func (i *Insight) Rates(who account.Asker) ([]Rate, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	if err := who.May(account.MetricsRead); err != nil {
		return nil, err
	}
	i.house.mu.Lock()
	defer i.house.mu.Unlock()
	return slices.Clone(i.house.rates), nil
}

// houseMeter reads the machine now and then, so that it can say rates.
type houseMeter struct {
	read  func() Machine
	fresh *Freshnesses

	mu    sync.Mutex
	past  []houseSample // oldest first, of the last rateSpan
	rates []Rate        // oldest first
}

type houseSample struct {
	at time.Time
	m  Machine
}

// tick notes how the machine does, at most once a step.
func (h *houseMeter) tick(now time.Time) {
	if h.read == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.past); n > 0 && now.Sub(h.past[n-1].at) < rateStep {
		return
	}
	h.past = append(h.past, houseSample{now, h.read()})
	for len(h.past) > 2 && now.Sub(h.past[0].at) > rateSpan {
		h.past = h.past[1:]
	}
	if first := h.past[0]; first.at.Before(now) {
		h.rates = append(h.rates, Rate{now, perSecond(first, h.past[len(h.past)-1])})
		h.rates = h.rates[max(0, len(h.rates)-ratesHeld):]
	}
}

// perSecond returns the records acknowledged a second between two samples.
func perSecond(first, last houseSample) float64 {
	return rounded(float64(last.m.Records-first.m.Records) / last.at.Sub(first.at).Seconds())
}

func (h *houseMeter) now(now time.Time, subscribers int) House {
	h.tick(now)
	out := House{Entity: HouseName, AsOf: now, Visible: h.fresh.Measured(Visible), Ranked: h.fresh.Measured(Ranked), Pushed: h.fresh.Measured(Pushed), Subscribers: int64(subscribers)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.past) == 0 {
		return out
	}
	first, last := h.past[0], h.past[len(h.past)-1]
	m := last.m
	if passed := last.at.Sub(first.at).Seconds(); passed > 0 {
		out.Ingest = perSecond(first, last)
		out.Applied = rounded(float64(m.Applied-first.m.Applied) / passed)
	}
	out.LagMS, out.LogBytes, out.Entities = max(0, m.Lag.Milliseconds()), m.LogBytes, m.Entities
	out.Ahead, out.Doubted = int64(m.Ahead.Seconds()), int64(m.Doubted.Seconds())
	out.Flagged, out.Late, out.Repeats, out.Lost = m.Flagged, m.Late, m.Repeats, m.Lost
	if !m.Horizon.IsZero() {
		out.Horizon = int64(max(0, now.Sub(m.Horizon)).Seconds())
	}
	return out
}
