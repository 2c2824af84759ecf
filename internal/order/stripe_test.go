package order_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
)

// till is the world with Stripe as its provider.
type till struct {
	*world
	there  *stripetest.Server
	stripe *payment.Stripe
}

func stripes(t *testing.T, f func(t *testing.T, w *till)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := &till{world: newWorld(t, d, c, 10), there: stripetest.New(c)}
		t.Cleanup(w.there.Close)
		var err error
		w.stripe, err = payment.NewStripe(d, payment.StripeOptions{Key: stripetest.Key, Secrets: []string{"whsec_another1", stripetest.Secret}, URL: w.there.URL, Public: "http://localhost:8080"})
		if err != nil {
			t.Fatal(err)
		}
		w.orders = order.New(order.Parts{DB: d, Keys: w.keys, Provider: w.stripe, Log: w.log, Logger: slog.New(slog.DiscardHandler)},
			order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
		f(t, w)
	})
}

// The till hears what Stripe tells.

func (w *till) Settle(ctx context.Context, p id.Payment, c order.Charge) (order.Outcome, error) {
	return w.orders.Settle(ctx, p, c)
}
func (w *till) RefundTold(ctx context.Context, key string) error {
	return w.orders.RefundTold(ctx, key)
}
func (w *till) DisputeTold(ctx context.Context, ref string) error {
	return w.orders.Disputed(ctx, ref)
}
func (w *till) PayoutTold(context.Context, string) error  { return fault.New(fault.Missing, "none") }
func (w *till) AccountTold(context.Context, string) error { return fault.New(fault.Missing, "none") }

// tell delivers a message as Stripe does.
func (w *till) tell(body []byte) payment.Receipt {
	w.t.Helper()
	got, err := w.stripe.Receive(context.Background(), stripetest.Sign(stripetest.Secret, w.clock.Now(), body), body, w)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// tellAll delivers everything, in any order, some of it twice.
func (w *till) tellAll() {
	w.t.Helper()
	all := w.there.Events()
	for _, i := range rand.Perm(len(all)) {
		w.tell(all[i])
	}
	for _, i := range rand.Perm(len(all)) {
		if got := w.tell(all[i]); got.Outcome != "repeated" {
			w.t.Errorf("a message told twice was %s", got.Outcome)
		}
	}
}

// goes begins a payment and returns the page at Stripe.
func (w *till) goes(who account.Asker, placed order.Order) stripetest.Object {
	w.t.Helper()
	out, err := w.orders.Pay(context.Background(), who, placed.Checkout, order.Payment{Method: payment.MethodHosted, Expected: placed.Total, ReturnURL: "/checkout/" + string(placed.Checkout)})
	if err != nil || out.State != order.PayRedirected {
		w.t.Fatalf("pay: %+v %v", out, err)
	}
	page := w.there.Find(out.Redirect[strings.LastIndexByte(out.Redirect, '/')+1:])
	if page == nil {
		w.t.Fatalf("%s is no page at Stripe", out.Redirect)
	}
	return page
}

func (w *till) place() (account.Asker, order.Order) {
	w.t.Helper()
	who := w.shopper()
	w.click(who)
	placed, err := w.checkout(who, 2)
	if err != nil {
		w.t.Fatal(err)
	}
	return who, placed
}

// boughtThere is an order of two paid by Stripe.
func (w *till) boughtThere() (account.Asker, order.Order) {
	w.t.Helper()
	who, placed := w.place()
	page := w.goes(who, placed)
	if !w.there.Pay(page.Text("id"), false) {
		w.t.Fatal("the page takes no money")
	}
	if out, err := w.orders.ComeBack(context.Background(), who, placed.Checkout); err != nil || out.State != order.PaySucceeded {
		w.t.Fatalf("came back to %+v %v", out, err)
	}
	return who, w.look(placed.ID)
}

// agree proves that books and Stripe hold the same, but for what Stripe keeps for itself.
func (w *till) agree() {
	w.t.Helper()
	var fees int64
	for _, l := range w.there.All("balance_transaction") {
		fees += l.Number("fee")
	}
	if held, booked := w.there.Held()+fees, w.balance(ledger.Clearing("stripe")); held != booked {
		w.t.Errorf("Stripe holds %d before fees and the books say %d", held, booked)
	}
	w.world.sound()
}

func TestStripeIsPaidOnItsPage(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		who, placed := w.place()
		page := w.goes(who, placed)
		if page.Number("amount_total") != placed.Total.Minor || page.Text("client_reference_id") == "" || page.Text("success_url") != "http://localhost:8080/checkout/"+string(placed.Checkout)+"?payment=back" {
			t.Errorf("the page is %v", page)
		}
		if until := w.look(placed.ID).ReservedUntil; until.Unix() != page.Number("expires_at") {
			t.Errorf("the reservation ends %s and the page %s", until, time.Unix(page.Number("expires_at"), 0))
		}
		if again := w.goes(who, placed); again.Text("id") != page.Text("id") {
			t.Errorf("asking again made another page, %s", again.Text("id"))
		}
		out, err := w.orders.ComeBack(context.Background(), who, placed.Checkout)
		if err != nil || out.State != order.PayRedirected {
			t.Errorf("came back unpaid to %+v, %v", out, err)
		}
		if _, err := w.orders.ComeBack(context.Background(), w.shopper(), placed.Checkout); !fault.Is(err, fault.Missing) {
			t.Errorf("a stranger came back to %v", err)
		}
		w.there.Pay(page.Text("id"), false)
		w.tellAll()
		out, err = w.orders.ComeBack(context.Background(), who, placed.Checkout)
		if err != nil || out.State != order.PaySucceeded || w.look(placed.ID).State != order.Paid {
			t.Errorf("came back paid to %+v, %v", out, err)
		}
		w.clock.Advance(time.Hour)
		w.sweep()
		w.agree()
	})
}

func TestStripeLetsGoTogether(t *testing.T) {
	for says, goes := range map[string]func(*till, account.Asker, order.Order){
		"the buyer lets go": func(w *till, who account.Asker, o order.Order) {
			if _, err := w.orders.Cancel(context.Background(), who, o.ID); err != nil {
				w.t.Fatal(err)
			}
		},
		"its time is over": func(w *till, _ account.Asker, o order.Order) {
			w.clock.Advance(payment.StripeLife + time.Second)
			w.sweep()
		},
	} {
		t.Run(says, func(t *testing.T) {
			stripes(t, func(t *testing.T, w *till) {
				who, placed := w.place()
				page := w.goes(who, placed)
				goes(w, who, placed)
				if now := w.there.Find(page.Text("id")); now["status"] != "expired" || w.look(placed.ID).State == order.Placed {
					t.Errorf("the page is %v and the order %s", now["status"], w.look(placed.ID).State)
				}
				// Money that comes even so goes back by itself, once.
				w.there.Pay(page.Text("id"), true)
				w.tellAll()
				w.sweep()
				if n := len(w.there.All("refund")); n != 1 {
					t.Errorf("%d refunds of what came too late", n)
				}
				w.balances(map[ledger.Account]int64{ledger.Clearing("stripe"): 0})
				w.agree()
			})
		})
	}
}

func TestStripeLosesAnswers(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		who, placed := w.place()
		w.there.Lose(true)
		_, err := w.orders.Pay(context.Background(), who, placed.Checkout, order.Payment{Method: payment.MethodHosted, Expected: placed.Total})
		if !fault.Is(err, fault.Unavailable) || len(w.there.All("checkout.session")) != 1 {
			t.Fatalf("a lost answer: %v", err)
		}
		w.there.Lose(false)
		w.clock.Advance(order.PaymentPatience)
		w.sweep()
		w.clock.Advance(time.Second)
		page := w.goes(who, placed)
		if n := len(w.there.All("checkout.session")); n != 1 {
			t.Errorf("%d pages for one payment", n)
		}
		w.there.Pay(page.Text("id"), false)
		w.there.Down(true) // no message comes, and nothing is answered
		if err := w.orders.Sweep(context.Background()); w.look(placed.ID).State != order.Placed {
			t.Errorf("paid without Stripe's word: %v", err)
		}
		w.there.Down(false)
		w.clock.Advance(2 * order.PaymentPatience)
		w.sweep()
		if w.look(placed.ID).State != order.Paid {
			t.Error("the sweep did not find what the lost message said")
		}
		// A refund whose answer is lost is asked for again under its key, and after a day looked for first.
		ord := w.look(placed.ID)
		w.there.Lose(true)
		r := w.refunds(ord, units(ord, 1, false))
		if r.State != order.RefundRequested {
			t.Errorf("a refund without an answer is %s", r.State)
		}
		w.there.Lose(false)
		w.there.Forget()
		w.clock.Advance(25 * time.Hour)
		w.sweep()
		if n := len(w.there.All("refund")); n != 1 {
			t.Errorf("%d refunds at Stripe for one", n)
		}
		w.agree()
	})
}

func TestStripeRefunds(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		_, ord := w.boughtThere()
		half := units(ord, 1, false)
		state := func(r order.Refund) order.RefundState {
			for _, x := range w.look(ord.ID).Refunds {
				if x.ID == r.ID {
					return x.State
				}
			}
			return ""
		}
		w.there.Refunds = "pending"
		slow := w.refunds(ord, half)
		asked := w.there.Sent("/v1/refunds")
		for range 3 {
			w.clock.Advance(order.PaymentPatience)
			w.sweep()
		}
		if state(slow) != order.RefundRequested || w.there.Sent("/v1/refunds") != asked {
			t.Errorf("a pending refund is %s after %d requests", state(slow), w.there.Sent("/v1/refunds"))
		}
		w.there.SettleRefund(w.there.All("refund")[0].Text("id"), "failed")
		w.tellAll()
		if state(slow) != order.RefundFailed {
			t.Errorf("a failed refund is %s", state(slow))
		}
		w.there.Refunds = ""
		again := w.refunds(ord, half)
		if state(again) != order.RefundConfirmed {
			t.Errorf("asked for anew it is %s", state(again))
		}
		w.tellRest()
		w.agree()
	})
}

// tellRest delivers what has not been told yet.
func (w *till) tellRest() {
	w.t.Helper()
	for _, body := range w.there.Events() {
		w.tell(body)
	}
}

// message is one that must change nothing: refused with a type, or answered with an outcome.
type message struct {
	says, signature string
	body            []byte
	refused         bool
	typ             string
}

// strangeMessages are made from a good one about a page.
func strangeMessages(t *testing.T, now time.Time, good []byte, page stripetest.Object) []message {
	but := func(pairs ...string) []byte {
		text := string(good)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("the message has no %s: %s", pairs[i], text)
			}
			text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
		}
		return []byte(text)
	}
	sign := func(b []byte) string { return stripetest.Sign(stripetest.Secret, now, b) }
	list := []message{
		{"unsigned", "", good, true, "signature_missing"},
		{"signed by nothing", "t=" + fmt.Sprint(now.Unix()), good, true, "signature_missing"},
		{"signed with another key", stripetest.Sign("whsec_wrong123", now, good), good, true, "signature_wrong"},
		{"changed on its way", sign(good), append(good[:len(good):len(good)], ' '), true, "signature_wrong"},
		{"of another time, restamped", strings.Replace(sign(good), "t=", "t=1", 1), good, true, "signature_wrong"},
		{"old", stripetest.Sign(stripetest.Secret, now.Add(-payment.WebhookTolerance-time.Second), good), good, true, "signature_old"},
		{"from the future", stripetest.Sign(stripetest.Secret, now.Add(payment.WebhookTolerance+2*time.Second), good), good, true, "signature_old"},
	}
	for _, m := range []message{
		{says: "no event", body: []byte(`[]`), refused: true},
		{says: "of live mode", body: but(`"livemode":false`, `"livemode":true`), refused: true},
		{says: "an unknown page", body: but(page.Text("id"), "cs_test_999999", page.Text("client_reference_id"), "pay_none", `"id":"evt_`, `"id":"evt_u`), typ: "unknown"},
		{says: "another account's", body: but(`"object":"event"`, `"object":"event","account":"acct_other"`, `"id":"evt_`, `"id":"evt_o`), typ: "ignored"},
		{says: "of a kind that means nothing", body: but("checkout.session.completed", "customer.created", `"id":"evt_`, `"id":"evt_k`), typ: "ignored"},
		{says: "an unknown account's", body: []byte(`{"id":"evt_a","type":"account.updated","account":"acct_9","data":{"object":{"id":"acct_9"}}}`), typ: "unknown"},
		{says: "an unknown refund", body: []byte(`{"id":"evt_r","type":"refund.failed","data":{"object":{"id":"re_9","metadata":{"mezzo_refund":"refund:ref_9"}}}}`), typ: "unknown"},
		{says: "an unknown transfer", body: []byte(`{"id":"evt_t","type":"transfer.reversed","data":{"object":{"id":"tr_9"}}}`), typ: "unknown"},
		{says: "an unknown dispute", body: []byte(`{"id":"evt_d","type":"charge.dispute.created","data":{"object":{"id":"dp_9"}}}`), typ: "unknown"},
		{says: "without an object", body: []byte(`{"id":"evt_n","type":"checkout.session.completed"}`), typ: "unknown"},
	} {
		m.signature = sign(m.body)
		list = append(list, m)
	}
	return list
}

// Messages that are not Stripe's, not of now, not for us or not known change nothing.
func TestStripeMessagesThatChangeNothing(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		who, placed := w.place()
		page := w.goes(who, placed)
		w.there.Pay(page.Text("id"), false)
		good, before := w.there.Events()[0], w.all()
		for _, m := range strangeMessages(t, w.clock.Now(), good, page) {
			got, err := w.stripe.Receive(context.Background(), m.signature, m.body, w)
			f, _ := err.(*fault.Fault)
			switch {
			case !m.refused && (err != nil || got.Outcome != m.typ):
				t.Errorf("%s: %+v %v, want %s", m.says, got, err, m.typ)
			case m.refused && (f == nil || f.Kind != fault.Malformed || f.Type != m.typ):
				t.Errorf("%s: %v, want %s", m.says, err, m.typ)
			}
		}
		if after := w.all(); after != before || w.look(placed.ID).State != order.Placed {
			t.Errorf("the books changed:\n%s\n%s", before, after)
		}
		if got := w.tell(good); got.Outcome != "handled" || w.look(placed.ID).State != order.Paid {
			t.Errorf("the message itself was %s", got.Outcome)
		}
	})
}

func TestStripeDisputes(t *testing.T) {
	for _, end := range []string{"won", "lost"} {
		t.Run(end, func(t *testing.T) {
			stripes(t, func(t *testing.T, w *till) {
				_, ord := w.boughtThere()
				intent := w.there.All("payment_intent")[0].Text("id")
				before := w.balance(ledger.Clearing("stripe"))
				w.there.Dispute(intent, "needs_response")
				w.tellAll()
				if held := w.balance(ledger.Clearing("stripe")); held != before-ord.Total.Minor-1500 || w.balance(ledger.Disputes("stripe")) != ord.Total.Minor {
					t.Errorf("disputed, Stripe holds %d of %d by the books", held, before)
				}
				w.there.Dispute(intent, end) // no message of it comes
				if err := w.orders.LookForDisputes(context.Background(), w.clock.Now().Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
				w.tellRest()
				want := before - 1500
				if end == "lost" {
					want -= ord.Total.Minor
				}
				if held := w.balance(ledger.Clearing("stripe")); held != want || w.balance(ledger.Disputes("stripe")) != 0 {
					t.Errorf("%s, the books say that Stripe holds %d, not %d", end, held, want)
				}
				w.world.sound()
			})
		})
	}
}

// A bank that answers later than the buyer keeps the order placed, whatever is asked of it meanwhile.
func TestStripeWaitsForTheBank(t *testing.T) {
	stripes(t, func(t *testing.T, w *till) {
		who, placed := w.place()
		page := w.goes(who, placed)
		w.there.Slow = true
		w.there.Pay(page.Text("id"), false)
		out, err := w.orders.ComeBack(context.Background(), who, placed.Checkout)
		if err != nil || out.State == order.PaySucceeded || out.State == order.PayCancelled {
			t.Errorf("came back to %+v, %v", out, err)
		}
		w.clock.Advance(payment.StripeLife + time.Second)
		w.sweep()
		if now := w.look(placed.ID).State; now != order.Placed {
			t.Errorf("let go of while its bank may still pay: %s", now)
		}
		w.there.Pay(page.Text("id"), true)
		w.tellAll()
		if now := w.look(placed.ID).State; now != order.Paid {
			t.Errorf("paid by the bank it is %s", now)
		}
		w.agree()
	})
}
