package sim

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"mezzo/internal/clock"
)

// In a few small worlds production's policy sells more than the baselines and serves viewers better, its
// predictions are calibrated, and chance shows what nobody chose.
func TestValueSellsAndServes(t *testing.T) {
	t.Parallel()
	sums := map[string]Measures{}
	for seed := range uint64(2) {
		w := small(t, 500+seed, func(o *Options) { o.Viewers = 600 })
		for _, policy := range Policies() {
			r := ran(t, w, runOptions{policy: policy, from: w.Days / 2})
			if sums[policy] == nil {
				sums[policy] = Measures{}
			}
			for k, v := range r.Measures() {
				sums[policy][k] += v / 2
			}
			if r.Tally.Impressions < 5_000 {
				t.Fatalf("%d impressions", r.Tally.Impressions)
			}
		}
	}
	for _, against := range []string{PolicyEngagement, PolicyFollowers, PolicyUniform} {
		for _, m := range []string{GMV, Utility} {
			if a, b := sums[PolicyValue][m], sums[against][m]; a < 1.1*b {
				t.Errorf("%s of value is %.0f, of %s %.0f", m, a, against, b)
			}
		}
	}
	if a, b := sums[PolicyFollowers][FollowRaw], sums[PolicyValue][FollowRaw]; a < 0.6 || b > 0.35 {
		t.Errorf("exposure goes with followers by %.2f where it is drawn by them, by %.2f where it is not", a, b)
	}
	for _, head := range []string{"watch", "click", "engage", "negative"} { // orders are too few here to tell
		if ece := sums[PolicyValue]["calibration_"+head]; ece > 0.02 {
			t.Errorf("%s is off by %.4f", head, ece)
		}
	}
}

// The small trusted creator outsells the large passive one where the ranking deals.
func TestTheSmallTrustedCreatorWins(t *testing.T) {
	t.Parallel()
	viewers := 2_500
	if testing.Short() {
		viewers = 1_000
	}
	w, err := raceWorld(501, racers(), viewers)
	if err != nil {
		t.Fatal(err)
	}
	one, err := race(context.Background(), w, PolicyValue)
	if err != nil {
		t.Fatal(err)
	}
	if one.Expect[0] < 3*one.Expect[1] || one.Orders[0] <= one.Orders[1] || one.Shown[0] <= one.Shown[1] {
		t.Errorf("A against B: %+v", one)
	}
	// The same two, and who is judged first is the one who reached the goal first.
	j := judge(PolicyValue, []RaceRun{{Days: [2]float64{3, -1}}, {Days: [2]float64{-1, 2}, Killed: [2]bool{true, false}}, {Days: [2]float64{5, 6}}, {Days: [2]float64{-1, -1}, Orders: [2]int{2, 9}}})
	if j.Wins != 0.5 || j.Killed != 0.25 || j.Days != [3]float64{4.5, -1, -1} {
		t.Errorf("judged as %+v", j)
	}
	if gap, ok := crossing([]Gap{{-1, Interval{Mean: 0.2}}, {0, Interval{Mean: 0.4}}, {1, Interval{Mean: 0.8}}}); !ok || math.Abs(gap-0.25) > 1e-9 {
		t.Errorf("the crossing is at %v", gap)
	}
	if _, ok := crossing([]Gap{{-1, Interval{Mean: 0.6}}, {1, Interval{Mean: 0.8}}}); ok {
		t.Error("a crossing where there is none")
	}
}

// Everything that is claimed holds in the simulation as `mezzo simulate` runs it by default: three quarters of an hour of
// two processors, when proofs are asked for. Otherwise a world too small to tell shows that every claim of
// worlds without a race is judged.
func TestTheClaimsHold(t *testing.T) {
	plan := Plan{Policies: Policies(), Seeds: 20, Worlds: 3, Scale: 0.05, Days: 20, Workers: runtime.NumCPU(), Races: true, Clock: clock.System{}, Note: t.Logf}
	if !full() {
		plan.Seeds, plan.Worlds, plan.Scale, plan.Days, plan.Races = 1, 1, 0.01, 4, false
	}
	report, err := Simulate(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if !full() {
		if len(report.Claims) != 10 {
			t.Errorf("%d claims were judged, 10 are made without a race", len(report.Claims))
		}
		return
	}
	if folder := os.Getenv("MEZZO_SHOTS"); folder != "" {
		if err := report.Write(filepath.Join(folder, "simulation")); err != nil {
			t.Error(err)
		}
	}
	for _, c := range report.Claims {
		t.Logf("%v: %s (%s)", c.Holds, c.Text, c.Figures)
		if !c.Holds {
			t.Errorf("it does not hold that %s: %s", c.Text, c.Figures)
		}
	}
	if len(report.Claims) != 13 {
		t.Errorf("%d claims were judged, 13 are made", len(report.Claims))
	}
}
