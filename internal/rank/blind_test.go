package rank

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// How big somebody is, in any of its names.
var size = regexp.MustCompile(`(?i)follower|fans|audience|subscriber|lifetime|popular|total_?(views|gmv|sales)|gmv`)

// No type that a page, a prediction or a decision is made of has a place for how big somebody is. What
// is told of a creator at all is listed here by name: their weight (which fades), what they were shown
// lately (which can only lift) and their newest videos (what these did is worth at most 200 impressions).
func TestNoTypeHoldsASize(t *testing.T) {
	for _, v := range []any{Facts{}, Situation{}, Candidate{}, Draw{}, Request{}, Evidence{}, Category{}, Record{}, Policy{}, Goods{}, Chosen{}, Worth{}, item{}, viewer{}, creator{}, product{}, open{}, deed{}} {
		walk(t, reflect.TypeOf(v), fmt.Sprintf("%T", v))
	}
	allowed := map[string]bool{"id": true, "cell": true, "exposure": true, "exposedAt": true, "newest": true, "newestAt": true}
	c := reflect.TypeOf(creator{})
	for k := range c.NumField() {
		if !allowed[c.Field(k).Name] {
			t.Errorf("of a creator the ranking now knows %s: is it a size? Then it may not; if not, say why here", c.Field(k).Name)
		}
	}
}

func walk(t *testing.T, of reflect.Type, at string) {
	switch of.Kind() {
	case reflect.Struct:
		for k := range of.NumField() {
			f := of.Field(k)
			if size.MatchString(f.Name) {
				t.Errorf("%s.%s holds how big somebody is", at, f.Name)
			}
			if f.Type != of {
				walk(t, f.Type, at+"."+f.Name)
			}
		}
	case reflect.Array, reflect.Slice, reflect.Pointer:
		if of.Elem().Kind() != reflect.Struct || of.Elem().PkgPath() == of.PkgPath() {
			walk(t, of.Elem(), at)
		}
	}
}

// The package reads the log and nothing else: no room that knows who follows whom is within reach.
func TestImportsCannotTellASize(t *testing.T) {
	allowed := map[string]bool{"clock": true, "event": true, "id": true, "fault": true, "seen": true, "stream": true}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if room, ours := strings.CutPrefix(path, "mezzo/internal/"); ours && !allowed[room] {
				t.Errorf("%s imports %s", file.Name(), path)
			} else if !ours && strings.Contains(strings.Split(path, "/")[0], ".") {
				t.Errorf("%s imports %s from outside", file.Name(), path)
			}
		}
	}
}

// drawn runs a world and returns every page of it as text: candidates, worths, slots and propensities.
func drawn(t *testing.T, stir func(m *mill)) string {
	m := newMill(t, 41, 30, 6, 120)
	stir(m)
	m.flush()
	m.run(5)
	return fmt.Sprintf("%+v", m.pages)
}

// Following multiplied by a thousand, or dealt to other creators, changes not one byte of what anybody
// is shown who does not follow: candidates, worths, slots and propensities are the same.
func TestFollowersMoveNothing(t *testing.T) {
	without := drawn(t, func(*mill) {})
	crowd := func(m *mill, most func(creator int) int) {
		strangers := seeded(99)
		for k, c := range m.creators {
			for range most(k) {
				var u [16]byte
				for b := range u {
					u[b] = byte(strangers.next() >> 7)
				}
				u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
				m.fact(event.CreatorFollowed{Creator: c, Viewer: id.Viewer("").From(u)})
			}
		}
	}
	for name, most := range map[string]func(int) int{
		"a few each":         func(k int) int { return 1 + k },
		"a thousand times":   func(k int) int { return 1_000 * (1 + k) },
		"dealt to others":    func(k int) int { return 1_000 * (6 - k) },
		"all for one of six": func(k int) int { return 5_000 * (k / 5) },
	} {
		if drawn(t, func(m *mill) { crowd(m, most) }) != without {
			t.Errorf("%s: pages differ", name)
		}
	}
}

// What a viewer follows is one source of candidates: it has its fifth of a home page and nothing else.
func TestFollowingIsASourceAndNothingMore(t *testing.T) {
	m := newMill(t, 42, 10, 6, 200)
	for _, v := range m.viewers {
		m.fact(event.CreatorFollowed{Creator: m.creators[2], Viewer: v})
	}
	m.flush()
	m.run(2)
	for n := range 200 {
		page, _ := m.page(m.viewers[n%10], 10)
		followed := 0
		for _, s := range page.Slots {
			if page.Candidates[s.Candidate].Sources == FromFollowed {
				followed++
			}
		}
		if followed > 2 {
			t.Fatalf("%d of 10 places went to followed creators", followed)
		}
	}
	// A follow tapped on a video is engagement with that video, as a like is.
	like, follow := m.one(event.Like), m.one(event.Follow)
	if like != follow {
		t.Errorf("a follow moves a video to %+v, a like to %+v", follow, like)
	}
}

// one returns what a video becomes by one event of a fresh world.
func (m *mill) one(what event.Type) Cell {
	w := newMill(m.t, 43, 2, 1, 4)
	page, request := w.page(w.viewers[0], 1)
	video := page.Candidates[page.Slots[0].Candidate].Video
	w.tell(w.viewers[0], request, 0, video, event.Impression, 0, 0)
	w.tell(w.viewers[0], request, 0, video, what, 0, 0)
	w.tick(time.Hour)
	return w.fold.items.at(w.fold.itemOf[video]).cell
}

// A farm of 500 fresh accounts that is dealt a video and opens it every time moves its click rate, as
// others see it, by no more than the named bound: strangersLeast believed viewers, and a tenth of those who
// were here before.
func TestAClickFarmMovesLittle(t *testing.T) {
	odds := func(accounts int, fresh bool) float64 {
		m := newMill(t, 44, 40, 8, 200)
		m.run(6)
		target := bare(m.videos[0])
		for k := range accounts {
			v := m.viewers[k%len(m.viewers)]
			if fresh {
				v = m.viewer()
			}
			request := id.Request("").From(m.uuid())
			m.tell(v, request, 0, target, event.Impression, 0, 0)
			m.tell(v, request, 0, target, event.ProductClick, 0, 0)
		}
		m.flush()
		it := m.fold.items.at(m.fold.itemOf[target])
		return float64(it.shown)
	}
	before := odds(0, true)
	if moved := odds(500, true) - before; moved > strangersLeast+strangersPart*before {
		t.Errorf("500 fresh accounts count as %.1f viewers, over %v and a tenth of %.1f", moved, strangersLeast, before)
	}
	if moved := odds(40, false) - before; moved < 20 {
		t.Errorf("40 viewers who have been here count as %.0f", moved)
	}
}
