package rank

import "math"

// Distribution is where a video stands with its tested reach, and what that rests on.
type Distribution struct {
	Category  string
	Active    bool // it may be shown, as far as this knows
	Stage     int  // 1 is the first; Stages+1 is open
	Stages    int  // that the policy in force has
	Extended  bool // the stage has its budget a second time
	Stopped   bool // no reserved impressions any more; the open competition stays
	Waiting   bool // the budget is used up: decided within ten minutes
	Served    int  // slots it was given, seen or not
	Budget    int  // slots before the next decision, those of earlier stages included
	Seen      float64
	Now       Step // the decision as it would be now
	Steps     []Step
	Policy    string
	Version   uint32
	Viewpoint Viewpoint
}

// Viewpoint is what the decision rests on, for who runs the house.
type Viewpoint struct {
	Evidence Evidence
	Known    Category
	Record   Record  // of its creator without this video, before it is cut to what it may be worth
	Most     float64 // impressions the record is worth at most
	Exposure float64 // what its creator was shown lately
	Price    float64 // of its product, minor units; 0 without one
	Goods    Goods
	Weights  [Heads]float64 // the video's own weight in each head, in logits
	Doubts   [Heads]float64 // and its standard deviation
}

// Distribution returns where a video stands; false for one that is not known.
func (f *Fold) Distribution(video [16]byte) (Distribution, bool) {
	steps, stage, served, budget, ok := f.Steps(video)
	if !ok {
		return Distribution{}, false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	i, ok := f.itemOf[video]
	if !ok {
		return Distribution{}, false
	}
	it, in := f.items.at(i), &f.policies[0]
	p, c := &in.policy, &f.categories[it.facts.Category]
	own := *f.creators.at(it.facts.Creator)
	own.expose(f.seconds(), 0)
	d := Distribution{
		Category: c.name, Active: it.activeAt != 0, Stage: stage, Stages: len(p.Stages), Extended: it.extended != 0, Stopped: it.stopped != 0,
		Served: served, Budget: budget, Seen: float64(it.shown), Steps: steps, Policy: p.Name, Version: in.number,
	}
	d.Waiting = !d.Stopped && stage <= d.Stages && served >= budget
	v := &d.Viewpoint
	*v = Viewpoint{Evidence: it.evidence(f.seconds()), Known: c.known(), Record: f.record(i, f.seconds()), Most: p.Record, Exposure: float64(own.exposure)}
	if it.facts.Product != 0 {
		v.Price, v.Goods = float64(it.facts.Price), f.products.at(it.facts.Product-1).goods()
	}
	for h := range Heads {
		v.Weights[h] = float64(ofID.sd * it.cell.mean[h])
		v.Doubts[h] = float64(ofID.sd) * math.Sqrt(float64(1-it.cell.down[h]))
	}
	d.Now = p.Judge(min(stage, d.Stages), d.Extended, v.Evidence, v.Known, v.Record)
	return d, true
}

// Quality returns how good each head's served predictions are, in the order of the heads, and how many
// impressions were settled.
func (f *Fold) Quality() (reports [Heads]Report, settled uint64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for h := range Heads {
		reports[h] = f.served[h].Report()
	}
	return reports, f.settled
}
