package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

func TestSizesAreRead(t *testing.T) {
	for text, want := range map[string]byteSize{"16MiB": 16 << 20, "10GiB": 10 << 30, "1TiB": 1 << 40, "512B": 512, "3 KiB": 3 << 10} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d: %v", text, got, err)
		}
		var again byteSize
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%d is written %q and read %d: %v", got, got.String(), again, err)
		}
	}
	for _, text := range []string{"", "10", "GiB", "-1GiB", "1.5GiB", "9999999999TiB", "10GB"} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

// The log is trimmed as far as it holds too much, and never past anybody who still needs it.
func TestTrimmingPassesNobody(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Clock: c, MaxAge: time.Hour, MaxBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	random := rand.New(rand.NewPCG(3, 1))
	at := map[string]stream.Position{}
	names := []string{"touches", "metric", "archive"}
	var readers []reader
	for _, name := range names {
		readers = append(readers, reader{name, func(context.Context) (stream.Position, error) { return at[name], nil }})
	}
	var positions []stream.Position
	trimmed := 0
	for range 200 {
		pos, err := log.Append(t.Context(), stream.KindEvent, make([]byte, 1000))
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, pos)
		c.Advance(time.Duration(random.IntN(120)) * time.Second)
		// Somebody has read on; never back.
		name := names[random.IntN(len(names))]
		if p := positions[len(positions)-1-random.IntN(min(len(positions), 40))]; at[name].Before(p) {
			at[name] = p
		}
		before, _ := log.Oldest(t.Context())
		held, err := trim(t.Context(), log, readers)
		if err != nil {
			t.Fatal(err)
		}
		oldest, err := log.Oldest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if before.Before(oldest) {
			trimmed++
		}
		for name, p := range at {
			if p.Before(oldest) {
				t.Fatalf("the log begins at %v and %s needs it from %v", oldest, name, p)
			}
		}
		if surplus, _ := log.Surplus(t.Context()); oldest.Before(surplus) && held == "" {
			t.Fatalf("the log begins at %v and need not before %v, and nobody held it", oldest, surplus)
		}
	}
	if trimmed < 20 {
		t.Errorf("it was trimmed %d times only", trimmed)
	}
	readers = append(readers, reader{"broken", func(context.Context) (stream.Position, error) { return stream.Position{}, errors.New("no") }})
	if _, err := trim(t.Context(), log, readers); err == nil {
		t.Error("a reader that cannot say where it is does not stop the trimming")
	}
	readers = []reader{{"new", func(context.Context) (stream.Position, error) { return stream.Position{}, nil }}}
	before, _ := log.Oldest(t.Context())
	if held, err := trim(t.Context(), log, readers); err != nil || held != "new" {
		t.Errorf("a reader at the beginning is not in the way: %q, %v", held, err)
	}
	if oldest, _ := log.Oldest(t.Context()); oldest != before {
		t.Error("the log was trimmed past a reader at the beginning")
	}
}
