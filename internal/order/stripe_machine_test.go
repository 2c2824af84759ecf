package order_test

import (
	"context"
	"flag"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
	"mezzo/internal/sample"
)

// hosted is the machine of sales whose buyers pay on Stripe's page: a server of ours that is down, loses its answers and
// takes its time, and whose messages come repeated, in another order, late or not at all.
type hosted struct {
	*sales
	till  *till
	pages []lying
}

// lying is a page at Stripe that its buyer has left open.
type lying struct {
	bought
	page string
}

func (h *hosted) there() *stripetest.Server { return h.till.there }

// buyThere goes to Stripe's page, pays there or leaves it, and comes back or not.
func (h *hosted) buyThere(t *rapid.T) {
	who := h.shopper()
	placed, err := h.rings(t, who)
	if h.fine(t, "checkout", err); err != nil {
		return
	}
	out, err := h.world.orders.Pay(context.Background(), who, placed.Checkout, order.Payment{Method: payment.MethodHosted, Expected: placed.Total, ReturnURL: "/checkout/" + string(placed.Checkout)})
	if h.fine(t, "pay", err); err != nil || out.State != order.PayRedirected {
		return
	}
	h.pages = append(h.pages, lying{bought{who: who, order: placed.ID, at: placed}, out.Redirect[strings.LastIndexByte(out.Redirect, '/')+1:]})
	if rapid.IntRange(0, 3).Draw(t, "pays at once") > 0 {
		h.payThere(t, len(h.pages)-1, false)
	}
}

// payThere pays on a page, and its buyer comes back or closes the window.
func (h *hosted) payThere(t *rapid.T, i int, late bool) {
	p := h.pages[i]
	if !h.there().Pay(p.page, late) {
		return
	}
	h.pages = append(h.pages[:i], h.pages[i+1:]...)
	h.orders = append(h.orders, p.bought)
	if rapid.Bool().Draw(t, "comes back") {
		_, err := h.world.orders.ComeBack(context.Background(), p.who, p.at.Checkout)
		h.fine(t, "come back", err)
	}
}

func (h *hosted) disputeThere(t *rapid.T) {
	list := h.there().All("payment_intent")
	if len(list) == 0 {
		t.Skip("nothing is paid")
	}
	intent := rapid.SampledFrom(list).Draw(t, "charge")
	if ref := h.there().DisputePart(intent.Text("id"), rapid.Int64Range(1, intent.Number("amount")).Draw(t, "disputed")); ref != "" {
		h.heard(t, ref)
	}
}

func (h *hosted) bankDecidesThere(t *rapid.T) {
	for _, d := range h.there().All("dispute") {
		if d["status"] == "needs_response" && rapid.Bool().Draw(t, "decides") {
			h.there().EndDispute(d.Text("id"), rapid.SampledFrom([]string{"won", "lost"}).Draw(t, "end"))
			h.heard(t, d.Text("id"))
		}
	}
}

// tell delivers some of what Stripe has to tell, old and new, in any order, some of it more than once.
func (h *hosted) tell(t *rapid.T) {
	all := h.there().Events()
	if len(all) == 0 {
		t.Skip("nothing has happened")
	}
	for range rapid.IntRange(1, 6).Draw(t, "messages") {
		h.receive(t, all[rapid.IntRange(0, len(all)-1).Draw(t, "message")])
	}
}

func (h *hosted) receive(t *rapid.T, body []byte) {
	_, err := h.till.stripe.Receive(context.Background(), stripetest.Sign(stripetest.Secret, h.clock.Now(), body), body, h.till)
	h.fine(t, "a message", err)
}

// refundsThere says whether refunds take their time from now on, and ends some of those that do.
func (h *hosted) refundsThere(t *rapid.T) {
	h.there().Refunds = rapid.SampledFrom([]string{"", "pending"}).Draw(t, "refunds")
	for _, r := range h.there().All("refund") {
		if r["status"] != "pending" {
			continue
		}
		asked, _ := r["metadata"].(stripetest.Object)
		end := "succeeded"
		if strings.HasPrefix(asked.Text("mezzo_refund"), "refund:") && rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
			end = "failed"
		}
		h.there().SettleRefund(r.Text("id"), end)
	}
}

func (h *hosted) silence(t *rapid.T) {
	h.silent = true
	if rapid.Bool().Draw(t, "it did it") {
		h.there().Lose(true)
	} else {
		h.there().Down(true)
	}
}

// later turns the clock. What Stripe refused of money that came too late is asked for as often as is swept.
func (h *hosted) later(d time.Duration) {
	h.log.hold(false)
	for range 2 {
		if err := h.world.orders.Sweep(context.Background()); err != nil && !h.silent && h.count(`SELECT COUNT(*) FROM payment_returns WHERE state = 'refused'`) == 0 {
			h.t.Fatal(err)
		}
		h.clock.Advance(d)
		d = 0
		h.silent = false
		h.there().Lose(false)
		h.there().Down(false)
	}
}

// ends brings everything to its end, and holds the books against Stripe's: I9.
func (h *hosted) ends(t *rapid.T) {
	ctx := context.Background()
	h.there().Refunds = ""
	for range 3 {
		for _, r := range h.there().All("refund") {
			if r["status"] == "pending" {
				h.there().SettleRefund(r.Text("id"), "succeeded")
			}
		}
		for _, d := range h.there().All("dispute") {
			if d["status"] == "needs_response" {
				h.there().EndDispute(d.Text("id"), "won")
			}
		}
		h.later(40 * time.Minute)
		h.fine(t, "look for disputes", h.world.orders.LookForDisputes(ctx, time.Unix(0, 0)))
		for _, body := range h.there().Events() {
			h.receive(t, body)
		}
	}
	h.invariants(t)
	var fees int64
	for _, l := range h.there().All("balance_transaction") {
		if l["type"] == "charge" {
			fees += l.Number("fee")
		}
	}
	if held, booked := h.there().Held()+fees, h.balance(ledger.Clearing("stripe")); held != booked {
		t.Fatalf("Stripe holds %d before its fees, and the books say %d", held, booked)
	}
	if n := h.count(`SELECT COUNT(*) FROM payments WHERE state IN ('started','redirected','returning')`); n != 0 {
		t.Fatalf("%d payments have not come to an end", n)
	}
}

// The same life with Stripe's page: after each step the books are sound, and in the end they are Stripe's.
func TestMoneyMachineWithStripe(t *testing.T) {
	run := func(t *testing.T, n string, fresh func() db.Options) {
		for name, value := range map[string]string{"rapid.checks": n, "rapid.steps": machineSteps} {
			if f := flag.Lookup(name); f.Value.String() == f.DefValue {
				before := f.DefValue
				if err := f.Value.Set(value); err != nil {
					t.Fatal(err)
				}
				defer f.Value.Set(before)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			c, o := clock.NewManual(dbtest.Start), fresh()
			o.Clock = c
			d, err := db.Open(context.Background(), o)
			if err != nil {
				rt.Fatal(err)
			}
			defer d.Close()
			w := newWorld(rt, d, c, unitsOfEach)
			h := &hosted{sales: &sales{world: w}, till: &till{world: w, there: stripetest.New(c)}}
			defer h.there().Close()
			h.till.stripe, err = payment.NewStripe(d, payment.StripeOptions{Key: stripetest.Key, Secrets: []string{stripetest.Secret}, URL: h.there().URL, Public: "http://localhost:8080"})
			if err != nil {
				rt.Fatal(err)
			}
			w.orders = order.New(order.Parts{DB: d, Keys: w.keys, Provider: h.till.stripe, Log: w.log, Logger: slog.New(slog.DiscardHandler)},
				order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
			h.settles(rt)
			h.samples = sample.New(d)
			rt.Repeat(h.actions())
			h.ends(rt)
		})
	}
	t.Run("sqlite", func(t *testing.T) { run(t, "10", func() db.Options { return db.Options{Dir: t.TempDir()} }) })
	t.Run("postgres", func(t *testing.T) {
		run(t, "3", func() db.Options { return db.Options{URL: dbtest.NewPostgresURL(t)} })
	})
}

func (h *hosted) actions() map[string]func(*rapid.T) {
	all := h.sales.actions()
	for name, act := range map[string]func(*rapid.T){
		"buy": h.buyThere, "buy more": h.buyThere,
		"pay late": func(t *rapid.T) {
			if len(h.pages) == 0 {
				t.Skip("no page is open")
			}
			h.payThere(t, rapid.IntRange(0, len(h.pages)-1).Draw(t, "page"), rapid.Bool().Draw(t, "though it is over"))
		},
		"dispute": h.disputeThere, "the bank decides": h.bankDecidesThere, "words arrive": h.tell, "told again": h.tell,
		"refunds take time": h.refundsThere, "the provider is silent": h.silence,
		"days later":     func(t *rapid.T) { h.later(time.Duration(rapid.IntRange(1, 7).Draw(t, "days")) * day) },
		"a hold later":   func(*rapid.T) { h.later(15 * day) },
		"a minute later": func(*rapid.T) { h.later(time.Minute) },
	} {
		all[name] = act
	}
	for _, name := range []string{"pay out", "pay out more", "give up a debt", "pay a carrier", "ask for a sample"} { // of the machine with payouts
		delete(all, name)
	}
	return all
}
