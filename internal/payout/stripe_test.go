package payout_test

import (
	"strings"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payment/stripetest"
	"mezzo/internal/payout"
)

// connected is a house that is paid by Stripe and pays out by transfers.
type connected struct {
	*house
	there  *stripetest.Server
	stripe *payment.Stripe
}

func connects(t *testing.T, f func(t *testing.T, h *connected)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		h := &connected{house: open(t, d, c), there: stripetest.New(c)}
		t.Cleanup(h.there.Close)
		var err error
		h.stripe, err = payment.NewStripe(d, payment.StripeOptions{Key: stripetest.Key, Secrets: []string{stripetest.Secret}, URL: h.there.URL, Public: "http://localhost"})
		h.must(err)
		h.Payouts = payout.New(d, payout.Options{Vault: h.vault, Rails: []payout.Rail{payout.Stripe(h.stripe), payout.Manual("main")}, Prove: prove, Report: h.stripe})
		h.known()
		f(t, h)
	})
}

// captures makes a sale that was paid at Stripe and whose hold has passed, and returns its payment at Stripe.
func (h *connected) captures(share, commission int64) (id.Payment, string) {
	h.t.Helper()
	var pay id.Payment
	pay = pay.Next(h.clock.Now())
	total := usd(share + commission)
	charge := must(h.stripe.Charge(ctx, order.ChargeRequest{Key: pay, Amount: total, Method: payment.MethodHosted}))(h.t)
	if !h.there.Pay(charge.RedirectURL[strings.LastIndexByte(charge.RedirectURL, '/')+1:], false) {
		h.t.Fatal("the page takes no money")
	}
	charge = must(h.stripe.Status(ctx, pay))(h.t)
	h.must(h.d.Write(ctx, func(tx *db.Tx) error {
		var part id.Part
		var line id.Line
		var ord id.Order
		now := tx.Now()
		s := ledger.Sale{Order: ord.Next(now), Part: part.Next(now), Brand: h.brand, Provider: "stripe", Currency: "USD",
			Lines: []ledger.SaleLine{{Line: line.Next(now), Goods: share + commission, Creator: h.creator, Commission: commission}}}
		moved, err := ledger.Paid(s)
		if err != nil {
			return err
		}
		released, err := ledger.HoldReleased(s, 0)
		if err != nil {
			return err
		}
		if _, err := ledger.Post(tx, append(moved, released...)...); err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO payments (id, order_id, attempt, provider, amount_minor, currency, state, provider_ref, created_at, updated_at) VALUES ($1, $2, 1, 'stripe', $3, 'USD', 'succeeded', $4, $5, $5)`,
			pay, s.Order, total.Minor, charge.Ref, db.Micros(now))
		return err
	}))
	return pay, charge.Ref
}

// joins opens the creator's account at Stripe and completes it.
func (h *connected) joins() id.Destination {
	h.t.Helper()
	page := must(h.OpenHosted(ctx, h.maker, h.makers(), right, "/studio/payouts"))(h.t)
	if !strings.HasPrefix(page, h.there.URL+"/onboard/") || !strings.HasSuffix(page, "http://localhost/studio/payouts?payment=back") {
		h.t.Errorf("the page is %s", page)
	}
	h.there.Complete(h.account(), "")
	is := must(h.HostedAccount(ctx, h.maker, h.makers()))(h.t)
	if is.State != payout.HostedReady || is.Destination == "" {
		h.t.Fatalf("a complete account is %+v", is)
	}
	return is.Destination
}

func (h *connected) account() string {
	h.t.Helper()
	all := h.there.All("account")
	if len(all) != 1 {
		h.t.Fatalf("%d accounts at Stripe", len(all))
	}
	return all[0].Text("id")
}

func TestStripeAccounts(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		if is := must(h.HostedAccount(ctx, h.maker, h.makers()))(t); is.State != payout.HostedNone {
			t.Errorf("no account is %+v", is)
		}
		_, err := h.OpenHosted(ctx, h.maker, h.makers(), "wrong", "/")
		refused(t, err, fault.Forbidden, "wrong_password")
		if _, err := h.OpenHosted(ctx, h.maker, h.brands(), right, "/"); !fault.Is(err, fault.Missing) {
			t.Errorf("another's account: %v", err)
		}
		_, err = h.AddDestination(ctx, h.maker, h.makers(), right, bank)
		refused(t, err, fault.Conflict, "hosted_account")
		h.there.Lose(true)
		if _, err := h.OpenHosted(ctx, h.maker, h.makers(), right, "/"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a lost answer: %v", err)
		}
		h.there.Lose(false)
		must(h.OpenHosted(ctx, h.maker, h.makers(), right, "/"))(t)
		if is := must(h.HostedAccount(ctx, h.maker, h.makers()))(t); is.State != payout.HostedIncomplete || len(is.Due) == 0 {
			t.Errorf("an account just made is %+v", is)
		}
		dst := h.joins()
		h.there.Complete(h.account(), "rejected.fraud")
		h.must(h.HostTold(ctx, h.makers()))
		list := must(h.Destinations(ctx, h.maker, h.makers()))(t)
		if len(list) != 1 || list[0].ID != dst || list[0].State != "flagged" || strings.Contains(list[0].Label, h.account()) {
			t.Errorf("closed by Stripe: %+v", list)
		}
		h.there.Complete(h.account(), "")
		h.must(h.HostTold(ctx, h.makers()))
		if list := must(h.Destinations(ctx, h.maker, h.makers()))(t); len(list) != 1 || list[0].State != "active" || list[0].Reason != "" {
			t.Errorf("opened again by Stripe: %+v", list)
		}
	})
}

func TestStripePaysOut(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		dst := h.joins()
		h.there.Lose(true)
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), dst))(t)
		if pot.State != payout.Created {
			t.Errorf("without an answer it is %s", pot.State)
		}
		h.there.Lose(false)
		h.there.Forget() // the key is forgotten a day later: the transfer is looked for
		h.sweep(25 * time.Hour)
		h.sweep(time.Hour)
		pot = must(h.One(ctx, h.maker, h.makers(), pot.ID))(t)
		if n := len(h.there.All("transfer")); pot.State != payout.Confirmed || n != 1 || pot.Reference == "" {
			t.Errorf("%d transfers, and it is %+v", n, pot)
		}
		if held := h.balance(ledger.Clearing("stripe")); held != 6000 {
			t.Errorf("the books say that Stripe holds %d", held)
		}
		if _, err := h.TakeBack(ctx, h.maker, pot.ID, "Wrong"); !fault.Is(err, fault.Missing) {
			t.Errorf("taken back by its owner: %v", err)
		}
		for range 2 {
			if back := must(h.TakeBack(ctx, h.ops[0], pot.ID, "Wrong account"))(t); back.State != payout.Returned {
				t.Errorf("taken back it is %s", back.State)
			}
		}
		if h.balance(ledger.Clearing("stripe")) != 9000 || h.balance(ledger.CreatorAvailable(h.creator)) != 4000 || len(h.there.All("transfer_reversal")) != 1 {
			t.Errorf("after the reversal: Stripe %d, creator %d", h.balance(ledger.Clearing("stripe")), h.balance(ledger.CreatorAvailable(h.creator)))
		}
	})
}

// A transfer of which parts were reversed at Stripe has still arrived: each part is booked as it is told of, once, and
// its owner may have it paid out again; the rest follows when it is taken back too.
func TestStripeReversesAPart(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		dst := h.joins()
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), dst))(t)
		agrees := func(when string, state payout.State, back, available int64) {
			t.Helper()
			now := must(h.One(ctx, h.maker, h.makers(), pot.ID))(t)
			if now.State != state || (now.Back != nil) != (back > 0) || now.Back != nil && *now.Back != usd(back) {
				t.Errorf("%s it is %s, and %v came back", when, now.State, now.Back)
			}
			if has := h.balance(ledger.CreatorAvailable(h.creator)); has != available || h.balance(ledger.Transit("stripe")) != 0 {
				t.Errorf("%s %d are the creator's, %d on their way", when, has, h.balance(ledger.Transit("stripe")))
			}
			h.clock.Advance(25 * time.Hour)
			h.must(h.ReconcileDue(ctx))
			list, _, err := h.Differences(ctx, h.ops[0], false, 10)
			h.must(err)
			if len(list) != 0 || h.balance(ledger.Clearing("stripe")) != h.there.Held() {
				t.Errorf("%s Stripe holds %d, the books say %d, and different are %+v", when, h.there.Held(), h.balance(ledger.Clearing("stripe")), list)
			}
		}
		h.there.ReversePart(pot.Reference, 1000)
		for range 3 { // told again and again, and found by the sweep too
			h.must(h.Told(ctx, pot.ID))
		}
		h.sweep(26 * time.Hour)
		agrees("after a part", payout.Confirmed, 1000, 2000)
		again := must(h.Ask(ctx, h.maker, h.makers(), usd(2000), dst))(t)
		if again.State != payout.Confirmed {
			t.Errorf("what came back is %s when it is paid out again", again.State)
		}
		h.there.ReversePart(pot.Reference, 500)
		h.there.ReversePart(pot.Reference, 700)
		h.sweep(26 * time.Hour)
		h.must(h.Told(ctx, pot.ID))
		agrees("after two more", payout.Confirmed, 2200, 1200)
		for range 2 {
			if back := must(h.TakeBack(ctx, h.ops[0], pot.ID, "The rest too"))(t); back.State != payout.Returned {
				t.Errorf("taken back it is %s", back.State)
			}
		}
		agrees("in the end", payout.Returned, 0, 2000)
	})
}

// What is withheld of a payout for a tax office is its owner's again when all of the rest has come back, not before.
func TestWithheldTaxComesBackWithTheRest(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		dst := h.joins()
		h.exec(`INSERT INTO payout_settings (version, body, changed_by, changed_at) VALUES (1, '{"minimums":[],"approval_limits":[],"approvals":1,"withholding":[{"country":"US","rate_bps":1000,"jurisdiction":"US"}]}', 'acc_op0', 1)`)
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(3000), dst))(t)
		if pot.Withheld != usd(300) {
			t.Fatalf("withheld are %s", pot.Withheld)
		}
		for _, part := range []struct{ take, withheld, available int64 }{{900, 300, 1900}, {1800, 0, 4000}} {
			h.there.ReversePart(pot.Reference, part.take)
			h.must(h.Told(ctx, pot.ID))
			if w, a := h.balance(ledger.Withheld("US")), h.balance(ledger.CreatorAvailable(h.creator)); w != part.withheld || a != part.available {
				t.Errorf("after %d more came back %d are withheld and %d available", part.take, w, a)
			}
		}
	})
}

// What is owed to whom is told while Stripe does not answer: by the books alone, and saying so.
func TestTheBooksStandWithoutTheProvider(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(5000, 4000)
		h.there.Down(true)
		for _, silent := range []bool{true, false} {
			list := must(h.Solvency(ctx, h.ops[0]))(t)
			if len(list) != 1 || list[0].Silent != silent || (list[0].Provider == nil) != silent || list[0].Clearing != usd(9000) {
				t.Errorf("silent %v: %+v", silent, list)
			}
			h.there.Down(false)
		}
	})
}

// A balance at Stripe that is too low is waited for; an account that may not be paid is a failure.
func TestStripePayoutsThatCannotBe(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		h.captures(0, 4000)
		dst := h.joins()
		pot := must(h.Ask(ctx, h.maker, h.makers(), usd(4000), dst))(t) // Stripe kept a fee of it
		if pot.State != payout.Created {
			t.Errorf("more than Stripe holds is %s", pot.State)
		}
		h.captures(2000, 0)
		h.clock.Advance(time.Hour)
		h.must(h.Sweep(ctx))
		if pot = must(h.One(ctx, h.maker, h.makers(), pot.ID))(t); pot.State != payout.Confirmed {
			t.Errorf("with enough there it is %s", pot.State)
		}
		h.captures(0, 3000)
		h.there.Complete(h.account(), "listed")
		pot = must(h.Ask(ctx, h.maker, h.makers(), usd(3000), dst))(t)
		if pot.State != payout.Failed || !strings.Contains(pot.Failure, "insufficient_capabilities") || h.balance(ledger.CreatorAvailable(h.creator)) != 3000 {
			t.Errorf("to a closed account it is %s: %s", pot.State, pot.Failure)
		}
	})
}

func TestStripeIsCompared(t *testing.T) {
	connects(t, func(t *testing.T, h *connected) {
		pay, _ := h.captures(5000, 4000)
		h.captures(2000, 0)
		h.must(h.stripe.Refund(ctx, pay, "refund:rfd_1", usd(1000)))
		h.must(h.d.Write(ctx, func(tx *db.Tx) error {
			_, err := ledger.Post(tx, ledger.RefundConfirmed("rfd_1", "stripe", usd(1000)))
			return err
		}))
		h.there.ToBank(2500)
		h.clock.Advance(time.Hour)
		c := must(h.Reconcile(ctx, h.ops[0]))(t)
		fees := stripetest.Fee(9000) + stripetest.Fee(2000)
		if c.Found != 0 || h.balance(ledger.ProviderFees) != fees || h.balance(ledger.Bank("main")) != 2500 {
			t.Errorf("%d differences, fees %d, bank %d", c.Found, h.balance(ledger.ProviderFees), h.balance(ledger.Bank("main")))
		}
		if held := h.balance(ledger.Clearing("stripe")); held != h.there.Held() {
			t.Errorf("Stripe holds %d and the books say %d", h.there.Held(), held)
		}
		// A refund that fails after all, and one made at Stripe by hand.
		h.there.SettleRefund(h.there.All("refund")[0].Text("id"), "failed")
		h.there.ByHand(700)
		for range 3 { // the second and third day tell the same, and book nothing again
			h.clock.Advance(25 * time.Hour)
			h.must(h.ReconcileDue(ctx))
		}
		list, _, err := h.Differences(ctx, h.ops[0], false, 10)
		h.must(err)
		got := map[string][2]int64{}
		for _, x := range list {
			got[strings.SplitN(x.Subject, ":txn", 2)[0]] = [2]int64{x.Theirs.Minor, x.Ours.Minor}
		}
		if len(list) != 2 || got["refund:rfd_1"] != [2]int64{0, -1000} || got["refund"] != [2]int64{-700, 0} {
			t.Errorf("the differences are %v", list)
		}
		if h.balance(ledger.ProviderFees) != fees || h.balance(ledger.Bank("main")) != 2500 {
			t.Error("fees or settlements were booked twice")
		}
		_, err = h.Settle(ctx, h.ops[0], usd(100), "by hand")
		refused(t, err, fault.Conflict, "booked_from_report")
	})
}

// The sandbox keeps fees too where it is told to, so that their way into the books is tried without Stripe.
func TestSandboxFeesAreCompared(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		provider := h.bank.Charging(290)
		h.Payouts = payout.New(h.d, payout.Options{Vault: h.vault, Rails: []payout.Rail{payout.Sandbox(provider)}, Prove: prove, Report: provider})
		h.earn(9000, 1000)
		var pay id.Payment
		must(provider.Charge(ctx, order.ChargeRequest{Key: pay.Next(h.clock.Now()), Amount: usd(5000), Method: payment.MethodVisa}))(t)
		h.clock.Advance(time.Hour)
		h.must(h.ReconcileDue(ctx))
		if fee := h.balance(ledger.ProviderFees); fee != 145 {
			t.Errorf("fees of %d are in the books", fee)
		}
	})
}
