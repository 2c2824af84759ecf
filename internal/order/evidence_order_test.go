package order_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// slowPost is a provider to which what contains "first" is long on its way.
type slowPost struct {
	*payment.Sandbox
	begun, goes chan struct{}
	once        sync.Once
}

func (p *slowPost) SubmitEvidence(ctx context.Context, ref, key, text string) error {
	if strings.Contains(text, "first") {
		p.once.Do(func() { close(p.begun) })
		<-p.goes
	}
	return p.Sandbox.SubmitEvidence(ctx, ref, key, text)
}

// Whatever is said last is what the bank has in the end, though something said earlier was longer on its way.
func TestTheLastWordOfEvidenceArrivesLast(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 20), context.Background()
		_, sold := w.boughtUnits(1, payment.MethodVisa)
		w.disputed(sold, 0)
		slow := &slowPost{Sandbox: w.sandbox, begun: make(chan struct{}), goes: make(chan struct{})}
		w.over(slow)
		list, err := w.orders.BrandDisputes(ctx, w.member, w.brand, order.DisputeOpen, "", 10)
		if err != nil || len(list) != 1 {
			t.Fatal(len(list), err)
		}
		says := func(text string) {
			if _, err := w.orders.SubmitEvidence(ctx, w.member, w.brand, list[0].ID, text); err != nil {
				t.Error(err)
			}
		}
		var done sync.WaitGroup
		done.Go(func() { says("The first word.") })
		<-slow.begun
		says("The last word.")
		w.sweep()
		close(slow.goes)
		done.Wait()
		has := func() (text string) {
			if err := d.Read(ctx, func(tx *db.Tx) error { return tx.Row(`SELECT evidence FROM sandbox_disputes`).Scan(&text) }); err != nil {
				t.Fatal(err)
			}
			return text
		}
		if got := has(); got != "The last word." {
			t.Errorf("the bank has %q", got)
		}
		c.Advance(order.PaymentPatience * 4)
		w.sweep()
		if got, n := has(), w.count(`SELECT COUNT(*) FROM disputes WHERE evidence_at = evidence_sent_at AND handing_until = 0`); got != "The last word." || n != 1 {
			t.Errorf("after a while the bank has %q, and %d disputes are handed in", got, n)
		}
	})
}

// lostPost is a provider whose answer to evidence is lost once, after it was taken.
type lostPost struct {
	*payment.Sandbox
	left int
}

func (p *lostPost) SubmitEvidence(ctx context.Context, ref, key, text string) error {
	if err := p.Sandbox.SubmitEvidence(ctx, ref, key, text); err != nil || p.left == 0 {
		return err
	}
	p.left--
	return context.DeadlineExceeded
}

// Evidence whose answer was lost is handed in again, and what was said since in its place.
func TestEvidenceWhoseAnswerWasLost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 20), context.Background()
		_, sold := w.boughtUnits(1, payment.MethodVisa)
		w.disputed(sold, 0)
		w.over(&lostPost{w.sandbox, 1})
		list, err := w.orders.BrandDisputes(ctx, w.member, w.brand, order.DisputeOpen, "", 10)
		if err != nil || len(list) != 1 {
			t.Fatal(len(list), err)
		}
		for _, says := range []string{"One.", "Two."} {
			if _, err := w.orders.SubmitEvidence(ctx, w.member, w.brand, list[0].ID, says); err != nil {
				t.Fatal(err)
			}
		}
		c.Advance(order.PaymentPatience * 4)
		w.sweep()
		if n := w.count(`SELECT COUNT(*) FROM sandbox_disputes b, disputes d WHERE b.evidence = 'Two.' AND d.evidence_at = d.evidence_sent_at`); n != 1 {
			t.Error("the bank has not the last word")
		}
	})
}
