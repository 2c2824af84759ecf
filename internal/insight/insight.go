package insight

import (
	"context"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/metric"
)

// Source is where numbers come from: the fold of the log on this node.
type Source interface {
	// Read returns an entity's numbers as of the fold's stamp; ok is false when nothing is known of it.
	Read(e metric.Entity, w metric.Window) (r metric.Reading, ok bool)
	// Version grows with every change of the entity.
	Version(e metric.Entity) uint64
	// Stamp is the log time up to which everything is counted.
	Stamp() time.Time
	// Series returns the buckets with something in them that begin in [from, to), oldest first.
	Series(e metric.Entity, g metric.Grain, from, to time.Time) []metric.Point
	// Members returns at most so many things of the kind within another, those that sell best first.
	Members(within metric.Entity, kind metric.Kind, most int) []metric.Entity
}

// Options are what insight stands on.
type Options struct {
	DB     *db.DB
	Source Source
	Clock  clock.Clock
	// House returns what the machine itself counts, for the operator; nil: nothing is counted.
	House func() Machine
	// Observe, when set, is told of each measured freshness, in seconds.
	Observe func(kind Freshness, seconds float64)
}

// Insight answers questions about numbers.
type Insight struct {
	d      *db.DB
	source Source
	clock  clock.Clock
	fresh  *Freshnesses
	house  *houseMeter
	hub    *Hub
}

// New returns the use; Run it for live numbers.
func New(o Options) *Insight {
	i := &Insight{d: o.DB, source: o.Source, clock: o.Clock, fresh: newFreshnesses(o.Clock, o.Observe)}
	i.house = &houseMeter{read: o.House, fresh: i.fresh}
	i.hub = newHub(i)
	return i
}

// Run keeps live numbers moving until ctx ends.
func (i *Insight) Run(ctx context.Context) error { return i.hub.run(ctx) }

// Subscribers returns how many streams of live numbers are open.
func (i *Insight) Subscribers() int { return i.hub.Subscribers() }

// Freshnesses returns how fresh numbers have been, to be told of events that became visible.
func (i *Insight) Freshnesses() *Freshnesses { return i.fresh }

// Numbers returns an entity's numbers in a window. Missing: there is no such thing or it is not the
// asker's; Forbidden: the token lacks metrics:read.
func (i *Insight) Numbers(ctx context.Context, who account.Asker, e metric.Entity, w metric.Window) (Numbers, error) {
	if err := i.allow(ctx, who, e); err != nil {
		return Numbers{}, err
	}
	return i.numbers(e, w), nil
}

func (i *Insight) numbers(e metric.Entity, w metric.Window) Numbers {
	figures, stamp := i.figures(e, w)
	return Numbers{AsOf: stamp, LagMS: i.lag(stamp), Figures: figures}
}

// figures reads an entity, all zero when nothing is known of it yet.
func (i *Insight) figures(e metric.Entity, w metric.Window) (Figures, time.Time) {
	r, ok := i.source.Read(e, w)
	if !ok {
		r = metric.Reading{Entity: e, Window: w, AsOf: i.source.Stamp()}
	}
	return figuresOf(e, w, r), r.AsOf
}

// lag is how far behind the clock a stamp is, in milliseconds; 0 before the first record.
func (i *Insight) lag(stamp time.Time) int64 {
	if stamp.IsZero() {
		return 0
	}
	return max(0, i.clock.Now().Sub(stamp).Milliseconds())
}

// Entity reads what a client says it asks about. Missing when it names nothing: an id that cannot be is
// as absent as one that is nobody's.
func Entity(text string) (metric.Entity, error) {
	e, err := metric.ParseEntity(text)
	if err != nil {
		return metric.Entity{}, missing()
	}
	return e, nil
}

// Window reads the window a client asks for; "" is a day.
func Window(name string) (metric.Window, error) {
	if name == "" {
		return metric.Day, nil
	}
	w, ok := metric.WindowNamed(name)
	if !ok {
		return 0, fault.InvalidField("query.window", "Ask for a window of 1m, 1h, 24h, 7d or 28d.")
	}
	return w, nil
}

func missing() error {
	return fault.New(fault.Missing, "There are no such numbers, or they are not yours.")
}
