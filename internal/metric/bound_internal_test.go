package metric

import (
	"testing"

	"mezzo/internal/event"
	"mezzo/internal/id"

	"github.com/google/uuid"
)

// Of products, videos and programs so many are known; those beyond are said to be unlisted, and what was known stays.
func TestCatalogueIsBounded(t *testing.T) {
	f := New(Options{})
	f.most = bounds{products: 3, videos: 3, programs: 3, groups: 20}
	name := func(kind byte, n int) uuid.UUID { return uuid.UUID{0: kind, 1: byte(n)} }
	brand := id.Brand("").From(name(9, 1))
	for n := range 5 {
		product := id.Product("").From(name(1, n))
		f.setProduct(event.ProductState{Product: product, Brand: brand})
		f.setFilm(event.VideoState{Video: id.Video("").From(name(2, n)), Creator: id.Creator("").From(name(3, n)), Products: []id.Product{product}, DurationMS: 9000})
		f.setProgram(event.ProgramState{Program: id.Program("").From(name(4, n)), Brand: brand, AllProducts: true})
	}
	s := f.Stats()
	if s.Products != 3 || s.Videos != 3 || s.Programs != 3 || s.Unlisted < 6 {
		t.Errorf("%d products, %d videos, %d programs and %d unlisted", s.Products, s.Videos, s.Programs, s.Unlisted)
	}
	f.setProduct(event.ProductState{Product: id.Product("").From(name(1, 0)), Brand: id.Brand("").From(name(9, 2))})
	if got := f.brands.get(name(1, 0)); got != name(9, 2) {
		t.Error("a product that is known cannot change its brand")
	}
	for n := range 5 {
		if got, want := f.brands.get(name(1, n)) == name(9, 1), n > 0 && n < 3; got != want {
			t.Errorf("product %d is of the brand: %t", n, got)
		}
		if got, want := f.films.get(name(2, n)) != nil, n < 3; got != want {
			t.Errorf("video %d is known: %t", n, got)
		}
	}
	if f.groups.n > 20 {
		t.Errorf("%d groups", f.groups.n)
	}
	state, err := f.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	again := New(Options{})
	if err := again.Restore(state); err != nil || again.Stats() != f.Stats() || again.Checksum() != f.Checksum() {
		t.Errorf("a snapshot of it is another: %v", err)
	}
}
