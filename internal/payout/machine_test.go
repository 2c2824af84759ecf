package payout_test

import (
	"database/sql"
	"flag"
	"fmt"
	"strings"
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
	"mezzo/internal/payout"
)

// paying drives the room with random commands and holds the books against what was asked of it.
type paying struct {
	*house
	earned, owed map[payout.Owner]int64 // all that was ever released to, and owed by, each
	given        map[payout.Owner]int64 // of it, written off
	offs         []payout.WriteOff      // proposed above the limit
	settled      int64                  // paid to the bank by the provider
	places, keys int
}

func (m *paying) who(t *rapid.T) (payout.Owner, account.Asker) {
	if rapid.Bool().Draw(t, "the creator") {
		return m.makers(), m.maker
	}
	return m.brands(), m.owner
}

func (m *paying) op(t *rapid.T) account.Asker { return rapid.SampledFrom(m.ops).Draw(t, "operator") }

// fine fails on an error that no honest command may end with, and says whether it went through.
func (m *paying) fine(t *rapid.T, err error) bool {
	if err == nil {
		return true
	}
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Missing, fault.Invalid, fault.Forbidden:
	default:
		t.Fatalf("refused with %v", err)
	}
	return false
}

func (m *paying) earns(t *rapid.T) {
	share, commission := rapid.Int64Range(0, 200_00).Draw(t, "share"), rapid.Int64Range(1, 100_00).Draw(t, "commission")
	m.earn(share, commission)
	m.earned[m.brands()] += share
	m.earned[m.makers()] += commission
}

func (m *paying) owes(t *rapid.T) {
	o, _ := m.who(t)
	x := rapid.Int64Range(1, 60_00).Draw(t, "debt")
	m.owe(o, x)
	m.owed[o] += x
}

// givesUp writes off some of what is owed, more of it perhaps, or decides on what was proposed.
func (m *paying) givesUp(t *rapid.T) {
	var w payout.WriteOff
	var err error
	if n := len(m.offs); n > 0 && rapid.Bool().Draw(t, "decide") {
		w, err = m.DecideWriteOff(ctx, m.op(t), m.offs[n-1].ID, rapid.IntRange(0, 2).Draw(t, "agrees") > 0, "Looked at")
	} else {
		o, _ := m.who(t)
		w, err = m.giveUp(m.op(t), o, rapid.Int64Range(1, 120_00).Draw(t, "given up"))
	}
	if m.fine(t, err) && w.State == payout.WriteOffBooked {
		m.given[w.Owner] += w.Amount.Minor
	} else if err == nil && w.State == payout.WriteOffWaits {
		m.offs = append(m.offs, w)
	}
}

// takesBack reverses a debt, as a refund that failed after all does: whatever was done about it is undone.
func (m *paying) takesBack(t *rapid.T) {
	o, _ := m.who(t)
	list := must(db.Get(ctx, m.d, func(tx *db.Tx) ([]string, error) {
		return db.All(tx, func(r *sql.Rows) (k string, err error) { return k, r.Scan(&k) }, `SELECT t.key FROM ledger_transfers t WHERE t.key LIKE $1 AND t.kind = 'refund'
			AND NOT EXISTS (SELECT 1 FROM ledger_transfers r WHERE r.reverses = t.key) ORDER BY t.key`, "refund:"+string(o)+"%")
	}))(m.t)
	if len(list) == 0 {
		t.Skip("nothing was owed")
	}
	key, before := rapid.SampledFrom(list).Draw(t, "debt"), m.balance(ledger.BadDebt)
	m.must(m.d.Write(ctx, func(tx *db.Tx) error {
		debt, err := ledger.Get(tx, key)
		if err != nil {
			return err
		}
		m.owed[o] -= -debt.Legs[0].Amount
		if _, err = ledger.Reverse(tx, key, key+":failed"); err != nil {
			return err
		}
		return ledger.Recover(tx, key, "USD", o.Purse())
	}))
	m.given[o] -= before - m.balance(ledger.BadDebt)
}

func (m *paying) asks(t *rapid.T) {
	o, who := m.who(t)
	list, err := m.Destinations(ctx, who, o)
	m.must(err)
	dst, usable := id.Destination(rapid.SampledFrom([]string{"dst_any", "dst_fail", "dst_slow", "dst_return"}).Draw(t, "to")), true
	if len(list) > 0 && rapid.Bool().Draw(t, "one of its own") {
		d := rapid.SampledFrom(list).Draw(t, "place")
		dst, usable = d.ID, d.State == "active" && !d.UsableAt.After(m.clock.Now())
	}
	if _, err := m.Ask(ctx, who, o, usd(rapid.Int64Range(1, 150_00).Draw(t, "amount")), dst); m.fine(t, err) && !usable {
		t.Fatalf("money went to %s, which is new or flagged", dst)
	}
}

// moves changes where money goes: adds a place, takes one away, says that a flagged one is right.
func (m *paying) moves(t *rapid.T) {
	o, who := m.who(t)
	list, err := m.Destinations(ctx, who, o)
	m.must(err)
	switch what := rapid.IntRange(0, 2).Draw(t, "change"); {
	case what == 0 || len(list) == 0:
		m.places++
		to := bank
		to.Number = fmt.Sprintf("%s%08d", rapid.SampledFrom([]string{"", "fail-", "slow-", "return-"}).Draw(t, "sort"), m.places)
		_, err = m.AddDestination(ctx, who, o, right, to)
	case what == 1:
		err = m.RemoveDestination(ctx, who, o, rapid.SampledFrom(list).Draw(t, "place").ID)
	default:
		_, err = m.ConfirmDestination(ctx, who, o, rapid.SampledFrom(list).Draw(t, "place").ID, right)
	}
	m.fine(t, err)
}

func (m *paying) votes(t *rapid.T) {
	list, err := m.Find(ctx, m.ops[0], payout.WaitApproval, "", 10)
	m.must(err)
	if len(list) == 0 {
		t.Skip("nothing waits")
	}
	_, err = m.Approve(ctx, m.op(t), rapid.SampledFrom(list).Draw(t, "payout").ID, rapid.IntRange(0, 3).Draw(t, "approves") > 0, "Looked at")
	m.fine(t, err)
}

func (m *paying) waits(t *rapid.T) {
	m.sweep(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 2 * time.Hour, 50 * time.Hour, 8 * 24 * time.Hour}).Draw(t, "turn"))
}

func (m *paying) plans(t *rapid.T) {
	o, who := m.who(t)
	_, err := m.PutSchedule(ctx, who, o, payout.Schedule{Every: rapid.SampledFrom([]payout.Every{payout.EveryManual, payout.EveryWeek}).Draw(t, "every"), Destination: "dst_any"})
	m.fine(t, err)
}

func (m *paying) hands(t *rapid.T) {
	_, err := m.Hand(ctx, m.op(t))
	m.fine(t, err)
}

// reads takes results of any payouts, true, doubtful or told before; looking first says what reading does.
func (m *paying) reads(t *rapid.T) {
	list, err := m.Find(ctx, m.ops[0], payout.WaitNothing, "", 20)
	m.must(err)
	if len(list) == 0 {
		t.Skip("nobody was paid")
	}
	file := "payout_id,state,amount,currency\n"
	for range rapid.IntRange(1, 4).Draw(t, "lines") {
		p := rapid.SampledFrom(list).Draw(t, "payout")
		file += fmt.Sprintf("%s,%s,%s,USD\n", p.ID, rapid.SampledFrom([]string{"confirmed", "failed", "returned"}).Draw(t, "state"), p.Net.Decimal())
	}
	would, err := m.Preview(ctx, m.op(t), []byte(file))
	m.must(err)
	did, err := m.Read(ctx, m.op(t), []byte(file))
	m.must(err)
	if would.Applied != did.Applied || would.Refused != did.Refused || would.Repeated != did.Repeated {
		t.Fatalf("the preview said %+v, and it did %+v", would, did)
	}
}

func (m *paying) settles(t *rapid.T) {
	m.keys++
	x := usd(rapid.Int64Range(1, 100_00).Draw(t, "amount"))
	if _, err := m.Settle(ctx, m.op(t), x, fmt.Sprint("line ", m.keys)); m.fine(t, err) {
		m.settled += x.Minor
	}
}

// sums adds up the payouts of a condition: what left the balances, and what of it arrives.
func (m *paying) sums(where string, args ...any) (amount, net int64) {
	m.t.Helper()
	list := must(db.Get(ctx, m.d, func(tx *db.Tx) ([][2]int64, error) {
		return db.All(tx, func(r *sql.Rows) (x [2]int64, err error) { return x, r.Scan(&x[0], &x[1]) },
			`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT), CAST(COALESCE(SUM(amount_minor - withheld_minor), 0) AS BIGINT) FROM payouts WHERE `+where, args...)
	}))(m.t)
	return list[0][0], list[0][1]
}

// states reads the statement of a time by chance: what stood at its beginning and every movement come to what stood
// at its end, which is what the book holds when it ends now, and the tax kept back is the book's.
func (m *paying) states(t *rapid.T) {
	o, who := m.who(t)
	now := m.clock.Now().Add(time.Second)
	from := now.Add(-time.Duration(rapid.IntRange(1, 20*24).Draw(t, "hours")) * time.Hour)
	s, err := m.Statement(ctx, who, o, "USD", from, now)
	m.must(err)
	total, withheld := s.Opening.Total.Minor, int64(0)
	for _, x := range s.Movements {
		total += x.Amount.Minor
		if x.Withheld != nil {
			withheld += x.Withheld.Minor
		}
	}
	has := m.balance(o.Purse().Available)
	if total != s.Closing.Total.Minor || s.Closing.Available != usd(has) || s.Closing.Owed != usd(m.balance(o.Purse().Owes)) {
		t.Fatalf("the statement closes with %+v after %d; the book has %d", s.Closing, total, has)
	}
	if (s.Withheld == nil) != (withheld == 0) && s.Withheld.Minor != withheld {
		t.Fatalf("%v of tax was withheld, and the movements say %d", s.Withheld, withheld)
	}
	before, err := m.Statement(ctx, who, o, "USD", now.Add(-300*24*time.Hour), from)
	m.must(err)
	if before.Closing != s.Opening {
		t.Fatalf("one statement closes with %+v, the next opens with %+v", before.Closing, s.Opening)
	}
	if n := strings.Count(s.CSV(), "\n"); n != len(s.Movements)+3 {
		t.Fatalf("%d lines of CSV for %d movements", n, len(s.Movements))
	}
}

// right holds after every step.
func (m *paying) right(t *rapid.T) {
	const live = `state IN ('created','sent','confirmed')`
	for _, o := range []payout.Owner{m.makers(), m.brands()} {
		gone, _ := m.sums(live+` AND owner = $1`, string(o))
		has, debt := m.balance(o.Purse().Available), m.balance(o.Purse().Owes)
		if has-debt != m.earned[o]-m.owed[o]+m.given[o]-gone || has < 0 || debt < 0 || m.given[o] < 0 || m.given[o] > m.owed[o] {
			t.Fatalf("%s has %d and owes %d, of %d earned, %d owed, %d of it given up and %d paid out", o, has, debt, m.earned[o], m.owed[o], m.given[o], gone)
		}
	}
	if lost := m.balance(ledger.BadDebt); lost != m.given[m.makers()]+m.given[m.brands()] {
		t.Fatalf("%d was lost, and %v given up", lost, m.given)
	}
	for _, rail := range []string{"sandbox", "manual"} {
		if _, net := m.sums(`state IN ('created','sent') AND rail = $1`, rail); net != m.balance(ledger.Transit(rail)) {
			t.Fatalf("%d are on their way by %s, and the book says %d", net, rail, m.balance(ledger.Transit(rail)))
		}
	}
	gone, net := m.sums(live)
	if kept := m.balance(ledger.Withheld("US")); kept != gone-net {
		t.Fatalf("%d of tax is withheld, want %d", kept, gone-net)
	}
	if _, paid := m.sums(`state = 'confirmed' AND rail = 'manual'`); m.balance(ledger.Bank("main")) != m.settled-paid {
		t.Fatalf("the bank holds %d, of %d that came and %d that left", m.balance(ledger.Bank("main")), m.settled, paid)
	}
	early := must(db.Get(ctx, m.d, func(tx *db.Tx) (n int64, err error) {
		return n, tx.Row(`SELECT COUNT(*) FROM payouts p JOIN sandbox_payouts s ON s.key = p.id WHERE p.approved < p.approvals`).Scan(&n)
	}))(m.t)
	if early != 0 {
		t.Fatalf("%d payouts left before they were approved", early)
	}
	m.sound()
	if m.t.Failed() {
		t.FailNow()
	}
}

// Payouts asked for, approved, declined, failed, come back and settled in any order, places changed meanwhile: after
// each step nobody has lost or won a cent, and provider, bank and books agree.
func TestPayoutsByChance(t *testing.T) {
	run := func(t *testing.T, runs string, fresh func() (*db.DB, *clock.Turned)) {
		checks := flag.Lookup("rapid.checks")
		if before := checks.Value.String(); before == checks.DefValue {
			if err := checks.Value.Set(runs); err != nil {
				t.Fatal(err)
			}
			defer checks.Value.Set(before)
		}
		rapid.Check(t, func(rt *rapid.T) {
			d, c := fresh()
			rails := rapid.Bool().Draw(rt, "by hand")
			m := &paying{house: open(t, d, c), earned: map[payout.Owner]int64{}, owed: map[payout.Owner]int64{}, given: map[payout.Owner]int64{}}
			if rails {
				m.Payouts = payout.New(d, payout.Options{Vault: m.vault, Rails: []payout.Rail{payout.Manual("main"), payout.Sandbox(m.bank)}, Prove: prove, Report: m.bank})
			}
			m.known()
			m.must(only(m.PutSettings(ctx, m.ops[0], 0, payout.Settings{Limits: []money.Amount{usd(80_00)}, Approvals: 2, Withhold: []payout.Withholding{{Country: "US", Rate: 1000, Jurisdiction: "US", From: "creators"}}})))
			rt.Repeat(map[string]func(*rapid.T){"earn": m.earns, "earn more": m.earns, "owe": m.owes, "ask": m.asks, "ask again": m.asks, "move": m.moves, "vote": m.votes, "wait": m.waits,
				"plan": m.plans, "hand": m.hands, "read": m.reads, "settle": m.settles, "read a statement": m.states,
				"give up": m.givesUp, "give up more": m.givesUp, "take back": m.takesBack, "": m.right})
		})
	}
	t.Run("sqlite", func(t *testing.T) { run(t, "20", func() (*db.DB, *clock.Turned) { return dbtest.SQLite(t) }) })
	t.Run("postgres", func(t *testing.T) { run(t, "2", func() (*db.DB, *clock.Turned) { return dbtest.Postgres(t) }) })
}

// only leaves out what a command answers.
func only[T any](_ T, err error) error { return err }
