package affiliate_test

import (
	"testing"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// A program gets its first budget while an order that earns by it is being paid: the budget counts what the order
// earned, and a refund brings it back.
func TestAFirstBudgetMeetsASale(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w, a := newWorld(t, d, k, 1, 1), affiliate.New(d)
		p := w.open(a, func(*affiliate.NewProgram) {})
		k.Advance(time.Hour)
		s := w.sale(0)
		booked, set, done := make(chan struct{}), make(chan error, 1), make(chan error, 1)
		go func() {
			first := true
			done <- d.Write(ctx, func(tx *db.Tx) error {
				l := s.Lines[0]
				_, err := affiliate.CreateCommissions(tx, []affiliate.NewCommission{{Order: s.Order, Part: l.Part, Line: l.Line, Creator: w.creators[0].Creator, Brand: l.Brand,
					Program: p.ID, Product: l.Product, Base: l.Base, Rate: 1500, Amount: money.Of(300, "EUR")}})
				if first {
					first = false
					close(booked)
					_ = clock.Rest(ctx, nil, 300*time.Millisecond) // what else paying an order does
				}
				return err
			})
		}()
		<-booked
		go func() {
			_, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(2000, "EUR"))})
			set <- err
		}()
		for _, c := range []chan error{done, set} {
			if err := <-c; err != nil {
				t.Fatal(err)
			}
		}
		w.sound(a)
		w.write(func(tx *db.Tx) error {
			return affiliate.TakeBack(tx, []affiliate.Taken{{Line: id.Line(s.Lines[0].Line), Base: s.Lines[0].Base, Amount: money.Of(300, "EUR")}}, 1)
		})
		w.sound(a)
	})
}
