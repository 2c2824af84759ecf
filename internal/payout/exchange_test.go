package payout_test

import (
	"log/slog"
	"strings"
	"testing"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// Own money changes its currency in both books or in neither, and nobody else's does.
func TestExchange(t *testing.T) {
	byHand(t, func(t *testing.T, h *house) {
		on, op := h.clock.Now().Format("2006-01-02"), h.ops[0]
		h.earn(100_00, 25_00)
		h.must(h.d.Write(ctx, func(tx *db.Tx) error { // what fees have earned us, and the provider has paid to the bank
			_, err := ledger.Post(tx,
				ledger.Transfer{Key: "fees", Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), 30_00), ledger.Credit(ledger.FeeDeferred, 30_00)}},
				ledger.Transfer{Key: "earned", Kind: ledger.KindDelivered, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.FeeDeferred, 30_00), ledger.Credit(ledger.FeeIncome, 30_00)}},
				ledger.Transfer{Key: "settled", Kind: ledger.KindSettled, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Bank("main"), 40_00), ledger.Credit(ledger.Clearing("sandbox"), 40_00)}})
			return err
		}))
		eur := func(minor int64) money.Amount { return money.Of(minor, "EUR") }
		for _, c := range []struct {
			what    string
			out, in money.Amount
			on, ref string
			kind    fault.Kind
			typ     string
		}{
			{"more than the bank holds", usd(40_01), eur(36_00), on, "x", fault.Conflict, "insufficient_balance"},
			{"more than is our own", usd(30_01), eur(27_00), on, "x", fault.Conflict, "insufficient_balance"},
			{"nothing", usd(0), eur(1), on, "x", fault.Invalid, ""}, {"for nothing", usd(1), eur(-1), on, "x", fault.Invalid, ""},
			{"one currency", usd(1_00), usd(1_00), on, "x", fault.Invalid, ""}, {"no currency", usd(1_00), money.Of(1_00, "XXY"), on, "x", fault.Invalid, ""},
			{"no day", usd(1_00), eur(1_00), "soon", "x", fault.Invalid, ""}, {"a day to come", usd(1_00), eur(1_00), "2999-01-01", "x", fault.Invalid, ""},
			{"no reference", usd(1_00), eur(1_00), on, " ", fault.Invalid, ""},
			{"of a currency the bank has not", eur(1), usd(1), on, "x", fault.Conflict, "insufficient_balance"},
		} {
			if _, err := h.Exchange(ctx, op, c.out, c.in, c.on, c.ref); !fault.Is(err, c.kind) {
				t.Errorf("%s: %v", c.what, err)
			} else {
				refused(t, err, c.kind, c.typ)
			}
		}
		_, err := h.Exchange(ctx, h.owner, usd(1_00), eur(90), on, "x")
		refused(t, err, fault.Missing, "")
		x := must(h.Exchange(ctx, op, usd(20_00), eur(18_21), on, "FX 1"))(t)
		if x.Rate != "0.910500" {
			t.Errorf("rate %s", x.Rate)
		}
		_, err = h.Exchange(ctx, op, usd(1_00), eur(90), on, "FX 1")
		refused(t, err, fault.Conflict, "reference_known")
		_, err = h.Exchange(ctx, op, usd(10_01), eur(9_00), on, "FX 2")
		refused(t, err, fault.Conflict, "insufficient_balance")
		must(h.Exchange(ctx, op, eur(8_21), usd(9_00), on, "FX 3"))(t)
		between := ledger.Exchange("USD", "EUR")
		want := map[money.Amount]ledger.Account{usd(29_00): ledger.Bank("main"), eur(10_00): ledger.Bank("main")}
		for amount, a := range want {
			if got := h.stands(a, amount.Currency); got != amount.Minor {
				t.Errorf("%s in %s holds %d, want %d", a, amount.Currency, got, amount.Minor)
			}
		}
		if u, e := h.stands(between, "USD"), h.stands(between, "EUR"); u != 11_00 || e != -10_00 {
			t.Errorf("between the two stand %d and %d", u, e)
		}
		for _, s := range must(h.Solvency(ctx, op))(t) {
			if s.Own.Minor != s.Result.Minor-s.Changed.Minor {
				t.Errorf("%s does not add up: %+v", s.Currency, s)
			}
		}
		if list := must(h.Exchanges(ctx, op, "", 10))(t); len(list) != 2 || list[1].Reference != "FX 1" && list[0].Reference != "FX 1" {
			t.Errorf("%+v", list)
		}
		report := must(ledger.Check(ctx, h.d))(t)
		if !report.Balanced {
			t.Errorf("check: %v", report.Problems)
		}
		if named := h.exchangesNamed(); named != 0 {
			t.Errorf("%d exchanges are not in the book", named)
		}
		h.exec(`INSERT INTO exchanges (id, bank, out_minor, out_currency, in_minor, in_currency, reference, done_on, made_by, created_at) VALUES ('exc_x', 'main', 1, 'USD', 1, 'EUR', 'x', $1, '', 1)`, on)
		if named := h.exchangesNamed(); named != 1 {
			t.Errorf("of one exchange that is not in the book %d are named", named)
		}
		halfIsABreak(t, h, between)
	})
}

// halfIsABreak posts one half of an exchange by itself, which the check names, and one in a currency of neither, which
// is refused.
func halfIsABreak(t *testing.T, h *house, between ledger.Account) {
	t.Helper()
	h.must(h.d.Write(ctx, func(tx *db.Tx) error { // one half by itself is a break
		_, err := ledger.Post(tx, ledger.Transfer{Key: "exchange:half:out", Kind: ledger.KindExchangeOut, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(between, 1), ledger.Credit(ledger.Bank("main"), 1)}})
		return err
	}))
	if report := must(ledger.Check(ctx, h.d))(t); report.Balanced {
		t.Error("half an exchange is not named")
	}
	err := h.d.Write(ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: "stray", Kind: ledger.KindExchangeOut, Currency: "GBP", Legs: []ledger.Leg{ledger.Debit(between, 1), ledger.Credit(ledger.Bank("main"), 1)}})
		return err
	})
	if err == nil {
		t.Error("a third currency got between the two")
	}
}

// stands is what the books hold in an account in a currency.
func (h *house) stands(a ledger.Account, c money.Currency) int64 {
	h.t.Helper()
	m, err := db.Get(ctx, h.d, func(tx *db.Tx) (money.Amount, error) { return ledger.BalanceOf(tx, a, c) })
	h.must(err)
	return m.Minor
}

// unasked is a provider whose balance nobody asks for.
type unasked struct{ order.Provider }

func (unasked) Name() string { return "sandbox" }

// exchangesNamed counts the exchanges that are not in the book as they were noted.
func (h *house) exchangesNamed() (n int) {
	h.t.Helper()
	report, err := order.New(order.Parts{DB: h.d, Provider: unasked{}, Logger: slog.New(slog.DiscardHandler)}, order.Options{}).Check(ctx)
	h.must(err)
	for _, p := range report.Problems {
		if strings.HasPrefix(p, "exchange exc_") {
			n++
		}
	}
	return n
}
