package id_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mezzo/internal/id"

	"pgregory.net/rapid"
)

func key(number uint8) id.Key {
	k := id.Key{Number: number}
	for i := range k.Secret {
		k.Secret[i] = number*31 + byte(i)
	}
	return k
}

// impression is the same in every process: the fuzzer's workers must agree on its token.
func impression() id.Impression {
	var r id.Request
	return id.Impression{
		Request: r.From([16]byte{1, 157, 0, 3}), Subject: [16]byte{1, 157, 0, 4}, SubjectKind: id.SubjectVideo,
		Surface: id.SurfaceHome, Slot: 3, Exploration: true, Propensity: 0.125, Issued: start,
	}
}

func TestImpressionReadsBack(t *testing.T) {
	ring := id.NewKeyring(key(1))
	rapid.Check(t, func(t *rapid.T) {
		want := impression()
		want.Surface = id.Surface(rapid.Uint8Range(0, 10).Draw(t, "surface"))
		want.Slot = rapid.Uint8().Draw(t, "slot")
		want.SubjectKind = id.SubjectKind(rapid.Uint8Range(1, 4).Draw(t, "kind"))
		want.Exploration = rapid.Bool().Draw(t, "exploration")
		want.Propensity = rapid.Float32Range(0, 1).Draw(t, "propensity")
		var v id.Viewer
		viewer := v.Next(start)
		token := ring.SignImpression(viewer, want)
		if len(token) != id.ImpressionTokenLength {
			t.Fatalf("a token of %d characters, not %d", len(token), id.ImpressionTokenLength)
		}
		if strings.Contains(token, string(viewer)) {
			t.Fatal("the token names its viewer")
		}
		got, err := ring.OpenImpression(viewer, token, start)
		if err != nil || got != want {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
		if (got.Video() != "") != (want.SubjectKind == id.SubjectVideo) {
			t.Fatalf("kind %d gives the video %q", want.SubjectKind, got.Video())
		}
		if (got.ShowcaseItem() != "") != (want.SubjectKind == id.SubjectShowcase) {
			t.Fatalf("kind %d gives the shelf item %q", want.SubjectKind, got.ShowcaseItem())
		}
	})
}

func TestImpressionIsForItsViewerOnly(t *testing.T) {
	ring := id.NewKeyring(key(1))
	var v id.Viewer
	mine, other := v.Next(start), v.Next(start)
	token := ring.SignImpression(mine, impression())
	for name, viewer := range map[string]id.Viewer{"another viewer": other, "nobody": ""} {
		if got, err := ring.OpenImpression(viewer, token, start); !errors.Is(err, id.ErrForged) || got != (id.Impression{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestImpressionCannotBeChanged(t *testing.T) {
	ring := id.NewKeyring(key(1), key(2))
	var v id.Viewer
	viewer := v.Next(start)
	token := ring.SignImpression(viewer, impression())
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.\n"
	for i := range token {
		for _, l := range []byte(letters) {
			if l == token[i] {
				continue
			}
			changed := token[:i] + string(l) + token[i+1:]
			if _, err := ring.OpenImpression(viewer, changed, start); !errors.Is(err, id.ErrForged) {
				t.Fatalf("character %d changed to %q: %v", i, l, err)
			}
		}
	}
	for _, changed := range []string{"", token[1:], token + "A", token[:40], strings.Repeat("A", len(token))} {
		if _, err := ring.OpenImpression(viewer, changed, start); !errors.Is(err, id.ErrForged) {
			t.Errorf("%q: %v", changed, err)
		}
	}
}

func TestImpressionAges(t *testing.T) {
	ring := id.NewKeyring(key(1))
	want := impression()
	var v id.Viewer
	viewer := v.Next(start)
	token := ring.SignImpression(viewer, want)
	if _, err := ring.OpenImpression(viewer, token, start.Add(id.ImpressionLife)); err != nil {
		t.Errorf("at its last moment: %v", err)
	}
	got, err := ring.OpenImpression(viewer, token, start.Add(id.ImpressionLife+time.Second))
	if !errors.Is(err, id.ErrExpired) || got != want {
		t.Errorf("too old: %+v, %v; an expired token still says what was shown", got, err)
	}
}

func TestKeysTurn(t *testing.T) {
	var v id.Viewer
	viewer := v.Next(start)
	ring := id.NewKeyring(key(1))
	impressionToken, viewerToken := ring.SignImpression(viewer, impression()), ring.Sign("viewer", viewer.String())
	open := func() error {
		_, err := ring.OpenImpression(viewer, impressionToken, start)
		_, other := ring.Open("viewer", viewerToken)
		if (err == nil) != (other == nil) {
			t.Fatalf("the two kinds of token disagree: %v, %v", err, other)
		}
		return err
	}
	ring.Replace(key(2), key(1))
	if err := open(); err != nil {
		t.Errorf("after one turn the old key still opens: %v", err)
	}
	if fresh := ring.Sign("viewer", "x"); fresh == id.NewKeyring(key(1)).Sign("viewer", "x") {
		t.Error("after a turn the old key still signs")
	}
	ring.Replace(key(3), key(2), key(1))
	if err := open(); !errors.Is(err, id.ErrForged) {
		t.Errorf("after two turns the first key is gone: %v", err)
	}
	same := key(3)
	same.Secret[0]++
	if _, err := id.NewKeyring(same).Open("viewer", ring.Sign("viewer", "x")); !errors.Is(err, id.ErrForged) {
		t.Errorf("another secret under the same number: %v", err)
	}
}

func TestSignedMessages(t *testing.T) {
	ring := id.NewKeyring(key(1))
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.StringMatching(`[a-z0-9_]{0,128}`).Draw(t, "message")
		token := ring.Sign("viewer", message)
		if got, err := ring.Open("viewer", token); err != nil || got != message {
			t.Fatalf("%q came back as %q, %v", message, got, err)
		}
		if _, err := ring.Open("order", token); !errors.Is(err, id.ErrForged) {
			t.Fatalf("a viewer's token opened as an order's: %v", err)
		}
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		changed := token[:at] + string(rapid.SampledFrom([]rune("aZ0_.\n")).Draw(t, "with")) + token[at+1:]
		if _, err := ring.Open("viewer", changed); changed != token && !errors.Is(err, id.ErrForged) {
			t.Fatalf("%q was changed to %q: %v", token, changed, err)
		}
	})
	long := ring.Sign("viewer", strings.Repeat("a", 129))
	if _, err := ring.Open("viewer", long); !errors.Is(err, id.ErrForged) {
		t.Errorf("a message beyond the limit: %v", err)
	}
}

func TestSurfacesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for s := id.SurfaceHome; s <= id.SurfaceEmbed; s++ {
		if s.String() == "unknown" || seen[s.String()] {
			t.Errorf("surface %d is called %q", s, s)
		}
		seen[s.String()] = true
	}
	if got := id.Surface(200).String(); got != "unknown" {
		t.Errorf("a surface nobody knows is called %q", got)
	}
}

func FuzzOpenImpression(f *testing.F) {
	ring := id.NewKeyring(key(1), key(2))
	viewer := id.Viewer("vwr_00000000000000000000000000")
	known := ring.SignImpression(viewer, impression())
	f.Add(known)
	f.Add(known[:40])
	f.Add(strings.Repeat("A", id.ImpressionTokenLength))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := ring.OpenImpression(viewer, token, start)
		if token == known {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if !errors.Is(err, id.ErrForged) || got != (id.Impression{}) {
			t.Fatalf("%q opened: %+v, %v", token, got, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	ring := id.NewKeyring(key(1))
	known := ring.Sign("viewer", "vwr_1")
	f.Add(known)
	f.Add("vwr_1.")
	f.Add(".")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := ring.Open("viewer", token); (err == nil) != (token == known) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

func BenchmarkOpenImpression(b *testing.B) {
	ring := id.NewKeyring(key(1), key(2))
	var v id.Viewer
	viewer := v.Next(start)
	token := ring.SignImpression(viewer, impression())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := ring.OpenImpression(viewer, token, start); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkSignImpression(b *testing.B) {
	ring := id.NewKeyring(key(1))
	var v id.Viewer
	viewer, shown := v.Next(start), impression()
	b.ReportAllocs()
	for b.Loop() {
		ring.SignImpression(viewer, shown)
	}
}
