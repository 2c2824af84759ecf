package rank

import "time"

// settle does what log time has made due: it is called before every record, so that what the fold
// holds at a position does not depend on how the records came.
func (f *Fold) settle() {
	for f.opens.first < f.opens.n {
		o := f.opens.far(f.opens.first)
		if o.at+closeAfter.Microseconds() > f.stamp {
			break
		}
		f.close(o)
		f.opens.drop()
	}
	for len(f.trials) > 0 && f.trials[0].at+buyAfter.Microseconds() <= f.stamp {
		t := f.trials[0]
		f.judge(Buy, float64(t.logit), float64(t.bought))
		delete(f.trialOf, pairOf(t.viewer, t.item))
		f.trials = f.trials[1:]
		f.trialed++
	}
	for len(f.due) > 0 && f.due[0].at+closeAfter.Microseconds() <= f.stamp {
		d := f.due[0]
		f.due = f.due[1:]
		f.decide(d)
	}
}

// close ends an impression: what was not answered was declined.
func (f *Fold) close(o *open) {
	if o.gone != 0 {
		return
	}
	delete(f.openOf, o.key)
	f.resolve(o)
	it := f.items.at(o.item)
	duration := time.Duration(it.facts.Seconds * float32(time.Second))
	watched := time.Duration(o.watched) * time.Millisecond
	f.durations.Advance(time.UnixMicro(f.stamp))
	f.durations.Add(duration, watched)
	for _, h := range perImpression {
		f.judge(h, float64(o.logits[h]), float64(o.label[h]))
	}
	f.settled++
	if f.settled%recalibrate == 0 {
		for h := range f.calibrate {
			f.calibrate[h] = f.raw[h].Fit()
		}
	}
	k := &f.categories[it.facts.Category]
	k.closed++
	if k.closed%refreshEvery == 0 {
		f.refresh(it.facts.Category)
	}
}

// judge holds a prediction against what happened, before and after calibration.
func (f *Fold) judge(h Head, logit, y float64) {
	f.raw[h].Add(Score{Mean: logit}, y)
	f.served[h].Add(Score{Mean: f.calibrate[h].Logit(logit)}, y)
}

// Report returns how good each head's served predictions are, by progressive validation.
func (f *Fold) Report() map[string]Report {
	f.mu.RLock()
	defer f.mu.RUnlock()
	reports := map[string]Report{}
	for h := range Heads {
		reports[h.String()] = f.served[h].Report()
	}
	return reports
}

// decide ends a stage of a video, once.
func (f *Fold) decide(d due) {
	it := f.items.at(d.item)
	if it.stopped != 0 || tierOf(it) != d.tier || int(it.stage) > MaxStages {
		return
	}
	p := &f.policies[0].policy
	c := &f.categories[it.facts.Category]
	now := f.seconds()
	step := p.Judge(int(it.stage), it.extended != 0, it.evidence(now), c.known(), f.record(d.item, now))
	n, v := f.verdicts.add()
	*v = verdict{
		at: now, before: it.decided, shown: uint32(step.Impressions), orders: uint32(step.Orders), stage: uint16(step.Stage), decision: uint16(step.Decision),
		click: float32(step.Click), watch: float32(step.Watch), better: float32(step.Better), bar: float32(step.Bar), chance: float32(step.Chance), promote: float32(step.Promote), stop: float32(step.Stop),
	}
	it.decided = n + 1
	switch step.Decision {
	case Promote:
		it.stage++
		it.extended = 0
	case Extend:
		it.extended = 1
	case Stop:
		it.stopped = 1
	}
	f.pool(d.item)
	f.spent(d.item) // the next budget may be used up by what it won in the open
}

func tierOf(it *item) uint32 { return uint32(it.stage)<<1 | uint32(it.extended) }

// Steps returns the decisions about a video, the oldest first, and where it stands: its stage (1 is the
// first; one more than there are when it is open), how many slots it was served and the budget of its
// stage. ok is false for a video that is not known.
func (f *Fold) Steps(video [16]byte) (steps []Step, stage, served, budget int, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	i, ok := f.itemOf[video]
	if !ok {
		return nil, 0, 0, 0, false
	}
	it := f.items.look(i)
	for n := it.decided; n != 0; n = f.verdicts.look(n - 1).before {
		v := f.verdicts.look(n - 1)
		d := Decision(v.decision)
		steps = append([]Step{{
			At: time.Unix(int64(v.at), 0).UTC(), Stage: int(v.stage), Decision: d, Name: d.String(), Impressions: int(v.shown), Orders: int(v.orders),
			Click: float64(v.click), Watch: float64(v.watch), Better: float64(v.better), Bar: float64(v.bar), Chance: float64(v.chance), Promote: float64(v.promote), Stop: float64(v.stop),
		}}, steps...)
	}
	return steps, int(it.stage), int(it.served), f.policies[0].policy.Budget(int(it.stage), it.extended != 0), true
}
