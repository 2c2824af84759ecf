package payout_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
)

// hears is who is told of what Stripe says of payouts.
type hears struct {
	payment.Hearer
	h *connected
}

func (w hears) PayoutTold(ctx context.Context, key string) error {
	return w.h.Told(ctx, id.Payout(key))
}

// tellAll delivers everything that Stripe has to say of transfers, in any order, twice.
func (h *connected) tellAll() {
	h.t.Helper()
	all := slices.DeleteFunc(h.there.Events(), func(e []byte) bool { return !bytes.Contains(e, []byte(`"type":"transfer.`)) })
	if len(all) == 0 {
		h.t.Fatal("Stripe has nothing to say")
	}
	for range 2 {
		for _, i := range rand.Perm(len(all)) {
			_, err := h.stripe.Receive(ctx, stripetest.Sign(stripetest.Secret, h.clock.Now(), all[i]), all[i], hears{h: h})
			h.must(err)
		}
	}
}

// parts are what the log was told of parts that came back, each with what had come back in all.
func (h *connected) parts(pot id.Payout) (list [][2]int64) {
	h.t.Helper()
	h.must(h.d.Read(ctx, func(tx *db.Tx) error {
		bodies, err := db.All(tx, func(r *sql.Rows) (body string, err error) { return body, r.Scan(&body) }, `SELECT body FROM outbox WHERE topic = 'payout.updated' ORDER BY id`)
		for _, text := range bodies {
			var b event.PayoutUpdated
			h.must(json.Unmarshal([]byte(text), &b))
			if b.Payout != pot || b.Creator != h.creator || b.Amount != usd(3000) || b.Part.Currency != "USD" || b.Back.Currency != "USD" {
				h.t.Errorf("it is told %s", text)
			}
			list = append(list, [2]int64{b.Part.Minor, b.Back.Minor})
		}
		return err
	}))
	return list
}

// Each part of a payout that is reversed at Stripe is told once, however often and in whatever order Stripe tells of it,
// also where several were reversed before we heard of the first; what comes back last is told as the whole.
func TestEachReversalIsToldOnce(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), h.joins()))(t)
		tells := func(want ...[2]int64) {
			t.Helper()
			h.tellAll()
			h.must(h.Told(ctx, pot.ID))
			if got := h.parts(pot.ID); !slices.Equal(got, want) {
				t.Errorf("told are %v, want %v", got, want)
			}
		}
		h.there.ReversePart(pot.Reference, 1000)
		tells([2]int64{1000, 1000})
		h.there.ReversePart(pot.Reference, 500)
		h.there.ReversePart(pot.Reference, 500) // as much again: another reversal
		h.there.ReversePart(pot.Reference, 300)
		tells([2]int64{1000, 1000}, [2]int64{500, 1500}, [2]int64{500, 2000}, [2]int64{300, 2300})
		h.there.ReversePart(pot.Reference, 700)
		tells([2]int64{1000, 1000}, [2]int64{500, 1500}, [2]int64{500, 2000}, [2]int64{300, 2300})
		var whole int
		h.must(h.d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT COUNT(*) FROM outbox WHERE topic = 'payout.returned'`).Scan(&whole)
		}))
		if whole != 1 {
			t.Errorf("that all of it came back is told %d times", whole)
		}
		h.sound()
	})
}

// Where Stripe does not list the single reversals, or not all of them, what they come to is told all the same.
func TestReversalsThatAreNotListed(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), h.joins()))(t)
		for _, part := range []int64{400, 200, 300} {
			h.there.ReversePart(pot.Reference, part)
		}
		h.there.ListReversals(pot.Reference, 1)
		h.tellAll()
		if got := h.parts(pot.ID); !slices.Equal(got, [][2]int64{{600, 600}, {300, 900}}) {
			t.Errorf("with one of three listed told are %v", got)
		}
		h.there.ReversePart(pot.Reference, 100)
		h.there.ListReversals(pot.Reference, 0)
		h.tellAll()
		if got := h.parts(pot.ID); len(got) != 3 || got[2] != [2]int64{100, 1000} {
			t.Errorf("with none listed told are %v", got)
		}
		h.sound()
	})
}
