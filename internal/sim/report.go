package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"mezzo/internal/rank"
)

// Says is what every report begins with.
const Says = "A check of the mechanism in a made-up world, not evidence about the real one."

// Report is what a simulation found.
type Report struct {
	Says        string              `json:"says"`
	Factor      float64             `json:"factor"` // by which world, traffic and stage budgets are shrunk
	Viewers     int                 `json:"viewers"`
	Creators    int                 `json:"creators"`
	Traffic     float64             `json:"impressions_a_viewer_and_day"`
	Stages      []float64           `json:"stages"`
	Days        int                 `json:"days"`
	From        int                 `json:"measured_from_day"`
	Seeds       int                 `json:"seeds"`
	Worlds      int                 `json:"worlds_a_seed"`
	Seconds     float64             `json:"seconds"`
	Policies    []PolicyReport      `json:"policies"`
	Pairs       []Pair              `json:"pairs"`
	Tied        TiedReport          `json:"trust_tied_to_followers"`
	Races       []RaceReport        `json:"races,omitempty"`
	Gaps        []Gap               `json:"trust_gaps,omitempty"`
	Stops       *float64            `json:"small_creator_stops_winning_at,omitempty"` // gap of trust
	Calibration map[string]Interval `json:"calibration_error"`                        // of production's policy, by head
	Claims      []Claim             `json:"claims"`
}

// PolicyReport is a policy in the world whose trust falls with followers.
type PolicyReport struct {
	Name     string              `json:"name"`
	Measures map[string]Interval `json:"measures"`
	Seeds    []Measures          `json:"seeds"`
	Lorenz   []float64           `json:"lorenz"`
	BySize   []float64           `json:"exposure_by_tenth_of_followers"`
	ByWorth  []float64           `json:"exposure_by_tenth_of_true_worth"`
	Daily    []float64           `json:"gmv_by_day"`
}

// Pair is the difference of two policies over the same seeds.
type Pair struct {
	Policy  string   `json:"policy"`
	Against string   `json:"against"`
	Measure string   `json:"measure"`
	By      Interval `json:"difference"`
}

// TiedReport is production's policy in two worlds: trust falls with followers, or comes with them.
type TiedReport struct {
	Correlations [2]float64   `json:"correlations"`
	TopTenth     [2]Interval  `json:"exposure_of_the_tenth_with_most_followers"`
	Follows      [2]Interval  `json:"exposure_with_followers"`
	BySize       [2][]float64 `json:"exposure_by_tenth_of_followers"`
}

// Claim is what the design says should come out, and whether it did.
type Claim struct {
	Text    string `json:"claim"`
	Holds   bool   `json:"holds"`
	Figures string `json:"figures"`
}

// column returns a measure of every seed.
func column(list []result, measure string) []float64 {
	v := make([]float64, len(list))
	for i := range list {
		v[i] = list[i].measures[measure]
	}
	return v
}

// mean returns the mean of lists, place by place.
func mean(list []result, of func(*result) []float64) []float64 {
	var sum []float64
	for i := range list {
		v := of(&list[i])
		if sum == nil {
			sum = make([]float64, len(v))
		}
		for k := range v {
			sum[k] += v[k] / float64(len(list))
		}
	}
	return sum
}

// tenths returns the part of the exposure that each tenth of the creators had, ordered by something.
func tenths(exposure, by []float64) []float64 {
	order := make([]int, len(by))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case by[a] < by[b]:
			return -1
		case by[a] > by[b]:
			return 1
		}
		return 0
	})
	parts, total := make([]float64, 10), 0.0
	for place, i := range order {
		parts[place*10/len(order)] += exposure[i]
		total += exposure[i]
	}
	for k := range parts {
		parts[k] /= max(total, 1)
	}
	return parts
}

// measured are the measures that policies are compared by.
func measured() []string {
	return []string{GMV, GMVHappened, Utility, UtilWatch, UtilSurplus, UtilAnnoyed, Gini, Top, Middle, Living, Followers, FollowRaw, Merit, ClickRate, OrderRate, RefundRate}
}

func (p *Plan) report(out *outcome, took time.Duration) (*Report, error) {
	w, err := NewWorld(p.options(1, trustTied))
	if err != nil {
		return nil, err
	}
	r := &Report{
		Says: Says, Factor: 1 / p.Scale, Viewers: w.Viewers, Creators: w.Creators, Traffic: w.Traffic, Stages: weights(w.Budgets).Stages,
		Days: p.Days, From: p.Days / 2, Seeds: p.Seeds, Worlds: p.Worlds, Seconds: took.Seconds(), Calibration: map[string]Interval{},
	}
	for _, name := range p.Policies {
		list := out.tied[name]
		one := PolicyReport{Name: name, Measures: map[string]Interval{}}
		for _, m := range measured() {
			one.Measures[m] = over(column(list, m))
		}
		for i := range list {
			one.Seeds = append(one.Seeds, list[i].measures)
		}
		one.Lorenz = mean(list, func(r *result) []float64 { return r.lorenz })
		one.BySize = mean(list, func(r *result) []float64 { return r.bySize })
		one.ByWorth = mean(list, func(r *result) []float64 { return r.byWorth })
		one.Daily = mean(list, func(r *result) []float64 { return r.daily })
		r.Policies = append(r.Policies, one)
		if name == PolicyValue {
			continue
		}
		for _, m := range measured() {
			if value := out.tied[PolicyValue]; value != nil {
				r.Pairs = append(r.Pairs, Pair{PolicyValue, name, m, over(differences(column(value, m), column(list, m)))})
			}
		}
	}
	r.tie(out)
	r.run(out)
	r.claim()
	return r, nil
}

// tie compares production's policy in the two worlds.
func (r *Report) tie(out *outcome) {
	for k, list := range [][]result{out.tied[PolicyValue], out.up} {
		var top []float64
		for i := range list {
			top = append(top, list[i].bySize[9])
		}
		r.Tied.TopTenth[k], r.Tied.Follows[k] = over(top), over(column(list, FollowRaw))
		r.Tied.BySize[k] = mean(list, func(r *result) []float64 { return r.bySize })
	}
	r.Tied.Correlations = [2]float64{trustTied, tiedUp}
	for _, head := range heads() {
		r.Calibration[head] = over(column(out.tied[PolicyValue], "calibration_"+head))
	}
	// A world has too few orders to judge predictions of them by: twenty groups of fifty clicks differ by
	// chance alone by more than is asked for. All seeds together have enough.
	var g rank.Progress
	for _, one := range out.tied[PolicyValue] {
		for _, s := range one.sales {
			came := 0.0
			if s.came {
				came = 1
			}
			g.Add(rank.Score{Mean: math.Log(s.odds / (1 - s.odds))}, came)
		}
	}
	if n := len(out.tied[PolicyValue]); n > 0 {
		ece := g.Report().ECE
		r.Calibration["buy"] = Interval{ece, ece, ece, n}
	}
}

func heads() []string { return []string{"watch", "click", "buy", "engage", "negative"} }

// run sums the races up.
func (r *Report) run(out *outcome) {
	for _, policy := range []string{PolicyValue, PolicyFollowers} {
		if runs := out.races[policy]; len(runs) > 0 {
			r.Races = append(r.Races, judge(policy, runs))
		}
	}
	for k, gap := range gaps() {
		if len(out.gaps) > k {
			r.Gaps = append(r.Gaps, Gap{gap, over(out.gaps[k])})
		}
	}
	if gap, ok := crossing(r.Gaps); ok {
		r.Stops = &gap
	}
}

// pair returns a difference of the report.
func (r *Report) pair(against, measure string) (Interval, bool) {
	for _, p := range r.Pairs {
		if p.Against == against && p.Measure == measure {
			return p.By, true
		}
	}
	return Interval{}, false
}

// claim holds the design's claims against the figures.
func (r *Report) claim() {
	add := func(holds bool, text, figures string, args ...any) {
		r.Claims = append(r.Claims, Claim{text, holds, fmt.Sprintf(figures, args...)})
	}
	for _, against := range []string{PolicyEngagement, PolicyFollowers} {
		for _, c := range []struct {
			measure, words string
			sign           float64
		}{{GMV, "sells more than", 1}, {Utility, "serves viewers better than", 1}, {Top, "leaves the top 1 % less of the income than", -1}, {Middle, "leaves the middle more of the income than", 1}} {
			if d, ok := r.pair(against, c.measure); ok {
				ends := [2]float64{c.sign * d.Low, c.sign * d.High}
				add(min(ends[0], ends[1]) > 0, fmt.Sprintf("value %s %s", c.words, against), "difference %s over %d seeds", figure(d, scaleOf(c.measure)), d.N)
			}
		}
	}
	if top := r.Tied.TopTenth; top[0].N > 0 {
		add(top[1].Mean > top[0].Mean, "where trust comes with followers, the large creators rightly win more", "the tenth with most followers has %.1f %% of the exposure against %.1f %%", 100*top[1].Mean, 100*top[0].Mean)
		worst := 0.0
		for _, i := range r.Calibration {
			worst = max(worst, i.Mean)
		}
		add(worst <= 0.02, "every head's calibration error is at most 0.02", "the largest is %.4f", worst)
	}
	for _, race := range r.Races {
		if race.Policy == PolicyValue {
			add(race.Days[1] >= 0 && race.Days[1] <= 7, "the creator with 15,000 followers and trust has 100 orders within 7 days", "median %s days, quartiles %s and %s", span(race.Days[1]), span(race.Days[0]), span(race.Days[2]))
			add(race.Killed < 0.05, "and is stopped in fewer than 5 % of the races", "%.0f %%", 100*race.Killed)
			add(race.Wins > 0.5, "and beats the passive one with 1,000,000", "in %.0f %% of the races; median orders %.0f against %.0f", 100*race.Wins, race.Orders[0], race.Orders[1])
		}
	}
}

// span writes days, or that they were not enough.
func span(days float64) string {
	if days < 0 || math.IsNaN(days) {
		return "over 7"
	}
	return fmt.Sprintf("%.1f", days)
}
