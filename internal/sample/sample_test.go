package sample_test

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/sample"
)

func TestSampleAnsweredByAVideo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 2, 1, given)
		old := w.publish(0, "visible")
		c.Advance(time.Hour)
		s := w.ask(0)
		if s.State != sample.Requested || s.Address == nil || s.Charge != nil || s.Days != 14 || s.Title != "Skillet (26 cm)" {
			t.Errorf("asked: %+v", s)
		}
		if seen := w.read(s.ID, w.owner); seen.Address != nil || seen.Country != "US" {
			t.Errorf("before it approves the brand reads where the creator lives: %+v", seen)
		}
		w.stock(2, 0)
		s, err := w.samples.Decide(ctx, w.owner, s.ID, true, "")
		w.must(err)
		if s.State != sample.Approved || s.Address == nil || *s.Address != home {
			t.Errorf("approved: %+v", s)
		}
		w.stock(2, 1)
		s, err = w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Carrier: "Post", Tracking: "RX1"})
		w.must(err)
		w.stock(1, 0)
		w.sweep() // an older video does not answer it
		if s = w.read(s.ID, w.creators[0]); s.State != sample.Shipped || s.Tracking != "RX1" {
			t.Errorf("sent: %+v", s)
		}
		if g, err := db.Get(ctx, d, func(tx *db.Tx) (map[id.Product]bool, error) {
			return w.samples.Given(tx, w.creators[0].Creator, []id.Product{w.product})
		}); err != nil || !g[w.product] {
			t.Errorf("what was given is not known: %v %v", g, err)
		}
		c.Advance(day)
		_, err = w.samples.Receive(ctx, w.creators[0], s.ID)
		w.must(err)
		w.publish(0, "limited")
		w.sweep()
		if s = w.read(s.ID, w.owner); s.State != sample.Delivered {
			t.Errorf("a video that is not open to everybody answered it: %+v", s)
		}
		c.Advance(day)
		v := w.publish(0, "visible")
		w.sweep()
		w.sweep()
		s = w.read(s.ID, w.owner)
		if s.State != sample.Fulfilled || s.Video != v || s.Video == old || s.Address != nil || s.DueAt != nil || s.Creator.Record != (sample.Record{Sent: 1, Fulfilled: 1}) {
			t.Errorf("answered: %+v", s)
		}
		_, err = w.samples.Request(ctx, w.creators[0], w.want())
		w.refused("a second one of the product", err, fault.Conflict, sample.AlreadyAsked)
		var commissions, touches int64
		w.must(d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT (SELECT COUNT(*) FROM commissions), (SELECT COUNT(*) FROM touches)`).Scan(&commissions, &touches)
		}))
		if commissions+touches > 0 {
			t.Error("a sample earned something")
		}
		for topic, n := range map[string]int{event.TopicSampleRequested: 1, event.TopicSampleDelivered: 1, event.TopicSampleFulfilled: 1, event.TopicSampleOverdue: 0, event.TopicOrderPaid: 0} {
			if got := len(dbtest.Facts(t, d, topic)); got != n {
				t.Errorf("%d facts %s, want %d", got, topic, n)
			}
		}
		w.stock(1, 0)
		w.sound()
	})
}

// Without content in time the price moves once, from what the creator has and what they will owe.
func TestSampleCharged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 5, 3, charging())
		in := w.want()
		in.Charge = nil
		_, err := w.samples.Request(ctx, w.creators[0], in)
		w.refused("without agreeing", err, fault.Conflict, sample.ChargeAgreed)
		wrong := money.Of(1, "USD")
		in.Charge = &wrong
		_, err = w.samples.Request(ctx, w.creators[0], in)
		w.refused("agreeing to another amount", err, fault.Conflict, sample.ChargeAgreed)

		w.earned(0, 10_000)
		w.earned(1, 1_000)
		rich, poor := w.sent(0), w.ask(1)
		w.exec(`UPDATE variants SET price_minor = 9900 WHERE id = $1`, w.variant) // nobody agreed to more
		_, err = w.samples.Decide(ctx, w.owner, poor.ID, true, "")
		w.must(err)
		_, err = w.samples.Ship(ctx, w.owner, poor.ID, sample.Parcel{Carrier: "Post", Tracking: ""})
		w.must(err)
		w.exec(`UPDATE variants SET price_minor = 3000 WHERE id = $1`, w.variant) // and nobody pays less than was frozen
		_, err = w.samples.Receive(ctx, w.creators[0], rich.ID)
		w.must(err)

		c.Advance(14*day - time.Second)
		w.sweep()
		if got := w.balance(ledger.BrandAvailable(w.brand)); got != 0 {
			t.Errorf("%d charged before its time", got)
		}
		c.Advance(time.Second)
		w.sweep() // the poor one's counts as arrived now
		w.sweep()
		if s := w.read(rich.ID, w.creators[0]); s.State != sample.Overdue || s.Charged == nil || s.Charged.Minor != 4800 {
			t.Errorf("overdue: %+v", s)
		}
		if got := w.balance(ledger.CreatorAvailable(w.creators[0].Creator)); got != 5200 {
			t.Errorf("the creator has %d left", got)
		}
		c.Advance(14 * day)
		for range 3 {
			w.sweep()
		}
		for a, want := range map[ledger.Account]int64{ledger.BrandAvailable(w.brand): 9600, ledger.CreatorAvailable(w.creators[1].Creator): 0, ledger.CreatorOwes(w.creators[1].Creator): 3800} {
			if got := w.balance(a); got != want {
				t.Errorf("%s is %d, want %d", a, got, want)
			}
		}
		w.publish(0, "visible") // too late
		w.sweep()
		if s := w.read(rich.ID, w.owner); s.State != sample.Overdue {
			t.Errorf("answered too late: %+v", s)
		}
		w.stock(3, 0)
		w.sound()
	})
}

// What a brand owes is paid from a charge that comes to it.
func TestChargePaysWhatTheBrandOwes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1, 1, charging())
		w.must(d.Write(ctx, func(tx *db.Tx) error {
			_, err := ledger.Post(tx, ledger.Transfer{Key: "debt", Kind: ledger.KindRefund, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.BrandOwes(w.brand), 1000), ledger.Credit(ledger.RefundsPayable("sandbox"), 1000)}})
			return err
		}))
		w.received(0)
		c.Advance(14 * day)
		w.sweep()
		if a, o := w.balance(ledger.BrandAvailable(w.brand)), w.balance(ledger.BrandOwes(w.brand)); a != 3800 || o != 0 {
			t.Errorf("the brand has %d and owes %d", a, o)
		}
		w.sound()
	})
}

// Nothing that ends a sample otherwise charges anybody, and units go back where they came from.
func TestOtherEndsOfASample(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 2, 8, affiliate.SampleTerms{Units: 8, Days: 3, Charged: true})
		declined := w.ask(0)
		_, err := w.samples.Decide(ctx, w.owner, declined.ID, false, " ")
		w.refused("without a reason", err, fault.Invalid, "")
		got, err := w.samples.Decide(ctx, w.owner, declined.ID, false, "Not this season")
		w.must(err)
		if got.State != sample.Declined || got.Reason != "Not this season" || got.Address != nil {
			t.Errorf("declined: %+v", got)
		}
		w.ask(0) // it may be asked for again

		back := w.ask(1)
		_, err = w.samples.Withdraw(ctx, w.owner, back.ID, "No")
		w.refused("a brand calls off what it has not answered", err, fault.Conflict, sample.WrongState)
		_, err = w.samples.Decide(ctx, w.owner, back.ID, true, "")
		w.must(err)
		w.stock(2, 1)
		_, err = w.samples.Withdraw(ctx, w.creators[1], back.ID, "")
		w.must(err)
		w.stock(2, 0)

		unsent := w.ask(2)
		_, err = w.samples.Decide(ctx, w.owner, unsent.ID, true, "")
		w.must(err)
		c.Advance(7 * day)
		w.sweep()
		if s := w.read(unsent.ID, w.creators[2]); s.State != sample.Cancelled || s.Reason == "" {
			t.Errorf("not sent: %+v", s)
		}
		w.stock(2, 0)

		lost := w.sent(3)
		_, err = w.samples.Missing(ctx, w.creators[3], lost.ID)
		w.must(err)
		w.stock(1, 0)
		got, err = w.samples.TakeBack(ctx, w.owner, lost.ID, true) // the post brings it back
		w.must(err)
		w.stock(2, 0)
		if got.State != sample.Returned {
			t.Errorf("taken back: %+v", got)
		}
		broken := w.received(4)
		_, err = w.samples.TakeBack(ctx, w.owner, broken.ID, false)
		w.must(err)
		w.stock(1, 0)
		_, err = w.samples.TakeBack(ctx, w.owner, broken.ID, true)
		w.refused("taken back twice", err, fault.Conflict, sample.WrongState)

		w.sound()
	})
}

// Units and patience run out.
func TestNoUnitsAndNoAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1, 8, affiliate.SampleTerms{Units: 8, Days: 3, Charged: true})
		last, none := w.ask(5), w.ask(6)
		_, err := w.samples.Decide(ctx, w.owner, last.ID, true, "")
		w.must(err)
		_, err = w.samples.Decide(ctx, w.owner, none.ID, true, "")
		w.refused("there is no unit for it", err, fault.Conflict, catalog.OutOfStock)
		_, err = w.samples.Request(ctx, w.creators[7], w.want())
		w.refused("sold out", err, fault.Conflict, catalog.OutOfStock)

		c.Advance(60 * day)
		for range 3 {
			w.sweep()
		}
		if s := w.read(none.ID, w.creators[6]); s.State != sample.Declined {
			t.Errorf("nobody answered: %+v", s)
		}
		if got := w.balance(ledger.BrandAvailable(w.brand)); got != 0 {
			t.Errorf("%d charged for nothing", got)
		}
		w.stock(1, 0)
		w.sound()
	})
}

func TestWhoMayAsk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 50, 3, affiliate.SampleTerms{Units: 1, Days: 14})
		ask := func(who account.Asker, change func(*sample.Ask)) error {
			in := w.want()
			if change != nil {
				change(&in)
			}
			_, err := w.samples.Request(ctx, who, in)
			return err
		}
		plain, err := w.programs.CreateProgram(ctx, w.owner, w.brand, affiliate.NewProgram{Kind: affiliate.Open, Name: "Plain", Rate: 1000, All: true})
		w.must(err)
		named, err := w.programs.CreateProgram(ctx, w.owner, w.brand, affiliate.NewProgram{Kind: affiliate.Targeted, Name: "Named", Rate: 1000, All: true, Handles: []string{"creator1"}, Samples: &given})
		w.must(err)
		member := w.creators[0]
		w.refused("nobody", ask(account.Asker{}, nil), fault.Unauthorized, "")
		w.refused("no creator", ask(w.owner, nil), fault.Forbidden, "")
		w.refused("no program", ask(member, func(a *sample.Ask) { a.Program = "prg_none" }), fault.Missing, "")
		w.refused("no samples", ask(member, func(a *sample.Ask) { a.Program = plain.ID }), fault.Conflict, affiliate.NoSamples)
		w.refused("a program for others", ask(member, func(a *sample.Ask) { a.Program = named.ID }), fault.Missing, "")
		w.refused("no variant", ask(member, func(a *sample.Ask) { a.Variant = "var_none" }), fault.Missing, "")
		w.refused("no address", ask(member, func(a *sample.Ask) { a.Address = order.Address{} }), fault.Invalid, "")
		w.refused("a long note", ask(member, func(a *sample.Ask) { a.Note = fmt.Sprintf("%0501d", 1) }), fault.Invalid, "")
		w.must(w.programs.DeleteShowcase(ctx, member, w.product))
		w.refused("not accepted", ask(member, nil), fault.Conflict, affiliate.NotInShowcase)
		w.exec(`INSERT INTO brand_members(brand_id, account_id, role, created_at) VALUES ($1,$2,'staff',1)`, w.brand, w.creators[2].Account)
		w.refused("the brand's own people", ask(w.creators[2], nil), fault.Conflict, sample.OwnProduct)

		s := w.sent(1)
		w.refused("all given", ask(w.creators[0], nil), fault.Conflict, affiliate.NoSamples)
		for name, who := range map[string]account.Asker{"another brand": w.rival, "another creator": w.creators[0], "a stranger": w.person("stranger")} {
			_, err := w.samples.Sample(ctx, who, s.ID)
			w.refused(name+" reads it", err, fault.Missing, "")
			_, err = w.samples.Decide(ctx, who, s.ID, true, "")
			w.refused(name+" decides", err, fault.Missing, "")
			_, err = w.samples.Receive(ctx, who, s.ID)
			w.refused(name+" has it", err, fault.Missing, "")
			_, err = w.samples.TakeBack(ctx, who, s.ID, true)
			w.refused(name+" takes it back", err, fault.Missing, "")
		}
		_, err = w.samples.OfBrand(ctx, w.rival, w.brand, "", "", 10)
		w.refused("another brand lists it", err, fault.Missing, "")
		_, err = w.samples.Ship(ctx, w.creators[1], s.ID, sample.Parcel{Carrier: "Post", Tracking: ""})
		w.refused("the creator sends it", err, fault.Forbidden, "")
		_, err = w.samples.Receive(ctx, w.owner, s.ID)
		w.refused("the brand receives it", err, fault.Forbidden, "")
		if list, err := w.samples.Mine(ctx, w.creators[1], sample.Shipped, "", 10); err != nil || len(list) != 1 {
			t.Errorf("mine: %v %v", list, err)
		}
		if list, err := w.samples.OfBrand(ctx, w.owner, w.brand, sample.Requested, "", 10); err != nil || len(list) != 0 {
			t.Errorf("of the brand: %v %v", list, err)
		}
		less := affiliate.SampleTerms{Units: 0}
		p, err := w.programs.UpdateProgram(ctx, w.owner, w.program.ID, 0, affiliate.ProgramChange{Samples: &less})
		if w.must(err); p.Samples != nil {
			t.Errorf("offered still: %+v", p.Samples)
		}
		w.sound()
	})
}

// Approvals and buyers at one moment never promise one unit twice.
func TestSamplesBesideBuyers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 4, 6, affiliate.SampleTerms{Units: 5, Days: 14})
		var asked []sample.Sample
		for i := range w.creators {
			asked = append(asked, w.ask(i))
		}
		var all sync.WaitGroup
		results := make(chan error, 12)
		for i := range asked {
			all.Go(func() {
				_, err := w.samples.Decide(ctx, w.owner, asked[i].ID, true, "")
				results <- err
			})
			all.Go(func() {
				var o id.Order
				results <- d.Write(ctx, func(tx *db.Tx) error {
					return catalog.Reserve(tx, o.Next(tx.Now()), []catalog.Item{{Variant: w.variant, Quantity: 1}}, tx.Now().Add(time.Hour))
				})
			})
		}
		all.Wait()
		close(results)
		got := 0
		for err := range results {
			if err == nil {
				got++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("refused with %v", err)
			}
		}
		if got != 4 {
			t.Errorf("%d units of 4 were promised", got)
		}
		w.stock(4, 4)
		w.sound()
	})
}

var errKilled = errors.New("the program was stopped")

// Stopped before any statement of a charge and begun again, the books are those of one that was never stopped.
func TestChargeKilledAnywhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1, 1, charging())
		w.earned(0, 1000)
		s := w.received(0)
		c.Advance(14 * day)
		kills := 0
		for at := 1; ; at++ {
			n := 0
			err := w.samples.Sweep(db.WithFault(ctx, func() error {
				if n++; n >= at {
					return errKilled
				}
				return nil
			}))
			if err == nil {
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatalf("statement %d: %v", at, err)
			}
			kills++
			if got := w.read(s.ID, w.owner); got.State != sample.Delivered {
				t.Fatalf("half a charge at statement %d: %+v", at, got)
			}
		}
		want := map[ledger.Account]int64{ledger.BrandAvailable(w.brand): 4800, ledger.CreatorAvailable(w.creators[0].Creator): 0, ledger.CreatorOwes(w.creators[0].Creator): 3800}
		got := map[ledger.Account]int64{}
		for a := range want {
			got[a] = w.balance(a)
		}
		if kills < 5 || !maps.Equal(got, want) {
			t.Errorf("after %d kills %v, want %v", kills, got, want)
		}
		w.sound()
	})
}

// Whoever leaves takes address and words along; what would be paid for must be answered first.
func TestErasedWithSamples(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 5, 2, charging())
		open, due := w.ask(0), w.sent(1)
		erase := func(who account.Asker) error {
			return d.Write(ctx, func(tx *db.Tx) error { return sample.Erase(tx, who.Account) })
		}
		w.refused("content is due", erase(w.creators[1]), fault.Conflict, "samples_open")
		w.must(erase(w.creators[0]))
		if s := w.read(open.ID, w.owner); s.State != sample.Cancelled || s.Note != "" || s.Address != nil {
			t.Errorf("of who left: %+v", s)
		}
		out, err := db.Get(ctx, d, func(tx *db.Tx) (any, error) { return sample.Export(tx, w.creators[1].Account) })
		if list, ok := out.([]sample.Sample); err != nil || !ok || len(list) != 1 || list[0].ID != due.ID || list[0].Address == nil {
			t.Errorf("taken home: %+v %v", out, err)
		}
		w.sound()
	})
}

// Each break is named.
func TestCheckNamesBreaks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 5, 1, charging())
		s := w.received(0)
		w.publish(0, "visible")
		w.sweep()
		w.sound()
		for _, broken := range []string{
			`UPDATE samples SET charged_minor = price_minor WHERE id = $1`,
			`UPDATE reservations SET state = 'released' WHERE order_id = $1`,
			`UPDATE program_samples SET given = 2 WHERE program_id = (SELECT program_id FROM samples WHERE id = $1)`,
			`UPDATE samples SET address = 'x' WHERE id = $1`,
		} {
			rolled := errors.New("as it was")
			err := d.Write(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(broken, string(s.ID)); err != nil {
					return err
				}
				found, err := sample.Breaks(tx)
				if err == nil && len(found) == 0 {
					t.Errorf("not named: %s", broken)
				}
				return errors.Join(err, rolled)
			})
			if !errors.Is(err, rolled) {
				t.Fatal(err)
			}
		}
	})
}
