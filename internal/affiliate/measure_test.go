package affiliate_test

import (
	"slices"
	"testing"

	"mezzo/internal/affiliate"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// measuresOf are measures that a test makes up.
type measuresOf map[id.Program]affiliate.Measure

func (t measuresOf) Program(p id.Program) affiliate.Measure { return t[p] }

func TestMarketplaceIsSortedByWhatWasMeasured(t *testing.T) {
	room(t, 1, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		share := func(v float64) *float64 { return &v }
		epc := func(settled, clicks int64) affiliate.Measure {
			return affiliate.Measure{EPC: &money.Amount{Minor: settled / clicks, Currency: "EUR"}, Settled: settled, Clicks: clicks}
		}
		measures := measuresOf{}
		for _, p := range []struct {
			name string
			m    affiliate.Measure
		}{
			{"unknown", affiliate.Measure{}},
			{"poor", epc(100, 100)},
			{"lucky", epc(5000, affiliate.MinMeasured-1)},
			{"rich", epc(4100, 100)},
			{"richer by less than a cent", epc(4110, 100)},
			{"visited", affiliate.Measure{CVR: share(0.5), Visits: 40, RefundRate: share(0.25), Units: 4}},
			{"visited more", affiliate.Measure{CVR: share(0.6), Visits: 40}},
		} {
			measures[w.open(a, func(in *affiliate.NewProgram) { in.Name = p.name }).ID] = p.m
		}
		list := func(m affiliate.Market) (names []string) {
			t.Helper()
			for m.Limit = 2; ; {
				found, err := a.Marketplace(ctx, w.creators[0], m)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range found {
					names = append(names, l.Name)
					m.After, m.AfterKey = l.ID, l.SortKey()
				}
				if len(found) == 0 {
					return names
				}
			}
		}
		if got := list(affiliate.Market{Sort: affiliate.ByEPC}); got[0] != "visited more" || len(got) != 7 {
			t.Errorf("with nothing measured: %q", got)
		}
		a.Attach(measures)
		for by, want := range map[affiliate.Order][]string{
			affiliate.ByEPC: {"richer by less than a cent", "rich", "poor", "visited more", "visited", "lucky", "unknown"},
			affiliate.ByCVR: {"visited more", "visited", "richer by less than a cent", "rich", "lucky", "poor", "unknown"},
		} {
			if got := list(affiliate.Market{Sort: by}); !slices.Equal(got, want) {
				t.Errorf("by %s: %q, want %q", by, got, want)
			}
		}
		found, err := a.Marketplace(ctx, w.creators[0], affiliate.Market{Q: "visited", Limit: 5})
		if err != nil || len(found) != 2 || *found[1].CVR != 0.5 || *found[1].RefundRate != 0.25 || found[1].N.Units != 4 || found[1].EPC != nil {
			t.Errorf("got %+v, %v", found, err)
		}
		one, err := a.Program(ctx, w.creators[0], found[0].ID)
		if err != nil || *one.CVR != 0.6 {
			t.Errorf("one program: %+v, %v", one, err)
		}
	})
}
