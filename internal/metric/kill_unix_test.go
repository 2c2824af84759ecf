//go:build unix

package metric_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/archive"
	"mezzo/internal/blob"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
	"mezzo/internal/money"
	"mezzo/internal/seen"
	"mezzo/internal/stream"
)

// Variables that make this test binary a node which is to die.
const (
	nodeDir  = "MEZZO_TEST_NODE_DIR"
	nodeDies = "MEZZO_TEST_NODE_DIES" // at which step
	nodeNth  = "MEZZO_TEST_NODE_NTH"  // when it comes to it the how many-th time
	nodeTold = "MEZZO_TEST_NODE_TOLD" // batches sent before that had no answer
	nodeNext = "MEZZO_TEST_NODE_NEXT" // batch
	nodeSQL  = "MEZZO_TEST_NODE_SQL"  // address of its PostgreSQL; none: SQLite
)

func TestMain(m *testing.M) {
	dir := os.Getenv(nodeDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	run := liveAndDie
	if os.Getenv(nodeDies) == "disk full" {
		run = liveOnFullDisk
	}
	if err := run(dir); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

const (
	perBatch = 20
	goods    = 200 // products that are visited
)

// node is everything a process keeps the numbers with.
type node struct {
	log     *stream.Log
	db      *db.DB
	blobs   *blob.Disk
	told    *seen.Seen
	fold    *metric.Fold
	keeper  *metric.Keeper
	archive *archive.Archive
	options metric.KeeperOptions
}

func openNode(dir string, step func(string)) (n *node, err error) {
	ctx := context.Background()
	n = &node{}
	if n.log, err = stream.Open(ctx, stream.Options{Dir: filepath.Join(dir, "stream"), Clock: clock.System{}, MaxAge: 2 * time.Second}); err != nil {
		return n, err
	}
	if n.db, err = db.Open(ctx, db.Options{URL: os.Getenv(nodeSQL), Dir: dir, Clock: clock.System{}}); err != nil {
		return n, err
	}
	if n.blobs, err = blob.OpenDisk(filepath.Join(dir, "media")); err != nil {
		return n, err
	}
	if n.told, err = seen.Open(seen.Options{Dir: filepath.Join(dir, "seen"), Segment: 512}); err != nil {
		return n, err
	}
	n.fold = metric.New(metric.Options{Seen: n.told})
	n.options = metric.KeeperOptions{Fold: n.fold, Log: n.log, DB: n.db, Dir: filepath.Join(dir, "metric"), Build: "test", Holder: "one", Clock: clock.System{},
		Cold: archive.Reader{DB: n.db, Blobs: n.blobs}, Step: step, SnapshotRecords: 700, RollupEvery: 20 * time.Millisecond,
		MemoryMost: 1, EvictAfter: time.Nanosecond, EvictEvery: 20 * time.Millisecond}
	n.keeper = metric.NewKeeper(n.options)
	n.archive = archive.New(archive.Options{Log: n.log, DB: n.db, Blobs: n.blobs, Holder: "one", Clock: clock.System{}, Step: step, LookEvery: 50 * time.Millisecond})
	return n, nil
}

func (n *node) close() error {
	return errors.Join(n.told.Close(), n.blobs.Close(), n.log.Close(), n.db.Close())
}

// live runs what a server runs beside its requests.
func (n *node) live(ctx context.Context, busy *sync.WaitGroup, failed chan<- error) {
	report := func(err error) {
		if err != nil && ctx.Err() == nil {
			select {
			case failed <- err:
			default:
			}
		}
	}
	busy.Go(func() { report(n.keeper.Run(ctx)) })
	busy.Go(func() { report(n.archive.Run(ctx)) })
	busy.Go(func() {
		for ctx.Err() == nil {
			n.archive.Hurry()
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			until, err := n.log.Surplus(ctx)
			for _, p := range []stream.Position{n.keeper.Safe(), n.archive.Verified()} {
				if p.Before(until) {
					until = p
				}
			}
			if err == nil && !until.IsZero() {
				err = n.log.Trim(ctx, until)
			}
			report(err)
		}
	})
}

// visits returns the events of a batch: visits of products, always the same for the same number.
func visits(batch int) [][]byte {
	records := make([][]byte, perBatch)
	for i := range records {
		var eventID uuid.UUID
		number := batch*perBatch + i
		copy(eventID[:], fmt.Sprintf("%016d", number))
		var viewer uuid.UUID
		viewer[0], viewer[1], viewer[2] = byte(number%997), 7, byte(number%997>>8)
		e := event.Event{ID: eventID, Type: event.ProductView, At: clock.System{}.Now(), Viewer: id.Viewer("").From(viewer), Product: product(goodOf(number))}
		var err error
		if records[i], err = e.AppendEncode(nil); err != nil {
			panic(err)
		}
	}
	return records
}

// goodOf returns which product it is about: some at a time, while nothing happens to the others.
func goodOf(number int) int { return (number/400*perBatch + number%perBatch) % goods }

func product(n int) id.Product {
	return id.Product("").From(uuid.UUID{0: 1, 1: byte(n), 2: byte(n >> 8)})
}

// saleFact returns the fact of the number: one unit of a product was paid.
func saleFact(seq int64) []byte {
	line := event.SaleLine{Product: product(goodOf(int(seq))), Quantity: 1, GMV: 100}
	body, err := json.Marshal(event.OrderPaid{Order: id.Order("").From(uuid.UUID{0: 9, 7: byte(seq), 6: byte(seq >> 8), 5: byte(seq >> 16)}),
		Viewer: id.Viewer("").From(uuid.UUID{0: 3, 1: 7}), Currency: "EUR", Total: money.Amount{}, PlacedAt: clock.System{}.Now(), Lines: []event.SaleLine{line}})
	if err != nil {
		panic(err)
	}
	f := event.Fact{Seq: seq, Topic: event.TopicOrderPaid, Body: body, At: clock.System{}.Now()}
	data, err := f.AppendEncode(nil)
	if err != nil {
		panic(err)
	}
	return data
}

// liveAndDie takes traffic in until the step comes at which it is to die, as by a power cut: kill -9 of itself.
func liveAndDie(dir string) error {
	dies, nth := os.Getenv(nodeDies), int64(number(os.Getenv(nodeNth)))
	var times atomic.Int64
	step := func(name string) {
		if name == dies && times.Add(1) == nth {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	n, err := openNode(dir, step)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	var busy sync.WaitGroup
	failed := make(chan error, 1)
	n.live(ctx, &busy, failed)
	again := make(chan int, 1000)
	for _, text := range strings.Fields(os.Getenv(nodeTold)) {
		again <- number(text)
	}
	var next atomic.Int64
	next.Store(int64(number(os.Getenv(nodeNext))))
	for range 4 {
		busy.Go(func() {
			for ctx.Err() == nil {
				n.send(ctx, again, &next, step)
			}
		})
	}
	busy.Go(func() {
		last, err := n.log.LastRelay(ctx)
		for ; err == nil && ctx.Err() == nil; last++ {
			if err = n.log.AppendRelay(ctx, last+1, stream.KindFact, [][]byte{saleFact(last + 1)}); err == nil {
				fmt.Println("sold", last+1)
			}
		}
	})
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("it did not come to %q for the %d. time", dies, nth)
	}
}

// send sends one batch and says so before, and once it is acknowledged.
func (n *node) send(ctx context.Context, again <-chan int, next *atomic.Int64, step func(string)) {
	var batch int
	select {
	case batch = <-again:
	default:
		batch = int(next.Add(1))
	}
	fmt.Println("sent", batch)
	step("append begins")
	go func() {
		<-time.After(time.Duration(rand.Int64N(int64(3 * time.Millisecond))))
		step("append under way")
	}()
	if _, err := n.log.Append(ctx, stream.KindEvent, visits(batch)...); err != nil {
		return
	}
	step("append acknowledged")
	fmt.Println("acked", batch)
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// witness is what the world outside knows: what was sent, and what it was told.
type witness struct {
	sent, acked map[int]bool
	sold        int64
}

// watch runs a node until it dies and notes what it said.
func (w *witness) watch(t *testing.T, dir, dies string, nth int) {
	t.Helper()
	var told []string
	next := 0
	for batch := range w.sent {
		if next = max(next, batch); !w.acked[batch] {
			told = append(told, strconv.Itoa(batch))
		}
	}
	slices.Sort(told)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), nodeDir+"="+dir, nodeDies+"="+dies, nodeNth+"="+strconv.Itoa(nth),
		nodeTold+"="+strings.Join(told, " "), nodeNext+"="+strconv.Itoa(next))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a last line cut short was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "sent":
			w.sent[number(rest)] = true
		case "acked":
			w.acked[number(rest)] = true
		case "sold":
			w.sold = max(w.sold, int64(number(rest)))
		default:
			t.Fatalf("dying at %q: %s", dies, line)
		}
	}
	child.Wait()
}

// Killed at every step between an append and the last copy of what it counted for, two dozen times over, on either engine: nothing
// acknowledged is lost, nothing is counted twice, in the numbers, in the hours kept, and in the archive.
func TestKilledAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("two dozen lives take a while")
	}
	t.Run("sqlite", killedAtEveryStep)
	t.Run("postgres", func(t *testing.T) {
		t.Setenv(nodeSQL, dbtest.NewPostgresURL(t))
		killedAtEveryStep(t)
	})
}

func killedAtEveryStep(t *testing.T) {
	dir := t.TempDir()
	w := &witness{sent: map[int]bool{}, acked: map[int]bool{}}
	steps := []string{
		"append begins", "append under way", "append acknowledged", "applied",
		"snapshot begun", "snapshot written", "snapshot synced", "snapshot renamed",
		"rollup begun", "rollup rows", "rollup written", "rollup committed",
		"archive written", "archive committed", "archive verified", "archive catalogued",
		"evict begun", "evict written", "evict done", "evict forgotten",
		"append under way", "applied", "snapshot renamed", "rollup written",
	}
	for i, step := range steps {
		nth := 1 + i%3
		if strings.HasPrefix(step, "append") || step == "applied" {
			nth = 10 + 13*i
		}
		w.watch(t, dir, step, nth)
		if i%5 == 4 {
			tear(t, dir, i)
		}
	}
	// The client repeats what had no answer, and gets one. What changed in an earlier second can be told from
	// what the rows may not have yet.
	<-time.After(1100 * time.Millisecond)
	n, err := openNode(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	for batch := range w.sent {
		if !w.acked[batch] {
			if _, err := n.log.Append(t.Context(), stream.KindEvent, visits(batch)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.recount(t, n)
	n.prove(t, dir)
}

// tear leaves what a crash in the middle of writing may: a record begun at the end of the log, a snapshot
// half there.
func tear(t *testing.T, dir string, round int) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "stream", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks of the log: %v", err)
	}
	slices.SortFunc(blocks, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	f, err := os.OpenFile(blocks[len(blocks)-1], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{0x40, 0x02, 0, 0, 7, 7, 7, byte(round)}); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "metric", "*.snap"))
	if len(names) == metric.KeepSnapshots {
		if err := os.Truncate(names[len(names)-1], 200); err != nil {
			t.Fatal(err)
		}
	}
}

// recount compares every number with what the witness knows.
func (w *witness) recount(t *testing.T, n *node) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel()
	failed := make(chan error, 1)
	n.live(ctx, &busy, failed)
	end, err := n.log.End(ctx)
	if err != nil {
		t.Fatal(err)
	}
	until, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	if err := n.keeper.Reached(until, end); err != nil {
		t.Fatal(err)
	}
	sold, err := n.log.LastRelay(ctx)
	if err != nil || sold < w.sold {
		t.Errorf("%d sales were acknowledged and %d are in the log: %v", w.sold, sold, err)
	}
	wantViews, wantUnits := make([]int64, goods), make([]int64, goods)
	for batch := range w.sent {
		for i := range perBatch {
			wantViews[goodOf(batch*perBatch+i)]++
		}
	}
	for seq := range sold {
		wantUnits[goodOf(int(seq)+1)]++
	}
	for i := range goods {
		r, _ := n.fold.Read(metric.OfProduct(product(i)), metric.FourWeeks)
		if r.ProductViews != wantViews[i] || r.Units != wantUnits[i] {
			t.Errorf("product %d counts %d visits and %d units; %d were sent and acknowledged, %d sold", i, r.ProductViews, r.Units, wantViews[i], wantUnits[i])
		}
	}
	w.recountKept(t, n, until, wantViews, wantUnits)
	n.leave(t, until)
	cancel()
	busy.Wait()
	t.Logf("%d batches sent, %d acknowledged at once, %d sales", len(w.sent), len(w.acked), sold)
}

// leave waits until much has left memory, and sends one batch more: the last snapshot is cut behind it.
func (n *node) leave(t *testing.T, ctx context.Context) {
	t.Helper()
	for n.fold.Stats().Away <= 2*perBatch {
		if ctx.Err() != nil {
			t.Fatal("nothing leaves memory")
		}
		<-time.After(20 * time.Millisecond)
	}
	end, err := n.log.Append(ctx, stream.KindEvent, visits(0)...)
	if err == nil {
		err = n.keeper.Reached(ctx, end)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// recountKept counts what SQL and the archive hold.
func (w *witness) recountKept(t *testing.T, n *node, ctx context.Context, views, units []int64) {
	t.Helper()
	rows := func() (ok bool) {
		for i := range goods {
			got, err := db.Get(ctx, n.db, func(tx *db.Tx) (got [2]int64, err error) {
				err = tx.Row(`SELECT CAST(COALESCE(SUM(product_views), 0) AS BIGINT), CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM metric_rows WHERE entity = $1 AND grain = $2`,
					metric.OfProduct(product(i)).String(), int64(metric.GrainHour)).Scan(&got[0], &got[1])
				return got, err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got != [2]int64{views[i], units[i]} {
				return false
			}
		}
		return true
	}
	for !rows() {
		if ctx.Err() != nil {
			t.Fatal("the hours in SQL do not come to what was acknowledged")
		}
		<-time.After(20 * time.Millisecond)
	}
	held := map[uuid.UUID]int{}
	var last stream.Position
	reader := archive.Reader{DB: n.db, Blobs: n.blobs}
	err := reader.Each(ctx, n.log, time.Time{}, clock.System{}.Now().Add(time.Hour), func(records []stream.Record) error {
		for _, r := range records {
			if !last.Before(r.Pos) {
				return fmt.Errorf("the record at %v comes behind %v", r.Pos, last)
			}
			last = r.Pos
			var e event.Event
			if r.Kind == stream.KindEvent {
				if err := e.Decode(r.Data); err != nil {
					return err
				}
				held[e.ID]++
			}
		}
		return nil
	})
	if err != nil || len(held) != len(w.sent)*perBatch {
		t.Errorf("archive and log hold %d events, %d were acknowledged: %v", len(held), len(w.sent)*perBatch, err)
	}
}

// prove restores what is kept, and makes it again from the snapshot before.
func (n *node) prove(t *testing.T, dir string) {
	t.Helper()
	if oldest, err := n.log.Oldest(t.Context()); err != nil || oldest.IsZero() {
		t.Errorf("the log was never trimmed: %v", err)
	}
	if err := n.keeper.Close(); err != nil {
		t.Fatal(err)
	}
	fresh := func() metric.KeeperOptions {
		told, err := seen.Open(seen.Options{Dir: t.TempDir(), Origin: filepath.Join(dir, "seen"), Segment: 512})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { told.Close() })
		o := n.options
		o.Fold = metric.New(metric.Options{Seen: told})
		return o
	}
	p, err := metric.Prove(t.Context(), fresh())
	if err != nil || len(p.Breaks) > 0 || p.Snapshots != metric.KeepSnapshots || p.Rows == 0 || p.Away == 0 {
		t.Errorf("the proof came to %+v, %v", p, err)
	}
	for _, beginning := range []bool{false, true} {
		r, err := metric.Replay(t.Context(), fresh(), beginning)
		if err != nil || !r.Equal() || beginning && r.Records == 0 {
			t.Errorf("the replay came to %+v, %v", r, err)
		}
	}
}
