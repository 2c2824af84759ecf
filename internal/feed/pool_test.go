package feed

import (
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/id"
)

func ring() *id.Keyring { return id.NewKeyring(id.Key{Number: 1}) }

func video(n int) (v [16]byte) {
	binary.BigEndian.PutUint64(v[8:], uint64(n))
	return v
}

// scrollOn takes the next page of a way as Page does, through a cursor, and returns its videos and the way after it.
func scrollOn(t interface{ Fatalf(string, ...any) }, p *pool, keys *id.Keyring, way scroll, seeds *generator, category string, limit int) ([][16]byte, scroll) {
	found, next, block := p.next(way, category, nil, seeds.next())
	if len(found) > MaxCandidates {
		t.Fatalf("%d candidates, more than %d", len(found), MaxCandidates)
	}
	var page [][16]byte
	var marks []uint32
	for _, s := range Draw(seeds.next(), len(found), limit) {
		page, marks = append(page, found[s.Candidate].id), append(marks, found[s.Candidate].mark)
	}
	next.serve(block, marks...)
	read, err := unseal(keys, 7, next.seal(keys, 7))
	if err != nil {
		t.Fatalf("the own cursor is refused: %v", err)
	}
	return page, read
}

// Whatever comes and goes meanwhile, one way through the pool shows nothing twice before it has
// shown everything that was there all along.
func TestScrollRepeatsNothing(t *testing.T) {
	keys := ring()
	rapid.Check(t, func(t *rapid.T) {
		p, seeds := newPool(), generator(rapid.Uint64().Draw(t, "seed"))
		size := rapid.IntRange(1, 700).Draw(t, "videos")
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		stays := map[[16]byte]bool{}
		for n := range size {
			p.put(video(n), "beauty", false)
			stays[video(n)] = true
		}
		var way scroll
		seen := map[[16]byte]bool{}
		lap := uint64(0)
		for step := 0; ; step++ {
			switch seeds.below(20) {
			case 0: // one goes
				gone := video(int(seeds.below(uint64(size))))
				p.drop(gone)
				delete(stays, gone)
			case 1: // one comes
				p.put(video(10_000+step), "beauty", false)
			}
			var page [][16]byte
			page, way = scrollOn(t, p, keys, way, &seeds, "", limit)
			if lap == 0 {
				lap = way.key
			}
			if len(stays) == 0 && len(p.entries) == 0 || way.key != lap {
				break
			}
			if len(page) == 0 {
				t.Fatalf("an empty page from %d videos", len(p.entries))
			}
			for _, v := range page {
				if seen[v] {
					t.Fatalf("page %d repeats %x", step, v)
				}
				seen[v] = true
			}
		}
		missed := 0
		for v := range stays {
			if !seen[v] {
				missed++
			}
		}
		if missed > 1 { // marks of 32 bits may meet, very seldom in so small a pool
			t.Fatalf("%d of %d videos were never shown", missed, len(stays))
		}
	})
}

// Each video is as likely as any other to be a candidate, and to be shown, on a first page.
func TestFirstPagesAreFair(t *testing.T) {
	const videos, pages, limit = 1000, 20_000, 8
	p, seeds := newPool(), generator(1)
	for n := range videos {
		p.put(video(n), "beauty", false)
	}
	var asked, shown [videos]float64
	total := 0.0
	for range pages {
		found, _, _ := p.next(scroll{}, "", nil, seeds.next())
		for _, c := range found {
			asked[binary.BigEndian.Uint64(c.id[8:])]++
		}
		total += float64(len(found))
		for _, s := range Draw(seeds.next(), len(found), limit) {
			shown[binary.BigEndian.Uint64(found[s.Candidate].id[8:])]++
		}
	}
	// Chi-squared with 999 degrees of freedom passes 1,250 once in many millions. Candidates come
	// without replacement, which makes their sum smaller still.
	for name, counts := range map[string]*[videos]float64{"candidates": &asked, "shown": &shown} {
		sum := 0.0
		for _, c := range counts {
			sum += c
		}
		chi2, expected := 0.0, sum/videos
		for _, c := range counts {
			chi2 += (c - expected) * (c - expected) / expected
		}
		if chi2 > 1250 {
			t.Errorf("%s: chi-squared %.0f", name, chi2)
		}
	}
	if mean := total / pages; math.Abs(mean-BlockSize) > 5 {
		t.Errorf("a page has %.1f candidates on average, not %d", mean, BlockSize)
	}
}

func TestPoolKnowsCategories(t *testing.T) {
	p, seeds := newPool(), generator(3)
	for n, c := range []string{"beauty.skincare", "beauty.hair", "beauty", "home", "beautyful", ""} {
		p.put(video(n), c, false)
	}
	for category, want := range map[string]int{"beauty": 3, "beauty.hair": 1, "home": 1, "": 6, "pets": 0} {
		page, _ := scrollOn(t, p, ring(), scroll{}, &seeds, category, 20)
		if len(page) != want {
			t.Errorf("%q: %d videos, want %d", category, len(page), want)
		}
	}
	p.put(video(3), "beauty", false) // moved
	p.drop(video(0))
	p.drop(video(0))
	if page, _ := scrollOn(t, p, ring(), scroll{}, &seeds, "beauty", 20); len(page) != 3 {
		t.Errorf("after a move and a removal: %d", len(page))
	}
	if in, n := p.wanted("beauty"); n != 3 || len(in) != 6 {
		t.Errorf("counted %d", n)
	}
}

func TestCursorsAreOurs(t *testing.T) {
	keys := ring()
	s := begin(9, 1000)
	s.serve(3, 1, 2, 3)
	good := s.seal(keys, 7)
	if len(good) > MaxCursor {
		t.Errorf("%d bytes", len(good))
	}
	full := begin(9, 1000)
	full.serve(0, make([]uint32, MaxCandidates)...)
	if n := len(full.seal(keys, 7)); n > MaxCursor {
		t.Errorf("a full cursor has %d bytes", n)
	}
	other := id.NewKeyring(id.Key{Number: 2})
	for name, c := range map[string]struct {
		keys   *id.Keyring
		place  uint64
		cursor string
	}{
		"another surface": {keys, 8, good}, "another's key": {other, 7, good}, "cut": {keys, 7, good[:20]}, "empty": {keys, 7, ""},
		"another purpose": {keys, 7, keys.Seal("something", []byte(good))}, "short": {keys, 7, keys.Seal(cursorPurpose, []byte{cursorVersion, 1})},
	} {
		if _, err := unseal(c.keys, c.place, c.cursor); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func BenchmarkCandidates(b *testing.B) {
	p, seeds := newPool(), generator(1)
	for n := range 10_000 {
		p.put(video(n), "beauty", false)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.next(scroll{}, "", nil, seeds.next())
	}
}
