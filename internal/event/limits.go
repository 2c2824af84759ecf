package event

import "time"

// Limits of what clients may send. A request over the first three is refused whole or, for
// one event, in its verdict; nothing is cut silently.
const (
	MaxEvents = 100             // events in a request
	MaxBody   = 500 << 10       // bytes of a request, unpacked
	MaxEvent  = 32 << 10        // bytes of one event as JSON
	MaxPast   = 72 * time.Hour  // how long ago an event may have happened
	MaxFuture = 5 * time.Second // how far ahead a client's clock may run
	MaxWatch  = time.Hour       // playback in one Watch event
	MaxPlace  = 24 * time.Hour  // position within content
	MaxAdd    = 20              // quantity in one AddToCart, as in a cart line
	MaxSeq    = 1<<53 - 1       // the largest integer JSON clients hold exactly
	// MaxMessages bounds a request of the Segment API: its SDKs send 10 to 250 at once, and what
	// waited for a connection up to MaxBody.
	MaxMessages = 1000
	// MaxListed is how many products of the list that one of its messages names are looked at: a screenful or
	// two. The rest of a longer list is passed over.
	MaxListed = 24
	maxToken  = 256 // bytes of an impression token; ours are shorter
	maxDepth  = 64  // nesting of what is skipped
	maxIDEcho = 64  // bytes of a refused event's id that are sent back
)

// Limits of what one record of the log may hold.
const (
	MaxTopic      = 64
	MaxFactBody   = 256 << 10
	MaxCandidates = 4096
	MaxSlots      = 100
	MaxPosition   = 64
	MaxDetail     = 256 << 10 // bytes of what was predicted of a page's candidates
)

// Corrected returns when an event happened by our clock: received − (sentAt − at), the rule of
// the Segment API, held within [received − MaxPast, received + MaxFuture]. Without a sentAt
// the client's own time is taken. late is true when it lies before the clamp.
func Corrected(at, sentAt, received time.Time) (t time.Time, late bool) {
	t = at
	if !sentAt.IsZero() {
		t = time.UnixMicro(received.UnixMicro() - (sentAt.UnixMicro() - at.UnixMicro()))
	}
	t = t.UTC().Truncate(time.Microsecond)
	if first := received.Add(-MaxPast); t.Before(first) {
		return first, true
	}
	if last := received.Add(MaxFuture); t.After(last) {
		return last, false
	}
	return t, false
}
