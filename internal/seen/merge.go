package seen

import "time"

// fanIn is how many neighbours of one level become one file of the next. An id is written once
// more at each level; with files of a minute, four, sixteen … there are at most three of each.
const fanIn = 4

// mergeRules say which files become one.
type mergeRules struct {
	bytes int64 // of the result at most
	span  int64 // microseconds of the result at most, since a file is let go whole
	life  int64 // microseconds after which a token's record is of no use; 0 for ids
}

// spanShare and byteShare bound a merged file to a part of the horizon and of the budget, so that
// what is given up for the budget is given up in small steps.
const (
	spanShare = 12
	byteShare = 16
)

func rulesOf(keep time.Duration, budget int64) mergeRules {
	return mergeRules{bytes: budget / byteShare, span: keep.Microseconds() / spanShare}
}

// due returns where groups of fanIn neighbours begin that become one file each, in order. Files
// are oldest first.
func (m mergeRules) due(runs []*run) []int {
	var at []int
	for i := 0; i+fanIn <= len(runs); {
		if m.fit(runs[i : i+fanIn]) {
			at = append(at, i)
			i += fanIn
		} else {
			i++
		}
	}
	return at
}

func (m mergeRules) fit(group []*run) bool {
	var size int64
	for _, r := range group {
		if r.level != group[0].level {
			return false
		}
		size += r.size()
	}
	return size <= m.bytes && group[len(group)-1].to-group[0].from <= m.span
}

// job writes one file, beside the fold. When it fails it can be done again.
type job struct {
	first, last uint64 // epochs of what it writes
	at          int    // of a merge: where its inputs begin
	inputs      []*run
	write       func() (*run, error)
	done        bool
	out         *run // nil: there was nothing to write
	err         error
}

func (j *job) do() {
	if j.done {
		return
	}
	if j.out, j.err = j.write(); j.err == nil {
		j.done = true
	}
}

// work is what one closing left to be written: the closed epoch first, then merges.
type work struct {
	fresh, merges        []*job
	freshDone, mergeDone chan struct{}
}

func begin(fresh, merges []*job, beside bool) *work {
	w := &work{fresh: fresh, merges: merges, freshDone: make(chan struct{}), mergeDone: make(chan struct{})}
	all := func() {
		for _, j := range w.fresh {
			j.do()
		}
		close(w.freshDone)
		for _, j := range w.merges {
			j.do()
		}
		close(w.mergeDone)
	}
	if beside && len(fresh)+len(merges) > 0 {
		go all()
	} else {
		all()
	}
	return w
}

// await waits until the closed epoch is on disk, and the merges if all is asked. What failed is
// tried once more.
func (w *work) await(all bool) error {
	<-w.freshDone
	err := again(w.fresh)
	if err != nil || !all {
		return err
	}
	<-w.mergeDone
	return again(w.merges)
}

// end waits until nothing is being written any more, whatever became of it.
func (w *work) end() {
	<-w.freshDone
	<-w.mergeDone
}

func again(jobs []*job) error {
	for _, j := range jobs {
		if j.do(); j.err != nil {
			return j.err
		}
	}
	return nil
}
