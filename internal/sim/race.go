package sim

import (
	"context"
	"math"

	"mezzo/internal/rank"
)

// The race is between two creators who come to a running world on the same day: one with few followers who
// trust, one with many who do not. It has a world of its own, in which the stages are production's and a
// hundred orders are possible: fewer creators and less traffic a viewer, nothing else.
const (
	raceViewers  = 30_000
	gapViewers   = 15_000 // where only shares are compared
	raceCreators = 20
	raceKinds    = 3
	raceTraffic  = 3.0
	raceStarts   = 1 // day on which the two come
	raceDays     = 7
	raceGoal     = 100
)

// Racer is one of the two.
type Racer struct {
	Name      string  `json:"name"`
	Followers float64 `json:"followers"`
	Craft     float64 `json:"craft"`
	Trust     float64 `json:"trust"`
}

// racers returns the two of the design's reference.
func racers() [2]Racer {
	return [2]Racer{{"A", 15_000, 0.5, 1.5}, {"B", 1_000_000, -0.5, -2}}
}

// RaceRun is what came of one race.
type RaceRun struct {
	Seed    uint64     `json:"seed"`
	Days    [2]float64 `json:"days_to_goal"` // -1: not within the race
	Orders  [2]int     `json:"orders"`
	Shown   [2]int     `json:"impressions"`
	Killed  [2]bool    `json:"killed"` // all videos stopped, and the goal not reached
	Stopped [2]int     `json:"videos_stopped"`
	Videos  [2]int     `json:"videos"`
	Curve   [2][]int   `json:"orders_by_half_day"`
	Expect  [2]float64 `json:"expected_orders"`
}

// raceWorld makes the world of a race.
func raceWorld(seed uint64, two [2]Racer, viewers int) (*World, error) {
	o := Options{
		Seed: seed, Scale: 1, Budgets: 1, Viewers: viewers, Creators: raceCreators, Kinds: raceKinds, Traffic: raceTraffic, Days: raceStarts + raceDays, TrustFollowers: trustTied,
	}
	for _, r := range two {
		o.Guests = append(o.Guests, Guest{Name: r.Name, Followers: r.Followers, Craft: r.Craft, Trust: r.Trust, From: raceStarts, Every: postsEvery, Price: 5_500})
	}
	return NewWorld(o)
}

// race runs a policy in the world of a race.
func race(ctx context.Context, w *World, policy string) (RaceRun, error) {
	out := RaceRun{Seed: w.Seed, Days: [2]float64{-1, -1}}
	starts := raceStarts * day
	for k := range out.Curve {
		out.Curve[k] = make([]int, 2*raceDays)
	}
	o := runOptions{policy: policy, from: raceStarts, done: func(*Run) bool { return out.Days[0] >= 0 }}
	o.each = func(_ *Run, s *seenItem) {
		if k := s.item.creator - w.Creators; k >= 0 {
			out.Shown[k]++
			out.Expect[k] += s.truth.click * s.truth.buy
		}
	}
	o.sold = func(r *Run, s *sale) {
		k := w.items[s.item].creator - w.Creators
		if k < 0 {
			return
		}
		out.Orders[k]++
		since := r.now - starts
		for half := since / (day / 2); half < int64(len(out.Curve[k])); half++ {
			out.Curve[k][half]++
		}
		if out.Orders[k] == raceGoal {
			out.Days[k] = float64(since) / float64(day)
		}
	}
	r, err := newRun(w, o)
	if err != nil {
		return out, err
	}
	if err := r.Go(ctx); err != nil {
		return out, err
	}
	for i := range w.items {
		k := w.items[i].creator - w.Creators
		if k < 0 {
			continue
		}
		out.Videos[k]++
		if steps, _, _, _, ok := r.fold.Steps(w.items[i].id); ok && len(steps) > 0 && steps[len(steps)-1].Decision == rank.Stop {
			out.Stopped[k]++
		}
	}
	for k := range out.Killed {
		out.Killed[k] = out.Days[k] < 0 && out.Stopped[k] == out.Videos[k]
	}
	return out, nil
}

// RaceReport is what came of the races of one policy.
type RaceReport struct {
	Policy string     `json:"policy"`
	Days   [3]float64 `json:"days_to_goal_quartiles"` // of A; -1: not within the race
	Wins   float64    `json:"a_first"`                // part of the races that A won: first to the goal, or ahead at the end
	Killed float64    `json:"a_killed"`
	Orders [2]float64 `json:"orders_median"`
	Runs   []RaceRun  `json:"runs"`
}

// judge sums the races of a policy up.
func judge(policy string, runs []RaceRun) RaceReport {
	r := RaceReport{Policy: policy, Runs: runs}
	var days, a, b []float64
	for _, one := range runs {
		reached := func(k int) float64 {
			if one.Days[k] < 0 {
				return math.Inf(1)
			}
			return one.Days[k]
		}
		days, a, b = append(days, reached(0)), append(a, float64(one.Orders[0])), append(b, float64(one.Orders[1]))
		if reached(0) < reached(1) || (reached(0) == reached(1) && one.Orders[0] > one.Orders[1]) {
			r.Wins += 1 / float64(len(runs))
		}
		if one.Killed[0] {
			r.Killed += 1 / float64(len(runs))
		}
	}
	r.Days = quartiles(days)
	for k := range r.Days {
		if math.IsInf(r.Days[k], 0) || math.IsNaN(r.Days[k]) {
			r.Days[k] = -1
		}
	}
	r.Orders = [2]float64{quartiles(a)[1], quartiles(b)[1]}
	return r
}

// Gap is a race in which craft is equal and only trust differs.
type Gap struct {
	Trust float64  `json:"trust_gap"` // of the small creator over the large one
	Share Interval `json:"a_share"`   // of the two creators' expected orders
}

// gaps are the gaps that are tried.
func gaps() []float64 { return []float64{-1.5, -0.75, 0, 0.75, 1.5} }

// crossing returns the gap at which the small creator has half of the orders, by straight lines between
// the gaps tried; ok is false when it never crosses.
func crossing(list []Gap) (gap float64, ok bool) {
	for k := 1; k < len(list); k++ {
		a, b := list[k-1], list[k]
		if (a.Share.Mean-0.5)*(b.Share.Mean-0.5) <= 0 && a.Share.Mean != b.Share.Mean {
			return a.Trust + (b.Trust-a.Trust)*(0.5-a.Share.Mean)/(b.Share.Mean-a.Share.Mean), true
		}
	}
	return 0, false
}
