package insight_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/insight"
)

func TestAlertsNeedEvidence(t *testing.T) {
	for _, try := range []struct {
		name           string
		now, before    insight.Sales
		faster, slower bool
	}{
		{"nothing sold", insight.Sales{Hours: 1}, insight.Sales{Hours: 23}, false, false},
		{"nine orders out of nothing", insight.Sales{Orders: 9, Hours: 1}, insight.Sales{Hours: 23}, false, false},
		{"ten orders out of nothing", insight.Sales{Orders: 10, Hours: 1}, insight.Sales{Hours: 23}, true, false},
		{"as before", insight.Sales{Orders: 10, Hours: 1}, insight.Sales{Orders: 230, Hours: 23}, false, false},
		{"half as much again", insight.Sales{Orders: 150, Hours: 1}, insight.Sales{Orders: 2300, Hours: 23}, false, false},
		{"twice, with many", insight.Sales{Orders: 200, Hours: 1}, insight.Sales{Orders: 2300, Hours: 23}, true, false},
		{"thrice, with few", insight.Sales{Orders: 2, Hours: 1}, insight.Sales{Orders: 15, Hours: 23}, false, false},
		{"a tenth, with many", insight.Sales{Orders: 2, Hours: 1}, insight.Sales{Orders: 460, Hours: 23}, false, true},
		{"nothing for an hour, of two an hour", insight.Sales{Hours: 1}, insight.Sales{Orders: 46, Hours: 23}, false, false},
		{"nothing for an hour, of ten an hour", insight.Sales{Hours: 1}, insight.Sales{Orders: 230, Hours: 23}, false, true},
		{"no time before", insight.Sales{Orders: 50, Hours: 1}, insight.Sales{}, false, false},
	} {
		c := insight.Compared(try.now, try.before)
		if c.Faster != try.faster || c.Slower != try.slower {
			t.Errorf("%s: %+v", try.name, c)
		}
	}
}

// The interval is that of tables of Clopper and Pearson: 2 of 10 lies within 2.52 % and 55.61 %.
func TestTheIntervalIsExact(t *testing.T) {
	c := insight.Compared(insight.Sales{Orders: 2, Hours: 1}, insight.Sales{Orders: 8, Hours: 1})
	for _, try := range []struct{ got, want float64 }{{c.Low / (1 + c.Low), 0.02521}, {c.High / (1 + c.High), 0.55610}, {c.Times, 0.25}} {
		if math.Abs(try.got-try.want) > 1e-4 {
			t.Errorf("got %v, want %v", try.got, try.want)
		}
	}
}

func TestComparedKeepsItsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := insight.Sales{Orders: rapid.Int64Range(0, 5000).Draw(t, "now"), Hours: rapid.Float64Range(0.1, 24).Draw(t, "hours")}
		before := insight.Sales{Orders: rapid.Int64Range(0, 5000).Draw(t, "before"), Hours: rapid.Float64Range(0.1, 24).Draw(t, "hours before")}
		c, back := insight.Compared(now, before), insight.Compared(before, now)
		if c.Low > c.Times*(1+1e-9) || c.Times > c.High*(1+1e-9) {
			t.Fatalf("%v lies outside %v–%v", c.Times, c.Low, c.High)
		}
		if c.Faster && c.Slower || c.Faster && back.Faster {
			t.Fatalf("both ways: %+v %+v", c, back)
		}
	})
}
