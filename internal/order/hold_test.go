package order_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

const day = 24 * time.Hour

// handling is how long the world's brand has to hand a paid order over.
const handling = catalog.DefaultHandling*day + order.LateAfter

func (w *world) claims(who account.Asker, o order.Order) order.Claim {
	w.t.Helper()
	c, err := w.orders.Claim(context.Background(), who, o.ID, order.NewClaim{Says: "Nothing came."})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// reserved is the world with a house that keeps money of its brands back.
func (w *world) reserved(r order.Reserve) {
	w.orders = order.New(order.Parts{DB: w.d, Keys: w.keys, Provider: w.sandbox, Log: w.log, Logger: slog.New(slog.DiscardHandler)},
		order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays, Reserve: r})
}

// paidOut takes everything available away from the brand, to where no test looks for it.
func (w *world) paidOut() {
	w.t.Helper()
	w.n++
	left := w.balance(ledger.BrandAvailable(w.brand))
	err := w.d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: fmt.Sprintf("recovered:test:%d", w.n), Kind: ledger.KindRecovered, Currency: "USD",
			Legs: []ledger.Leg{ledger.Debit(ledger.BrandAvailable(w.brand), left), ledger.Credit(ledger.CreatorOwes("crt_elsewhere"), left)}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// What is not sent within the promised time and three days more cancels itself: the buyer has everything
// back, the units are for sale again, and the creator's program remembers.
func TestWhatIsNotSentCancelsItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		_, sold := w.boughtUnits(3, payment.MethodVisa)
		if got := w.look(sold.ID).Parts[0]; !got.ShipBy.Equal(got.PaidAt.Add(handling)) || got.HandlingDays != catalog.DefaultHandling {
			t.Fatalf("to be sent by %s, paid at %s", got.ShipBy, got.PaidAt)
		}
		c.Advance(handling - time.Second)
		w.sweep()
		if got := w.look(sold.ID); got.State != order.Paid {
			t.Fatal("cancelled too early")
		}
		c.Advance(time.Second)
		w.sweep()
		w.sweep()
		got := w.look(sold.ID)
		if got.State != order.Cancelled || got.Parts[0].CancelledBy != "late" || got.Refunded != got.Total || len(got.Refunds) != 1 || got.Refunds[0].State != order.RefundConfirmed {
			t.Errorf("%s by %s: %s of %s", got.State, got.Parts[0].CancelledBy, got.Refunded, got.Total)
		}
		if n := w.count(`SELECT on_hand FROM stock`); n != 10 {
			t.Errorf("%d units are on hand", n)
		}
		if n := w.count(`SELECT brand_cancelled FROM commissions`); n != 1 {
			t.Error("the program does not remember it")
		}
		w.zero()
		w.sound()
	})
}

// Of a part that was sent in part, only what was not is cancelled; the rest goes its way.
func TestWhatIsLeftUnsentCancelsItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		sold := w.twoLines(w.otherVariant())
		s, err := w.orders.Ship(ctx, w.member, sold.ID, order.NewShipment{Lines: []id.Line{sold.Lines[0].ID}, Carrier: "Post"})
		if err != nil {
			t.Fatal(err)
		}
		c.Advance(handling)
		w.sweep()
		got := w.look(sold.ID)
		if got.State != order.Paid || got.Parts[0].State != order.Shipped || len(got.Refunds) != 1 || !got.Refunds[0].Shipping.IsZero() {
			t.Fatalf("%s %s %+v", got.State, got.Parts[0].State, got.Refunds)
		}
		if _, err := w.orders.Delivered(ctx, w.member, s.ID); err != nil {
			t.Fatal(err)
		}
		c.Advance(16 * day)
		w.sweep()
		if got := w.look(sold.ID).Parts[0]; got.State != order.Completed {
			t.Errorf("the rest is %s", got.State)
		}
		w.sound()
	})
}

// A brand that calls an attributed order off is counted, a buyer who does is not.
func TestWhoCancelledIsRemembered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		_, first := w.boughtUnits(1, payment.MethodVisa)
		who, second := w.boughtUnits(1, payment.MethodVisa)
		_, third := w.boughtUnits(1, payment.MethodVisa)
		w.refunds(first, units(first, 1, false))
		if _, err := w.orders.Cancel(ctx, who, second.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.orders.Refund(ctx, account.Asker{Account: w.person("op"), Operator: true}, third.ID, units(third, 1, false)); err != nil {
			t.Fatal(err)
		}
		for i, x := range []struct {
			order order.Order
			by    string
			n     int64
		}{{first, "brand", 1}, {second, "buyer", 0}, {third, "operator", 0}} {
			if got := w.look(x.order.ID).Parts[0].CancelledBy; got != x.by {
				t.Errorf("order %d was cancelled by %q, want %s", i+1, got, x.by)
			}
			if n := w.count(`SELECT brand_cancelled FROM commissions WHERE order_id = $1`, x.order.ID); n != x.n {
				t.Errorf("order %d counts %d against the program", i+1, n)
			}
		}
		listed := func() affiliate.Listing {
			list, err := affiliateOf(w).Marketplace(ctx, w.earner, affiliate.Market{Limit: 2})
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v %v", list, err)
			}
			return list[0]
		}
		if got := listed(); got.CancelRate == nil || *got.CancelRate != 1.0/3 || got.N.Won != 3 {
			t.Errorf("the program says %v of %d", got.CancelRate, got.N.Won)
		}
		c.Advance(affiliate.CancelsOver + time.Minute)
		if got := listed(); got.CancelRate != nil || got.N.Won != 0 {
			t.Errorf("and %v of %d when it is long ago", got.CancelRate, got.N.Won)
		}
		w.sound()
	})
}

// A buyer who says that nothing came stops the release. A brand without proof pays after three days of
// silence: everything, with the shipping.
func TestAClaimOfASilentBrandIsPaid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		who, sold := w.boughtUnits(2, payment.MethodVisa)
		w.bringTo(sold, "delivered")
		c.Advance(15*day - time.Hour)
		w.claims(who, sold)
		c.Advance(order.ProofWithin - time.Second)
		w.sweep()
		if got := w.look(sold.ID); got.Parts[0].State != order.Delivered || len(got.Refunds) != 0 {
			t.Fatalf("%s with %d refunds while the claim is open", got.Parts[0].State, len(got.Refunds))
		}
		c.Advance(time.Second)
		w.sweep()
		got := w.look(sold.ID)
		if cl := got.Claims[0]; cl.State != order.ClaimRefunded || cl.DecidedBy != "platform" || got.Refunded != got.Total {
			t.Errorf("%+v: %s of %s", cl, got.Refunded, got.Total)
		}
		w.sweep()
		w.zero()
		w.sound()
	})
}

// A brand that proves the delivery is paid, but not before the buyer could turn to the operator, who may
// decide against the proof.
func TestAProvenDeliveryIsReleased(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		who, sold := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(sold, "shipped") // the brand has never said that it came
		if _, err := w.orders.Claim(ctx, who, sold.ID, order.NewClaim{Says: "Where is it?"}); !fault.Is(err, fault.Conflict) {
			t.Fatalf("claimed at once: %v", err)
		}
		c.Advance(order.TransitDays * day)
		cl := w.claims(who, sold)
		got, err := w.orders.AnswerClaim(ctx, w.member, cl.ID, "Signed for by A. Lovelace on 12 March, see post.example/RX1", false)
		if err != nil || got.State != order.ClaimProven {
			t.Fatalf("%+v %v", got, err)
		}
		part := w.look(sold.ID).Parts[0]
		if part.State != order.Delivered || !part.Proven || !part.ReleaseAt.Equal(c.Now().Add(15*day)) {
			t.Errorf("%s, to be released at %s", part.State, part.ReleaseAt)
		}
		if _, err := w.orders.Claim(ctx, who, sold.ID, order.NewClaim{Says: "No!"}); !fault.Is(err, fault.Conflict) {
			t.Errorf("claimed twice: %v", err)
		}
		if _, err := w.orders.AnswerClaim(ctx, w.member, cl.ID, "", true); !fault.Is(err, fault.Conflict) {
			t.Errorf("the brand gives back against its own proof: %v", err)
		}
		c.Advance(15 * day)
		w.sweep()
		if got := w.look(sold.ID).Parts[0]; got.State != order.Completed {
			t.Errorf("the part is %s", got.State)
		}
		operator := account.Asker{Account: w.person("op"), Operator: true}
		if got, err := w.orders.AnswerClaim(ctx, operator, cl.ID, "", true); err != nil || got.State != order.ClaimRefunded {
			t.Errorf("the operator decides against the proof: %+v %v", got, err)
		}
		w.zero()
		w.sound()
	})
}

// A proof just before the release leaves the buyer three days; a buyer who has it after all leaves nothing open.
func TestAClaimPutsTheReleaseOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		who, first := w.boughtUnits(1, payment.MethodVisa)
		other, second := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(first, "delivered")
		w.bringTo(second, "delivered")
		due := w.look(second.ID).Parts[0].ReleaseAt
		c.Advance(15*day - time.Minute)
		proven, gone := w.claims(who, first), w.claims(other, second)
		if _, err := w.orders.AnswerClaim(ctx, w.member, proven.ID, "Photograph of the porch, with it on it.", false); err != nil {
			t.Fatal(err)
		}
		if got, err := w.orders.WithdrawClaim(ctx, other, gone.ID); err != nil || got.State != order.ClaimWithdrawn {
			t.Fatalf("%+v %v", got, err)
		}
		if got := w.look(first.ID).Parts[0]; !got.ReleaseAt.Equal(c.Now().Add(order.ProofRests)) {
			t.Errorf("released at %s", got.ReleaseAt)
		}
		if got := w.look(second.ID).Parts[0]; !got.ReleaseAt.Equal(due) || !got.Proven {
			t.Errorf("released at %s, not at %s", got.ReleaseAt, due)
		}
		c.Advance(time.Hour)
		w.sweep()
		if a, b := w.look(first.ID).Parts[0].State, w.look(second.ID).Parts[0].State; a != order.Delivered || b != order.Completed {
			t.Errorf("the proven one is %s, the other %s", a, b)
		}
		c.Advance(order.ProofRests)
		w.sweep()
		if a := w.look(first.ID).Parts[0].State; a != order.Completed {
			t.Errorf("the proven one is %s", a)
		}
		w.sound()
	})
}

func TestClaimsThatAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		who, sold := w.boughtUnits(2, payment.MethodVisa)
		claim := func(who account.Asker, o order.Order, says string) error {
			return over(w.orders.Claim(ctx, who, o.ID, order.NewClaim{Says: says}))
		}
		if err := claim(who, sold, "Where?"); !fault.Is(err, fault.Conflict) {
			t.Errorf("not sent: %v", err)
		}
		w.bringTo(sold, "delivered")
		rival := account.Asker{Account: w.person("rival")}
		cl := w.claims(who, sold)
		back, returned := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(returned, "delivered")
		w.wishes(back, returned, wish(returned, 1, false))
		done, released := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(released, "delivered")
		empty, gone := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(gone, "delivered")
		w.refunds(gone, units(gone, 1, false))
		for name, x := range map[string]struct {
			err  error
			want fault.Kind
		}{
			"a stranger claims":      {claim(w.shopper(), sold, "Where?"), fault.Missing},
			"nothing said":           {claim(who, sold, "  "), fault.Invalid},
			"claimed again":          {claim(who, sold, "Still not"), fault.Conflict},
			"what comes back":        {claim(back, returned, "Where?"), fault.Conflict},
			"what was refunded":      {claim(empty, gone, "Where?"), fault.Conflict},
			"another's part":         {over(w.orders.Claim(ctx, who, sold.ID, order.NewClaim{Part: returned.Parts[0].ID, Says: "x"})), fault.Missing},
			"a rival answers":        {over(w.orders.AnswerClaim(ctx, rival, cl.ID, "It was delivered.", false)), fault.Missing},
			"the buyer answers":      {over(w.orders.AnswerClaim(ctx, who, cl.ID, "It was delivered.", false)), fault.Missing},
			"no proof":               {over(w.orders.AnswerClaim(ctx, w.member, cl.ID, "It was.", false)), fault.Invalid},
			"the brand withdraws":    {over(w.orders.WithdrawClaim(ctx, w.member, cl.ID)), fault.Missing},
			"of nothing there is":    {over(w.orders.WithdrawClaim(ctx, who, "clm_nothing")), fault.Missing},
			"an unknown state":       {over(w.orders.BrandClaims(ctx, w.member, w.brand, "lost", "", 10)), fault.Invalid},
			"a rival reads the list": {over(w.orders.BrandClaims(ctx, rival, w.brand, "", "", 10)), fault.Missing},
		} {
			if !fault.Is(x.err, x.want) {
				t.Errorf("%s: %v, want %s", name, x.err, x.want)
			}
		}
		if list, err := w.orders.BrandClaims(ctx, w.member, w.brand, order.ClaimOpen, "", 10); err != nil || len(list) != 1 || list[0].ID != cl.ID {
			t.Errorf("%+v %v", list, err)
		}
		c.Advance(16 * day)
		w.sweep()
		if err := claim(done, released, "Where?"); !fault.Is(err, fault.Conflict) {
			t.Errorf("released: %v", err)
		}
		w.sound()
	})
}

// A tenth of the brand's share is kept back at the release and let go in time; what the brand has to give
// back meanwhile and has not is paid from it; debts come first when the rest is let go.
func TestARollingReserve(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 100), context.Background()
		operator := account.Asker{Account: w.person("op"), Operator: true}
		if _, err := w.orders.SetReserve(ctx, operator, w.brand, order.Reserve{Bps: 1000, Days: 30}, "New here"); err != nil {
			t.Fatal(err)
		}
		_, sold := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(sold, "released")
		w.balances(map[ledger.Account]int64{ledger.BrandReserve(w.brand): 158, ledger.BrandAvailable(w.brand): 1579 + 499 - 158})
		w.sound()
		c.Advance(30*day - 16*day)
		w.sweep()
		w.balances(map[ledger.Account]int64{ledger.BrandReserve(w.brand): 158})
		c.Advance(16 * day)
		w.sweep()
		w.sweep()
		w.balances(map[ledger.Account]int64{ledger.BrandReserve(w.brand): 0, ledger.BrandAvailable(w.brand): 1579 + 499})
		w.sound()

		// Everything is paid out, then refunded: the reserve of a second sale pays what it can.
		_, second := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(second, "released")
		w.paidOut()
		w.refunds(second, units(second, 1, true))
		w.balances(map[ledger.Account]int64{ledger.BrandReserve(w.brand): 0, ledger.BrandAvailable(w.brand): 0, ledger.BrandOwes(w.brand): 1579 + 499 - 158})
		c.Advance(31 * day)
		w.sweep()
		w.balances(map[ledger.Account]int64{ledger.BrandReserve(w.brand): 0, ledger.BrandOwes(w.brand): 1579 + 499 - 158})

		w.sound()
		// What a third sale brings pays the debt first, and its reserve when it is let go.
		_, third := w.boughtUnits(1, payment.MethodVisa)
		w.bringTo(third, "released")
		w.balances(map[ledger.Account]int64{ledger.BrandAvailable(w.brand): 0, ledger.BrandOwes(w.brand): 0, ledger.BrandReserve(w.brand): 158})
		w.sound()
	})
}

// A refund that the provider refuses gives back what it drew of the reserve, as money the brand has.
func TestARefusedRefundGivesTheReserveBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 100)
		w.reserved(order.Reserve{Bps: 1000, Days: 30})
		_, sold := w.boughtUnits(1, payment.MethodRefundFails)
		w.bringTo(sold, "released")
		w.paidOut()
		if r := w.refunds(sold, units(sold, 1, false)); r.State != order.RefundFailed {
			t.Fatalf("%+v", r)
		}
		w.balances(map[ledger.Account]int64{ledger.BrandReserve(w.brand): 0, ledger.BrandOwes(w.brand): 0, ledger.BrandAvailable(w.brand): 158})
		w.sound()
	})
}

func TestReserveTerms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 10), context.Background()
		w.reserved(order.Reserve{Bps: 500, Days: 10})
		operator := account.Asker{Account: w.person("op"), Operator: true}
		if got, err := w.orders.ReserveTerms(ctx, w.member, w.brand); err != nil || got.Own || got.Bps != 500 || got.Days != 10 {
			t.Errorf("%+v %v", got, err)
		}
		for name, x := range map[string]struct {
			err  error
			want fault.Kind
		}{
			"the brand sets it":  {over(w.orders.SetReserve(ctx, w.member, w.brand, order.Reserve{}, "Please")), fault.Missing},
			"a rival reads it":   {over(w.orders.ReserveTerms(ctx, account.Asker{Account: w.person("rival")}, w.brand)), fault.Missing},
			"without a reason":   {over(w.orders.SetReserve(ctx, operator, w.brand, order.Reserve{Bps: 1}, " ")), fault.Invalid},
			"more than there is": {over(w.orders.SetReserve(ctx, operator, w.brand, order.Reserve{Bps: 10_001}, "x")), fault.Invalid},
			"for too long":       {over(w.orders.SetReserve(ctx, operator, w.brand, order.Reserve{Days: 366}, "x")), fault.Invalid},
			"of no brand":        {over(w.orders.SetReserve(ctx, operator, "brd_nothing", order.Reserve{}, "x")), fault.Missing},
		} {
			if !fault.Is(x.err, x.want) {
				t.Errorf("%s: %v, want %s", name, x.err, x.want)
			}
		}
		for _, in := range []order.Reserve{{Bps: 2000, Days: 60}, {}} { // the last one counts
			c.Advance(time.Hour)
			got, err := w.orders.SetReserve(ctx, operator, w.brand, in, "Looked at")
			if err != nil || !got.Own || got.Reserve != in || got.Reason != "Looked at" {
				t.Errorf("%+v %v", got, err)
			}
		}
	})
}

// What holds post, leg by leg, the same on both engines.
func TestGoldenHolds(t *testing.T) {
	ctx := context.Background()
	golden(t, "testdata/holds.golden", []story{
		{"not sent in time", func(w *world) {
			w.boughtUnits(2, payment.MethodVisa)
			w.clock.Advance(handling)
			w.sweep()
		}},
		{"never came, and the brand says nothing", func(w *world) {
			who, sold := w.boughtUnits(1, payment.MethodVisa)
			w.bringTo(sold, "delivered")
			w.claims(who, sold)
			w.clock.Advance(order.ProofWithin)
			w.sweep()
		}},
		{"never came, it is said, and the brand proves that it did", func(w *world) {
			who, sold := w.boughtUnits(1, payment.MethodVisa)
			w.bringTo(sold, "shipped")
			w.clock.Advance(order.TransitDays * day)
			if _, err := w.orders.AnswerClaim(ctx, w.member, w.claims(who, sold).ID, "Signed for by A. Lovelace", false); err != nil {
				w.t.Fatal(err)
			}
			w.clock.Advance(15 * day)
			w.sweep()
		}},
		{"a tenth kept back and let go", func(w *world) {
			w.reserved(order.Reserve{Bps: 1000, Days: 30})
			_, sold := w.boughtUnits(1, payment.MethodVisa)
			w.bringTo(sold, "released")
			w.clock.Advance(30 * day)
			w.sweep()
		}},
		{"a tenth kept back, everything refunded", func(w *world) {
			w.reserved(order.Reserve{Bps: 1000, Days: 30})
			_, sold := w.boughtUnits(1, payment.MethodVisa)
			w.bringTo(sold, "released")
			w.refunds(sold, units(sold, 1, true))
		}},
	})
}
