package order_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

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
	"mezzo/internal/payout"
	"mezzo/internal/sample"
	"mezzo/internal/voucher"
)

// sales drives the room with random commands and checks after each that the money is right.
type sales struct {
	*world
	town
	reckoned
	books
	provider *shaky
	payouts  *payout.Payouts
	samples  *sample.Samples
	orders   []bought
	placed   []bought
	asked    []again
	returns  []asking
	claimed  []claiming
	given    []given
	refs     []string
	codes    []voucher.Voucher
	labels   []id.LabelRate
	known    map[payout.Owner]bool // to the tax office
	carried  int64                 // paid to the carrier
	silent   bool                  // the provider: what needs its answer may fail
}

// fine fails on an error that no honest command may end with.
func (m *sales) fine(t *rapid.T, what string, err error) {
	if err == nil {
		return
	}
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Missing, fault.Invalid:
	default:
		if !m.silent {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func (m *sales) pick(t *rapid.T) bought {
	if len(m.orders) == 0 {
		t.Skip("nothing is sold")
	}
	return m.orders[len(m.orders)-1-rapid.IntRange(0, len(m.orders)-1).Draw(t, "order")] // small numbers come more often
}

// pays lets the machine pay out: little is enough, and nobody need look first.
func (m *sales) pays(vault string) error {
	ctx := context.Background()
	keys, err := payout.OpenVault(ctx, m.d, vault)
	if err != nil {
		return err
	}
	m.payouts = payout.New(m.d, payout.Options{Vault: keys, Rails: []payout.Rail{payout.Sandbox(m.sandbox)}, Log: slog.New(slog.DiscardHandler)})
	m.exec(`UPDATE accounts SET over_18 = 1`)
	_, err = m.payouts.PutSettings(ctx, account.Asker{Account: m.member.Account, Operator: true, Session: "ses_1"}, 0, payout.Settings{Minimums: []money.Amount{money.Of(100, "USD")}})
	return err
}

// maker is the creator, signed in.
func (m *sales) maker() account.Asker {
	return account.Asker{Account: m.earner.Account, Creator: m.creator, Over18: true, Session: "ses_1"}
}

// names says who is paid.
func (m *sales) names(who account.Asker, owner payout.Owner) error {
	_, err := m.payouts.PutPayee(context.Background(), who, owner, 0, payout.Payee{Legal: payout.Individual, Name: "Ada Marisol", Line1: "7 Lane", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US", TaxID: "123-45-6789"})
	return err
}

// payOut pays some of what is available to a creator or a brand: it arrives, takes its time, is refused or comes back.
func (m *sales) payOut(t *rapid.T) {
	owner, who, has := m.someone(t, 100, func(p ledger.Purse) ledger.Account { return p.Available })
	if !m.known[owner] {
		m.known[owner] = true
		if err := m.names(who, owner); err != nil {
			t.Fatal(err)
		}
	}
	to := id.Destination(rapid.SampledFrom([]string{"dst_any", "dst_any", "dst_slow", "dst_fail", "dst_return"}).Draw(t, "place"))
	_, err := m.payouts.Ask(context.Background(), who, owner, money.Of(rapid.Int64Range(100, has).Draw(t, "amount"), "USD"), to)
	m.fine(t, "pay out", err)
}

func (m *sales) actions() map[string]func(*rapid.T) {
	ctx := context.Background()
	return map[string]func(*rapid.T){
		"buy":           m.buy,
		"buy more":      m.buy,
		"pay late":      m.payLate,
		"ship":          m.ship,
		"ship more":     m.ship,
		"pay a carrier": m.payCarrier,
		"deliver":       m.deliver,
		"deliver more":  m.deliver,
		"cancel": func(t *rapid.T) {
			b := m.pick(t)
			if b.stuck {
				t.Skip("its cancellation would never end")
			}
			_, err := m.world.orders.Cancel(ctx, b.who, b.order)
			m.fine(t, "cancel", err)
		},
		"refund":              m.refund,
		"refund more":         m.refund,
		"call off a part":     m.callOff,
		"change a price":      m.changePrice,
		"ask for a sample":    m.askSample,
		"samples go on":       m.sampleGoes,
		"samples go on still": m.sampleGoes,
		"return":              m.askReturn,
		"answer":              m.answerReturn,
		"send back":           m.sendReturn,
		"claim":               m.claim,
		"answer a claim":      m.answerClaim,
		"change a rate":       m.changeRate,
		"keep back":           m.keepBack,
		"give a voucher":      m.give,
		"end a voucher":       m.endVoucher,
		"days later":          func(t *rapid.T) { m.later(time.Duration(rapid.IntRange(1, 7).Draw(t, "days")) * day) },
		"pay out":             m.payOut,
		"pay out more":        m.payOut,
		"give up a debt":      m.giveUp,
		"repeat":              m.repeat,
		"a hold later":        func(*rapid.T) { m.later(15 * 24 * time.Hour) },
		"a minute later":      func(*rapid.T) { m.later(time.Minute) },
		"told again":          func(t *rapid.T) { m.tellAgain(t) },
		"dispute":             m.dispute,
		"the bank decides":    m.bankDecides,
		"evidence":            m.evidence,
		"words arrive":        m.words,
		"the provider is silent": func(t *rapid.T) {
			m.provider.lost, m.provider.done = rapid.IntRange(1, 2).Draw(t, "times"), rapid.Bool().Draw(t, "did it")
		},
		"the follower is behind": func(t *rapid.T) { m.log.hold(rapid.Bool().Draw(t, "behind")) },
		"":                       m.invariants,
	}
}

// later turns the clock and sweeps. The follower has caught up by then: one that stays behind for ten
// minutes is a break that Check names.
func (m *sales) later(d time.Duration) {
	m.log.hold(false)
	for range 2 {
		silent := m.provider.lost > 0
		if err := m.world.orders.Sweep(context.Background()); err != nil && !silent {
			m.t.Fatal(err) // a silent provider makes a sweep say so
		}
		if err := m.payouts.Sweep(context.Background()); err != nil {
			m.t.Fatal(err)
		}
		if err := m.samples.Sweep(context.Background()); err != nil {
			m.t.Fatal(err)
		}
		m.clock.Advance(d)
		d = 0
	}
}

// tellAgain settles an order's payment once more, as a webhook that repeats.
func (m *sales) tellAgain(t *rapid.T) {
	b := m.pick(t)
	var pay id.Payment
	err := m.d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Row(`SELECT id FROM payments WHERE order_id = $1 ORDER BY attempt DESC LIMIT 1`, b.order).Scan(&pay)
	})
	if err != nil {
		t.Fatal(err)
	}
	charge, err := m.sandbox.Status(context.Background(), pay)
	if err != nil {
		t.Fatal(err)
	}
	before := m.all()
	if b.stuck || m.count(`SELECT COUNT(*) FROM payments WHERE id = $1 AND state IN ('started','redirected','returning')`, pay) > 0 {
		t.Skip("it was not told yet, or is being given back: whoever asks helps it along")
	}
	if _, err := m.world.orders.Settle(context.Background(), pay, charge); err != nil {
		t.Fatalf("told again: %v", err)
	}
	if after := m.all(); after != before {
		t.Fatalf("told again, the books stand at\n%s\nnot at\n%s", after, before)
	}
}

// Random commands against the orders, the ledger and the commissions, by people, time, a provider that
// fails and a follower that lags: after each the books are sound.
func TestMoneyMachine(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		d, err := db.Open(context.Background(), db.Options{Dir: dir, Clock: clock.NewManual(dbtest.Start)})
		if err == nil {
			err = d.Close() // which leaves the whole schema in the one file
		}
		if err != nil {
			t.Fatal(err)
		}
		schema, err := os.ReadFile(filepath.Join(dir, db.File))
		if err != nil {
			t.Fatal(err)
		}
		runSales(t, 208, func() (db.Options, error) {
			o := db.Options{Dir: t.TempDir()}
			return o, os.WriteFile(filepath.Join(o.Dir, db.File), schema, 0o600)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		runSales(t, 26, func() (db.Options, error) { return db.Options{URL: dbtest.NewPostgresURL(t)}, nil })
	})
}

// machineSteps is how many commands one run takes on the average: long enough for a sale to come to its end
// and be fought over, short enough for a failing run to be read.
const machineSteps = "52"

// leftOut are commands that a run may do without, so that it comes further with the others.
var leftOut = [][]string{
	{"dispute", "the bank decides", "evidence"}, {"cancel", "call off a part"}, {"return", "answer", "send back"}, {"claim", "answer a claim"},
	{"refund", "refund more"}, {"ask for a sample"}, {"pay out", "pay out more"}, {"give a voucher"}, {"a hold later"}, {"the provider is silent", "the follower is behind"},
}

// runSales gives every run a shop of its own and makes so many runs, times MEZZO_MACHINE where it is set;
// a seed that fails is printed and given back by -rapid.seed.
func runSales(t *testing.T, runs int, fresh func() (db.Options, error)) {
	if more, err := strconv.Atoi(os.Getenv("MEZZO_MACHINE")); err == nil {
		runs *= more
	}
	steps := 0
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(runs), "rapid.steps": machineSteps} {
		f := flag.Lookup(name)
		if before := f.Value.String(); before == f.DefValue {
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
			defer f.Value.Set(before)
		}
	}
	defer func() { t.Logf("%d steps", steps) }()
	rapid.Check(t, func(rt *rapid.T) {
		o, err := fresh()
		if err != nil {
			rt.Fatal(err)
		}
		c := clock.NewManual(dbtest.Start)
		o.Clock = c
		d, err := db.Open(context.Background(), o)
		if err != nil {
			rt.Fatal(err)
		}
		defer d.Close()
		m := &sales{world: newWorld(rt, d, c, unitsOfEach), known: map[payout.Owner]bool{}}
		m.sandbox = m.sandbox.Over(payment.Unruly)
		m.provider = &shaky{Sandbox: m.sandbox}
		m.world.orders = order.New(order.Parts{DB: d, Keys: m.keys, Provider: m.provider, Log: m.log, Logger: slog.New(slog.DiscardHandler)},
			order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
		m.samples = sample.New(d)
		m.settles(rt)
		if err := m.pays(filepath.Join(t.TempDir(), payout.VaultFile)); err != nil {
			rt.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "something was sold before") { // from the start there is money to pay out, and to take back
			m.soldBefore(rt)
		}
		for _, price := range []int64{420, 620, 1900} { // less than the shipping, more, and perhaps more than all
			m.labels = append(m.labels, m.label(fmt.Sprint("Parcel ", price), price))
		}
		actions := m.actions()
		for _, names := range leftOut {
			if rapid.IntRange(0, 3).Draw(rt, "never: "+names[0]) == 3 {
				for _, name := range names {
					delete(actions, name)
				}
			}
		}
		check := actions[""]
		actions[""] = func(t *rapid.T) { steps++; check(t) }
		rt.Repeat(actions)
		m.tells(rt)
	})
}
