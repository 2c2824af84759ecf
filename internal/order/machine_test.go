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
	"mezzo/internal/voucher"
)

// sales drives the room with random commands and checks after each that the money is right.
type sales struct {
	*world
	provider *shaky
	payouts  *payout.Payouts
	orders   []bought
	placed   []bought
	asked    []again
	returns  []asking
	claimed  []claiming
	refs     []string
	stock    int64
	codes    []voucher.Voucher
	labels   []id.LabelRate
	paid     int64 // to the carrier
	silent   bool  // the provider: what needs its answer may fail
}

// bought is an order and who bought it.
type bought struct {
	who   account.Asker
	order id.Order
	at    order.Order
	stuck bool // the card takes nothing back: a cancellation would be asked of the provider for ever
}

// again is a refund that was asked for under a key, to be asked for once more.
type again struct {
	order id.Order
	key   db.Key
	in    order.NewRefund
	made  id.Refund
}

// asking is a return and who asked for it.
type asking struct {
	who account.Asker
	id  id.Return
}

// claiming is a claim and whose it is.
type claiming struct {
	who account.Asker
	id  id.Claim
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
	return m.orders[rapid.IntRange(0, len(m.orders)-1).Draw(t, "order")]
}

func (m *sales) buy(t *rapid.T) {
	who := m.shopper()
	if rapid.Bool().Draw(t, "clicked") {
		m.click(who)
	}
	placed, err := m.till(who, rapid.Int64Range(1, 4).Draw(t, "units"), m.typed(t)...)
	if m.fine(t, "checkout", err); err != nil {
		return
	}
	b := bought{who: who, order: placed.ID, at: placed}
	method := rapid.SampledFrom([]string{payment.MethodVisa, payment.MethodVisa, payment.MethodSlow, payment.MethodRefundFails, payment.MethodDeclined, ""}).Draw(t, "method")
	if method == "" {
		m.placed = append(m.placed, b)
		return
	}
	b.stuck = method == payment.MethodRefundFails
	out, err := m.pay(who, placed, method)
	if m.fine(t, "pay", err); err == nil && (out.State == order.PaySucceeded || out.State == order.PayStarted) {
		m.orders = append(m.orders, b) // one whose bank has not answered may be paid yet
	}
}

// typed are codes that a shopper types, spent and ended ones too.
func (m *sales) typed(t *rapid.T) []string {
	var list []string
	for range rapid.IntRange(0, 2).Draw(t, "codes") {
		if len(m.codes) > 0 {
			list = append(list, m.codes[rapid.IntRange(0, len(m.codes)-1).Draw(t, "code")].Code)
		}
	}
	return list
}

// give makes a voucher, of the brand or of the platform.
func (m *sales) give(t *rapid.T) {
	if len(m.codes) > 8 {
		t.Skip("there are enough")
	}
	giver := rapid.SampledFrom([]id.Brand{m.brand, voucher.Platform}).Draw(t, "giver")
	in := voucher.New{Code: fmt.Sprint("CODE", len(m.codes)), Listed: rapid.Bool().Draw(t, "listed"), Total: rapid.Int64Range(0, 3).Draw(t, "uses"),
		Kind: voucher.Percent, Rate: money.Bps(rapid.SampledFrom([]int{333, 1000, 10_000}).Draw(t, "rate"))}
	if giver == voucher.Platform && rapid.Bool().Draw(t, "fixed") {
		in.Kind, in.Rate, in.Off = voucher.Fixed, 0, cents(rapid.Int64Range(1, 5000).Draw(t, "off"))
	}
	m.codes = append(m.codes, m.gives(giver, in))
}

// endVoucher ends one.
func (m *sales) endVoucher(t *rapid.T) {
	if len(m.codes) == 0 {
		t.Skip("there are none")
	}
	v := m.codes[rapid.IntRange(0, len(m.codes)-1).Draw(t, "voucher")]
	_, err := voucher.Open(m.d).Change(context.Background(), m.house(), v.Brand, v.ID, 0, voucher.Change{End: true})
	m.fine(t, "end a voucher", err)
}

// payLate pays a checkout that was left lying, perhaps too late.
func (m *sales) payLate(t *rapid.T) {
	if len(m.placed) == 0 {
		t.Skip("nothing is placed")
	}
	b := m.placed[rapid.IntRange(0, len(m.placed)-1).Draw(t, "checkout")]
	out, err := m.pay(b.who, b.at, payment.MethodVisa)
	if m.fine(t, "pay late", err); err == nil && out.State == order.PaySucceeded {
		m.orders = append(m.orders, b)
	}
}

func (m *sales) refund(t *rapid.T) {
	b := m.pick(t)
	o := m.look(b.order)
	in := units(o, rapid.Int64Range(0, 4).Draw(t, "units"), rapid.Bool().Draw(t, "shipping"))
	if n := rapid.IntRange(0, 2).Draw(t, "restock"); n > 0 {
		back := n == 1
		in.Restock = &back
	}
	m.n++
	a := again{order: b.order, in: in, key: db.Key{Actor: "machine", Route: "refund", Value: id.Refund("").Next(m.clock.Now()).String(), Hash: [32]byte{byte(m.n)}}}
	r, err := m.world.orders.Refund(db.WithKey(context.Background(), a.key), m.member, b.order, in)
	if m.fine(t, "refund", err); err == nil {
		a.made = r.ID
		m.asked = append(m.asked, a)
	}
}

func (m *sales) repeat(t *rapid.T) {
	if len(m.asked) == 0 {
		t.Skip("nothing was refunded")
	}
	a := m.asked[rapid.IntRange(0, len(m.asked)-1).Draw(t, "refund")]
	before := m.count(`SELECT COUNT(*) FROM refunds`)
	r, err := m.world.orders.Refund(db.WithKey(context.Background(), a.key), m.member, a.order, a.in)
	if err != nil || r.ID != a.made || m.count(`SELECT COUNT(*) FROM refunds`) != before {
		t.Fatalf("a refund asked for again: %+v %v", r, err)
	}
}

// askReturn asks for units of an order's line back.
func (m *sales) askReturn(t *rapid.T) {
	b := m.pick(t)
	r, err := m.world.orders.Return(context.Background(), b.who, b.order, wish(m.look(b.order), rapid.Int64Range(1, 3).Draw(t, "units"), rapid.Bool().Draw(t, "keeps")))
	if m.fine(t, "return", err); err == nil {
		m.returns = append(m.returns, asking{b.who, r.ID})
	}
}

func (m *sales) pickReturn(t *rapid.T) asking {
	if len(m.returns) == 0 {
		t.Skip("nothing comes back")
	}
	return m.returns[rapid.IntRange(0, len(m.returns)-1).Draw(t, "return")]
}

func (m *sales) answerReturn(t *rapid.T) {
	in := order.Decision{Verdict: rapid.SampledFrom([]order.Verdict{order.Approve, order.Decline, order.GiveBack}).Draw(t, "verdict"), Note: "Well", Restock: rapid.Bool().Draw(t, "restock")}
	_, err := m.world.orders.DecideReturn(context.Background(), m.member, m.pickReturn(t).id, in)
	m.fine(t, "answer", err)
}

// sendReturn sends an approved return back, or takes it back.
func (m *sales) sendReturn(t *rapid.T) {
	a := m.pickReturn(t)
	var err error
	if rapid.Bool().Draw(t, "keeps it after all") {
		_, err = m.world.orders.WithdrawReturn(context.Background(), a.who, a.id)
	} else {
		_, err = m.world.orders.SendReturn(context.Background(), a.who, a.id, "Post", "")
	}
	m.fine(t, "send back", err)
}

// claim says that an order has not come.
func (m *sales) claim(t *rapid.T) {
	b := m.pick(t)
	c, err := m.world.orders.Claim(context.Background(), b.who, b.order, order.NewClaim{Says: "Nothing came."})
	if m.fine(t, "claim", err); err == nil {
		m.claimed = append(m.claimed, claiming{b.who, c.ID})
	}
}

// answerClaim proves a delivery, gives in, or finds the parcel after all.
func (m *sales) answerClaim(t *rapid.T) {
	if len(m.claimed) == 0 {
		t.Skip("everything has come")
	}
	c := m.claimed[rapid.IntRange(0, len(m.claimed)-1).Draw(t, "claim")]
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "answer") {
	case 0:
		_, err = m.world.orders.AnswerClaim(context.Background(), m.member, c.id, "Signed for by Ada.", false)
	case 1:
		_, err = m.world.orders.AnswerClaim(context.Background(), m.member, c.id, "", true)
	case 2:
		_, err = m.world.orders.AnswerClaim(context.Background(), account.Asker{Account: m.member.Account, Operator: true}, c.id, "", true)
	default:
		_, err = m.world.orders.WithdrawClaim(context.Background(), c.who, c.id)
	}
	m.fine(t, "answer a claim", err)
}

// dispute makes a bank dispute a payment, or part of it, whatever has become of the order. Its word arrives,
// twice perhaps, or is lost and looked for.
func (m *sales) dispute(t *rapid.T) {
	b := m.pick(t)
	minor := int64(0)
	if rapid.Bool().Draw(t, "part of it") {
		minor = rapid.Int64Range(1, b.at.Total.Minor).Draw(t, "disputed")
	}
	ref, err := m.sandbox.OpenDispute(context.Background(), m.paymentOf(b.order), money.Of(minor, "USD"), "fraudulent")
	if m.fine(t, "dispute", err); err != nil {
		return
	}
	m.refs = append(m.refs, ref)
	m.heard(t, ref)
}

// bankDecides lets a bank decide on a dispute; one that is decided stays so.
func (m *sales) bankDecides(t *rapid.T) {
	if len(m.refs) == 0 {
		t.Skip("nothing is disputed")
	}
	ref := m.refs[rapid.IntRange(0, len(m.refs)-1).Draw(t, "dispute")]
	if _, err := m.sandbox.CloseDispute(context.Background(), ref, rapid.Bool().Draw(t, "won")); err != nil {
		t.Fatal(err)
	}
	m.heard(t, ref)
}

// heard is the word of a dispute: it comes once or more, or is lost and the next look finds it.
func (m *sales) heard(t *rapid.T, ref string) {
	for range rapid.IntRange(0, 2).Draw(t, "times") {
		m.fine(t, "hear of a dispute", m.world.orders.Disputed(context.Background(), ref))
	}
	m.fine(t, "look for disputes", m.world.orders.LookForDisputes(context.Background(), time.Unix(0, 0)))
}

// evidence answers a dispute, perhaps with what decides it at once.
func (m *sales) evidence(t *rapid.T) {
	list, err := m.world.orders.BrandDisputes(context.Background(), m.member, m.brand, "", "", 20)
	if err != nil || len(list) == 0 {
		t.Skip("nothing is disputed")
	}
	d := list[rapid.IntRange(0, len(list)-1).Draw(t, "dispute")]
	says := rapid.SampledFrom([]string{"It was sent.", payment.EvidenceWins, payment.EvidenceLoses}).Draw(t, "evidence")
	_, err = m.world.orders.SubmitEvidence(context.Background(), m.member, m.brand, d.ID, says)
	m.fine(t, "evidence", err)
	m.fine(t, "look for disputes", m.world.orders.LookForDisputes(context.Background(), time.Unix(0, 0)))
}

// words delivers what the sandbox tells by itself: it repeats, reorders, delays and loses, and nothing of it
// changes what is right.
func (m *sales) words(t *rapid.T) {
	if err := m.sandbox.Deliver(context.Background(), m.sandbox.Hear(m.world.orders, func(ctx context.Context, key string) error { return m.payouts.Told(ctx, id.Payout(key)) })); err != nil {
		t.Fatal(err)
	}
	m.fine(t, "look for disputes", m.world.orders.LookForDisputes(context.Background(), time.Unix(0, 0)))
}

// changeRate changes what the program pays from now on; what is sold keeps its own.
func (m *sales) changeRate(t *rapid.T) {
	m.clock.Advance(time.Second)
	m.exec(`UPDATE programs SET commission_bps = $1`, rapid.Int64Range(100, 8000).Draw(t, "rate"))
	m.exec(`INSERT INTO program_terms(program_id, from_at, commission_bps, window_hours) SELECT id, CAST($1 AS BIGINT), commission_bps, window_hours FROM programs`, db.Micros(m.clock.Now()))
}

// keepBack sets the brand's reserve.
func (m *sales) keepBack(t *rapid.T) {
	m.clock.Advance(time.Second)
	in := order.Reserve{Bps: money.Bps(rapid.SampledFrom([]int{0, 1000, 10_000}).Draw(t, "bps")), Days: rapid.Int64Range(0, 30).Draw(t, "days")}
	_, err := m.world.orders.SetReserve(context.Background(), account.Asker{Account: m.member.Account, Operator: true}, m.brand, in, "By chance")
	m.fine(t, "keep back", err)
}

// pays lets the machine pay out: it is known who is paid, little is enough, and nobody need look first.
func (m *sales) pays(vault string) error {
	ctx := context.Background()
	keys, err := payout.OpenVault(ctx, m.d, vault)
	if err != nil {
		return err
	}
	m.payouts = payout.New(m.d, payout.Options{Vault: keys, Rails: []payout.Rail{payout.Sandbox(m.sandbox)}, Log: slog.New(slog.DiscardHandler)})
	m.exec(`UPDATE accounts SET over_18 = 1`)
	who := payout.Payee{Legal: payout.Individual, Name: "Ada Marisol", Line1: "7 Lane", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US", TaxID: "123-45-6789"}
	operator := account.Asker{Account: m.member.Account, Operator: true, Session: "ses_1"}
	if _, err = m.payouts.PutSettings(ctx, operator, 0, payout.Settings{Minimums: []money.Amount{money.Of(100, "USD")}}); err == nil {
		if _, err = m.payouts.PutPayee(ctx, m.maker(), payout.OfCreator(m.creator), 0, who); err == nil {
			_, err = m.payouts.PutPayee(ctx, m.member, payout.OfBrand(m.brand), 0, who)
		}
	}
	return err
}

// maker is the creator, signed in.
func (m *sales) maker() account.Asker {
	return account.Asker{Account: m.earner.Account, Creator: m.creator, Over18: true, Session: "ses_1"}
}

// payOut pays some of what is available to the creator or the brand: it arrives, takes its time, is refused or comes back.
func (m *sales) payOut(t *rapid.T) {
	owner, who := payout.OfBrand(m.brand), m.member
	if rapid.Bool().Draw(t, "creator") {
		owner, who = payout.OfCreator(m.creator), m.maker()
	}
	has := m.balance(owner.Purse().Available)
	if has < 100 {
		t.Skip("nothing is available")
	}
	to := id.Destination(rapid.SampledFrom([]string{"dst_any", "dst_any", "dst_slow", "dst_fail", "dst_return"}).Draw(t, "place"))
	_, err := m.payouts.Ask(context.Background(), who, owner, money.Of(rapid.Int64Range(100, has).Draw(t, "amount"), "USD"), to)
	m.fine(t, "pay out", err)
}

func (m *sales) actions() map[string]func(*rapid.T) {
	ctx := context.Background()
	return map[string]func(*rapid.T){
		"buy":      m.buy,
		"buy more": m.buy,
		"pay late": m.payLate,
		"ship": func(t *rapid.T) {
			in := order.NewShipment{Carrier: "Post"}
			if n := rapid.IntRange(0, len(m.labels)).Draw(t, "label"); n > 0 {
				in = order.NewShipment{Label: m.labels[n-1]}
			}
			_, err := m.world.orders.Ship(ctx, m.member, m.pick(t).order, in)
			m.fine(t, "ship", err)
		},
		"pay a carrier": m.payCarrier,
		"deliver": func(t *rapid.T) {
			for _, s := range m.look(m.pick(t).order).Shipments {
				_, err := m.world.orders.Delivered(ctx, m.member, s.ID)
				m.fine(t, "deliver", err)
			}
		},
		"cancel": func(t *rapid.T) {
			b := m.pick(t)
			if b.stuck {
				t.Skip("its cancellation would never end")
			}
			_, err := m.world.orders.Cancel(ctx, b.who, b.order)
			m.fine(t, "cancel", err)
		},
		"refund":           m.refund,
		"refund more":      m.refund,
		"return":           m.askReturn,
		"answer":           m.answerReturn,
		"send back":        m.sendReturn,
		"claim":            m.claim,
		"answer a claim":   m.answerClaim,
		"change a rate":    m.changeRate,
		"keep back":        m.keepBack,
		"give a voucher":   m.give,
		"end a voucher":    m.endVoucher,
		"days later":       func(t *rapid.T) { m.later(time.Duration(rapid.IntRange(1, 7).Draw(t, "days")) * day) },
		"pay out":          m.payOut,
		"pay out more":     m.payOut,
		"give up a debt":   m.giveUp,
		"repeat":           m.repeat,
		"a hold later":     func(*rapid.T) { m.later(15 * 24 * time.Hour) },
		"a minute later":   func(*rapid.T) { m.later(time.Minute) },
		"told again":       func(t *rapid.T) { m.tellAgain(t) },
		"dispute":          m.dispute,
		"the bank decides": m.bankDecides,
		"evidence":         m.evidence,
		"words arrive":     m.words,
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

// invariants are I1 to I8 and I10 of the books, and that each page's number is the ledger's.
func (m *sales) invariants(t *rapid.T) {
	m.sound()
	if n := m.count(`SELECT CAST(on_hand + (SELECT COALESCE(SUM(quantity), 0) FROM reservations WHERE state = 'sold') AS BIGINT) FROM stock`); n != m.stock {
		t.Fatalf("%d units are on hand or sold, of %d", n, m.stock)
	}
	if n := m.count(`SELECT COUNT(*) FROM stock WHERE on_hand < reserved OR reserved < 0`); n > 0 {
		t.Fatal("more is reserved than is there")
	}
	sums, err := affiliateOf(m.world).Earnings(context.Background(), m.earner)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.balance(ledger.CreatorPending(m.creator)); got != sums.Pending.Minor {
		t.Fatalf("%d is pending in the books and %d on the page", got, sums.Pending.Minor)
	}
	if got := m.balance(ledger.CreatorAvailable(m.creator)) - m.balance(ledger.CreatorOwes(m.creator)); got != sums.Available.Minor {
		t.Fatalf("%d is available in the books, less debts, and %d on the page", got, sums.Available.Minor)
	}
	gone := m.count(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payouts WHERE owner = $1 AND state IN ('created','sent','confirmed')`, string(m.creator))
	if gone != sums.Paid.Minor {
		t.Fatalf("%d was paid out, and %d on the page", gone, sums.Paid.Minor)
	}
	m.owing(t)
	pending := m.count(`SELECT CAST(COALESCE(SUM(brand_pending_minor), 0) AS BIGINT) FROM order_parts WHERE paid_at > 0 AND state NOT IN ('completed','cancelled')`)
	if got := m.balance(ledger.BrandPending(m.brand)); got != pending+m.stranded() {
		t.Fatalf("%d is pending for the brand in the books and %d by its parts", got, pending)
	}
}

// stranded is what stands in pending of parts that a refund called off before the provider refused it.
func (m *sales) stranded() int64 {
	return m.count(`SELECT CAST(COALESCE(SUM(l.brand_minor - l.back_brand_minor - COALESCE((SELECT SUM(s.brand_minor) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id
		WHERE s.line_id = l.id AND d.state <> 'won'), 0)), 0) AS BIGINT) FROM order_lines l JOIN order_parts p ON p.id = l.part_id
		JOIN orders o ON o.id = p.order_id WHERE p.state = 'cancelled' AND o.paid_at > 0 AND o.closed_reason <> 'cancelled'`)
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
		runSales(t, 256, func() (db.Options, error) {
			o := db.Options{Dir: t.TempDir()}
			return o, os.WriteFile(filepath.Join(o.Dir, db.File), schema, 0o600)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		runSales(t, 34, func() (db.Options, error) { return db.Options{URL: dbtest.NewPostgresURL(t)}, nil })
	})
}

// machineSteps is how many commands one run takes on the average: long enough for a sale to come to its end
// and be fought over, short enough for a failing run to be read.
const machineSteps = "40"

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
		m := &sales{world: newWorld(rt, d, c, 20), stock: 20}
		m.sandbox = m.sandbox.Over(payment.Unruly)
		m.provider = &shaky{Sandbox: m.sandbox}
		m.world.orders = order.New(order.Parts{DB: d, Keys: m.keys, Provider: m.provider, Log: m.log, Logger: slog.New(slog.DiscardHandler)},
			order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
		if err := m.pays(filepath.Join(t.TempDir(), payout.VaultFile)); err != nil {
			rt.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "something was sold before") { // from the start there is money to pay out, and to take back
			who, sold := m.boughtUnits(4, payment.MethodVisa)
			m.bringTo(sold, "released")
			m.orders = append(m.orders, bought{who: who, order: sold.ID, at: sold})
		}
		for _, price := range []int64{420, 620, 1900} { // less than the shipping, more, and perhaps more than all
			m.labels = append(m.labels, m.label(fmt.Sprint("Parcel ", price), price))
		}
		actions := m.actions()
		check := actions[""]
		actions[""] = func(t *rapid.T) { steps++; check(t) }
		rt.Repeat(actions)
	})
}
