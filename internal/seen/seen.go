// Package seen owns what a fold has counted already: the ids of events within a horizon, what each
// impression token may still count, and the numbers missing in sessions' sequences.
//
// It is part of the fold's state: what it answers depends on the log alone, a snapshot of the fold
// holds it (AppendState), and a fold that goes on from the snapshot goes on with the same answers
// and the same bytes. The newest ids are in memory, exactly. Closed epochs, a minute of the log or
// a number of records, are in immutable sorted files, each behind a filter that says "never" or
// "perhaps"; "perhaps" is confirmed in the file, so no event is ever taken for a repeat that is
// none. A snapshot names the files and holds only the open epoch.
//
// Files are written beside the fold while it goes on, merged by rules that look at the log alone,
// and let go when they are older than the horizon or the budget is full; Horizon tells which. All
// keys are hashes: no file and no snapshot names a viewer.
package seen

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

// Defaults of Options. An id costs about 18 bytes of disk and, in a file, 1.5 of memory; a token
// 34 and 1.5 for each epoch in which it was used. At 20,000 ids a second 8 GiB are
// six and a half hours, at 1,800 a second the whole horizon.
const (
	DefaultExact       = 15 * time.Minute
	DefaultHorizon     = 72*time.Hour + 15*time.Minute
	DefaultBudget      = 8 << 30
	DefaultExactIDs    = 18 << 20 // 15 minutes at 20,000 a second; at most 600 MB
	DefaultSegment     = 128 << 10
	DefaultTokenLife   = 24*time.Hour + 15*time.Minute
	DefaultTokenBudget = 4 << 30
	DefaultExactTokens = 4 << 20 // at most 200 MB
	DefaultSessions    = 1 << 16
)

// epochEvery is how much log time an epoch holds at most.
const epochEvery = time.Minute

// Options say where and how much is kept. The zero value is the defaults, all in memory. What
// makes a difference to the answers must stay the same from snapshot to snapshot for them to be
// the same: all but Dir, Origin and the exact parts.
type Options struct {
	Dir    string // folder of the files, of this fold alone; "": in memory, and in the state (for tests)
	Origin string // a folder that is read for files Dir has not: for a replay beside a running fold

	Exact    time.Duration // log time whose ids are held in memory …
	ExactIDs int           // … but at most so many; beyond, the answers are the same and cost a look at a file
	Horizon  time.Duration // log time within which repeats are known
	Budget   int64         // bytes of id files; over it the horizon shortens
	Segment  int           // ids in an epoch at most, and so in a state; tokens half as many

	TokenLife   time.Duration // how long a token may be used, with some margin
	TokenBudget int64         // bytes of token files; over it the tokens' horizon shortens
	ExactTokens int           // held in memory at most
	Sessions    int           // whose sequences are followed at once
}

func (o Options) filled() Options {
	set(&o.Exact, DefaultExact)
	set(&o.ExactIDs, DefaultExactIDs)
	set(&o.Horizon, DefaultHorizon)
	set(&o.Budget, DefaultBudget)
	set(&o.Segment, DefaultSegment)
	set(&o.TokenLife, DefaultTokenLife)
	set(&o.TokenBudget, DefaultTokenBudget)
	set(&o.ExactTokens, DefaultExactTokens)
	set(&o.Sessions, DefaultSessions)
	o.Exact = min(o.Exact, o.Horizon, o.TokenLife)
	o.Segment = min(max(o.Segment, 2), mostSegment)
	return o
}

func set[T int | int64 | time.Duration](to *T, standard T) {
	if *to <= 0 {
		*to = standard
	}
}

// Seen is what one fold has counted. Only Stats may be called from a second goroutine at the same
// time; the fold calls the rest outside of any lock that readers wait for, since a call may have
// to read or write a file.
type Seen struct {
	opt    Options
	folder folder
	stamp  int64 // log time, microseconds
	turn   int64 // when the open epoch ends; 0 before the first stamp
	closed int64 // stamp of the last closing
	epoch  uint64
	ids    shelf
	tokens shelf
	gaps   gaps
	work   *work
	stats  atomic.Pointer[Stats]
}

// Open returns an empty Seen over the folder, which is made when it is not there; Restore fills
// it. Files that were never finished are removed; what no kept snapshot names goes with Keep.
func Open(opt Options) (*Seen, error) {
	opt = opt.filled()
	s := &Seen{opt: opt, folder: folder{opt.Dir, opt.Origin, &suspects{names: map[string]bool{}}}, gaps: newGaps(opt.Sessions)}
	if err := s.folder.open(); err != nil {
		return nil, fmt.Errorf("seen: the folder %s cannot be used: %w", opt.Dir, err)
	}
	s.ids = shelf{
		kind: kindIDs, segment: opt.Segment, exact: opt.ExactIDs, budget: opt.Budget,
		rules: rulesOf(opt.Horizon, opt.Budget),
	}
	s.tokens = shelf{
		kind: kindTokens, segment: opt.Segment / 2, exact: opt.ExactTokens, budget: opt.TokenBudget,
		rules: rulesOf(opt.TokenLife, opt.TokenBudget),
	}
	s.tokens.rules.life = opt.TokenLife.Microseconds()
	for _, shelf := range s.shelves() {
		shelf.memory = newMemory(shelf.kind.width(), rand.Uint64(), 0)
		shelf.scratch = make([]byte, blockBytes)
	}
	s.work = begin(nil, nil, false)
	s.note()
	return s, nil
}

func (s *Seen) shelves() [2]*shelf { return [2]*shelf{&s.ids, &s.tokens} }

// Advance says that log time has come to the stamp: the fold calls it for every record. When a
// minute of the log is over its epoch closes; an error then is the disk's, nothing has changed,
// and the call may be made again.
func (s *Seen) Advance(stamp time.Time) error {
	at := stamp.UnixMicro()
	if at <= s.stamp {
		return nil
	}
	if at >= s.turn {
		if s.turn != 0 {
			if err := s.close(); err != nil {
				return err
			}
		}
		every := epochEvery.Microseconds()
		s.turn = (at/every + 1) * every
	}
	s.stamp = at
	return nil
}

// Add notes an event's id and reports whether it was there already: then the event is a repeat and
// counts nowhere. After an error (a file cannot be read or written) nothing has changed and the
// call may be made again.
func (s *Seen) Add(k Key) (repeat bool, err error) {
	if s.ids.full() {
		if err := s.close(); err != nil {
			return false, err
		}
	}
	record, slot, err := s.ids.find(k[:])
	if record != nil || err != nil {
		return record != nil, err
	}
	s.put(&s.ids, k[:], slot)
	return false, nil
}

func (s *Seen) put(to *shelf, record []byte, slot uint32) {
	if len(to.memory.open().data) == 0 {
		to.began = s.stamp
	}
	to.memory.put(record, slot)
}

// known is the stamp since which all ids are known.
func (s *Seen) known() int64 { return max(s.stamp-s.opt.Horizon.Microseconds(), s.ids.floor) }

// Horizon returns the moment within which every repeat is known. An event that happened before it
// may be one, and cannot be judged: it is stored late and counted nowhere else.
func (s *Seen) Horizon() time.Time {
	return time.UnixMicro(s.known()).Add(Ahead).UTC()
}

// close ends the epoch: what the last closing began is put in its place, the closed epoch and due
// merges begin to be written. Only waiting for what was begun can fail, before anything changes.
func (s *Seen) close() error {
	if err := s.work.await(true); err != nil {
		return fmt.Errorf("seen: what was counted cannot be written down: %w", err)
	}
	var fresh, merges []*job
	keep := [2]int64{s.opt.Horizon.Microseconds(), s.opt.TokenLife.Microseconds() + Ahead.Microseconds()}
	for i, shelf := range s.shelves() {
		shelf.adopt()
		shelf.seal(s.folder, s.epoch, s.stamp)
		shelf.age(s.stamp - keep[i])
		shelf.plan(s.folder, s.stamp)
		shelf.forget(s.stamp - s.opt.Exact.Microseconds())
		shelf.arrange()
		if shelf.fresh != nil {
			fresh = append(fresh, shelf.fresh)
		}
		merges = append(merges, shelf.merges...)
	}
	s.closed = s.stamp
	s.epoch++
	s.work = begin(fresh, merges, s.opt.Dir != "")
	s.note()
	return nil
}

// Close waits for what is being written and lets go of the files. The state is in the snapshots
// alone: what came after the last one is in the log.
func (s *Seen) Close() error {
	err := s.work.await(true)
	for _, shelf := range s.shelves() {
		shelf.close()
	}
	return err
}

// Keep removes the files of the folder that neither this Seen needs nor the names, which are those
// of the snapshots that are kept (FilesOf). Call it after Restore and whenever a snapshot goes.
func (s *Seen) Keep(names []string) error {
	if s.opt.Dir == "" {
		return nil
	}
	if err := s.work.await(false); err != nil {
		return fmt.Errorf("seen: what was counted cannot be written down: %w", err)
	}
	keep := map[string]bool{}
	for _, name := range names {
		keep[name] = true
	}
	var writing []string
	for _, shelf := range s.shelves() {
		for _, r := range shelf.live() {
			keep[r.name()] = true
		}
		for _, j := range append(shelf.merges, shelf.fresh) {
			if j != nil {
				writing = append(writing, fmt.Sprintf("%s-%d-%d-", shelf.kind, j.first, j.last))
			}
		}
	}
	return s.folder.remove(func(name string) bool {
		if !strings.HasSuffix(name, fileEnd) || keep[name] {
			return false
		}
		for _, w := range writing {
			if strings.HasPrefix(name, w) {
				return false
			}
		}
		return true
	})
}

// Verify reads every file in whole; an error names the first that is damaged.
func (s *Seen) Verify() error {
	if err := s.work.await(true); err != nil {
		return err
	}
	for _, shelf := range s.shelves() {
		for _, r := range shelf.live() {
			if err := r.verify(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stats are the figures for the operator, as of the last closed epoch.
type Stats struct {
	IDs, Tokens  int   // in files
	Files        int   //
	Bytes        int64 // of the files
	Exact        int   // ids in memory
	Horizon      time.Time
	TokenHorizon time.Time
}

// Stats returns the figures. It may be called at any time.
func (s *Seen) Stats() Stats { return *s.stats.Load() }

func (s *Seen) note() {
	st := Stats{Exact: s.ids.memory.records, Horizon: s.Horizon(), TokenHorizon: s.TokenHorizon()}
	for _, shelf := range s.shelves() {
		for _, r := range shelf.runs {
			if shelf.kind == kindTokens {
				st.Tokens += r.count
			} else {
				st.IDs += r.count
			}
			st.Files++
			st.Bytes += r.size()
		}
	}
	s.stats.Store(&st)
}
