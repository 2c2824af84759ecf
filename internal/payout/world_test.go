package payout_test

import (
	"context"
	"path/filepath"
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
	"mezzo/internal/payment"
	"mezzo/internal/payout"
)

const right = "correct horse battery"

// house is payouts over a fresh database, with a creator, a brand and three operators.
type house struct {
	*payout.Payouts
	t            testing.TB
	d            *db.DB
	clock        *clock.Turned
	bank         *payment.Sandbox
	vault        *payout.Vault
	path         string // of the keys
	creator      id.Creator
	brand        id.Brand
	maker, owner account.Asker
	ops          []account.Asker
	sales        int
}

func open(t testing.TB, d *db.DB, c *clock.Turned, rails ...payout.Rail) *house {
	t.Helper()
	h := &house{t: t, d: d, clock: c, bank: payment.NewSandbox(d), path: filepath.Join(t.TempDir(), payout.VaultFile)}
	var err error
	if h.vault, err = payout.OpenVault(ctx, d, h.path); err != nil {
		t.Fatal(err)
	}
	if len(rails) == 0 {
		rails = []payout.Rail{payout.Sandbox(h.bank), payout.Manual("main")}
	}
	h.Payouts = payout.New(d, payout.Options{Vault: h.vault, Rails: rails, Prove: prove, Report: h.bank})
	h.creator, h.brand = h.creator.Next(c.Now()), h.brand.Next(c.Now())
	h.must(d.Write(ctx, func(tx *db.Tx) error {
		for _, q := range []string{
			`INSERT INTO accounts (id, email, email_key, display_name, password_hash, over_18, created_at) VALUES ('acc_maker', 'm@x', 'm@x', 'Marisol', '', 1, 1), ('acc_owner', 'o@x', 'o@x', 'Dana', '', 1, 1),
				('acc_op0', 'p0@x', 'p0@x', 'Olga', '', 1, 1), ('acc_op1', 'p1@x', 'p1@x', 'Otto', '', 1, 1), ('acc_op2', 'p2@x', 'p2@x', 'Orla', '', 1, 1)`,
			`INSERT INTO creators (id, account_id, handle, display_name, created_at) VALUES ('` + string(h.creator) + `', 'acc_maker', 'marisol', 'Marisol', 1)`,
			`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ('` + string(h.brand) + `', 'Kiln', 'kiln', 'US', 'USD', 1)`,
		} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	}))
	h.maker = account.Asker{Account: "acc_maker", Creator: h.creator, Over18: true, Session: "ses_1"}
	h.owner = account.Asker{Account: "acc_owner", Brands: map[id.Brand]account.Role{h.brand: account.Owner}, Session: "ses_2"}
	for _, a := range []id.Account{"acc_op0", "acc_op1", "acc_op2"} {
		h.ops = append(h.ops, account.Asker{Account: a, Operator: true, Session: "ses_3"})
	}
	return h
}

func prove(_ context.Context, _ account.Asker, password string) error {
	if password != right {
		return fault.New(fault.Forbidden, "Give the password you have now to change this.").WithType("wrong_password")
	}
	return nil
}

func everywhere(t *testing.T, f func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) { f(t, open(t, d, c)) })
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// of is the creator's and the brand's ownership.
func (h *house) makers() payout.Owner { return payout.OfCreator(h.creator) }
func (h *house) brands() payout.Owner { return payout.OfBrand(h.brand) }

// earn makes a sale whose hold has passed: share for the brand, commission for the creator.
func (h *house) earn(share, commission int64) {
	h.t.Helper()
	h.sales++
	h.must(h.d.Write(ctx, func(tx *db.Tx) error { return h.sell(tx, "USD", share, commission) }))
}

func (h *house) sell(tx *db.Tx, c money.Currency, share, commission int64) error {
	var ord id.Order
	var part id.Part
	var line id.Line
	now := tx.Now()
	s := ledger.Sale{Order: ord.Next(now), Part: part.Next(now), Brand: h.brand, Provider: "sandbox", Currency: c,
		Lines: []ledger.SaleLine{{Line: line.Next(now), Goods: share + commission, Creator: h.creator, Commission: commission}}}
	for _, step := range []func(ledger.Sale) ([]ledger.Transfer, error){
		func(s ledger.Sale) ([]ledger.Transfer, error) { return ledger.Paid(s) }, ledger.Delivered,
		func(s ledger.Sale) ([]ledger.Transfer, error) { return ledger.HoldReleased(s, 0) }} {
		moved, err := step(s)
		if err == nil {
			_, err = ledger.Post(tx, moved...)
		}
		if err != nil {
			return err
		}
	}
	// What the provider captured, in its own book.
	_, err := tx.Exec(`INSERT INTO sandbox_charges (id, key, request_hash, amount_minor, currency, method, state, created_at, updated_at) VALUES ($1, $1, '', $2, $3, 'pm_card_visa', 'succeeded', $4, $4)`,
		string(s.Order), share+commission, string(c), db.Micros(now))
	return err
}

var (
	ada  = payout.Payee{Legal: payout.Individual, Name: "Ada Marisol", Line1: "7 Secret Lane", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US", TaxID: "123-45-6789"}
	kiln = payout.Payee{Legal: payout.Business, Name: "Kiln LLC", Line1: "1 Clay Rd", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US", TaxID: "12-3456789"}
	bank = payout.NewDestination{Account: payout.Account{Holder: "Ada Marisol", Number: "000123456789", Bank: "026009593", Name: "Lone Star"}}
)

// known fills in who is paid.
func (h *house) known() {
	h.t.Helper()
	must(h.PutPayee(ctx, h.maker, h.makers(), 0, ada))(h.t)
	must(h.PutPayee(ctx, h.owner, h.brands(), 0, kiln))(h.t)
}

// balance is what an account holds in dollars.
func (h *house) balance(a ledger.Account) int64 {
	h.t.Helper()
	return must(db.Get(ctx, h.d, func(tx *db.Tx) (money.Amount, error) { return ledger.BalanceOf(tx, a, "USD") }))(h.t).Minor
}

// sound proves the book, and that it agrees with the provider.
func (h *house) sound() {
	h.t.Helper()
	must(ledger.Seal(ctx, h.d))(h.t)
	report := must(ledger.Check(ctx, h.d))(h.t)
	if !report.Balanced {
		h.t.Errorf("the book does not hold: %v", report.Problems)
	}
	if held := must(h.bank.Balance(ctx))(h.t)["USD"]; held != h.balance(ledger.Clearing("sandbox")) {
		h.t.Errorf("the provider holds %d and the book says %d", held, h.balance(ledger.Clearing("sandbox")))
	}
}

func (h *house) sweep(turn time.Duration) {
	h.t.Helper()
	h.clock.Advance(turn)
	h.must(h.Sweep(ctx))
}

// refused checks what a refusal is called.
func refused(t testing.TB, err error, kind fault.Kind, typ string) {
	t.Helper()
	f, _ := err.(*fault.Fault)
	if !fault.Is(err, kind) || f == nil || f.Type != typ {
		t.Errorf("want %s %s, got %v", kind, typ, err)
	}
}

func usd(minor int64) money.Amount { return money.Of(minor, "USD") }

func (h *house) exec(q string, args ...any) {
	h.t.Helper()
	h.must(h.d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q, args...); return err }))
}

// owe makes an owner owe the platform, as a refund after a payout does.
func (h *house) owe(o payout.Owner, minor int64) {
	h.t.Helper()
	h.sales++
	h.must(h.d.Write(ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: "refund:" + string(o) + time.Duration(h.sales).String(), Kind: ledger.KindRefund, Currency: "USD",
			Legs: []ledger.Leg{ledger.Debit(o.Purse().Owes, minor), ledger.Credit(ledger.RefundsPayable("sandbox"), minor)}})
		return err
	}))
}
