package event

import (
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/id"
)

// Served is one page of feed as it was drawn: enough to weigh what was shown by how likely it
// was, and to draw it again.
type Served struct {
	Request       id.Request
	Viewer        id.Viewer
	Policy        id.Policy
	PolicyVersion uint32
	Surface       id.Surface
	Profiling     bool
	At            time.Time
	Position      string      // of the log, at which the page was scored
	Seed          uint64      // of the draw
	Candidates    []uuid.UUID // of the videos that could be drawn, in the order the draw knew them; of a brief record, those that were
	Sources       []uint16    // for each candidate a bit set of where it came from; empty: not told
	Slots         []Slot

	// What else the page was drawn from, so that it can be drawn again from the log and a snapshot alone.
	Category   string      // slug, of a category page
	Device     uint8       // as Agent
	Way        uint64      // the viewer's way through the feed: where its reserved places lie
	Offset     uint32      // places of the way before this page
	Wanted     uint16      // places asked for
	Skipped    []uuid.UUID // videos that came up and were refused: hidden, reported, shown on this way, not for showing
	PolicyHash uint64      // of the weights
	Sum        uuid.UUID   // of every candidate, where it came from and what was predicted of it: the first half of a SHA-256
	Detail     []byte      // what was predicted, in full, on one page in a hundred
	Among      uint16      // of a brief record: how many candidates there were
}

// SlotKind is how a slot was filled. A propensity depends on it.
type SlotKind uint8

// The kinds of slot; their numbers are part of the log and never change.
const (
	SlotSampled  SlotKind = iota + 1 // drawn among the candidates
	SlotExplore                      // drawn from the exploration pool
	SlotFixed                        // not drawn: newest first, or asked for by name
	SlotWithheld                     // drawn, and not shown: it was taken away between the draw and the page
)

// Slot is one item of a served page. Its place is its index + 1.
type Slot struct {
	Candidate  uint16 // index in Candidates
	Kind       SlotKind
	Propensity float64 // of this candidate here, given the candidates, the kind and the slots before; 0 when not drawn
}

// Brief leaves of the candidates those that fill slots, in the order of the slots, and how many there were: what
// was left out is in Sum. It is called once the slots are final; a record in full stays as it is.
func (s *Served) Brief() {
	if len(s.Detail) > 0 || s.Among != 0 {
		return
	}
	s.Among = uint16(min(len(s.Candidates), MaxCandidates))
	drawn, sources := make([]uuid.UUID, len(s.Slots)), make([]uint16, 0, len(s.Slots))
	for k := range s.Slots {
		slot := &s.Slots[k]
		drawn[k] = s.Candidates[slot.Candidate]
		if int(slot.Candidate) < len(s.Sources) {
			sources = append(sources, s.Sources[slot.Candidate])
		}
		slot.Candidate = uint16(k)
	}
	s.Candidates, s.Sources = drawn, sources
}

// Count returns how many candidates the page was drawn among.
func (s *Served) Count() int { return max(int(s.Among), len(s.Candidates)) }

// Video returns the id of the slot's video.
func (s *Served) Video(slot Slot) id.Video {
	if int(slot.Candidate) >= len(s.Candidates) {
		return ""
	}
	return id.Video("").From(s.Candidates[slot.Candidate])
}

// The numbers of a served page's fields in the log. Only ever add at the end.
const (
	servedRequest = iota + 1
	servedViewer
	servedPolicy
	servedPolicyVersion
	servedSurface
	servedProfiling
	servedAt
	servedPosition
	servedSeed
	servedCandidates
	servedSources
	servedSlots
	servedCategory
	servedDevice
	servedWay
	servedOffset
	servedWanted
	servedSkipped
	servedPolicyHash
	servedSum
	servedDetail
	servedAmong
)

const slotBytes = 2 + 1 + 8

// AppendEncode appends the page's binary form to dst. An error when a limit is passed, a
// slot names no candidate, or a propensity is not within [0, 1].
func (s *Served) AppendEncode(dst []byte) ([]byte, error) {
	if err := s.check(); err != nil {
		return dst, err
	}
	w := newWriter(dst)
	w.id(servedRequest, string(s.Request), s.Request.UUID)
	w.id(servedViewer, string(s.Viewer), s.Viewer.UUID)
	w.id(servedPolicy, string(s.Policy), s.Policy.UUID)
	w.uint(servedPolicyVersion, uint64(s.PolicyVersion))
	w.uint(servedSurface, uint64(s.Surface))
	w.bool(servedProfiling, s.Profiling)
	w.time(servedAt, s.At)
	w.text(servedPosition, s.Position)
	w.uint(servedSeed, s.Seed)
	raw := make([]byte, 0, max(16*len(s.Candidates), slotBytes*len(s.Slots)))
	for _, c := range s.Candidates {
		raw = append(raw, c[:]...)
	}
	w.bytes(servedCandidates, raw)
	raw = raw[:0]
	for _, v := range s.Sources {
		raw = append(raw, byte(v), byte(v>>8))
	}
	w.bytes(servedSources, raw)
	raw = raw[:0]
	for _, slot := range s.Slots {
		bits := math.Float64bits(slot.Propensity)
		raw = append(raw, byte(slot.Candidate), byte(slot.Candidate>>8), byte(slot.Kind))
		for shift := 0; shift < 64; shift += 8 {
			raw = append(raw, byte(bits>>shift))
		}
	}
	w.bytes(servedSlots, raw)
	s.appendDrawn(&w)
	if w.err != nil {
		return dst, w.err
	}
	return w.b, nil
}

// appendDrawn appends what the page was drawn from beside its candidates.
func (s *Served) appendDrawn(w *writer) {
	w.text(servedCategory, s.Category)
	w.uint(servedDevice, uint64(s.Device))
	w.uint(servedWay, s.Way)
	w.uint(servedOffset, uint64(s.Offset))
	w.uint(servedWanted, uint64(s.Wanted))
	raw := make([]byte, 0, 16*len(s.Skipped))
	for _, v := range s.Skipped {
		raw = append(raw, v[:]...)
	}
	w.bytes(servedSkipped, raw)
	w.uint(servedPolicyHash, s.PolicyHash)
	w.uuid(servedSum, s.Sum)
	w.bytes(servedDetail, s.Detail)
	w.uint(servedAmong, uint64(s.Among))
}

func (s *Served) readDrawn(r *reader) {
	switch r.number {
	case servedCategory:
		s.Category = string(r.bytes(MaxTopic))
	case servedDevice:
		s.Device = uint8(r.uint(math.MaxUint8))
	case servedWay:
		s.Way = r.uint(math.MaxUint64)
	case servedOffset:
		s.Offset = uint32(r.uint(math.MaxUint32))
	case servedWanted:
		s.Wanted = uint16(r.uint(math.MaxUint16))
	case servedSkipped:
		s.Skipped = r.uuids(MaxCandidates)
	case servedPolicyHash:
		s.PolicyHash = r.uint(math.MaxUint64)
	case servedSum:
		s.Sum = r.uuid()
	case servedDetail:
		s.Detail = append([]byte(nil), r.bytes(MaxDetail)...)
	case servedAmong:
		s.Among = uint16(r.uint(MaxCandidates))
	}
}

func (s *Served) check() error {
	switch {
	case len(s.Candidates) > MaxCandidates:
		return fmt.Errorf("event: a page has %d candidates, over %d", len(s.Candidates), MaxCandidates)
	case s.Among != 0 && (int(s.Among) < len(s.Candidates) || int(s.Among) > MaxCandidates):
		return fmt.Errorf("event: a page of %d candidates is said to have had %d", len(s.Candidates), s.Among)
	case len(s.Sources) != 0 && len(s.Sources) != len(s.Candidates):
		return fmt.Errorf("event: a page has %d candidates and sources for %d", len(s.Candidates), len(s.Sources))
	case len(s.Slots) > MaxSlots:
		return fmt.Errorf("event: a page has %d slots, over %d", len(s.Slots), MaxSlots)
	case len(s.Position) > MaxPosition:
		return fmt.Errorf("event: a position of %d bytes", len(s.Position))
	case len(s.Skipped) > MaxCandidates:
		return fmt.Errorf("event: a page refused %d videos, over %d", len(s.Skipped), MaxCandidates)
	case len(s.Category) > MaxTopic:
		return fmt.Errorf("event: a category of %d bytes", len(s.Category))
	case len(s.Detail) > MaxDetail:
		return fmt.Errorf("event: a page in full has %d bytes, over %d", len(s.Detail), MaxDetail)
	}
	for i, slot := range s.Slots {
		switch {
		case int(slot.Candidate) >= len(s.Candidates):
			return fmt.Errorf("event: slot %d names candidate %d of %d", i+1, slot.Candidate, len(s.Candidates))
		case slot.Kind < SlotSampled || slot.Kind > SlotWithheld:
			return fmt.Errorf("event: slot %d is of no kind", i+1)
		case !(slot.Propensity >= 0 && slot.Propensity <= 1): // NaN too
			return fmt.Errorf("event: slot %d has the propensity %v", i+1, slot.Propensity)
		}
	}
	return nil
}

// Decode reads a binary form into s. It never panics.
func (s *Served) Decode(data []byte) error {
	*s = Served{}
	r := newReader(data)
	for r.next() {
		switch r.number {
		case servedRequest:
			s.Request = s.Request.From(r.uuid())
		case servedViewer:
			s.Viewer = s.Viewer.From(r.uuid())
		case servedPolicy:
			s.Policy = s.Policy.From(r.uuid())
		case servedPolicyVersion:
			s.PolicyVersion = uint32(r.uint(math.MaxUint32))
		case servedSurface:
			s.Surface = id.Surface(r.uint(math.MaxUint8))
		case servedProfiling:
			s.Profiling = r.uint(1) == 1
		case servedAt:
			s.At = r.time()
		case servedPosition:
			s.Position = string(r.bytes(MaxPosition))
		case servedSeed:
			s.Seed = r.uint(math.MaxUint64)
		case servedCandidates:
			s.readCandidates(&r)
		case servedSources:
			s.readSources(&r)
		case servedSlots:
			s.readSlots(&r)
		default:
			s.readDrawn(&r)
		}
	}
	if r.err != nil {
		return r.err
	}
	return s.check()
}

func (s *Served) readCandidates(r *reader) {
	s.Candidates = r.uuids(MaxCandidates)
}

// uuids returns a field that holds ids one after another.
func (r *reader) uuids(most int) []uuid.UUID {
	raw := r.rows(16, most)
	if len(raw) == 0 {
		return nil
	}
	list := make([]uuid.UUID, len(raw)/16)
	for i := range list {
		copy(list[i][:], raw[16*i:])
	}
	return list
}

func (s *Served) readSources(r *reader) {
	raw := r.rows(2, MaxCandidates)
	for ; len(raw) > 0; raw = raw[2:] {
		s.Sources = append(s.Sources, uint16(raw[0])|uint16(raw[1])<<8)
	}
}

func (s *Served) readSlots(r *reader) {
	raw := r.rows(slotBytes, MaxSlots)
	for ; len(raw) > 0; raw = raw[slotBytes:] {
		var bits uint64
		for i := 10; i >= 3; i-- {
			bits = bits<<8 | uint64(raw[i])
		}
		s.Slots = append(s.Slots, Slot{uint16(raw[0]) | uint16(raw[1])<<8, SlotKind(raw[2]), math.Float64frombits(bits)})
	}
}

// rows returns the bytes of a field that holds at most most rows of size bytes.
func (r *reader) rows(size, most int) []byte {
	raw := r.bytes(size * most)
	if len(raw)%size != 0 && r.err == nil {
		r.err = errCut
	}
	if r.err != nil {
		return nil
	}
	return raw
}
