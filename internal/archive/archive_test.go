package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
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
	"mezzo/internal/stream"
)

// rig is a log and the stores an archive is kept in.
type rig struct {
	t     *testing.T
	clock *clock.Turned
	log   *stream.Log
	db    *db.DB
	blobs *blob.Disk
	dir   string
	next  uint64
	seq   int64
}

func newRig(t *testing.T, d *db.DB, c *clock.Turned) *rig {
	t.Helper()
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	dir := t.TempDir()
	blobs, err := blob.OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	return &rig{t: t, clock: c, log: log, db: d, blobs: blobs, dir: dir}
}

func (r *rig) archive(o archive.Options) *archive.Archive {
	o.Log, o.DB, o.Blobs, o.Holder, o.Clock = r.log, r.db, r.blobs, "one", r.clock
	return archive.New(o)
}

func (r *rig) reader() archive.Reader { return archive.Reader{DB: r.db, Blobs: r.blobs} }

// traffic appends n events, now and then a fact, a served page, a tick and something unknown.
func (r *rig) traffic(n int) {
	r.t.Helper()
	for range n {
		r.next++
		var id8 uuid.UUID
		id8[7], id8[6], id8[15] = byte(r.next), byte(r.next>>8), 1
		e := event.Event{ID: id8, Type: event.Watch, At: r.clock.Now().Add(-time.Second), Received: r.clock.Now(), WatchMS: int64(r.next),
			Video: id.Video("").From(id8), Viewer: id.Viewer("").From(id8), Net: netip.MustParsePrefix("192.0.2.0/24"), Agent: event.AgentPhone}
		data, err := e.AppendEncode(nil)
		r.must(err)
		r.appendOne(event.KindEvent, data)
		switch r.next % 7 {
		case 1:
			r.seq++
			f := event.Fact{Seq: r.seq, Topic: event.TopicViewerErased, Body: json.RawMessage(`{"viewer":"` + string(e.Viewer) + `"}`), At: r.clock.Now()}
			data, err := f.AppendEncode(nil)
			r.must(err)
			r.must(r.log.AppendRelay(r.t.Context(), r.seq, event.KindFact, [][]byte{data}))
		case 2:
			r.appendOne(event.KindTick, nil)
		case 3:
			s := event.Served{Request: id.Request("").From(id8), Viewer: e.Viewer, At: r.clock.Now(), Candidates: []uuid.UUID{id8}, Slots: []event.Slot{{Kind: event.SlotSampled, Propensity: 1}}}
			data, err := s.AppendEncode(nil)
			r.must(err)
			r.appendOne(event.KindServed, data)
		case 4:
			r.appendOne(99, []byte("something newer"))
		}
	}
}

func (r *rig) appendOne(kind byte, data []byte) {
	_, err := r.log.Append(r.t.Context(), kind, data)
	r.must(err)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

var errEnough = errors.New("enough")

// logged returns all records of the log.
func (r *rig) logged() []stream.Record {
	r.t.Helper()
	from, err := r.log.Oldest(r.t.Context())
	r.must(err)
	end, err := r.log.End(r.t.Context())
	r.must(err)
	var all []stream.Record
	err = r.log.Follow(r.t.Context(), from, 100, func(records []stream.Record) error {
		all = append(all, records...)
		if !records[len(records)-1].Pos.Before(end) {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		r.t.Fatal(err)
	}
	return all
}

// archived returns all records of the files.
func (r *rig) archived() []stream.Record {
	r.t.Helper()
	from, _, ok, err := r.reader().Oldest(r.t.Context())
	r.must(err)
	if !ok {
		return nil
	}
	var all []stream.Record
	_, err = r.reader().Replay(r.t.Context(), from, 64, func(records []stream.Record) error {
		all = append(all, records...)
		return nil
	})
	r.must(err)
	return all
}

// same fails unless the files hold exactly the first of the log's records.
func (r *rig) same(all []stream.Record) int {
	r.t.Helper()
	got := r.archived()
	if len(got) > len(all) {
		r.t.Fatalf("the files hold %d records, the log had %d", len(got), len(all))
	}
	for i, g := range got {
		w := all[i]
		if g.Pos != w.Pos || !g.At.Equal(w.At) || g.Kind != w.Kind || g.Relay != w.Relay || !bytes.Equal(g.Data, w.Data) {
			r.t.Fatalf("record %d is %v %v %d %d, in the log it was %v %v %d %d", i, g.Pos, g.At, g.Kind, g.Relay, w.Pos, w.At, w.Kind, w.Relay)
		}
	}
	return len(got)
}

func TestFilesHoldExactlyTheLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		r := newRig(t, d, c)
		a := r.archive(archive.Options{FileRows: 90})
		for range 3 {
			r.traffic(70)
			c.Advance(time.Hour)
		}
		r.traffic(5)
		r.must(a.Catch(t.Context(), false))
		all := r.logged()
		open := 0
		for _, rec := range all {
			if !rec.At.Before(c.Now().Truncate(time.Hour)) {
				open++
			}
		}
		if n := r.same(all); n != len(all)-open {
			t.Errorf("the files hold %d of %d records, %d are of this hour", n, len(all), open)
		}
		if a.Verified() != all[len(all)-open-1].Pos {
			t.Errorf("verified up to %v, the last hour ended at %v", a.Verified(), all[len(all)-open-1].Pos)
		}
		files, err := archive.Files(t.Context(), d)
		r.must(err)
		for i, f := range files {
			if f.Records > 90 || f.First.Truncate(time.Hour) != f.Last.Truncate(time.Hour) || i > 0 && files[i-1].To != f.From || f.Number != int64(i+1) {
				t.Errorf("file %+v", f)
			}
		}
		r.must(a.Catch(t.Context(), true))
		if n := r.same(all); n != len(all) || a.Verified() != all[len(all)-1].Pos {
			t.Errorf("in a hurry the files hold %d of %d", n, len(all))
		}
		r.must(r.log.Trim(t.Context(), a.Verified()))
		r.traffic(10)
		c.Advance(time.Hour)
		r.traffic(1)
		r.must(a.Catch(t.Context(), false))
		if got := len(r.archived()); got <= len(all) {
			t.Errorf("after the log was trimmed the files hold %d", got)
		}
	})
}

// A process that dies at any step goes on with no gap and no record twice.
func TestDyingLeavesNoGap(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	random := rand.New(rand.NewPCG(7, 7))
	deaths := map[string]int{}
	for range 60 {
		r.traffic(1 + random.IntN(20))
		c.Advance(time.Duration(random.IntN(50)) * time.Minute)
		steps := random.IntN(8)
		a := r.archive(archive.Options{FileRows: 5 + random.IntN(40), Step: func(name string) {
			if steps--; steps == 0 {
				deaths[name]++
				panic("dies")
			}
		}})
		func() {
			defer func() { recover() }()
			r.must(a.Catch(t.Context(), random.IntN(3) == 0))
		}()
	}
	for _, step := range []string{"archive written", "archive committed", "archive verified", "archive catalogued"} {
		if deaths[step] == 0 {
			t.Errorf("it never died at %q", step)
		}
	}
	all := r.logged()
	r.must(r.archive(archive.Options{}).Catch(t.Context(), true))
	if n := r.same(all); n != len(all) {
		t.Errorf("the files hold %d of %d records", n, len(all))
	}
}

func TestDamageIsFound(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	r.traffic(300)
	r.must(r.archive(archive.Options{}).Catch(t.Context(), true))
	files, err := archive.Files(t.Context(), d)
	r.must(err)
	name, err := r.blobs.Path(files[0].Blob)
	r.must(err)
	whole, err := os.ReadFile(name)
	r.must(err)
	found := 0
	const tries = 40
	for n := range tries {
		bad := bytes.Clone(whole)
		bad[4+(n*len(bad)/tries)%(len(bad)-8)] ^= 0x10
		r.must(os.Chmod(filepath.Dir(name), 0o700))
		r.must(os.WriteFile(name+"x", bad, 0o600))
		r.must(os.Rename(name+"x", name))
		if files[0].Verify(t.Context(), r.blobs) != nil {
			found++
		}
	}
	// The files' own statistics and names of columns carry no records: a bit of those may flip unseen.
	if found < tries*3/4 {
		t.Errorf("%d of %d damages were found", found, tries)
	}
	r.must(os.Remove(name))
	if err := files[0].Verify(t.Context(), r.blobs); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a missing file verifies: %v", err)
	}
}

func TestOldFilesGo(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	a := r.archive(archive.Options{Days: 2, LookEvery: time.Millisecond})
	for range 5 {
		r.traffic(3)
		c.Advance(24 * time.Hour)
	}
	r.traffic(1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go a.Run(ctx)
	for {
		files, err := archive.Files(ctx, d)
		r.must(err)
		blobs := 0
		r.must(r.blobs.Each(ctx, func(blob.Info) error { blobs++; return nil }))
		if len(files) == 2 && blobs == 2 && files[1].Number == 5 {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d files and %d blobs are left", len(files), blobs)
		case <-time.After(5 * time.Millisecond):
		}
	}
	all := r.logged()
	for len(all) > 0 && all[0].Pos != r.archived()[0].Pos {
		all = all[1:]
	}
	if n := r.same(all); n < 6 {
		t.Errorf("%d records are left", n)
	}
}

func TestExportsHoldWhatWasAskedFor(t *testing.T) {
	d, c := dbtest.SQLite(t)
	r := newRig(t, d, c)
	begin := c.Now()
	for range 4 {
		r.traffic(21)
		c.Advance(time.Hour)
	}
	r.must(r.archive(archive.Options{}).Catch(t.Context(), false))
	r.traffic(7)
	want := 0
	from, to := begin.Add(time.Hour), begin.Add(5*time.Hour)
	for _, rec := range r.logged() {
		if rec.Kind != stream.KindTick && !rec.At.Before(from) && rec.At.Before(to) {
			want++
		}
	}
	var text bytes.Buffer
	out := archive.JSONLines(&text)
	r.must(r.reader().Each(t.Context(), r.log, from, to, out.Write))
	r.must(out.Close())
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != want {
		t.Fatalf("%d lines, %d records were asked for", len(lines), want)
	}
	types := map[string]int{}
	for _, line := range lines {
		var row struct{ Type, Stamp, At, Viewer string }
		if err := json.Unmarshal([]byte(line), &row); err != nil || row.Stamp == "" || row.At == "" {
			t.Fatalf("%s: %v", line, err)
		}
		types[row.Type]++
	}
	if fmt.Sprint(types["watch"], types["served"] > 0, types["viewer.erased"] > 0) != "70 true true" && types["watch"] == 0 {
		t.Errorf("the lines are of %v", types)
	}
	text.Reset()
	out = archive.Parquet(&text)
	r.must(r.reader().Each(t.Context(), r.log, from, to, out.Write))
	r.must(out.Close())
	if !bytes.HasPrefix(text.Bytes(), []byte("PAR1")) || !bytes.HasSuffix(text.Bytes(), []byte("PAR1")) {
		t.Error("the export is no Parquet file")
	}
}
