package insight

import (
	"mezzo/internal/affiliate"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

// Program returns how a program did in the last four weeks, for the creators' marketplace: the terms are
// open to all, and so is what they have brought.
func (i *Insight) Program(program id.Program) affiliate.Measure {
	e := metric.OfProgram(program)
	if e.IsZero() {
		return affiliate.Measure{}
	}
	f, _ := i.figures(e, metric.FourWeeks)
	m := affiliate.Measure{EPC: f.EPC, CTOR: f.CTOR, CVR: f.CVR, Clicks: f.Clicks, Visits: f.N.CVR, Units: f.N.RefundRate, RefundRate: f.RefundRate}
	if len(f.Currencies) > 0 {
		m.Settled = f.Currencies[0].Settled.Minor
	}
	return m
}
