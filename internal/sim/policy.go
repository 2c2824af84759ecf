package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"mezzo/internal/rank"
)

// The policies that can be run. Only value is production's; the others choose among the same candidates,
// which the ranking gathered, with the same random numbers, and exist nowhere else.
const (
	PolicyValue      = "value"
	PolicyEngagement = "engagement"
	PolicyFollowers  = "follower-weighted"
	PolicyUniform    = "uniform"
)

// Policies returns the names of all policies, production's first.
func Policies() []string {
	return []string{PolicyValue, PolicyEngagement, PolicyFollowers, PolicyUniform}
}

// Known returns an error that names the policies there are, nil when all the given are among them.
func Known(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("no policy is named; there are %s", strings.Join(Policies(), ", "))
	}
	for _, n := range names {
		if !slices.Contains(Policies(), n) {
			return fmt.Errorf("there is no policy %q; there are %s", n, strings.Join(Policies(), ", "))
		}
	}
	return nil
}

// weights returns production's policy with its stage budgets shrunk as the world is.
func weights(budgets float64) rank.Policy {
	p := rank.Value()
	p.Stages = slices.Clone(p.Stages)
	for k := range p.Stages {
		least := 10.0
		if k > 0 {
			least = p.Stages[k-1] + 1
		}
		p.Stages[k] = max(math.Round(p.Stages[k]*budgets), least)
	}
	return p
}

// popularityPower is how strongly the engagement policy goes by what was played before: ten times the plays
// are worth 1.26 times the score.
const popularityPower = 0.1

// choose draws the page of a baseline among the candidates of a page; for production's policy it is the page.
func (r *Run) choose(page *rank.Page, offset int) []rank.Slot {
	if r.policy == PolicyValue || len(page.Candidates) == 0 {
		return page.Slots
	}
	p := rank.Value() // the same places for followed, creators and products, no tests
	p.ExploreEvery, p.Optimism, p.Lift = 0, 0, 0
	d := rank.Draw{Policy: &p, Seed: page.Seed, Offset: offset, Home: true, Control: r.policy == PolicyUniform}
	values := make([]float64, len(page.Candidates))
	for k := range page.Candidates {
		c := &page.Candidates[k]
		number := r.itemOf[c.Video]
		i := &r.items[number]
		if r.policy == PolicyFollowers {
			values[k] = math.Log(r.creators[i.creator].followers)
		} else {
			values[k] = (c.Worth.Watch + c.Worth.Engage) * math.Pow(1+float64(r.plays[i.creator]), popularityPower)
		}
		d.Candidates = append(d.Candidates, rank.Candidate{
			Item: uint32(number), Creator: uint32(i.creator), Product: uint32(number + 1), Category: uint32(i.kind), Value: values[k], Followed: c.Sources == rank.FromFollowed,
		})
	}
	if r.policy == PolicyFollowers { // a draw by exactly the followers: the temperature is 1
		slices.Sort(values)
		n := len(values)
		p.RepeatFade, p.CategoryThird = 1, 1
		p.Temperature = 1 / max(values[n*3/4]-values[n/4], 1e-6)
	}
	return d.Slate(pageLength)
}
