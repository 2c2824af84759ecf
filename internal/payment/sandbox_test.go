package payment_test

import (
	"context"
	"net/url"
	"path"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

var ctx = context.Background()

// bank is the sandbox with the words of the tests.
type bank struct {
	*payment.Sandbox
	t *testing.T
	c *clock.Turned
}

func each(t *testing.T, f func(t *testing.T, b bank)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) { f(t, bank{payment.NewSandbox(d), t, c}) })
}

func (b bank) key() (p id.Payment) { return p.Next(b.c.Now()) }

func (b bank) charge(key id.Payment, method string, minor int64) order.Charge {
	b.t.Helper()
	got, err := b.Charge(ctx, order.ChargeRequest{Key: key, Amount: money.Of(minor, "USD"), Method: method, ReturnURL: "/checkout/x"})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func (b bank) holds(want int64) {
	b.t.Helper()
	got, err := b.Balance(ctx)
	if err != nil || got["USD"] != want {
		b.t.Errorf("the sandbox holds %v, want %d: %v", got, want, err)
	}
}

func TestEachMethodAnswersInItsWay(t *testing.T) {
	each(t, func(t *testing.T, b bank) {
		for method, want := range map[string]order.Charge{
			payment.MethodVisa:           {State: order.ChargeSucceeded},
			payment.MethodDeclined:       {State: order.ChargeDeclined, Reason: "card_declined"},
			payment.MethodInsufficient:   {State: order.ChargeDeclined, Reason: "insufficient_funds"},
			payment.MethodAuthentication: {State: order.ChargeAction},
		} {
			key := b.key()
			got := b.charge(key, method, 1999)
			if got.State != want.State || got.Reason != want.Reason || got.Ref == "" || (got.RedirectURL != "") != (want.State == order.ChargeAction) {
				t.Errorf("%s: %+v", method, got)
			}
			if again := b.charge(key, method, 1999); again != got {
				t.Errorf("%s asked twice: %+v, then %+v", method, got, again)
			}
			if now, err := b.Status(ctx, key); err != nil || now != got {
				t.Errorf("%s stands at %+v, %v", method, now, err)
			}
			for _, other := range []order.ChargeRequest{{Key: key, Amount: money.Of(2000, "USD"), Method: method}, {Key: key, Amount: money.Of(1999, "EUR"), Method: method}} {
				if _, err := b.Charge(ctx, other); !fault.Is(err, fault.Conflict) {
					t.Errorf("%s under one key with another amount: %v", method, err)
				}
			}
		}
		if _, err := b.Charge(ctx, order.ChargeRequest{Key: b.key(), Amount: money.Of(1, "USD"), Method: "pm_card_unheardOf"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a method nobody knows: %v", err)
		}
		if none, err := b.Status(ctx, b.key()); err != nil || none.State != order.ChargeNone {
			t.Errorf("a key never charged: %+v, %v", none, err)
		}
		b.holds(1999)
	})
}

func TestWhatIsCancelledNeverSucceeds(t *testing.T) {
	each(t, func(t *testing.T, b bank) {
		cancel := func(key id.Payment) order.ChargeState {
			t.Helper()
			got, err := b.Cancel(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			return got.State
		}
		paid, waits, never := b.key(), b.key(), b.key()
		b.charge(paid, payment.MethodVisa, 500)
		at := b.charge(waits, payment.MethodAuthentication, 700)
		if got := cancel(paid); got != order.ChargeSucceeded {
			t.Errorf("cancelled too late it is %s", got)
		}
		if got := cancel(waits); got != order.ChargeCancelled {
			t.Errorf("cancelled in time it is %s", got)
		}
		charge, secret := door(t, at)
		if page, err := b.Answer(ctx, charge, secret, true); err != nil || page.State != order.ChargeCancelled {
			t.Errorf("approved after it was cancelled: %+v, %v", page, err)
		}
		if got := cancel(never); got != order.ChargeCancelled {
			t.Errorf("cancelled before it was made it is %s", got)
		}
		if _, err := b.Charge(ctx, order.ChargeRequest{Key: never, Amount: money.Of(900, "USD"), Method: payment.MethodVisa}); !fault.Is(err, fault.Conflict) {
			t.Errorf("charged after it was cancelled: %v", err)
		}
		b.holds(500)
	})
}

func TestRefundsGiveBackOnceAndNoMoreThanThereIs(t *testing.T) {
	each(t, func(t *testing.T, b bank) {
		key, other := b.key(), b.key()
		b.charge(key, payment.MethodVisa, 1000)
		b.charge(other, payment.MethodDeclined, 1000)
		refund := func(of id.Payment, name string, minor int64, c money.Currency) error {
			return b.Refund(ctx, of, name, money.Of(minor, c))
		}
		for range 3 {
			if err := refund(key, "a", 400, "USD"); err != nil {
				t.Fatal(err)
			}
		}
		b.holds(600)
		for what, err := range map[string]error{"more than is left": refund(key, "b", 601, "USD"), "in another currency": refund(key, "c", 1, "EUR"),
			"of a declined charge": refund(other, "d", 1, "USD"), "of no charge": refund(b.key(), "e", 1, "USD")} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("a refund %s: %v", what, err)
			}
		}
		if err := refund(key, "f", 600, "USD"); err != nil {
			t.Error(err)
		}
		b.holds(0)
	})
}

// door reads the way to the sandbox's page out of a redirect.
func door(t *testing.T, c order.Charge) (charge, secret string) {
	t.Helper()
	u, err := url.Parse(c.RedirectURL)
	if err != nil {
		t.Fatal(err)
	}
	return path.Base(u.Path), u.Query().Get("secret")
}

func TestTheBuyersWordOnThePage(t *testing.T) {
	each(t, func(t *testing.T, b bank) {
		for approve, want := range map[bool]order.ChargeState{true: order.ChargeSucceeded, false: order.ChargeDeclined} {
			key := b.key()
			charge, secret := door(t, b.charge(key, payment.MethodAuthentication, 250))
			if page, err := b.Session(ctx, charge, secret); err != nil || page.Key != key || page.Amount != money.Of(250, "USD") || page.ReturnURL != "/checkout/x" || page.Expired {
				t.Errorf("the page: %+v, %v", page, err)
			}
			for _, wrong := range []string{"", "x", secret + "x"} {
				_, look := b.Session(ctx, charge, wrong)
				_, say := b.Answer(ctx, charge, wrong, true)
				if !fault.Is(look, fault.Missing) || !fault.Is(say, fault.Missing) {
					t.Errorf("with the secret %q: %v, %v", wrong, look, say)
				}
			}
			if page, err := b.Answer(ctx, charge, secret, approve); err != nil || page.State != want {
				t.Errorf("answered %v: %+v, %v", approve, page, err)
			}
			if page, err := b.Answer(ctx, charge, secret, !approve); err != nil || page.State != want {
				t.Errorf("answered again otherwise: %+v, %v", page, err)
			}
		}
		charge, secret := door(t, b.charge(b.key(), payment.MethodAuthentication, 250))
		b.c.Advance(payment.SessionLife + 1)
		if page, err := b.Session(ctx, charge, secret); err != nil || !page.Expired {
			t.Errorf("after its time the page is %+v, %v", page, err)
		}
		b.holds(250)
	})
}
