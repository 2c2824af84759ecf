package rank

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"hash/fnv"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"mezzo/internal/stream"
)

// stateVersion is raised when the meaning of a state changes without its layout.
const stateVersion = 1

// form names what a state of this build looks like: its version, the architecture and how every kind
// of entry lies in memory.
func form() (string, error) {
	text := []string{string(rune('0' + stateVersion)), runtime.GOARCH}
	for _, v := range []any{item{}, viewer{}, creator{}, product{}, verdict{}, open{}, due{}, trial{}, Durations{}, Progress{}, Calibration{}, Cell{}, Beta{}} {
		l, err := layout(reflect.TypeOf(v))
		if err != nil {
			return "", err
		}
		text = append(text, l)
	}
	h := fnv.New64a()
	h.Write([]byte(strings.Join(text, "\n")))
	return string(h.Sum(nil)), nil
}

// AppendState appends everything the fold holds, with its position: what Restore goes on from. The same
// log gives the same bytes within one build and architecture. No Apply may run meanwhile.
func (f *Fold) AppendState(dst []byte) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	name, err := form()
	if err != nil {
		return dst, err
	}
	before, err := f.seen.AppendState(nil)
	if err != nil {
		return dst, err
	}
	w := &writer{b: dst}
	w.bytes([]byte(name))
	w.bytes([]byte(f.position.String()))
	w.bytes(before)
	for _, v := range []uint64{uint64(f.stamp), uint64(f.relay), f.step, f.settled} {
		w.uint(v)
	}
	f.items.appendState(w)
	f.viewers.appendState(w)
	f.creators.appendState(w)
	f.products.appendState(w)
	f.verdicts.appendState(w)
	rawList(w, f.brands)
	w.numbers(f.freed)
	for _, list := range f.showing {
		w.numbers(list)
	}
	f.appendFollows(w)
	w.uint(uint64(f.opened + f.openAt))
	rawList(w, f.opens[f.openAt:])
	rawList(w, f.due)
	rawList(w, f.trials)
	raw(w, &f.durations)
	raw(w, &f.raw)
	raw(w, &f.served)
	raw(w, &f.calibrate)
	f.appendLearned(w)
	if err := f.appendPolicies(w); err != nil {
		return dst, err
	}
	return binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b[len(dst):], castagnoli())), nil
}

// castagnoli is the polynomial that processors compute themselves.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (f *Fold) appendFollows(w *writer) {
	whose := make([]uint32, 0, len(f.follows))
	for v := range f.follows {
		whose = append(whose, v)
	}
	slices.Sort(whose)
	w.uint(uint64(len(whose)))
	for _, v := range whose {
		w.uint(uint64(v))
		w.numbers(f.follows[v])
	}
}

// appendLearned appends categories, clusters and the weights that were ever touched.
func (f *Fold) appendLearned(w *writer) {
	w.uint(uint64(len(f.categories)))
	for k := range f.categories {
		c := &f.categories[k]
		w.bytes([]byte(c.name))
		w.uint(uint64(c.top))
		w.numbers(c.active)
		w.numbers(c.testing)
		w.numbers(c.best)
		raw(w, &c.centre)
		raw(w, &c.watch)
		raw(w, &c.click)
		raw(w, &c.buy)
		w.uint(math.Float64bits(c.margin))
		w.uint(c.closed)
		w.uint(c.turn)
	}
	for k := range f.clusters {
		raw(w, &f.clusters[k].centre)
		raw(w, &f.clusters[k].n)
		w.numbers(f.clusters[k].items)
	}
	w.uint(uint64(len(f.weights.cells)))
	last, touched := 0, 0
	for k := range f.weights.cells {
		if f.weights.cells[k] != (Cell{}) {
			touched++
		}
	}
	w.uint(uint64(touched))
	for k := range f.weights.cells {
		if c := &f.weights.cells[k]; *c != (Cell{}) {
			w.uint(uint64(k - last))
			raw(w, c)
			last = k
		}
	}
}

func (f *Fold) appendPolicies(w *writer) error {
	w.uint(uint64(len(f.policies)))
	for k := range f.policies {
		text, err := json.Marshal(f.policies[k].policy)
		if err != nil {
			return err
		}
		if f.policies[k].chance {
			text = nil
		}
		raw(w, &f.policies[k].id)
		w.uint(uint64(f.policies[k].number))
		w.uint(uint64(f.policies[k].share))
		w.bytes(text)
	}
	return nil
}

// Checksum names the state: two folds of the same log have the same.
func (f *Fold) Checksum() (uint64, error) {
	state, err := f.AppendState(nil)
	h := fnv.New64a()
	h.Write(state)
	return h.Sum64(), err
}

// Restore takes up a state that AppendState wrote, in place of all there is. It refuses a damaged state,
// or one of another build, with a sentence that says what to do; after an error the fold is not to be used.
func (f *Fold) Restore(state []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, err := form()
	if err != nil {
		return err
	}
	whole := len(state) - crc32.Size
	if whole < 0 || crc32.Checksum(state[:whole], castagnoli()) != binary.LittleEndian.Uint32(state[whole:]) {
		return errState
	}
	r := &reader{b: state[:whole]}
	if string(r.bytes()) != name {
		return errState
	}
	if f.position, err = stream.ParsePosition(string(r.bytes())); err != nil {
		return err
	}
	if err := f.seen.Restore(r.bytes()); err != nil {
		return err
	}
	f.stamp, f.relay, f.step, f.settled = int64(r.uint()), int64(r.uint()), r.uint(), r.uint()
	f.items.restore(r)
	f.viewers.restore(r)
	f.creators.restore(r)
	f.products.restore(r)
	f.verdicts.restore(r)
	f.brands, f.freed = unrawList[[16]byte](r), r.numbers()
	f.showing = make([][]uint32, f.products.n)
	for k := range f.showing {
		f.showing[k] = r.numbers()
	}
	f.follows = map[uint32][]uint32{}
	for range r.count(2) {
		v := uint32(r.uint())
		f.follows[v] = r.numbers()
	}
	f.opened, f.openAt = int(r.uint()), 0
	f.opens = unrawList[open](r)
	f.due, f.trials, f.trialed = unrawList[due](r), unrawList[trial](r), 0
	unraw(r, &f.durations)
	unraw(r, &f.raw)
	unraw(r, &f.served)
	unraw(r, &f.calibrate)
	f.restoreLearned(r)
	f.restorePolicies(r)
	if r.err != nil || len(r.b) != 0 {
		return errState
	}
	f.index()
	return nil
}

func (f *Fold) restoreLearned(r *reader) {
	f.categories = make([]category, r.count(10))
	for k := range f.categories {
		c := &f.categories[k]
		c.name, c.top = string(r.bytes()), uint16(r.uint())
		c.active, c.testing, c.best = r.numbers(), r.numbers(), r.numbers()
		unraw(r, &c.centre)
		unraw(r, &c.watch)
		unraw(r, &c.click)
		unraw(r, &c.buy)
		c.margin, c.closed, c.turn = math.Float64frombits(r.uint()), r.uint(), r.uint()
	}
	f.clusters = make([]cluster, clusterCount)
	for k := range f.clusters {
		unraw(r, &f.clusters[k].centre)
		unraw(r, &f.clusters[k].n)
		f.clusters[k].items = r.numbers()
	}
	if size := r.uint(); size != uint64(len(f.weights.cells)) {
		r.fail()
		return
	}
	clear(f.weights.cells)
	at := uint64(0)
	for range r.count(41) {
		at += r.uint()
		if at >= uint64(len(f.weights.cells)) {
			r.fail()
			return
		}
		unraw(r, &f.weights.cells[at])
	}
}

func (f *Fold) restorePolicies(r *reader) {
	f.policies = make([]inForce, r.count(19))
	for k := range f.policies {
		p := &f.policies[k]
		unraw(r, &p.id)
		p.number, p.share = uint32(r.uint()), uint32(r.uint())
		text := r.bytes()
		if len(text) == 0 {
			*p = control(p.id, p.number, p.share)
			continue
		}
		if err := json.Unmarshal(text, &p.policy); err != nil {
			r.fail()
			return
		}
		p.hash = p.policy.Hash()
	}
	if len(f.policies) == 0 {
		r.fail()
	}
}
