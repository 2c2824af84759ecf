package sim

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/opportunity"
)

// small is a world that is run in a second or two.
func small(t *testing.T, seed uint64, change func(*Options)) *World {
	t.Helper()
	o := Options{Seed: seed, Scale: 0.02, Days: 8, Viewers: 400, Creators: 60, Traffic: 4, TrustFollowers: trustTied}
	if change != nil {
		change(&o)
	}
	w, err := NewWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ran runs a world to its end.
func ran(t *testing.T, w *World, o runOptions) *Run {
	t.Helper()
	r, err := newRun(w, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Go(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAWorldIsItsSeed(t *testing.T) {
	a, b, c := small(t, 1, nil), small(t, 1, nil), small(t, 2, nil)
	if !reflect.DeepEqual(a, b) {
		t.Error("one seed made two worlds")
	}
	if reflect.DeepEqual(a.items, c.items) {
		t.Error("two seeds made one world")
	}
	for _, o := range []Options{{}, {Scale: 2, Days: 3}, {Scale: 0.1}, {Scale: math.NaN(), Days: 3}} {
		if _, err := NewWorld(o); err == nil {
			t.Errorf("a world of %+v was made", o)
		}
	}
}

// The people of the world are what the design's reference says.
func TestPeopleAreAsDescribed(t *testing.T) {
	w := small(t, 3, func(o *Options) { o.Creators, o.Viewers, o.Days = 4_000, 20, 1 })
	var size, craft, trust []float64
	for _, c := range w.creators {
		size, craft, trust = append(size, math.Log(c.followers)), append(craft, c.craft), append(trust, c.trust)
		if c.followers > 5e6 {
			t.Fatalf("%v followers", c.followers)
		}
	}
	if q := quartiles(size); math.Abs(q[1]-math.Log(3_000)) > 0.1 || math.Abs(q[2]-q[0]-2*2*0.6745) > 0.15 {
		t.Errorf("quartiles of the logarithm of followers: %v", q)
	}
	for name, c := range map[string]struct {
		of   []float64
		want float64
	}{"craft": {craft, 0.2}, "trust": {trust, trustTied}} {
		if r := opportunity.Spearman(size, c.of); math.Abs(r-c.want) > 0.05 {
			t.Errorf("%s goes with followers by %v, want %v", name, r, c.want)
		}
	}
	// The creators of the race, at an average viewer: about 0.25 % of impressions against 0.02 %.
	rates := [2]float64{}
	race, err := raceWorld(1, racers(), 200)
	if err != nil {
		t.Fatal(err)
	}
	for k, two := range racers() {
		i := item{craft: two.Craft, trust: two.Trust, price: 3_000, seconds: 17, creator: raceCreators + k}
		truth := race.truth(&viewer{budget: 1}, &i)
		rates[k] = truth.click * truth.buy
	}
	if rates[0] < 0.0015 || rates[0] > 0.004 || rates[1] > 0.0005 {
		t.Errorf("A sells with %v of impressions, B with %v", rates[0], rates[1])
	}
}

// Rates as published: clicks, orders and refunds of what chance shows, and how soon orders come.
func TestBehaviourIsCalibrated(t *testing.T) {
	w := small(t, 4, nil)
	var clicks, orders, refunds, hour, dayOne, n float64
	for v := range w.viewers {
		for k := 0; k < len(w.items); k += 3 {
			truth := w.truth(&w.viewers[v], &w.items[k])
			clicks, orders, refunds, n = clicks+truth.click, orders+truth.click*truth.buy, refunds+truth.click*truth.buy*truth.refund, n+1
			a, again := w.respond(v, k, 0, &truth), w.respond(v, k, 0, &truth)
			if a != again {
				t.Fatal("the dice fell differently for the same viewer and video")
			}
			if a.after < day/24 {
				hour++
			}
			if a.after < day {
				dayOne++
			}
		}
	}
	for name, c := range map[string][3]float64{
		"clicks of impressions": {clicks / n, 0.02, 0.07}, "orders of clicks": {orders / clicks, 0.02, 0.06}, "refunds of orders": {refunds / orders, 0.05, 0.15},
		"orders within an hour": {hour / n, 0.33, 0.37}, "orders within a day": {dayOne / n, 0.48, 0.52},
	} {
		if c[0] < c[1] || c[0] > c[2] {
			t.Errorf("%s: %v, not within %v and %v", name, c[0], c[1], c[2])
		}
	}
}

// The whole, small: every policy, the report in its three forms, the same figures however many goroutines
// work at it.
func TestSimulate(t *testing.T) {
	plan := Plan{Policies: Policies(), Seeds: 2, Worlds: 2, Scale: 0.012, Days: 4, Workers: 1, Clock: clock.System{}}
	notes := 0
	plan.Note = func(string, ...any) { notes++ }
	one, err := Simulate(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if notes != 18 { // four policies in two worlds of two seeds, and the other world
		t.Errorf("progress was told %d times", notes)
	}
	plan.Workers = 3
	other, err := Simulate(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	other.Seconds = one.Seconds
	if !reflect.DeepEqual(one, other) {
		t.Error("three goroutines found something else than one")
	}
	folder := filepath.Join(t.TempDir(), "new", "report")
	if err := one.Write(folder); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, FileHTML))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{Says, "factor of 83.3", "follower-weighted", "<svg", "Exposure against followers", "value sells more than engagement"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, never := range []string{"NaN", "Inf", "ZgotmplZ", "http://", "https://", "<script"} {
		if strings.Contains(string(text), never) {
			t.Errorf("the page holds %q", never)
		}
	}
	f, err := os.Open(filepath.Join(folder, FileCSV))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if want := 1 + 4*2*(len(measured())+len(heads())); err != nil || len(rows) != want {
		t.Errorf("%d rows, want %d: %v", len(rows), want, err)
	}
	for _, bad := range []Plan{{Policies: []string{"best"}, Seeds: 1, Scale: 0.1, Days: 2}, {Policies: Policies(), Scale: 0.1, Days: 2}, {Seeds: 1, Scale: 0.1, Days: 2}} {
		if _, err := Simulate(context.Background(), bad); err == nil {
			t.Errorf("the plan %+v was taken", bad)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Simulate(ctx, plan); err == nil {
		t.Error("a simulation that was called off went to its end")
	}
}

func TestIntervals(t *testing.T) {
	for _, c := range []struct{ df, want float64 }{{1, 12.706}, {2, 4.303}, {4, 2.776}, {9, 2.262}, {19, 2.093}, {100, 1.984}} {
		if got := student(c.df); math.Abs(got-c.want) > 0.01*c.want {
			t.Errorf("Student's point of %v degrees is %v, want %v", c.df, got, c.want)
		}
	}
	if i := over([]float64{1, 2, 3}); i.Mean != 2 || math.Abs(i.High-2-4.303/math.Sqrt(3)) > 0.01 || math.Abs(i.High+i.Low-4) > 1e-9 {
		t.Errorf("of 1, 2, 3: %+v", i)
	}
	if i := over([]float64{5}); i.Low != 5 || i.High != 5 {
		t.Errorf("of one number: %+v", i)
	}
	if q := quartiles([]float64{math.Inf(1), 2, 4}); q[1] != 4 || !math.IsInf(q[2], 1) {
		t.Errorf("quartiles %v", q)
	}
}
