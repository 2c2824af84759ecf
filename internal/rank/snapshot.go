package rank

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"

	"mezzo/internal/stream"
)

// StateVersion is raised when the meaning of a state changes without its layout: the same log then folds to
// something else, or an older program would misread what this one keeps.
const StateVersion = 5

// Bounds of what is read of a state before its checksum is known.
const (
	mostHead  = 1 << 30
	mostPiece = 1 << 20
)

// form names what a state of this build looks like: its version, the architecture and how every kind
// of entry lies in memory.
func form() (string, error) {
	text := []string{string(rune('0' + StateVersion)), runtime.GOARCH}
	for _, v := range []any{item{}, viewer{}, creator{}, product{}, verdict{}, open{}, edge{}, due{}, trial{}, Durations{}, Progress{}, Calibration{}, Cell{}, Beta{}} {
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

// castagnoli is the polynomial that processors compute themselves.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// AppendState appends everything the fold holds, with its position: what Restore goes on from. The same
// log gives the same bytes within one build and architecture. No Apply may run meanwhile.
func (f *Fold) AppendState(dst []byte) ([]byte, error) {
	before, err := f.seen.AppendState(nil)
	if err != nil {
		return dst, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	w := &writer{b: dst}
	sum, err := f.appendHead(w, before)
	if err != nil {
		return dst, err
	}
	for _, p := range f.parts() {
		sum += p.write(w)
	}
	return binary.LittleEndian.AppendUint64(append(w.b, 0), sum), nil
}

// Checksum names the state: two folds of the same log have the same.
func (f *Fold) Checksum() (uint64, error) {
	state, err := f.AppendState(nil)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(state[len(state)-8:]), nil
}

// appendHead appends what is small, with what was seen, and returns its part of the checksum.
func (f *Fold) appendHead(to *writer, before []byte) (uint64, error) {
	name, err := form()
	if err != nil {
		return 0, err
	}
	w := &writer{}
	w.bytes([]byte(name))
	w.bytes([]byte(f.position.String()))
	w.bytes(before)
	for _, v := range []uint64{uint64(f.stamp), uint64(f.relay), f.step, f.settled, uint64(f.freeEdge)} {
		w.uint(v)
	}
	for _, n := range f.counts() {
		w.uint(*n[0])
		w.uint(*n[1])
	}
	w.uint(uint64(len(f.weights.cells)))
	rawList(w, f.brands)
	w.numbers(f.freed)
	rawList(w, f.due)
	rawList(w, f.trials)
	raw(w, &f.durations)
	raw(w, &f.raw)
	raw(w, &f.served)
	raw(w, &f.calibrate)
	f.appendLearned(w)
	if err := f.appendPolicies(w); err != nil {
		return 0, err
	}
	to.bytes(w.b)
	to.b = binary.LittleEndian.AppendUint32(to.b, crc32.Checksum(w.b, castagnoli()))
	return pieceSum(0, 0, w.b), nil
}

// counts are the first and the next number of every list that is kept in pieces.
func (f *Fold) counts() [][2]*uint64 {
	return [][2]*uint64{
		{&f.items.first, &f.items.n}, {&f.viewers.first, &f.viewers.n}, {&f.creators.first, &f.creators.n}, {&f.products.first, &f.products.n},
		{&f.verdicts.first, &f.verdicts.n}, {&f.opens.first, &f.opens.n}, {&f.edges.first, &f.edges.n},
	}
}

// appendLearned appends categories and clusters; which videos are in them, the videos say.
func (f *Fold) appendLearned(w *writer) {
	w.uint(uint64(len(f.categories)))
	for k := range f.categories {
		c := &f.categories[k]
		w.bytes([]byte(c.name))
		w.uint(uint64(c.top))
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

// Restore takes up a state that AppendState or a Cut wrote, in place of all there is; nil is the state before
// the first record. It refuses a damaged state, or one of another build, with a sentence that says what to
// do; after an error the fold is to be restored again before it is used.
func (f *Fold) Restore(state []byte) error {
	if state == nil {
		return f.forgetAll()
	}
	return f.RestoreFrom(bytes.NewReader(state))
}

// RestoreFrom is Restore of what is read to its end.
func (f *Fold) RestoreFrom(from io.Reader) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := bufio.NewReaderSize(from, 1<<20)
	head, err := readBytes(in, mostHead)
	if err != nil {
		return errState
	}
	var sum [8]byte
	if _, err := io.ReadFull(in, sum[:4]); err != nil || binary.LittleEndian.Uint32(sum[:]) != crc32.Checksum(head, castagnoli()) {
		return errState
	}
	if err := f.restoreHead(head); err != nil {
		return err
	}
	whole, err := f.restorePieces(in)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(in, sum[:]); err != nil || binary.LittleEndian.Uint64(sum[:]) != whole+pieceSum(0, 0, head) {
		return errState
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return errState
	}
	return f.arrange()
}

// forgetAll goes back to before the first record.
func (f *Fold) forgetAll() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.seen.Restore(f.blank); err != nil {
		return err
	}
	f.empty()
	return nil
}

// empty sets what is so before the first record.
func (f *Fold) empty() {
	f.makeRoom(make([][2]uint64, len(f.counts())))
	f.position, f.stamp, f.relay, f.step, f.settled, f.freeEdge = stream.Position{}, 0, 0, 0, 0, 0
	f.brands, f.freed, f.showing, f.due, f.trials, f.trialed = nil, nil, nil, nil, nil, 0
	f.durations, f.raw, f.served, f.calibrate = Durations{}, [Heads]Progress{}, [Heads]Progress{}, [Heads]Calibration{}
	f.categories, f.clusters, f.policies, f.cut = nil, newClusters(), []inForce{builtIn()}, nil
	f.index()
}

// readBytes reads a length and so many bytes.
func readBytes(in *bufio.Reader, most uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, errState
	}
	var b bytes.Buffer // it grows with what there is, whatever the length says
	if _, err := io.CopyN(&b, in, int64(n)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// restorePieces reads pieces up to their end and returns their checksum.
func (f *Fold) restorePieces(in *bufio.Reader) (sum uint64, err error) {
	parts, memory := f.parts(), make([]byte, 0, mostPiece)
	for {
		number, err := in.ReadByte()
		if err != nil || int(number) > len(parts) {
			return 0, errState
		}
		if number == 0 {
			return sum, nil
		}
		piece, err1 := binary.ReadUvarint(in)
		n, err2 := binary.ReadUvarint(in)
		if err1 != nil || err2 != nil || n > mostPiece {
			return 0, errState
		}
		memory = memory[:n]
		if _, err := io.ReadFull(in, memory); err != nil || !parts[number-1].read(piece, memory) {
			return 0, errState
		}
		sum += pieceSum(number, piece, memory)
	}
}

// restoreHead takes up the head of a state and makes room for its pieces.
func (f *Fold) restoreHead(head []byte) (err error) {
	r := &reader{b: head}
	name, err := form()
	if err != nil {
		return err
	}
	if string(r.bytes()) != name {
		return errState
	}
	position, err := stream.ParsePosition(string(r.bytes()))
	if err != nil {
		return errState
	}
	if err := f.seen.Restore(r.bytes()); err != nil {
		return fmt.Errorf("rank: what was counted cannot be taken up: %w", err)
	}
	f.position = position
	f.stamp, f.relay, f.step, f.settled, f.freeEdge = int64(r.uint()), int64(r.uint()), r.uint(), r.uint(), uint32(r.uint())
	var counts [][2]uint64
	for range f.counts() {
		counts = append(counts, [2]uint64{r.uint(), r.uint()})
	}
	if size := r.uint(); size != uint64(len(f.weights.cells)) || r.err != nil {
		return errState
	}
	f.makeRoom(counts)
	f.brands, f.freed = unrawList[[16]byte](r), r.numbers()
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
	return nil
}

// makeRoom empties every list and makes it so long.
func (f *Fold) makeRoom(counts [][2]uint64) {
	for k, list := range []interface{ restore(first, n uint64) }{&f.items, &f.viewers, &f.creators, &f.products, &f.verdicts, &f.opens, &f.edges} {
		list.restore(counts[k][0], counts[k][1])
	}
	clear(f.weights.cells)
}

func (f *Fold) restoreLearned(r *reader) {
	f.categories = make([]category, r.count(10))
	for k := range f.categories {
		c := &f.categories[k]
		c.name, c.top, c.best = string(r.bytes()), uint16(r.uint()), r.numbers()
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

// arrange makes the lists that the videos say they are in, and the indexes.
func (f *Fold) arrange() error {
	f.showing = make([][]uint32, f.products.n)
	for i := range uint32(f.items.n) {
		it := f.items.look(i)
		if int(it.facts.Category) >= len(f.categories) || int(it.cluster) > len(f.clusters) {
			return errState
		}
		c := &f.categories[it.facts.Category]
		fits := put(&c.active, it.activeAt, i, f.items.n) && put(&c.testing, it.testingAt, i, f.items.n)
		if it.cluster != 0 {
			fits = fits && put(&f.clusters[it.cluster-1].items, it.clusterAt, i, f.items.n)
		}
		for _, p := range it.products {
			if uint64(p) > f.products.n {
				return errState
			}
			if p != 0 {
				f.showing[p-1] = within(f.showing[p-1], i)
			}
		}
		if !fits {
			return errState
		}
	}
	f.index()
	return nil
}

// put sets a place of a list, counted from 1, 0 being none; false when it lies beyond most.
func put(list *[]uint32, at, i uint32, most uint64) bool {
	if at == 0 {
		return true
	}
	if uint64(at) > most {
		return false
	}
	for len(*list) < int(at) {
		*list = append(*list, 0)
	}
	(*list)[at-1] = i
	return true
}
