package rank

import (
	"slices"
	"testing"
)

func TestWhy(t *testing.T) {
	for _, c := range []struct {
		chosen  Chosen
		kind    SlotKind
		control bool
		because string
		want    []string
	}{
		{Chosen{Sources: FromTaste | FromBest}, Sampled, false, "", []string{"like what you watch", "does well in Kitchen"}},
		{Chosen{Sources: FromTaste, Testing: true}, Explore, false, "", []string{"new: being tested", "like what you watch"}},
		{Chosen{Sources: FromTests, Testing: true}, Sampled, false, "", []string{"new: being tested"}},
		{Chosen{Sources: FromFollowed}, Sampled, false, "", []string{"you follow this creator"}},
		{Chosen{Sources: FromTogether | FromIntent}, Sampled, false, "Three eggs", []string{"because you watched “Three eggs”"}},
		{Chosen{Sources: FromTogether}, Sampled, false, "", []string{"watched together with what you watched"}},
		{Chosen{Sources: FromIntent | FromBest, Worth: Worth{Sale: 3, Watch: 2}}, Sampled, false, "Three eggs", []string{"because you opened “Three eggs”", "sells well in Kitchen"}},
		{Chosen{Sources: FromChance}, Sampled, false, "", []string{"picked by chance"}},
		{Chosen{Sources: FromTaste}, Sampled, true, "", []string{"shown by chance, to measure the ranking against"}},
	} {
		p := Page{Candidates: []Chosen{c.chosen}, Control: c.control}
		if got := p.Why(Slot{Kind: c.kind}, "Kitchen", c.because); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.chosen, got, c.want)
		}
	}
}
