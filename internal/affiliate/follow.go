package affiliate

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/stream"
)

// How the touch follower works; in machine time.
const (
	// FollowBatch is how many records of the log are read at once.
	FollowBatch = 1000
	// followSave is how often a position that brought no touch is stored.
	followSave = 100 * time.Millisecond
	// followLease is how long a process that died keeps the others from following.
	followLease = 15 * time.Second
	// followRest lies between two tries, and between two looks for the lease.
	followRest = 500 * time.Millisecond
	// reachPoll is how often Reached asks the database when another process follows.
	reachPoll = 20 * time.Millisecond

	followName = "touches"
)

// errMoved says that another process has followed on from the position this one knew.
var errMoved = errors.New("affiliate: the touches are being followed by another process")

// Log is what the follower needs of the event log: *stream.Log.
type Log interface {
	Follow(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error
}

// follower is how far this process has followed the log.
type follower struct {
	writing sync.Mutex // held by who brings SQL forward
	stored  string     // what SQL says, as this process wrote or read it last; guarded by writing
	known   rows       // touches that are rows; of the goroutine that applies

	mu     sync.Mutex
	here   bool            // this process follows
	pos    stream.Position // every touch before it is a row
	turned chan struct{}   // closed and replaced when pos moves
}

// knownMost is how many touches are known to be rows at least, without asking SQL; twice as many at most.
const knownMost = 1 << 15

// rows remembers which touches are rows by what may happen once, so that a shopper who opens the same
// product again and again costs no SQL. Forgetting one does no harm: the row itself refuses a second.
type rows struct{ young, old map[string]struct{} }

func (r *rows) has(name string) bool {
	if _, ok := r.young[name]; ok {
		return true
	}
	_, ok := r.old[name]
	return ok
}

func (r *rows) add(name string) {
	if r.young == nil || len(r.young) >= knownMost {
		r.young, r.old = map[string]struct{}{}, r.young
	}
	r.young[name] = struct{}{}
}

// moveTo notes that every touch before pos is a row, and wakes who waits for that.
func (f *follower) moveTo(pos stream.Position, here bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pos, f.here = pos, here
	close(f.turned)
	f.turned = make(chan struct{})
}

func (f *follower) at() stream.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pos
}

// Follow writes the touches that the log tells of until ctx ends, then returns nil: product clicks and
// additions to the cart out of content shown with a good token. Rows and position commit together, so that
// a process may die at any instant and the next goes on with nothing lost or twice. Of many processes one
// follows at a time; holder names this one. Failures are told to report, which may be nil, and tried again.
func (a *Affiliate) Follow(ctx context.Context, log Log, holder string, report func(error)) error {
	for ctx.Err() == nil {
		ok, err := a.d.Lease(ctx, followName, holder, followLease)
		if ok {
			err = a.followOn(ctx, log, holder)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, errMoved) && report != nil {
			report(err)
		}
		_ = clock.Rest(ctx, nil, followRest)
	}
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return a.d.Release(free, followName, holder)
}

// followOn follows from the stored position while the lease lasts.
func (a *Affiliate) followOn(ctx context.Context, log Log, holder string) error {
	from, err := a.begin(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer a.end()
	var beats sync.WaitGroup
	defer beats.Wait()
	defer cancel(nil)
	beats.Go(func() {
		if err := a.beat(ctx, holder); err != nil {
			cancel(err)
		}
	})
	err = log.Follow(ctx, from, FollowBatch, func(records []stream.Record) error { return a.apply(ctx, records) })
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// begin reads the stored position, or stores the beginning of the log.
func (a *Affiliate) begin(ctx context.Context) (stream.Position, error) {
	text, err := db.Do(db.WithoutKey(ctx), a.d, func(tx *db.Tx) (text string, err error) {
		if _, err := tx.Exec(`INSERT INTO follower_positions (name, position, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`,
			followName, stream.Position{}.String(), db.Micros(tx.Now())); err != nil {
			return "", err
		}
		err = tx.Row(`SELECT position FROM follower_positions WHERE name = $1`, followName).Scan(&text)
		return text, err
	})
	if err != nil {
		return stream.Position{}, err
	}
	pos, err := stream.ParsePosition(text)
	if err != nil {
		return pos, err
	}
	a.follower.writing.Lock()
	defer a.follower.writing.Unlock()
	a.follower.stored = text
	a.follower.moveTo(pos, true)
	return pos, nil
}

func (a *Affiliate) end() { a.follower.moveTo(stream.Position{}, false) }

// beat keeps the lease and stores positions that brought no touch, until ctx ends.
func (a *Affiliate) beat(ctx context.Context, holder string) error {
	for n := 1; ctx.Err() == nil; n++ {
		_ = clock.Rest(ctx, nil, followSave)
		if err := a.save(ctx); err != nil {
			return err
		}
		if n%int(followLease/followSave/3) == 0 {
			if ok, err := a.d.Lease(ctx, followName, holder, followLease); err != nil || !ok {
				return errors.Join(errMoved, err)
			}
		}
	}
	return nil
}

// apply writes the touches of a batch, with its position.
func (a *Affiliate) apply(ctx context.Context, records []stream.Record) error {
	var clicks []click
	var names []string
	for _, r := range records {
		c, ok := clickOf(r)
		if !ok {
			continue
		}
		if name := c.once(); !a.follower.known.has(name) { // the same tap again makes no row
			clicks, names = append(clicks, c), append(names, name)
		}
	}
	next := records[len(records)-1].Pos
	if len(clicks) > 0 {
		a.follower.writing.Lock()
		defer a.follower.writing.Unlock()
		if err := a.write(ctx, next, clicks); err != nil {
			return err
		}
		for i := range clicks {
			if clicks[i].kept {
				a.follower.known.add(names[i])
			}
		}
	}
	a.follower.moveTo(next, true)
	return nil
}

// save stores a position that brought no touch.
func (a *Affiliate) save(ctx context.Context) error {
	a.follower.writing.Lock()
	defer a.follower.writing.Unlock()
	if pos := a.follower.at(); pos.String() != a.follower.stored {
		return a.write(ctx, pos, nil)
	}
	return nil
}

// write stores the clicks and the position in one transaction; the caller holds writing. The position in
// SQL must be the one this process knows: else another has gone on from there.
func (a *Affiliate) write(ctx context.Context, pos stream.Position, clicks []click) error {
	next := pos.String()
	err := a.d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE follower_positions SET position = $1, updated_at = $2 WHERE name = $3 AND position = $4`,
			next, db.Micros(tx.Now()), followName, a.follower.stored)
		if err == nil && n == 0 {
			err = errMoved
		}
		if err != nil || len(clicks) == 0 {
			return err
		}
		_, err = recordClicks(tx, clicks)
		return err
	})
	if err == nil {
		a.follower.stored = next
	}
	return err
}

// clickOf returns the click that a record tells of; ok is false for everything else, and for what may
// not make a touch: no token, a forged or expired one, a robot.
func clickOf(r stream.Record) (c click, ok bool) {
	if r.Kind != event.KindEvent {
		return c, false
	}
	switch event.TypeOf(r.Data) { // most are neither: they are not read further
	case event.ProductClick:
		c.kind = TouchClick
	case event.AddToCart:
		c.kind = TouchCart
	default:
		return c, false
	}
	var e event.Event
	if err := e.Decode(r.Data); err != nil {
		return c, false // not written by any version of Mezzo: the log's own check sums have passed
	}
	if !e.Flags.Counted() || e.Flags.Has(event.Expired) || e.Viewer == "" || e.Product == "" || e.Shown.SubjectKind == 0 {
		return c, false
	}
	// A touch happened when it arrived: a client's clock could put it before an order it came after.
	c.viewer, c.shown, c.product, c.own, c.at = e.Viewer, e.Shown, e.Product, e.Flags.Has(event.Own), e.Received
	if c.at.IsZero() || c.at.After(r.At) {
		c.at = r.At
	}
	return c, true
}

// Caught reports whether the touches before the horizon are rows, as far as the database knows.
func Caught(tx *db.Tx, horizon stream.Position) (bool, error) {
	if horizon.IsZero() {
		return true, nil
	}
	var text string
	err := tx.Row(`SELECT position FROM follower_positions WHERE name = $1`, followName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	pos, err := stream.ParsePosition(text)
	return err == nil && !pos.Before(horizon), err
}

// Stored returns the position before which every touch is a row, as the database has it; the beginning of the log
// when nobody has followed yet.
func (a *Affiliate) Stored(ctx context.Context) (stream.Position, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) (pos stream.Position, err error) {
		var text string
		err = tx.Row(`SELECT position FROM follower_positions WHERE name = $1`, followName).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return pos, nil
		}
		if err == nil {
			pos, err = stream.ParsePosition(text)
		}
		return pos, err
	})
}

// Reached waits until the touches before the horizon are rows, for at most d of machine time, and reports
// whether they are. An empty horizon is always reached; one that is no position never.
func (a *Affiliate) Reached(ctx context.Context, horizon string, d time.Duration) bool {
	if horizon == "" {
		return true
	}
	until, err := stream.ParsePosition(horizon)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		caught, turned := a.caughtHere(until)
		if caught {
			return true
		}
		if turned == nil {
			caught, err = db.Get(ctx, a.d, func(tx *db.Tx) (bool, error) { return Caught(tx, until) })
			if caught && err == nil {
				return true
			}
		}
		if ctx.Err() != nil {
			return false
		}
		_ = clock.Rest(ctx, turned, reachPoll)
	}
}

// caughtHere reports whether this process has followed to the position; turned is closed when it has moved,
// and nil when another process follows.
func (a *Affiliate) caughtHere(until stream.Position) (caught bool, turned <-chan struct{}) {
	f := &a.follower
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.here {
		return false, nil
	}
	return !f.pos.Before(until), f.turned
}
