package metric

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/seen"
	"mezzo/internal/stream"
)

// shelfRig keeps a whole fold, most of which is away at any time.
type shelfRig struct {
	*rig
	told   string // folder of what was counted
	visits map[id.Product]int64
	number int
}

func newShelfRig(t *testing.T, d *db.DB, c *clock.Turned) *shelfRig {
	return &shelfRig{rig: newRig(t, d, c), told: t.TempDir(), visits: map[id.Product]int64{}}
}

func productNumber(n int) id.Product {
	return id.Product("").From(uuid.UUID{0: 1, 1: byte(n), 2: byte(n >> 8)})
}

// visit logs visits of the products.
func (r *shelfRig) visit(products ...int) stream.Position {
	r.t.Helper()
	var records [][]byte
	for _, n := range products {
		r.number++
		e := event.Event{Type: event.ProductView, At: r.clock.Now(), Received: r.clock.Now(), Product: productNumber(n),
			ID: uuid.UUID{0: 7, 1: byte(r.number), 2: byte(r.number >> 8)}, Viewer: id.Viewer("").From(uuid.UUID{0: 9, 1: byte(r.number % 50)})}
		data, err := e.AppendEncode(nil)
		if err != nil {
			r.t.Fatal(err)
		}
		records = append(records, data)
		r.visits[e.Product]++
	}
	pos, err := r.log.Append(r.t.Context(), stream.KindEvent, records...)
	if err != nil {
		r.t.Fatal(err)
	}
	return pos
}

// tick logs that time passed.
func (r *shelfRig) tick() stream.Position {
	r.t.Helper()
	pos, err := r.log.Append(r.t.Context(), stream.KindTick, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return pos
}

func (r *shelfRig) options(told seen.Options) KeeperOptions {
	r.t.Helper()
	s, err := seen.Open(told)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Close() })
	return KeeperOptions{Fold: New(Options{Seen: s}), Log: r.log, DB: r.db, Dir: r.dir, Build: "test", Holder: "one", Clock: r.clock, Step: r.step,
		Logger: slog.New(slog.NewTextHandler(r.said, nil)), SnapshotRecords: 60, RollupEvery: 3 * time.Millisecond,
		MemoryMost: 1, EvictAfter: time.Second, EvictEvery: 3 * time.Millisecond}
}

// alive is a keeper at work on a whole fold.
type alive struct {
	*Keeper
	stop func() error
}

func (r *shelfRig) start() alive {
	r.t.Helper()
	k := NewKeeper(r.options(seen.Options{Dir: r.told}))
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	r.t.Cleanup(func() { stop() })
	return alive{k, stop}
}

func (r *shelfRig) reached(k alive, pos stream.Position) {
	r.t.Helper()
	r.eventually("the fold is there", func() bool { return !k.At().Before(pos) })
}

// recount compares every product's visits with what was logged, and what is away with what SQL holds.
func (r *shelfRig) recount(k alive) {
	r.t.Helper()
	for product, n := range r.visits {
		if got, _ := k.Fold().Read(OfProduct(product), FourWeeks); got.ProductViews != n {
			r.t.Fatalf("%s has %d visits, %d were logged", product, got.ProductViews, n)
		}
	}
}

func (r *shelfRig) stored() (n int64) {
	r.t.Helper()
	if err := r.db.Read(r.t.Context(), func(tx *db.Tx) error {
		return tx.Row(`SELECT COUNT(*) FROM metric_cold`).Scan(&n)
	}); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// proved replays and proves what is kept.
func (r *shelfRig) proved() {
	r.t.Helper()
	r.step = nil
	for _, beginning := range []bool{false, true} {
		got, err := Replay(r.t.Context(), r.options(seen.Options{Dir: r.t.TempDir(), Origin: r.told}), beginning)
		if err != nil || !got.Equal() {
			r.t.Errorf("the replay came to %+v, %v", got, err)
		}
	}
	p, err := Prove(r.t.Context(), r.options(seen.Options{Dir: r.t.TempDir(), Origin: r.told}))
	if err != nil || len(p.Breaks) > 0 || p.Away == 0 || p.Rows == 0 {
		r.t.Errorf("the proof came to %+v, %v", p, err)
	}
}

// Stopped dead at each step between a state in memory, one in SQL and the snapshot that knows of it, the fold goes
// on with every count, and in the end SQL holds what is away and nothing else.
func TestStoppedWhileThingsLeave(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		r := newShelfRig(t, d, c)
		first := r.start()
		for n := range 40 {
			r.visit(n)
		}
		first.stop()
		steps := []string{"evict begun", "evict written", "evict done", "evict forgotten", "snapshot begun", "snapshot renamed", "rollup written"}
		for n, dies := range append(steps, steps...) {
			dead, freed := make(chan struct{}), make(chan struct{})
			var once sync.Once
			times := 0
			r.step = func(step string) {
				if step != dies {
					return
				}
				if times++; times > n/len(steps) {
					once.Do(func() { close(dead) })
					<-freed
				}
			}
			k := r.start()
			for i := 0; ; i++ {
				pos := r.visit((n*7+i)%40, (n*7+i+3)%40, i%5)
				c.Advance(700 * time.Millisecond)
				r.tick()
				reached := make(chan struct{})
				go func() {
					defer close(reached)
					_ = k.Reached(t.Context(), pos)
				}()
				select {
				case <-dead:
				case <-reached:
				}
				select {
				case <-dead:
				default:
					continue
				}
				break
			}
			go close(freed)
			k.stop()
		}
		r.step = nil
		k := r.start()
		r.reached(k, r.visit(1, 2, 3))
		r.recount(k)
		r.eventually("most is away, and SQL holds nothing else", func() bool {
			c.Advance(time.Second)
			r.reached(k, r.tick()) // nothing happens, but snapshots come and go
			away := k.Fold().Stats().Away
			return away > 30 && r.stored() == away
		})
		r.recount(k)
		if k.stop(); k.Close() != nil {
			t.Fatal("the last snapshot was not kept")
		}
		r.proved()
	})
}

// A database older than a snapshot, which lacks what left memory since, makes the numbers go on from an older one
// or from the log; a database that cannot be asked makes them wait.
func TestDatabaseOlderThanTheSnapshot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		r := newShelfRig(t, d, c)
		k := r.start()
		for n := range 40 {
			r.visit(n)
		}
		r.eventually("things are away in two snapshots", func() bool {
			c.Advance(2 * time.Second)
			r.reached(k, r.visit(50))
			return len(r.snapshots()) == KeepSnapshots && k.Fold().Stats().Away > 20
		})
		k.stop()
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM metric_cold`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		k = r.start()
		r.reached(k, r.visit(1))
		if !r.said.has("the database is older than the snapshot") {
			t.Errorf("it does not say why:\n%s", r.said.text.String())
		}
		r.recount(k)
	})
}

// What one node let go is not another's, and what a node left behind that is gone for good goes in the end.
func TestNodesKeepTheirOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := t.Context()
		one, two := &cold{d: d, dir: t.TempDir()}, &cold{d: d, dir: t.TempDir()}
		for _, n := range []*cold{one, two} {
			if err := n.open(); err != nil {
				t.Fatal(err)
			}
		}
		again := &cold{d: d, dir: one.dir}
		if err := again.open(); err != nil || again.node != one.node || one.node == two.node {
			t.Fatalf("the nodes are %q, opened again %q, and %q: %v", one.node, again.node, two.node, err)
		}
		var gone []Gone
		for n := range byte(200) {
			gone = append(gone, Gone{Entity: videoNamed(n), Sum: uint64(n), State: []byte{n}})
		}
		mine := Gone{Entity: videoNamed(3), Sum: 3, State: []byte("mine")}
		if err := errors.Join(one.put(ctx, gone, c.Now()), one.put(ctx, gone[:50], c.Now()), two.put(ctx, []Gone{mine}, c.Now().Add(40*24*time.Hour))); err != nil {
			t.Fatal(err)
		}
		ask := []Gone{{Entity: videoNamed(3), Sum: 3}, {Entity: videoNamed(150), Sum: 150}}
		if err := again.load(ask); err != nil || string(ask[0].State) != "\x03" || string(ask[1].State) != "\x96" {
			t.Errorf("one has %q: %v", ask, err)
		}
		if err := two.load(ask); err == nil || !strings.Contains(err.Error(), videoNamed(150).String()) {
			t.Errorf("two has what one let go: %v", err)
		}
		if err := errors.Join(two.forget(ctx, gone[:100]), one.forget(ctx, gone[:10])); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := one.each(ctx, func(g Gone) { n++ }); err != nil || n != 190 {
			t.Errorf("one has %d: %v", n, err)
		}
		if err := two.prune(ctx, c.Now().Add(59*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n = 0; one.each(ctx, func(g Gone) { n++ }) != nil || n != 0 {
			t.Errorf("%d are left of a node not heard of for two months", n)
		}
		if err := os.Remove(filepath.Join(one.dir, nodeFile)); err != nil {
			t.Fatal(err)
		}
	})
}
