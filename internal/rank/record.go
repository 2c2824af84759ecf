package rank

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// inFull is on how many pages one is logged with all that was predicted; the others with its hash.
const inFull = 100

// detailVersion is raised when the form of a detail changes. Old ones are read no more then: they say so.
const detailVersion = 2

// candidateBytes is what one candidate takes in a detail.
const candidateBytes = 4*4 + 2 + 8*(4+4+int(Heads))

// Record fills in everything that a served page's record holds of how it was drawn, for the request it
// was drawn for. Request, Viewer and At are the caller's, who may also cut the slots to those it
// used and mark those it withheld; nothing else is for changing.
func (p *Page) Record(r *Request, s *event.Served) {
	s.Policy, s.PolicyVersion, s.PolicyHash = s.Policy.From(p.Policy), p.Version, p.hash
	s.Surface, s.Profiling, s.Category, s.Device = r.Surface, r.Personal, r.Category, r.Device
	s.Position, s.Seed, s.Way, s.Offset, s.Wanted = p.Position.String(), p.Seed, r.Way, uint32(r.Offset), uint16(r.N)
	s.Candidates, s.Sources, s.Skipped = slices.Grow(s.Candidates[:0], len(p.Candidates)), make([]uint16, len(p.Candidates)), s.Skipped[:0]
	for k := range p.Candidates {
		s.Candidates = append(s.Candidates, p.Candidates[k].Video)
		s.Sources[k] = uint16(p.Candidates[k].Sources)
	}
	for _, v := range p.Skipped {
		s.Skipped = append(s.Skipped, v)
	}
	s.Slots = slots(p.Slots)
	detail := p.detail()
	s.Sum, s.Detail = sumOf(s, detail), nil
	if InFull(r.ID) {
		s.Detail = detail
	}
}

// slots are slots as a record holds them. Rounding may leave a sum of odds a last bit above 1.
func slots(drawn []Slot) []event.Slot {
	list := make([]event.Slot, len(drawn))
	for k, slot := range drawn {
		list[k] = event.Slot{Candidate: uint16(slot.Candidate), Kind: event.SlotKind(slot.Kind), Propensity: min(slot.Propensity, 1)}
	}
	return list
}

// InFull reports whether a request's page is one of those logged in full: its id alone decides.
func InFull(request [16]byte) bool { return mix(idSeed(request)^0x66756c6c)%inFull == 0 }

// sumOf is the hash of every candidate of a page, where it came from and what was predicted of it.
func sumOf(s *event.Served, detail []byte) (sum [16]byte) {
	b := make([]byte, 0, 18*len(s.Candidates)+len(detail))
	for k := range s.Candidates {
		b = append(b, s.Candidates[k][:]...)
		b = binary.LittleEndian.AppendUint16(b, s.Sources[k])
	}
	whole := sha256.Sum256(append(b, detail...))
	copy(sum[:], whole[:])
	return sum
}

// detail is what the draw knew of every candidate, in a form that is the same for the same page.
func (p *Page) detail() []byte {
	b := make([]byte, 0, 2+candidateBytes*len(p.Candidates))
	b = append(b, detailVersion, flag(p.Control))
	for k := range p.Candidates {
		c, d := &p.Candidates[k], &p.known[k]
		for _, n := range [...]uint32{d.Item, d.Creator, d.Product, d.Category} {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		b = append(b, flag(d.Testing)|flag(d.Followed)<<1, byte(c.Stage))
		for _, x := range [...]float64{d.Value, d.SD, d.Exposure, d.Need, c.Worth.Watch, c.Worth.Engage, c.Worth.Sale, c.Worth.Negative} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		for _, x := range c.Odds {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
	}
	return b
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// Detail is what a page logged in full says of one candidate.
type Detail struct {
	Video    [16]byte
	Sources  Source
	Stage    int
	Testing  bool
	Followed bool
	Worth    Worth
	Odds     [Heads]float64
	drawn    Candidate
}

// Details reads a page that was logged in full; control says that it was drawn by chance alone. An error
// when it was not, or not by this version.
func Details(s *event.Served) (list []Detail, control bool, err error) {
	b := s.Detail
	if len(b) < 2 || b[0] != detailVersion || len(b) != 2+candidateBytes*len(s.Candidates) || len(s.Sources) != len(s.Candidates) {
		return nil, false, fmt.Errorf("rank: the page is not logged in full, or by another version")
	}
	control, b = b[1] != 0, b[2:]
	number := func() uint32 {
		n := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return n
	}
	float := func() float64 {
		x := math.Float64frombits(binary.LittleEndian.Uint64(b))
		b = b[8:]
		return x
	}
	list = make([]Detail, len(s.Candidates))
	for k := range list {
		d := &list[k]
		d.Video, d.Sources = s.Candidates[k], Source(s.Sources[k])
		c := Candidate{Item: number(), Creator: number(), Product: number(), Category: number()}
		c.Testing, c.Followed = b[0]&1 != 0, b[0]&2 != 0
		d.Testing, d.Followed, d.Stage = c.Testing, c.Followed, int(b[1])
		b = b[2:]
		c.Value, c.SD, c.Exposure, c.Need = float(), float(), float(), float()
		d.Worth = Worth{Watch: float(), Engage: float(), Sale: float(), Negative: float(), Total: c.Value, SD: c.SD}
		for h := range d.Odds {
			d.Odds[h] = float()
		}
		d.drawn = c
	}
	return list, control, nil
}

// TrueDetail reports whether what a page's record says in full is what its hash says.
func TrueDetail(s *event.Served) bool {
	return len(s.Sources) == len(s.Candidates) && sumOf(s, s.Detail) == s.Sum
}

// Redraw draws a page again from its record alone: the candidates with what was predicted of them, the
// policy and the seed, without looking at the slots. An error when the record does not allow it.
func Redraw(s *event.Served, p *Policy) ([]event.Slot, error) {
	list, control, err := Details(s)
	if err != nil {
		return nil, err
	}
	d := Draw{Policy: p, Seed: s.Seed, Way: s.Way, Offset: int(s.Offset), Home: s.Surface == id.SurfaceHome, Control: control}
	for k := range list {
		d.Candidates = append(d.Candidates, list[k].drawn)
	}
	return slots(d.Slate(int(s.Wanted))), nil
}

// Again draws a served page anew from this fold, which must stand at the position of the page. Of the record
// it reads what was asked, never what was found, predicted or drawn.
func (f *Fold) Again(s *event.Served) (event.Served, error) {
	at, err := stream.ParsePosition(s.Position)
	if err != nil {
		return event.Served{}, err
	}
	if p := f.Position(); at.Before(p) || p.Before(at) {
		return event.Served{}, fmt.Errorf("rank: the fold stands at %s, not at %s", f.Position(), at)
	}
	r, err := requestOf(s)
	if err != nil {
		return event.Served{}, err
	}
	page := f.Page(r)
	again := event.Served{Request: s.Request, Viewer: s.Viewer, At: s.At}
	page.Record(&r, &again)
	return again, nil
}

// requestOf returns what a served page was asked for.
func requestOf(s *event.Served) (Request, error) {
	request, err := s.Request.UUID()
	if err != nil {
		return Request{}, err
	}
	skipped := make(map[[16]byte]struct{}, len(s.Skipped))
	for _, v := range s.Skipped {
		skipped[v] = struct{}{}
	}
	return Request{
		ID: request, Viewer: bare(s.Viewer), Surface: s.Surface, Category: s.Category, Personal: s.Profiling, Device: s.Device,
		Way: s.Way, Offset: int(s.Offset), N: int(s.Wanted),
		Skip: func(v [16]byte) bool { _, skip := skipped[v]; return skip },
	}, nil
}

// Differences compares a page as it is logged with how it was drawn again, and names what differs; nil
// when they are the same to the byte. Slots that were drawn and not used are not in the log, and one
// that was withheld keeps its video and its odds. Of a brief record the candidates that were not drawn
// are compared by their hash and number.
func Differences(logged, again *event.Served) []string {
	var found []string
	differ := func(what string, same bool) {
		if !same {
			found = append(found, what)
		}
	}
	other := *again
	other.Slots = slices.Clone(again.Slots[:min(len(again.Slots), len(logged.Slots))])
	for k := range other.Slots {
		if logged.Slots[k].Kind == event.SlotWithheld {
			other.Slots[k].Kind = event.SlotWithheld
		}
	}
	if logged.Among != 0 {
		other.Brief()
	}
	differ("policy", logged.Policy == other.Policy && logged.PolicyVersion == other.PolicyVersion && logged.PolicyHash == other.PolicyHash)
	differ("seed", logged.Seed == other.Seed)
	differ("candidates", logged.Among == other.Among && slices.Equal(logged.Candidates, other.Candidates))
	differ("sources", slices.Equal(logged.Sources, other.Sources))
	differ("filters", slices.Equal(logged.Skipped, other.Skipped))
	differ("predictions", logged.Sum == other.Sum && bytes.Equal(logged.Detail, other.Detail))
	for k, slot := range logged.Slots {
		same := k < len(other.Slots) && slot == other.Slots[k] && logged.Video(slot) == other.Video(other.Slots[k])
		differ(fmt.Sprintf("slot %d", k+1), same)
	}
	if len(found) > 0 {
		return found
	}
	a, err := logged.AppendEncode(nil)
	b, wrong := other.AppendEncode(nil)
	differ("request", err == nil && wrong == nil && bytes.Equal(a, b))
	return found
}

// SlotDifferences names the slots of a logged page that are not what was drawn again.
func SlotDifferences(logged, again []event.Slot) []string {
	var found []string
	for k, slot := range logged {
		if k >= len(again) {
			found = append(found, fmt.Sprintf("slot %d", k+1))
			continue
		}
		if slot.Kind == event.SlotWithheld {
			slot.Kind = again[k].Kind
		}
		if slot != again[k] {
			found = append(found, fmt.Sprintf("slot %d", k+1))
		}
	}
	return found
}
