package seen

import "math"

// A shelf keeps the records of one kind: the newest in memory, all closed epochs in files.
type shelf struct {
	kind    kind
	segment int        // records in an epoch at most
	exact   int        // records in memory at most
	budget  int64      // bytes of files
	rules   mergeRules // which files become one
	memory  memory
	began   int64  // stamp of the open epoch's first record
	runs    []*run // oldest first
	fresh   *job   // writes the epoch closed last, which is not among runs yet
	merges  []*job // begun when that was closed
	probes  []*run // newest first: those that hold what memory does not
	floor   int64  // what was seen before this stamp may have been given up for the budget
	scratch []byte // a block
}

func (s *shelf) full() bool {
	return len(s.memory.open().data) >= s.segment*s.kind.width()
}

// find returns the newest record of the key, nil when there is none, and the slot of memory's
// table where it is or belongs. The record is valid until the next call.
func (s *shelf) find(key []byte) (record []byte, slot uint32, err error) {
	if record, slot = s.memory.find(key); record != nil || len(s.probes) == 0 {
		return record, slot, nil
	}
	p := probeOf(key)
	for _, r := range s.probes {
		if !r.filter.may(&p) {
			continue
		}
		if record, err = r.find(key, s.scratch); record != nil || err != nil {
			return record, slot, err
		}
	}
	return nil, slot, nil
}

// adopt puts what was written since the last closing in its place.
func (s *shelf) adopt() {
	for i := len(s.merges) - 1; i >= 0; i-- {
		j := s.merges[i]
		for _, r := range s.runs[j.at : j.at+len(j.inputs)] {
			r.close()
		}
		rest := append([]*run{}, s.runs[j.at+len(j.inputs):]...)
		s.runs = s.runs[:j.at]
		if j.out != nil {
			s.runs = append(s.runs, j.out)
		}
		s.runs = append(s.runs, rest...)
	}
	s.merges = nil
	if s.fresh != nil {
		s.runs = append(s.runs, s.fresh.out)
		s.fresh = nil
	}
}

// seal closes the open epoch. What it held is in memory until it is on disk.
func (s *shelf) seal(f folder, epoch uint64, stamp int64) {
	data := s.memory.seal(stamp, epoch+1)
	if data == nil {
		return
	}
	h := head{kind: s.kind, first: epoch, last: epoch, from: s.began, to: stamp}
	s.fresh = &job{write: func() (*run, error) {
		return f.write(func(to target) (*run, error) { return writeSegment(to, h, data) })
	}}
	s.fresh.first, s.fresh.last = epoch, epoch
}

// age lets go of files whose newest record is from before the stamp, then of the oldest until the
// rest fits the budget.
func (s *shelf) age(before int64) {
	var size int64
	for _, r := range s.runs {
		size += r.size()
	}
	for len(s.runs) > 0 {
		oldest := s.runs[0]
		if oldest.to >= before {
			if size <= s.budget {
				return
			}
			s.floor = oldest.to + 1
		}
		size -= oldest.size()
		oldest.close()
		s.runs = s.runs[1:]
	}
}

// plan begins the merges that are due. It looks at the files alone, so that a fold that begins
// from a snapshot plans the same.
func (s *shelf) plan(f folder, stamp int64) {
	for _, at := range s.rules.due(s.runs) {
		inputs := append([]*run{}, s.runs[at:at+fanIn]...)
		first, last := inputs[0], inputs[fanIn-1]
		h := head{kind: s.kind, level: first.level + 1, first: first.first, last: last.last, from: first.from, to: last.to}
		from := int64(math.MinInt64)
		if s.kind == kindTokens {
			from = (stamp - s.rules.life) / 1e6
		}
		j := &job{at: at, inputs: inputs, write: func() (*run, error) {
			return f.write(func(to target) (*run, error) { return mergeRuns(to, h, inputs, from) })
		}}
		j.first, j.last = h.first, h.last
		s.merges = append(s.merges, j)
	}
}

// forget takes chunks out of memory that are in files and older than the stamp, or too many. What
// was given up for the budget goes from memory too, so that a fold that begins from a snapshot,
// with nothing in memory, answers the same.
func (s *shelf) forget(before int64) {
	keep := 1
	if s.fresh != nil {
		keep = 2
	}
	m := &s.memory
	before = max(before, s.floor)
	for len(m.chunks) > keep && (m.chunks[0].to < before || m.records > s.exact || len(m.chunks) >= mostChunks) {
		m.drop()
	}
}

// arrange finds out which files must be asked.
func (s *shelf) arrange() {
	s.probes = s.probes[:0]
	oldest := s.memory.oldest()
	if s.fresh != nil && s.fresh.out != nil && s.fresh.last < oldest {
		s.probes = append(s.probes, s.fresh.out)
	}
	for i := len(s.runs) - 1; i >= 0; i-- {
		if s.runs[i].first < oldest {
			s.probes = append(s.probes, s.runs[i])
		}
	}
}

// live are the files that hold what the shelf knows.
func (s *shelf) live() []*run {
	runs := append([]*run{}, s.runs...)
	if s.fresh != nil && s.fresh.out != nil {
		runs = append(runs, s.fresh.out)
	}
	return runs
}

func (s *shelf) close() {
	for _, r := range s.live() {
		r.close()
	}
	for _, j := range s.merges {
		if j.out != nil {
			j.out.close()
		}
	}
}
