package metric_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
	"mezzo/internal/stream"
)

// storm makes a log in which everything goes wrong that may: repeats, things out of order, late and skewed,
// tokens forged, foreign, run out and used again, robots, refunds, cancellations, joins, clocks that jump and go back.
type storm struct {
	*rapid.T
	log    *log
	world  *world
	oracle *oracle
	tokens []handed
	last   []event.Event
	orders []order
	facts  []numbered
}

type handed struct {
	viewer  id.Viewer
	shown   id.Impression
	video   id.Video
	room    id.Room
	creator id.Creator
}

type order struct {
	paid     event.OrderPaid
	at       time.Time
	left     map[id.Line]event.SaleLine // with their touches, once known
	earned   map[id.Line]event.CommissionState
	released map[id.Line]bool
}

type numbered struct {
	seq int64
	at  time.Time
	b   event.Body
}

func newStorm(tb testing.TB, t *rapid.T) *storm {
	l := newLog(tb)
	w := newWorld(l, 2, 4, 2, 4, 12)
	return &storm{T: t, log: l, world: w, oracle: newOracle(w)}
}

func pick[V any](t *rapid.T, name string, list []V) V {
	return list[rapid.IntRange(0, len(list)-1).Draw(t, name)]
}

func (s *storm) pass() {
	step := pick(s.T, "pass", []time.Duration{0, time.Microsecond, 300 * time.Millisecond, time.Second, 7 * time.Second, time.Minute,
		4 * time.Minute, 20 * time.Minute, time.Hour, 5 * time.Hour, 26 * time.Hour, 4 * 24 * time.Hour, 9 * 24 * time.Hour})
	s.log.pass(step)
}

func (s *storm) hand() handed {
	if len(s.tokens) > 0 && rapid.IntRange(0, 2).Draw(s.T, "used again") > 0 {
		// What a token did is remembered for 72 hours and some minutes.
		if h := pick(s.T, "token", s.tokens[max(0, len(s.tokens)-8):]); s.log.now.Sub(h.shown.Issued) < 70*time.Hour {
			return h
		}
	}
	h := handed{viewer: pick(s.T, "viewer", s.world.viewers)}
	h.shown = id.Impression{Request: id.Request("").Next(s.log.now), Slot: uint8(rapid.IntRange(0, 3).Draw(s.T, "slot")), Issued: s.log.machine().Truncate(time.Second)}
	if rapid.IntRange(0, 4).Draw(s.T, "room?") == 0 {
		h.room = pick(s.T, "room", s.world.rooms)
		h.creator = s.world.roomOf[h.room]
		h.shown.SubjectKind, h.shown.Surface = id.SubjectRoom, id.SurfaceRoom
		h.shown.Subject, _ = h.room.UUID()
	} else {
		h.video = pick(s.T, "video", s.world.list)
		h.creator = s.world.videos[h.video].creator
		h.shown.SubjectKind, h.shown.Surface = id.SubjectVideo, id.SurfaceHome
		h.shown.Subject, _ = h.video.UUID()
	}
	s.tokens = append(s.tokens, h)
	return h
}

// when is a time of a client: mostly now, sometimes a while ago, ahead, or too long ago to be judged.
func (s *storm) when() time.Time {
	back := pick(s.T, "when", []time.Duration{0, 0, 0, -4 * time.Second, 900 * time.Millisecond, 40 * time.Second, 70 * time.Second, 50 * time.Minute,
		80 * time.Minute, 14 * time.Hour, 30 * time.Hour, 71 * time.Hour, 80 * time.Hour})
	return s.log.machine().Add(-back)
}

func (s *storm) tell(e event.Event) {
	e = s.log.tell(e)
	s.oracle.event(&e, s.log.now)
	s.last = append(s.last, e)
}

func (s *storm) event() {
	if len(s.last) > 0 && rapid.IntRange(0, 7).Draw(s.T, "again") == 0 {
		s.tell(pick(s.T, "repeat", s.last[max(0, len(s.last)-20):]))
		return
	}
	if rapid.IntRange(0, 9).Draw(s.T, "site?") == 0 {
		i := rapid.IntRange(0, len(s.world.brands)-1).Draw(s.T, "brand")
		p := s.world.products[i]
		e := event.Event{Type: pick(s.T, "type", []event.Type{event.View, event.ProductClick, event.ProductView, event.AddToCart}), At: s.when(),
			Namespace: s.world.keys[i], Brand: s.world.brandOf[p], Product: p}
		e.Anonymous[0], e.Anonymous[15] = byte(rapid.IntRange(1, 5).Draw(s.T, "anonymous")), byte(i)+1
		s.tell(e)
		return
	}
	h := s.hand()
	e := event.Event{Viewer: h.viewer, Shown: h.shown, Video: h.video, Room: h.room, Creator: h.creator, At: s.when()}
	e.Type = pick(s.T, "type", []event.Type{event.Impression, event.Impression, event.View, event.View, event.Watch, event.ProductClick,
		event.ProductClick, event.ProductView, event.AddToCart, event.Like, event.RoomJoin})
	if h.video != "" {
		e.Product = pick(s.T, "product", s.world.videos[h.video].products)
	} else if e.Product = s.world.products[0]; e.Type < event.ProductClick && rapid.Bool().Draw(s.T, "nothing pinned") {
		e.Product = ""
	}
	e.Brand = s.world.brandOf[e.Product]
	if e.Type == event.Watch {
		e.WatchMS = int64(rapid.IntRange(0, 9000).Draw(s.T, "watch"))
	}
	if s.log.machine().Sub(h.shown.Issued) > id.ImpressionLife {
		e.Flags |= event.Expired
	}
	switch rapid.IntRange(0, 24).Draw(s.T, "flag") {
	case 0:
		e.Flags |= event.Forged
	case 1:
		e.Flags |= event.Foreign
	case 2:
		e.Flags |= event.Bot
	case 3:
		e.Flags |= event.Own
	case 4:
		e.Type, e.Flags = event.Purchase, event.ClientPurchase
	case 5:
		e.Flags |= event.Late
	case 6, 7:
		e.Shown, e.Flags = id.Impression{}, 0 // off a product's page, without a token
	}
	s.tell(e)
}

func (s *storm) fact(b event.Body) {
	s.factAt(b, s.log.machine())
}

func (s *storm) factAt(b event.Body, at time.Time) {
	s.log.seq++
	s.facts = append(s.facts, numbered{s.log.seq, at, b})
	s.log.factNumbered(s.log.seq, at, b)
	s.oracle.fact(s.log.seq, b, at, s.log.now)
}

func (s *storm) pay() {
	o := order{left: map[id.Line]event.SaleLine{}, earned: map[id.Line]event.CommissionState{}, released: map[id.Line]bool{}}
	o.paid = event.OrderPaid{Order: id.Order("").Next(s.log.now), Viewer: pick(s.T, "buyer", s.world.viewers), Currency: pick(s.T, "currency", []money.Currency{"USD", "EUR"})}
	o.at = s.log.machine().Add(-pick(s.T, "relay", []time.Duration{0, time.Millisecond, 3 * time.Second, -time.Second}))
	var won []handed
	for range rapid.IntRange(1, 3).Draw(s.T, "lines") {
		p := pick(s.T, "product", s.world.products)
		l := event.SaleLine{Line: id.Line("").Next(s.log.now), Product: p, Brand: s.world.brandOf[p], Quantity: int64(rapid.IntRange(1, 4).Draw(s.T, "units")),
			GMV: int64(rapid.IntRange(0, 100000).Draw(s.T, "gmv"))}
		h := handed{}
		if len(s.tokens) > 0 && rapid.IntRange(0, 3).Draw(s.T, "won") > 0 {
			if h = s.hand(); rapid.IntRange(0, 3).Draw(s.T, "clicked long ago") == 0 {
				h = pick(s.T, "old token", s.tokens)
			}
			l.Waiting = rapid.IntRange(0, 4).Draw(s.T, "waits") == 0
			if !l.Waiting {
				s.win(&l, h)
			}
		}
		won = append(won, h)
		o.paid.Lines = append(o.paid.Lines, l)
		o.left[l.Line] = l
	}
	s.factAt(o.paid, o.at)
	o.at = minTime(o.at, s.log.now) // no later than its stamp
	for i, l := range o.paid.Lines {
		if won[i].creator == "" {
			continue
		}
		late := l.Waiting
		if late {
			if rapid.Bool().Draw(s.T, "time passes") {
				s.log.pass(time.Minute)
			}
			s.win(&l, won[i])
			o.left[l.Line] = l
		}
		c := event.CommissionState{Order: o.paid.Order, Line: l.Line, Creator: l.Creator, Brand: l.Brand, Program: l.Program, Product: l.Product,
			Video: won[i].video, Room: won[i].room, Amount: money.Of(l.GMV/10, o.paid.Currency), EarnedAt: minTime(o.at, s.log.machine()), ClickedAt: l.Touch.At}
		o.earned[l.Line] = c
		if late {
			c.Touch = l.Touch
		}
		s.fact(event.CommissionCreated{CommissionState: c})
	}
	s.orders = append(s.orders, o)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (s *storm) win(l *event.SaleLine, h handed) {
	l.Creator, l.Program = h.creator, s.world.programs[0].Program
	l.Touch = &event.SaleTouch{At: minTime(h.shown.Issued.Add(5*time.Second), s.log.machine()), Request: h.shown.Request, Slot: h.shown.Slot, Video: h.video, Room: h.room}
}

// giveBack calls off what is left of an order, or gives back some of a line, or lets a commission go.
func (s *storm) giveBack() {
	if len(s.orders) == 0 {
		return
	}
	o := &s.orders[rapid.IntRange(0, len(s.orders)-1).Draw(s.T, "order")]
	switch rapid.IntRange(0, 3).Draw(s.T, "back") {
	case 0:
		var lines []event.SaleLine
		for _, l := range o.paid.Lines {
			if left, ok := o.left[l.Line]; ok && left.Quantity > 0 {
				lines = append(lines, left)
				s.reverse(o, l.Line)
			}
		}
		clear(o.left)
		s.fact(event.OrderCancelled{Order: o.paid.Order, Currency: o.paid.Currency, PaidAt: o.at, Lines: lines})
	case 1, 2:
		l := pick(s.T, "line", o.paid.Lines)
		left, ok := o.left[l.Line]
		if !ok || left.Quantity == 0 {
			return
		}
		taken := left
		taken.Quantity = int64(rapid.IntRange(0, int(left.Quantity)).Draw(s.T, "units back"))
		taken.GMV = int64(rapid.IntRange(0, int(left.GMV)).Draw(s.T, "money back"))
		left.Quantity, left.GMV = left.Quantity-taken.Quantity, left.GMV-taken.GMV
		o.left[l.Line] = left
		if lines := []event.SaleLine{taken}; rapid.Bool().Draw(s.T, "by the bank") {
			s.fact(event.DisputeLost{DisputeState: event.DisputeState{Order: o.paid.Order}, Currency: o.paid.Currency, PaidAt: o.at, Lines: lines})
		} else {
			s.fact(event.OrderRefunded{Order: o.paid.Order, Currency: o.paid.Currency, PaidAt: o.at, Lines: lines})
		}
	case 3:
		l := pick(s.T, "line", o.paid.Lines)
		if c, ok := o.earned[l.Line]; ok && !o.released[l.Line] {
			o.released[l.Line] = true
			s.fact(event.CommissionReleased{CommissionState: c})
		}
	}
}

func (s *storm) reverse(o *order, line id.Line) {
	if c, ok := o.earned[line]; ok {
		delete(o.earned, line)
		s.fact(event.CommissionReversed{CommissionState: c, Released: o.released[line], Reason: "cancelled"})
	}
}

func (s *storm) blow() {
	switch n := rapid.IntRange(0, 40).Draw(s.T, "what"); {
	case n == 40: // the machine's clock is turned back; what it tells lies in the past of the log for a while
		back := pick(s.T, "back", []time.Duration{time.Microsecond, 2 * time.Second, 3 * time.Minute, 2 * time.Hour, 30 * time.Hour})
		if s.log.behind+back < 65*time.Hour { // a clock further behind hands out tokens that are forgotten already
			s.log.behind += back
		}
	case n < 8:
		s.pass()
	case n < 30:
		s.event()
	case n < 34:
		s.pay()
	case n < 37:
		s.giveBack()
	case n == 37:
		into, v := pick(s.T, "into", s.world.viewers), pick(s.T, "joins", s.world.viewers)
		if into != v {
			s.fact(event.ViewerJoined{Viewer: v, Into: into})
		}
	case n == 38:
		s.fact(event.ViewerErased{Viewer: pick(s.T, "erased", s.world.viewers)})
	default: // the relay tells something again
		if len(s.facts) > 0 {
			f := pick(s.T, "fact again", s.facts)
			s.log.factNumbered(f.seq, f.at, f.b)
		}
	}
}

// check compares every entity in every window with the recount, as of now.
func (s *storm) check(f *metric.Fold) {
	now := s.log.now
	if !f.Stamp().Equal(now) && len(s.log.records) > 0 {
		s.Fatalf("log time is %s, not %s", f.Stamp(), now)
	}
	for _, e := range s.world.entities() {
		for _, w := range metric.Windows {
			bucket, span := int64(w.Bucket()/time.Second), int64(w.Span()/time.Second)
			from := now.Unix()/bucket*bucket - span + 1 // buckets that start later than the bucket of now less the span
			from = (from + bucket - 1) / bucket * bucket
			want := s.oracle.window(e, from, math.MaxInt64)
			r, known := f.Read(e, w)
			if !known {
				for what, n := range want {
					if n != 0 {
						s.Fatalf("%s in %s: nothing is known, and %d %s happened", e, w, n, what)
					}
				}
				continue
			}
			got := countsByName(&r.Counts)
			for what, n := range moneyByName(r.Money) {
				got[what] = n
			}
			compare(s.T, e.String()+" in "+w.String(), got, want)
			if n := s.oracle.uniques(e, from, math.MaxInt64); math.Abs(float64(r.Uniques-n)) > 0.03*float64(n) {
				s.Fatalf("%s in %s: %d uniques, not %d", e, w, r.Uniques, n)
			}
			// Before anything is held to n: what came of something is no more than it was.
			c := &r.Counts
			if e.Kind != metric.Program && c.ClicksOfImpressions > c.Impressions { // a program is not watched
				s.Fatalf("%s in %s: %d of %d impressions were clicked", e, w, c.ClicksOfImpressions, c.Impressions)
			}
			if c.OrdersOfClicks > c.ProductClicks || c.OrdersOfVisits > c.ProductViews {
				s.Fatalf("%s in %s: %d of %d clicks and %d of %d visits won an order", e, w, c.OrdersOfClicks, c.ProductClicks, c.OrdersOfVisits, c.ProductViews)
			}
			if back := c.Units - c.NetUnits; back < 0 || back > c.Units {
				s.Fatalf("%s in %s: %d of %d units came back", e, w, back, c.Units)
			}
			for _, rate := range []metric.Rate{r.CTR, r.CTOR, r.CVR, r.RefundRate} {
				if rate.Value < 0 || rate.Value > 1 || rate.Low > rate.Value || rate.High < rate.Value || rate.N > 0 && (rate.Low < 0 || rate.High > 1) {
					s.Fatalf("%s in %s: the rate %+v", e, w, rate)
				}
			}
			// Nothing is remembered of what was not touched for 29 days: there the velocity ends.
			s.velocity(e, r, now)
		}
	}
}

func (s *storm) velocity(e metric.Entity, r metric.Reading, now time.Time) {
	for _, v := range []struct {
		got  float64
		half time.Duration
	}{{r.Velocity.FiveMinutes, 5 * time.Minute}, {r.Velocity.Hour, time.Hour}, {r.Velocity.Day, 24 * time.Hour}} {
		want := s.oracle.velocity(e, now, v.half)
		if diff := math.Abs(v.got - want); diff > 1e-9*math.Abs(want) && diff > 1e-9 {
			s.Fatalf("%s: velocity by %s is %v, not %v", e, v.half, v.got, want)
		}
	}
}

func compare(t *rapid.T, of string, got, want map[string]int64) {
	for what, n := range want {
		if got[what] != n {
			t.Fatalf("%s: %d %s, not %d", of, got[what], what, n)
		}
	}
	for what, n := range got {
		if want[what] != n {
			t.Fatalf("%s: %d %s, not %d", of, n, what, want[what])
		}
	}
}

// The recount: at many instants every number of every entity in every window is what a count of distinct
// ids from the beginning says; and however the log is cut into calls, and wherever the fold is stopped and
// goes on from its state, it comes to the same.
func TestRecount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStorm(t, rt)
		f := metric.New(metric.Options{})
		done := 0
		for range rapid.IntRange(1, 12).Draw(rt, "instants") {
			for range rapid.IntRange(1, 40).Draw(rt, "happenings") {
				s.blow()
			}
			for done < len(s.log.records) {
				n := min(rapid.IntRange(1, 50).Draw(rt, "call"), len(s.log.records)-done)
				if err := f.Apply(s.log.records[done : done+n]); err != nil {
					rt.Fatal(err)
				}
				done += n
			}
			if rapid.IntRange(0, 3).Draw(rt, "stop") == 0 {
				f = resumed(rt, f)
			}
			s.check(f)
			s.rows(f)
		}
		if got, want := f.Checksum(), whole(rt, s.log.records).Checksum(); got != want {
			rt.Fatalf("folded in pieces the checksum is %x, from the start at once %x", got, want)
		}
	})
}

func resumed(t *rapid.T, f *metric.Fold) *metric.Fold {
	state, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := metric.New(metric.Options{})
	if err := n.Restore(state); err != nil {
		t.Fatal(err)
	}
	if n.Checksum() != f.Checksum() || n.Position() != f.Position() || !n.Stamp().Equal(f.Stamp()) {
		t.Fatal("a restored fold is not what it was")
	}
	return n
}

func whole(t *rapid.T, records []stream.Record) *metric.Fold {
	f := metric.New(metric.Options{})
	if err := f.Apply(records); err != nil {
		t.Fatal(err)
	}
	return f
}

// rows checks that hours and days, absolute as they are now, say what the recount says.
func (s *storm) rows(f *metric.Fold) {
	err := f.Rows(time.Time{}, func(row metric.Row) error {
		if row.Add {
			return nil
		}
		from, until := row.Start.Unix(), row.Start.Add(row.Grain.Span()).Unix()
		got := countsByName(&row.Counts)
		for what, n := range moneyByName(row.Money) {
			got[what] = n
		}
		compare(s.T, row.Entity.String()+" "+row.Grain.String()+" of "+row.Start.String(), got, s.oracle.window(row.Entity, from, until))
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}
