package metric_test

import (
	"cmp"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

// Wilson's interval, against the roots of its own equation |p̂ − p| = z·√(p(1−p)/n) and published figures
// (Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3).
func TestRates(t *testing.T) {
	for _, c := range []struct {
		hits, n   int64
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		r := metric.RateOf(c.hits, c.n)
		if math.Abs(r.Low-c.low) > 5e-5 || math.Abs(r.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: [%.4f, %.4f], published [%.4f, %.4f]", c.hits, c.n, r.Low, r.High, c.low, c.high)
		}
	}
	if r := metric.RateOf(3, 0); r != (metric.Rate{}) {
		t.Errorf("of nothing a rate is known: %+v", r)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1e9).Draw(t, "n")
		hits := rapid.Int64Range(0, n).Draw(t, "hits")
		r := metric.RateOf(hits, n)
		if r.Hits != hits || r.N != n || r.Value < 0 || r.Value > 1 || r.Low < 0 || r.High > 1 || r.Low > r.Value || r.High < r.Value {
			t.Fatalf("%d of %d: %+v", hits, n, r)
		}
		for _, p := range []float64{r.Low, r.High} {
			if p > 0 && p < 1 {
				if distance := math.Abs(r.Value - p); math.Abs(distance-1.959963984540054*math.Sqrt(p*(1-p)/float64(n))) > 1e-6*math.Max(distance, 1e-3) {
					t.Fatalf("%d of %d: %v is no root", hits, n, p)
				}
			}
		}
	})
}

// Money per something is rounded half away from zero, in whole numbers, however large.
func TestMoneyPer(t *testing.T) {
	m := metric.Money{GMV: 1999, Orders: 2, Settled: -5}
	r := metric.Reading{Counts: metric.Counts{Views: 3, Impressions: 4000, ProductClicks: 2}}
	for _, c := range []struct {
		name string
		got  metric.MoneyPer
		want metric.MoneyPer
	}{
		{"AOV", m.AOV(), metric.MoneyPer{Minor: 1000, N: 2, Known: true}},
		{"GPM", r.GPM(m), metric.MoneyPer{Minor: 666333, N: 3, Known: true}},
		{"Show GPM", r.ShowGPM(m), metric.MoneyPer{Minor: 500, N: 4000, Known: true}},
		{"EPC", r.EPC(m), metric.MoneyPer{Minor: -3, N: 2, Known: true}},
		{"of none", metric.Money{GMV: 5}.AOV(), metric.MoneyPer{}},
		{"large", (&metric.Reading{Counts: metric.Counts{Views: 1 << 40}}).GPM(metric.Money{GMV: math.MaxInt64}), metric.MoneyPer{Minor: 8388608000, N: 1 << 40, Known: true}},
		{"more than can be", (&metric.Reading{Counts: metric.Counts{Views: 1}}).GPM(metric.Money{GMV: math.MaxInt64}), metric.MoneyPer{N: 1}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, not %+v", c.name, c.got, c.want)
		}
	}
}

// Who sells faster does not change while nobody sells anything.
func TestOrderOfVelocityNeverChangesBetweenSales(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newLog(t)
		var all []metric.Entity
		for range 4 {
			s := openShop(l)
			all = append(all, metric.OfProduct(s.product))
			for range rapid.IntRange(0, 6).Draw(rt, "sales") {
				l.pass(time.Duration(rapid.Int64Range(0, int64(6*time.Hour)).Draw(rt, "pass")))
				l.fact(event.OrderPaid{Order: id.Order("").Next(l.now), Currency: "USD",
					Lines: []event.SaleLine{{Product: s.product, Brand: s.brand, Quantity: rapid.Int64Range(1, 5).Draw(rt, "units"), GMV: 1}}})
			}
		}
		f := l.fold()
		order := func() (signs []int) {
			for _, a := range all {
				for _, b := range all {
					x, _ := f.Read(a, metric.Day)
					y, _ := f.Read(b, metric.Day)
					signs = append(signs, cmp.Compare(x.Velocity.FiveMinutes, y.Velocity.FiveMinutes), cmp.Compare(x.Velocity.Hour, y.Velocity.Hour), cmp.Compare(x.Velocity.Day, y.Velocity.Day))
				}
			}
			return signs
		}
		before := order()
		for range 5 {
			l.records = nil
			l.pass(time.Duration(rapid.Int64Range(0, int64(5*time.Hour)).Draw(rt, "later")))
			if err := f.Apply(l.records); err != nil {
				rt.Fatal(err)
			}
			for i, sign := range order() {
				if sign*before[i] < 0 { // two that differ in the last bit may come to be read as equal
					rt.Fatal("time alone changed who is faster")
				}
			}
		}
	})
}

// Distinct viewers are within 3 % in every window, whether few, told apart one by one, or many.
func TestUniquesOfEveryWindow(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	video := metric.OfVideo(s.video)
	viewers := make([]id.Viewer, 40_000)
	for i := range viewers {
		viewers[i] = id.Viewer("").Next(l.now)
	}
	last := map[int]int64{} // viewer → the second of the last view
	f := metric.New(metric.Options{})
	worst := 0.0
	check := func() {
		if err := f.Apply(l.records); err != nil {
			t.Fatal(err)
		}
		l.records = l.records[:0]
		for _, w := range metric.Windows {
			bucket := int64(w.Bucket() / time.Second)
			from := l.now.Unix()/bucket*bucket - int64(w.Span()/time.Second) + bucket
			var want int64
			for _, at := range last {
				if at >= from {
					want++
				}
			}
			got := read(t, f, video, w).Uniques
			// Two of a few dozen may share one of the sketch's 2^14 registers: one viewer is its grain.
			if off := math.Abs(float64(got-want)) / max(float64(want), 1); off > 0.03 && max(got-want, want-got) > 1 {
				t.Errorf("%s at %s: %d uniques, not %d: off by %.2f %%", w, l.now, got, want, 100*off)
			} else {
				worst = max(worst, off)
			}
		}
	}
	step := []time.Duration{time.Microsecond, 20 * time.Microsecond, 3 * time.Millisecond, 50 * time.Millisecond, 2 * time.Second, 60 * time.Second}
	for i, n := range []int{20_000, 30_000, 40_000, 10_000, 9_000, 8_000} {
		for j := range n {
			v := (i*7919 + j*31) % len(viewers)
			l.now = l.now.Add(step[i])
			l.tell(s.of(event.View, viewers[v], l.shown(s)))
			last[v] = l.now.Unix()
			if j%10_000 == 0 {
				check()
			}
		}
		check()
	}
	t.Logf("at worst off by %.2f %%", 100*worst)
	restored := metric.New(metric.Options{})
	state, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := restored.Restore(state); err != nil {
		t.Fatal(err)
	}
	if a, b := read(t, f, video, metric.FourWeeks), read(t, restored, video, metric.FourWeeks); a.Uniques != b.Uniques || f.Checksum() != restored.Checksum() {
		t.Error("a restored sketch counts otherwise")
	}
}

// What sold long ago and comes back now restates an hour that no ring holds: it is handed on to be added.
func TestRefundOfAnOldSaleIsHandedOn(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	line := event.SaleLine{Product: s.product, Brand: s.brand, Quantity: 2, GMV: 3000}
	order := event.OrderPaid{Order: id.Order("").Next(l.now), Currency: "USD", Lines: []event.SaleLine{line}}
	l.fact(order)
	paid := l.now
	taken := line
	taken.Quantity, taken.GMV = 1, 1500
	back := event.OrderRefunded{Order: order.Order, Currency: "USD", PaidAt: paid, Lines: []event.SaleLine{taken}}
	l.pass(10 * 24 * time.Hour)
	l.fact(back)
	f := l.fold()
	product := metric.OfProduct(s.product)
	adds := map[metric.Grain]metric.Row{}
	err := f.Rows(l.now, func(r metric.Row) error {
		switch {
		case r.Entity != product:
		case r.Add && r.NetUnits != 0:
			adds[r.Grain] = r
		case !r.Add && r.Grain == metric.GrainDay && r.Start.Equal(paid.Truncate(24*time.Hour)):
			if r.NetUnits != 1 || len(r.Money) != 1 || r.Money[0].Net != 1500 || r.Money[0].GMV != 3000 {
				t.Errorf("the day of the sale: %+v", r)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := adds[metric.GrainHour]; len(adds) != 1 || !ok || r.NetUnits != -1 || !r.Start.Equal(paid.Truncate(time.Hour)) {
		t.Errorf("after ten days: %+v", adds)
	}
	l.pass(25 * 24 * time.Hour)
	l.fact(back)
	f = l.fold()
	clear(adds)
	if err := f.Rows(l.now, func(r metric.Row) error {
		if r.Entity == product && r.Add && len(r.Money) == 1 {
			if r.Money[0].Net != -1500 {
				t.Errorf("%+v", r)
			}
			adds[r.Grain] = r
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(adds) != 2 {
		t.Errorf("after 35 days the hour and the day are to be added to: %+v", adds)
	}
	if r := read(t, f, product, metric.Hour); r.Refunds != 1 || r.NetUnits != 0 || r.Money[0].Refunded != 1500 {
		t.Errorf("the refund shows now: %+v", r)
	}
}

// What a bank took back is off the net numbers of everything whose sale it was, where the sale lies; one of which
// something is left counts no units, and a dispute that is open or won changes nothing.
func TestALostDisputeIsOffTheNetNumbers(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	line := event.SaleLine{Product: s.product, Brand: s.brand, Creator: s.creator, Program: s.program, Quantity: 2, GMV: 3000, Touch: &event.SaleTouch{Video: s.video}}
	order := event.OrderPaid{Order: id.Order("").Next(l.now), Currency: "USD", Lines: []event.SaleLine{line}}
	l.fact(order)
	paid, is := l.now, event.DisputeState{Order: order.Order}
	l.pass(2 * time.Hour)
	l.fact(event.DisputeOpened{DisputeState: is})
	l.fact(event.DisputeWon{DisputeState: is})
	for _, taken := range []event.SaleLine{{Quantity: 0, GMV: 1000}, {Quantity: 2, GMV: 2000}} {
		took := line
		took.Quantity, took.GMV = taken.Quantity, taken.GMV
		l.fact(event.DisputeLost{DisputeState: is, Currency: "USD", PaidAt: paid, Lines: []event.SaleLine{took}})
	}
	l.fact(event.DisputeLost{DisputeState: is}) // of which the buyer had got everything back: it is nobody's
	f := l.fold()
	for _, e := range []metric.Entity{metric.OfProduct(s.product), metric.OfBrand(s.brand), metric.OfCreator(s.creator), metric.OfVideo(s.video), metric.OfProgram(s.program)} {
		day, hour := read(t, f, e, metric.Day), read(t, f, e, metric.Hour)
		if len(day.Money) != 1 || day.Money[0].GMV != 3000 || day.Money[0].Net != 0 || day.Money[0].Refunded != 3000 || day.Units != 2 || day.NetUnits != 0 || day.RefundRate.Hits != 2 {
			t.Errorf("the day of %v: %+v", e, day)
		}
		if hour.Money[0].Net != 0 || hour.Money[0].Refunded != 3000 || hour.Refunds != 2 {
			t.Errorf("the hour of %v: %+v", e, hour)
		}
	}
}

// What is no state is refused, and leaves the fold as it was.
func TestRestoreRefusesWhatIsNoState(t *testing.T) {
	l := newLog(t)
	s := openShop(l)
	l.tell(s.of(event.View, id.Viewer("").Next(l.now), l.shown(s)))
	f := l.fold()
	sum := f.Checksum()
	state, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range state {
		if f.Restore(state[:n:n]) == nil && n > 0 {
			t.Fatalf("%d of %d bytes were taken for a state", n, len(state))
		}
		if n == 0 { // nothing is the state of nothing
			if err := f.Restore(state); err != nil {
				t.Fatal(err)
			}
		}
	}
	if f.Checksum() != sum {
		t.Error("what was refused changed the fold")
	}
}

func FuzzRestore(f *testing.F) {
	l := newLog(f)
	s := openShop(l)
	l.tell(s.of(event.View, id.Viewer("").Next(l.now), l.shown(s)))
	state, err := l.fold().AppendState(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Fuzz(func(t *testing.T, data []byte) {
		fold := metric.New(metric.Options{})
		if fold.Restore(data) == nil {
			for _, w := range metric.Windows {
				fold.Read(metric.OfVideo(s.video), w)
			}
			fold.Checksum()
		}
	})
}
