package stream_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"mezzo/internal/stream"
)

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "0.0.0", "1.2.3", "1.2", "01.2.3", "1.2.3.4", "-1.0.0", "1.-2.3", "1.2.+3", "1. 2.3",
		"9223372036854775807.4294967295.9223372036854775807", "9223372036854775808.0.0", "1.4294967296.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := stream.ParsePosition(s)
		if err != nil {
			if err != stream.ErrPosition || !p.IsZero() {
				t.Fatalf("%q gave %v, %v", s, p, err)
			}
			return
		}
		if p.String() != s || url.PathEscape(s) != s || p.Before(p) {
			t.Fatalf("%q reads as %v", s, p)
		}
		data, err := json.Marshal(map[string]stream.Position{"at": p})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]stream.Position
		if err := json.Unmarshal(data, &back); err != nil || back["at"] != p {
			t.Fatalf("%s reads as %v, %v", data, back, err)
		}
	})
}

func TestPositionOrder(t *testing.T) {
	texts := []string{"0.0.0", "1.1.5", "1.2.5", "2.0.5", "10.0.4", "10.3.4", "9223372036854775807.0.0"}
	for i, a := range texts {
		for j, b := range texts {
			p, err1 := stream.ParsePosition(a)
			q, err2 := stream.ParsePosition(b)
			if err1 != nil || err2 != nil || p.Before(q) != (i < j) || (p == q) != (i == j) {
				t.Errorf("%s before %s: %v (%v, %v)", a, b, p.Before(q), err1, err2)
			}
		}
	}
	if (stream.Position{}).String() != "0.0.0" {
		t.Error("the beginning has another name")
	}
}
