package order_test

import (
	"context"
	"fmt"
	"log/slog"
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
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// paymentOf is the newest attempt to pay an order.
func (w *world) paymentOf(ord id.Order) (pay id.Payment) {
	w.t.Helper()
	err := w.d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Row(`SELECT id FROM payments WHERE order_id = $1 ORDER BY attempt DESC LIMIT 1`, ord).Scan(&pay)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return pay
}

// disputed makes the bank dispute an amount of an order, zero for all of it.
func (w *world) disputed(o order.Order, minor int64) string {
	w.t.Helper()
	ref, err := w.sandbox.OpenDispute(context.Background(), w.paymentOf(o.ID), money.Of(minor, "USD"), "product_not_received")
	if err == nil {
		err = w.orders.Disputed(context.Background(), ref)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

// decided is the bank's word on a dispute.
func (w *world) decided(ref string, won bool) {
	w.t.Helper()
	_, err := w.sandbox.CloseDispute(context.Background(), ref, won)
	if err == nil {
		err = w.orders.Disputed(context.Background(), ref)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// What is posted when a bank disputes, before and after release and payout, to the leg.
func TestWhatDisputesPost(t *testing.T) {
	sold := func(w *world, stage string) order.Order {
		_, o := w.boughtUnits(2, payment.MethodVisa)
		w.bringTo(o, stage)
		return o
	}
	golden(t, "testdata/disputes.golden", []story{
		{"opened and won before the release", func(w *world) { w.decided(w.disputed(sold(w, "delivered"), 0), true) }},
		{"lost before it was sent", func(w *world) { w.decided(w.disputed(sold(w, "paid"), 0), false) }},
		{"lost before the release", func(w *world) { w.decided(w.disputed(sold(w, "delivered"), 0), false) }},
		{"won after the release", func(w *world) { w.decided(w.disputed(sold(w, "released"), 0), true) }},
		{"lost after the release", func(w *world) { w.decided(w.disputed(sold(w, "released"), 0), false) }},
		{"lost after the payout, the reserve used", func(w *world) {
			w.reserved(order.Reserve{Bps: 1000, Days: 90})
			o := sold(w, "released")
			w.paidOut()
			w.decided(w.disputed(o, 0), false)
		}},
		{"won after the payout", func(w *world) {
			o := sold(w, "released")
			w.paidOut()
			w.decided(w.disputed(o, 0), true)
		}},
		{"a third of it lost, the rest refunded", func(w *world) {
			o := sold(w, "delivered")
			w.decided(w.disputed(o, 1333), false)
			w.refunds(w.look(o.ID), units(o, 1, false))
			w.refunds(w.look(o.ID), units(o, 1, false))
		}},
		{"half of it lost with the tax in the price and a voucher of the platform, then the rest", func(w *world) {
			o := w.taxedWithVoucher()
			w.bringTo(o, "delivered")
			w.decided(w.disputed(o, o.Total.Minor/2), false)
			if g := w.taken(); o.Lines[0].Base.Minor != 22500 || g.base != 11251 || g.gmv != 11251 || g.commission != 1688 {
				w.t.Errorf("half of 225.00 (and of the shipping) is told as a base of %d, GMV of %d and a commission of %d", g.base, g.gmv, g.commission)
			}
			w.decided(w.disputed(o, w.undisputed(o)), false)
		}},
		{"of an order refunded whole, and lost", func(w *world) {
			o := sold(w, "delivered")
			w.refunds(o, units(o, 2, true))
			w.decided(w.disputed(o, 0), false)
		}},
	})
}

// While a bank disputes, nothing of the order is refunded, cancelled, returned, claimed or released; others
// are. What ends with the dispute goes on afterwards.
func TestADisputedOrderWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 20), context.Background()
		who, unsent := w.boughtUnits(2, payment.MethodVisa)
		ref := w.disputed(unsent, 500)
		for what, try := range map[string]func() error{
			"refund": func() error {
				_, err := w.orders.Refund(ctx, w.member, unsent.ID, units(unsent, 1, false))
				return err
			},
			"cancel": func() error { _, err := w.orders.Cancel(ctx, who, unsent.ID); return err },
			"claim": func() error {
				_, err := w.orders.Claim(ctx, who, unsent.ID, order.NewClaim{Says: "Nothing came."})
				return err
			},
			"return": func() error { _, err := w.orders.Return(ctx, who, unsent.ID, wish(unsent, 1, true)); return err },
		} {
			if err := try(); !fault.Is(err, fault.Conflict) || !strings.Contains(fmt.Sprint(err), "bank disputes") {
				t.Errorf("%s of a disputed order: %v", what, err)
			}
		}
		c.Advance(handling + day)
		w.sweep() // it was not sent in time, and stays
		if got := w.look(unsent.ID); got.Parts[0].State != order.Paid {
			t.Fatalf("the late part is %s", got.Parts[0].State)
		}
		w.bringTo(unsent, "delivered")
		c.Advance(30 * day)
		w.sweep()
		if got := w.look(unsent.ID); got.Parts[0].State != order.Delivered {
			t.Fatalf("in dispute the part is %s", got.Parts[0].State)
		}
		w.sound()
		w.decided(ref, true)
		w.sweep()
		if got := w.look(unsent.ID); got.Parts[0].State != order.Completed {
			t.Fatalf("after it was won the part is %s", got.Parts[0].State)
		}
		if held := w.balance(ledger.BrandHeld(w.brand)) + w.balance(ledger.CreatorHeld(w.creator)); held != 0 {
			t.Errorf("%d are held of nothing", held)
		}
		w.sound()
	})
}

// Partial disputes at every stage, won or lost, and a refund of the rest: everybody ends at zero, but for
// the fee and the shipping, which are the platform's to bear.
func TestDisputesAtEveryStage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		fees := int64(0)
		for i, first := range stages {
			for _, then := range stages[i:] {
				for _, minor := range []int64{1, 1234, 4001, 0} {
					_, sold := w.boughtUnits(3, payment.MethodVisa)
					w.bringTo(sold, first)
					w.decided(w.disputed(sold, 7), true)
					ref := w.disputed(sold, minor)
					if first == "paid" && then != "paid" {
						w.bringTo(sold, then)
					}
					w.decided(ref, false)
					fees += 2 * payment.DisputeFee
					full := w.look(sold.ID)
					for full.Lines[0].Left() > 0 {
						w.refunds(full, units(full, 1, false))
						full = w.look(sold.ID)
					}
					w.sound()
				}
			}
		}
		w.balances(map[ledger.Account]int64{ledger.CreatorPending(w.creator): 0, ledger.CreatorHeld(w.creator): 0, ledger.BrandHeld(w.brand): 0,
			ledger.Disputes("sandbox"): 0, ledger.DisputeFees: fees, ledger.FeeDeferred: 0, ledger.FeeIncome: 0})
		if got := w.balance(ledger.CreatorAvailable(w.creator)) - w.balance(ledger.CreatorOwes(w.creator)); got != 0 {
			t.Errorf("the creator is left with %d", got)
		}
	})
}

// The words of a dispute in any order, any number of times, leave the same books.
func TestDisputesAreToldInAnyOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 20), context.Background()
		_, sold := w.boughtUnits(2, payment.MethodVisa)
		pay := w.paymentOf(sold.ID)
		tell := func(state order.DisputeState) {
			t.Helper()
			_, err := w.orders.Dispute(ctx, order.ProviderDispute{Ref: "x", Key: pay, State: state, Amount: sold.Total, Fee: money.Of(1500, "USD"), OpenedAt: c.Now()})
			if err != nil {
				t.Fatal(err)
			}
		}
		tell(order.DisputeLost) // the first word was overtaken
		books := w.all()
		for _, again := range []order.DisputeState{order.DisputeOpen, order.DisputeLost, order.DisputeWon, order.DisputeOpen} {
			tell(again)
			if got := w.all(); got != books {
				t.Fatalf("told %s again, the books say\n%s\nnot\n%s", again, got, books)
			}
		}
		for what, wrong := range map[string]order.ProviderDispute{
			"no amount":         {Ref: "y", Key: pay, State: order.DisputeOpen, Amount: money.Of(0, "USD")},
			"another currency":  {Ref: "y", Key: pay, State: order.DisputeOpen, Amount: money.Of(5, "EUR")},
			"a negative fee":    {Ref: "y", Key: pay, State: order.DisputeOpen, Amount: money.Of(5, "USD"), Fee: money.Of(-1, "USD")},
			"another amount":    {Ref: "x", Key: pay, State: order.DisputeOpen, Amount: money.Of(5, "USD")},
			"no name":           {Key: pay, State: order.DisputeOpen, Amount: money.Of(5, "USD")},
			"a state of no one": {Ref: "y", Key: pay, State: "maybe", Amount: money.Of(5, "USD")},
		} {
			if _, err := w.orders.Dispute(ctx, wrong); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := w.orders.Dispute(ctx, order.ProviderDispute{Ref: "z", Key: "pay_nobodys", State: order.DisputeOpen, Amount: money.Of(5, "USD")}); !fault.Is(err, fault.Missing) {
			t.Errorf("of no payment: %v", err)
		}
		if got := w.all(); got != books {
			t.Error("what was refused changed the books")
		}
	})
}

// A brand says what speaks for it, until the bank takes no more; others' disputes it does not see.
func TestEvidence(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 20), context.Background()
		_, sold := w.boughtUnits(1, payment.MethodVisa)
		w.disputed(sold, 0)
		list, err := w.orders.BrandDisputes(ctx, w.member, w.brand, order.DisputeOpen, "", 10)
		if err != nil || len(list) != 1 || list[0].Of(w.brand).Own.Minor == 0 || list[0].DueBy.IsZero() {
			t.Fatalf("the brand's disputes: %+v %v", list, err)
		}
		did := list[0].ID
		submit := func(says string) error {
			_, err := w.orders.SubmitEvidence(ctx, w.member, w.brand, did, says)
			return err
		}
		for _, says := range []string{"", "  ", "\x00", strings.Repeat("a", order.MaxEvidence+1)} {
			if err := submit(says); !fault.Is(err, fault.Invalid) {
				t.Errorf("evidence of %d bytes: %v", len(says), err)
			}
		}
		if err := submit("Sent on Monday."); err != nil {
			t.Fatal(err)
		}
		if err := submit("Sent on Monday, " + payment.EvidenceWins); err != nil {
			t.Fatal(err)
		}
		if err := w.orders.LookForDisputes(ctx, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		got, err := w.orders.BrandDispute(ctx, w.member, w.brand, did)
		if err != nil || got.State != order.DisputeWon || len(got.Evidence) != 1 || !strings.HasPrefix(got.Evidence[0].Says, "Sent on Monday, ") {
			t.Fatalf("%+v %v", got, err)
		}
		if err := submit("One more thing."); !fault.Is(err, fault.Conflict) {
			t.Errorf("after the decision: %v", err)
		}
		if _, err := w.orders.BrandDispute(ctx, w.shopper(), w.brand, did); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("a stranger sees it: %v", err)
		}
		_, late := w.boughtUnits(1, payment.MethodVisa)
		w.disputed(late, 0)
		list, err = w.orders.BrandDisputes(ctx, w.member, w.brand, order.DisputeOpen, "", 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		c.Advance(payment.EvidenceFor)
		did = list[0].ID
		if err := submit("Too late."); !fault.Is(err, fault.Conflict) {
			t.Errorf("after the time for it: %v", err)
		}
		if err := w.sandbox.Deliver(ctx, w.sandbox.Hear(w.orders, nil)); err != nil { // nobody answered: lost
			t.Fatal(err)
		}
		w.sweep()
		if all, err := w.orders.OperatorDisputes(ctx, account.Asker{Account: w.member.Account, Operator: true}, order.DisputeLost, "", 10); err != nil || len(all) != 1 || all[0].Order != late.ID {
			t.Errorf("lost: %+v %v", all, err)
		}
		w.sound()
	})
}

// A commission that is undecided when the bank disputes is frozen once it is decided.
func TestADisputeBeforeTheDecision(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 20)
		w.log.hold(true)
		_, sold := w.boughtUnits(2, payment.MethodVisa)
		ref := w.disputed(sold, 0)
		w.sound()
		if _, err := w.sandbox.CloseDispute(context.Background(), ref, false); err != nil {
			t.Fatal(err)
		}
		if err := w.orders.Disputed(context.Background(), ref); !fault.Is(err, fault.Conflict) {
			t.Fatalf("lost before it is known whose it was: %v", err)
		}
		w.log.hold(false)
		w.sweep()
		w.decided(ref, false)
		if got := w.look(sold.ID); got.State != order.Cancelled || got.Parts[0].CancelledBy != "bank" {
			t.Errorf("it is %s, by %s", got.State, got.Parts[0].CancelledBy)
		}
		w.sound()
	})
}

// Check names a dispute whose postings are missing.
func TestCheckNamesDisputes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 20)
		_, sold := w.boughtUnits(2, payment.MethodVisa)
		w.disputed(sold, 0)
		w.sound()
		w.exec(`INSERT INTO disputes(id, order_id, payment_id, provider, provider_ref, currency, amount_minor, covered_minor, state, opened_at, created_at, updated_at)
			SELECT 'dsp_00000000000000000000000000', order_id, payment_id, provider, 'other', currency, 5, 0, 'lost', 0, 0, 0 FROM disputes`)
		w.exec(`UPDATE commissions SET disputed_minor = disputed_minor - 1`)
		report, err := w.orders.Check(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(report.Problems, "\n")
		for _, want := range []string{"has no transfer that withholds", "booked nowhere", "how much is held of it", "that it was disputed"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not said in\n%s", want, said)
			}
		}
	})
}

// A payment whose bank takes its time is made when its word comes, comes twice, or is lost and the sweep asks.
func TestASlowPayment(t *testing.T) {
	for name, fate := range map[string]payment.Fate{"told": {Times: 1}, "told three times": {Times: 3}, "told late": {Times: 1, After: 3 * time.Minute}, "lost": {}} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				w, ctx := newWorld(t, d, c, 20), context.Background()
				w.sandbox = w.sandbox.Over(func(payment.Hook) payment.Fate { return fate })
				w.over(w.sandbox)
				who := w.shopper()
				placed, err := w.checkout(who, 1)
				if err != nil {
					t.Fatal(err)
				}
				if out, err := w.pay(who, placed, payment.MethodSlow); err != nil || out.State != order.PayStarted {
					t.Fatalf("pay: %+v %v", out, err)
				}
				for range 5 {
					if err := w.sandbox.Deliver(ctx, w.sandbox.Hear(w.orders, nil)); err != nil {
						t.Fatal(err)
					}
					w.sweep()
					w.sound()
					c.Advance(time.Minute)
				}
				if got := w.look(placed.ID); got.State != order.Paid {
					t.Errorf("it is %s", got.State)
				}
				w.oncePerOrder()
			})
		})
	}
}

// over joins the orders to another provider.
func (w *world) over(p order.Provider) {
	w.orders = order.New(order.Parts{DB: w.d, Keys: w.keys, Provider: p, Log: w.log, Logger: slog.New(slog.DiscardHandler)},
		order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
}

// A brand reads of a dispute what is its own: not what the buyer paid to others.
func TestABrandSeesItsOwnPartOfADispute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		m, ctx := newMortal(t, d, c), context.Background()
		o := m.paid()
		m.disputed(o, 0)
		brand := o.Parts[0].Brand
		who := account.Asker{Account: m.member.Account, Brands: map[id.Brand]account.Role{brand: account.Owner}}
		list, err := m.orders.BrandDisputes(ctx, who, brand, "", "", 10)
		if err != nil || len(list) != 1 {
			t.Fatal(len(list), err)
		}
		one, err := m.orders.BrandDispute(ctx, who, brand, list[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, seen := range []order.Dispute{list[0], one} {
			if seen.Amount != o.Parts[0].Total || seen.Covered != seen.Amount || !seen.Fee.IsZero() {
				t.Errorf("the brand reads %s, %s and a fee of %s; its part is %s", seen.Amount, seen.Covered, seen.Fee, o.Parts[0].Total)
			}
		}
	})
}
