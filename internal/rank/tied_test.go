package rank

import (
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// Fresh accounts by the hundred tie a video to one that many watch no more than a few believed viewers do: what
// strangers say together is bounded here too.
func TestAFarmTiesNothingTogether(t *testing.T) {
	m := newMill(t, 63, 3, 2, 12)
	f := m.fold
	popular, theirs := bare(m.videos[0]), bare(m.videos[1])
	watch := func(v id.Viewer, videos ...[16]byte) {
		request := id.Request("").From(m.uuid())
		for slot, video := range videos {
			m.now = m.now.Add(time.Millisecond)
			m.tell(v, request, slot, video, event.Impression, 0, 0)
			m.tell(v, request, slot, video, event.Watch, time.Minute, 0)
			m.tell(v, request, slot, video, event.ProductClick, 0, 0)
		}
		m.flush()
	}
	for range 500 {
		watch(m.viewer(), popular, theirs)
	}
	for _, tied := range f.items.at(f.itemOf[popular]).together {
		if tied.item == f.itemOf[theirs]+1 && tied.weight > 4*strangersLeast { // watched and opened, from both sides
			t.Errorf("500 fresh accounts tied the video by %v", tied.weight)
		}
	}
	before := *f.items.at(f.itemOf[popular])
	believedOnes := make([]id.Viewer, 30)
	for k := range believedOnes {
		v := m.viewer()
		believedOnes[k] = v
		for n := range 4 {
			watch(v, bare(m.videos[2+n]), bare(m.videos[6+n]), bare(m.videos[3+n]))
		}
		watch(v, popular, bare(m.videos[11]))
	}
	after := *f.items.at(f.itemOf[popular])
	tied := func(i *item) (w float32) {
		for _, x := range i.together {
			if x.item == f.itemOf[bare(m.videos[11])]+1 {
				w = x.weight
			}
		}
		return w
	}
	if tied(&after)-tied(&before) < 10 {
		t.Errorf("thirty viewers who are believed tied two videos by %v", tied(&after)-tied(&before))
	}
}
