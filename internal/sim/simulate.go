package sim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/opportunity"
	"mezzo/internal/rank"
)

// Plan says what is simulated.
type Plan struct {
	Policies []string
	Seeds    int // from 1 on; parameters were tuned on seeds from 1,001 on
	Worlds   int // of every seed, whose figures are their means; 0: one
	Scale    float64
	Days     int
	Workers  int
	Races    bool
	Clock    clock.Clock
	Note     func(format string, args ...any) // told how far it is
}

// tiedUp is the correlation of the world in which trust comes with followers.
const tiedUp = 0.4

// result is one policy in one world of one seed.
type result struct {
	measures Measures
	lorenz   []float64
	bySize   []float64 // part of the exposure of creators by tenths of followers
	byWorth  []float64
	daily    []float64
	sales    []sold // of production's policy: what was predicted of every click, and what came
}

// sold is a prediction of an order at its click, with whether it came within the week that is predicted.
type sold struct {
	odds float64
	came bool
}

// outcome collects what jobs bring, each in its place.
type outcome struct {
	mu    sync.Mutex
	tied  map[string][]result // of the first world, by policy
	up    []result            // production's policy where trust comes with followers
	races map[string][]RaceRun
	gaps  [][]float64
}

// task is a part of the plan that runs by itself.
type task struct {
	cost float64 // impressions
	do   func(ctx context.Context, out *outcome) error
}

// Simulate runs a plan and returns its report. The same plan gives the same report.
func Simulate(ctx context.Context, p Plan) (*Report, error) {
	if err := Known(p.Policies); err != nil {
		return nil, err
	}
	if p.Seeds < 1 || !(p.Scale > 0 && p.Scale <= 1) || p.Days < 2 {
		return nil, fmt.Errorf("a simulation takes at least 1 seed, 2 days and a scale in (0, 1]; asked for %d, %d and %v", p.Seeds, p.Days, p.Scale)
	}
	begun := p.Clock.Now()
	p.Worlds = max(p.Worlds, 1)
	out := &outcome{tied: map[string][]result{}, up: make([]result, p.Seeds), races: map[string][]RaceRun{}}
	tasks := p.tasks(out)
	if err := p.work(ctx, tasks, out, begun); err != nil {
		return nil, err
	}
	for policy, list := range out.tied {
		out.tied[policy] = together(list, p.Worlds)
	}
	return p.report(out, p.Clock.Now().Sub(begun))
}

// options are the world of a seed.
func (p *Plan) options(seed uint64, trust float64) Options {
	return Options{Seed: seed, Scale: p.Scale, Days: p.Days, TrustFollowers: trust}
}

func (p *Plan) tasks(out *outcome) []task {
	var tasks []task
	cost := fullViewers * p.Scale * fullTraffic * p.Scale * float64(p.Days)
	for _, policy := range p.Policies {
		out.tied[policy] = make([]result, p.Seeds*p.Worlds)
		for k := range out.tied[policy] {
			tasks = append(tasks, p.world(cost, p.seed(k), trustTied, policy, func(out *outcome, r result) { out.tied[policy][k] = r }))
		}
	}
	for k := range p.Seeds {
		tasks = append(tasks, p.world(cost, uint64(k+1), tiedUp, PolicyValue, func(out *outcome, r result) { out.up[k] = r }))
	}
	if p.Races {
		tasks = append(tasks, p.raceTasks(out)...)
	}
	return tasks
}

// anotherWorld is how far the seeds of a seed's further worlds lie apart.
const anotherWorld = 1_000_000

// seed returns that of the k-th world, those of a seed after each other.
func (p *Plan) seed(k int) uint64 { return uint64(k/p.Worlds+1) + uint64(k%p.Worlds)*anotherWorld }

// world is the task of one policy in one world.
func (p *Plan) world(cost float64, seed uint64, trust float64, policy string, keep func(*outcome, result)) task {
	return task{cost, func(ctx context.Context, out *outcome) error {
		w, err := NewWorld(p.options(seed, trust))
		if err != nil {
			return err
		}
		var sales []sold
		r, err := newRun(w, runOptions{policy: policy, from: p.Days / 2, each: func(r *Run, s *seenItem) {
			if s.response.click && s.at >= r.from {
				sales = append(sales, sold{s.chosen.Odds[rank.Buy], s.response.buy && s.response.after < 7*day})
			}
		}})
		if err != nil {
			return err
		}
		if err := r.Go(ctx); err != nil {
			return err
		}
		one := r.result()
		one.sales = sales
		out.mu.Lock()
		defer out.mu.Unlock()
		keep(out, one)
		return nil
	}}
}

// result returns what is kept of a finished run.
func (r *Run) result() result {
	size := make([]float64, len(r.creators))
	for k := range r.creators {
		size[k] = r.creators[k].followers
	}
	one := result{
		measures: r.Measures(), lorenz: opportunity.Of(r.Tally.expected).Points(50),
		bySize: tenths(r.Tally.exposure, size), byWorth: tenths(r.Tally.exposure, r.worths()),
	}
	for k := range r.Tally.daily {
		one.daily = append(one.daily, r.Tally.daily[k]/max(r.Tally.dailyShown[k], 1)*1000)
	}
	return one
}

// together returns what came of every seed: the means over its worlds, and all of their orders.
func together(list []result, worlds int) []result {
	var seeds []result
	for of := range slices.Chunk(list, worlds) {
		one := result{
			measures: Measures{}, lorenz: mean(of, func(r *result) []float64 { return r.lorenz }), bySize: mean(of, func(r *result) []float64 { return r.bySize }),
			byWorth: mean(of, func(r *result) []float64 { return r.byWorth }), daily: mean(of, func(r *result) []float64 { return r.daily }),
		}
		for k := range of {
			for name, v := range of[k].measures {
				one.measures[name] += v / float64(len(of))
			}
			one.sales = append(one.sales, of[k].sales...)
		}
		seeds = append(seeds, one)
	}
	return seeds
}

// raceTasks are the races of production's policy and of the one by followers, and those by gaps of trust.
func (p *Plan) raceTasks(out *outcome) []task {
	var tasks []task
	for _, policy := range []string{PolicyValue, PolicyFollowers} {
		out.races[policy] = make([]RaceRun, p.Seeds)
		for k := range p.Seeds {
			tasks = append(tasks, raceTask(raceViewers, k, racers(), policy, func(out *outcome, r RaceRun) { out.races[policy][k] = r }))
		}
	}
	seeds := max(p.Seeds/4, 1)
	out.gaps = make([][]float64, len(gaps()))
	for g, gap := range gaps() {
		two := racers()
		two[0].Craft, two[1].Craft = 0, 0
		two[0].Trust, two[1].Trust = gap/2, -gap/2
		out.gaps[g] = make([]float64, seeds)
		for k := range seeds {
			tasks = append(tasks, raceTask(gapViewers, k, two, PolicyValue, func(out *outcome, r RaceRun) {
				out.gaps[g][k] = r.Expect[0] / max(r.Expect[0]+r.Expect[1], 1e-9)
			}))
		}
	}
	return tasks
}

func raceTask(viewers, seed int, two [2]Racer, policy string, keep func(*outcome, RaceRun)) task {
	cost := float64(viewers) * raceTraffic * float64(raceStarts+raceDays)
	return task{cost, func(ctx context.Context, out *outcome) error {
		w, err := raceWorld(uint64(seed+1), two, viewers)
		if err != nil {
			return err
		}
		one, err := race(ctx, w, policy)
		if err != nil {
			return err
		}
		out.mu.Lock()
		defer out.mu.Unlock()
		keep(out, one)
		return nil
	}}
}

// work does the tasks on several goroutines and notes how far it is.
func (p *Plan) work(ctx context.Context, tasks []task, out *outcome, begun time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all, done := 0.0, 0.0
	for _, t := range tasks {
		all += t.cost
	}
	var mu sync.Mutex
	var first error
	next := 0
	one := func() bool {
		mu.Lock()
		if next >= len(tasks) || first != nil {
			mu.Unlock()
			return false
		}
		t := tasks[next]
		next++
		mu.Unlock()
		err := t.do(ctx, out)
		mu.Lock()
		defer mu.Unlock()
		if err != nil && first == nil {
			first = err
			cancel()
		}
		done += t.cost
		spent := p.Clock.Now().Sub(begun)
		p.Note("%3.0f %% of %.1f million impressions, %s gone, about %s left", 100*done/all, all/1e6, spent.Round(time.Second), (time.Duration(float64(spent) * (all/done - 1))).Round(time.Second))
		return err == nil
	}
	var group sync.WaitGroup
	for range max(p.Workers, 1) {
		group.Go(func() {
			for one() {
			}
		})
	}
	group.Wait()
	return first
}
