package affiliate_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/attribution"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// buys decides a sale and books what its lines earned, as an order does in one transaction.
func (w *world) buys(s affiliate.Sale) (total int64, err error) {
	err = w.d.Write(ctx, func(tx *db.Tx) error {
		total = 0
		got, err := affiliate.Decide(tx, s)
		if err != nil {
			return err
		}
		var list []affiliate.NewCommission
		for _, l := range s.Lines {
			if d := got[l.Line]; d.Creator != "" {
				c := affiliate.NewCommission{Order: s.Order, Part: l.Part, Line: l.Line, Creator: d.Creator, Brand: l.Brand, Program: d.Program, Product: l.Product,
					Base: l.Base, Rate: d.Rate, Amount: money.Of(d.Rate.Of(l.Base.Minor), l.Base.Currency)}
				total += c.Amount.Minor
				list = append(list, c)
			}
		}
		_, err = affiliate.CreateCommissions(tx, list)
		return err
	})
	return total, err
}

func (w *world) sound(a *affiliate.Affiliate) {
	w.t.Helper()
	if problems, _, err := a.Check(ctx); err != nil || len(problems) > 0 {
		w.t.Fatalf("%v %v", problems, err)
	}
}

// budgeted is a program with a budget of 20.00 at 15 %: a line of 19.99 takes 3.00. Sixteen are for new
// clicks, four for those made before.
func budgeted(t *testing.T, d *db.DB, k *clock.Turned) (*world, *affiliate.Affiliate, affiliate.Program) {
	w, a := newWorld(t, d, k, 2, 2), affiliate.New(d)
	p := w.open(a, func(in *affiliate.NewProgram) { in.Budget = ptr(money.Of(2000, "EUR")) })
	w.shelve(0, 0)
	w.shelve(1, 0)
	k.Advance(time.Hour)
	return w, a, p
}

func (w *world) standing(a *affiliate.Affiliate, p id.Program) string {
	w.t.Helper()
	got, err := a.Program(ctx, w.owner, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%s %d+%d left, %d of %d spent", got.State, got.Left.Minor, got.Reserved.Minor, got.Spent.Minor, got.Budget.Minor)
}

// TestABudgetClosesToNewClicks: the life of a budget, from its grant to a top-up.
func TestABudgetClosesToNewClicks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w, a, p := budgeted(t, d, k)
		stands := func(want string) {
			t.Helper()
			if got := w.standing(a, p.ID); got != want {
				t.Fatalf("it is %s, want %s", got, want)
			}
			w.sound(a)
		}
		buy := func(want int64) affiliate.Sale {
			t.Helper()
			k.Advance(time.Minute)
			s := w.sale(0)
			if got, err := w.buys(s); err != nil || got != want {
				t.Fatalf("earned %d, want %d: %v", got, want, err)
			}
			return s
		}
		stands("running 1600+400 left, 0 of 2000 spent")
		w.click(w.viewer, 0, 0)
		early := w.viewer
		var late id.Viewer
		late = late.Next(k.Now())
		first := buy(300)
		for range 4 {
			buy(300)
		}
		stands("running 100+400 left, 1500 of 2000 spent")
		buy(300) // one of it from the budget's rest and the reserve: it closes
		stands("spent 0+200 left, 1800 of 2000 spent")
		k.Advance(time.Minute)
		list, err := a.MyShowcase(ctx, w.creators[0], "", 10)
		if err != nil || list[0].Terms == nil || list[0].Terms.ClosedAt == nil {
			t.Fatalf("creators are not told: %+v %v", list, err)
		}
		if found, err := a.Marketplace(ctx, w.creators[1], affiliate.Market{Limit: 10}); err != nil || len(found) != 0 {
			t.Fatalf("a closed program is in the marketplace: %+v %v", found, err)
		}
		w.viewer = late
		w.click(late, 0, 0)
		if got := w.decide(w.sale(0))[0]; got.Because != attribution.BudgetClosed {
			t.Fatalf("a click after it closed: %+v", got)
		}
		w.viewer = early
		if got := w.decide(w.sale(0))[0]; got.Because != attribution.BudgetSpent { // 3.00 of the 2.00 left
			t.Fatalf("more than is left: %+v", got)
		}
		// A refund gives back: what the reserve lacks first.
		w.write(func(tx *db.Tx) error {
			_, err := affiliate.ReverseCommissions(tx, []id.Line{first.Lines[0].Line}, affiliate.OrderCancelled)
			return err
		})
		stands("spent 100+400 left, 1500 of 2000 spent")
		buy(300) // clicked long before it closed: from the reserve
		stands("spent 0+200 left, 1800 of 2000 spent")
		topped, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(5000, "EUR"))})
		if err != nil || topped.ClosedAt != nil {
			t.Fatalf("%+v %v", topped, err)
		}
		stands("running 2200+1000 left, 1800 of 5000 spent")
		w.viewer = late
		if got := w.decide(w.sale(0))[0]; got.Because != attribution.BudgetClosed {
			t.Fatalf("a click made while it was closed: %+v", got)
		}
		w.click(late, 0, 0)
		buy(300)
		stands("running 1900+1000 left, 2100 of 5000 spent")
	})
}

// TestASpentBudgetBesideAnother: the other program pays, and the one that could not is closed, so that nobody
// goes on being promised its rate.
func TestASpentBudgetBesideAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w, a := newWorld(t, d, k, 1, 1), affiliate.New(d)
		p := w.open(a, func(in *affiliate.NewProgram) { in.Budget = ptr(money.Of(200, "EUR")) })
		w.shelve(0, 0)
		other := w.program(1000, 336)
		k.Advance(time.Hour)
		w.click(w.viewer, 0, 0)
		k.Advance(time.Hour)
		for range 2 { // the brand is told once
			if got := w.decide(w.sale(0))[0]; got.Program != other || got.Rate != 1000 {
				t.Fatalf("%+v", got)
			}
			if got, err := a.Program(ctx, w.owner, p.ID); err != nil || got.ClosedAt == nil {
				t.Fatalf("%+v %v", got, err)
			}
			if n := w.count(`SELECT COUNT(*) FROM outbox WHERE topic = 'program.budget_closed' AND body LIKE '%"brand":"' || CAST($1 AS TEXT) || '"%' AND body LIKE '%"left":{"amount":200,%'`, string(w.brand)); n != 1 {
				t.Errorf("the brand was told %d times that its budget is closed", n)
			}
		}
	})
}

// TestChangesOfABudget: bad ones are refused by what is wrong, and books and row stay as they were.
func TestChangesOfABudget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w, a := newWorld(t, d, k, 1, 1), affiliate.New(d)
		p := w.open(a, func(in *affiliate.NewProgram) { in.Budget = ptr(money.Of(2000, "EUR")) })
		w.shelve(0, 0)
		w.click(w.viewer, 0, 0)
		if _, err := w.buys(w.sale(0)); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			change affiliate.ProgramChange
			kind   fault.Kind
		}{
			"negative":          {affiliate.ProgramChange{Budget: ptr(money.Of(-1, "EUR"))}, fault.Invalid},
			"another currency":  {affiliate.ProgramChange{Budget: ptr(money.Of(9000, "USD"))}, fault.Invalid},
			"beyond the book":   {affiliate.ProgramChange{Budget: ptr(money.Of(money.Max+1, "EUR"))}, fault.Invalid},
			"lower, promoted":   {affiliate.ProgramChange{Budget: ptr(money.Of(1999, "EUR"))}, fault.Conflict},
			"indirect below 0":  {affiliate.ProgramChange{Indirect: ptr(money.Bps(-1))}, fault.Invalid},
			"indirect too high": {affiliate.ProgramChange{Indirect: ptr(money.Bps(affiliate.MaxRate + 1))}, fault.Invalid},
		} {
			if _, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, c.change); fault.KindOf(err) != c.kind {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := w.standing(a, p.ID); got != "running 1300+400 left, 300 of 2000 spent" {
			t.Errorf("it is %s", got)
		}
		w.exec(`UPDATE showcase SET removed_at = $1`, k.Now()) // nobody promotes any more
		if _, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(299, "EUR"))}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("less than is spent: %v", err)
		}
		for _, to := range []struct {
			minor int64
			want  string
		}{{1000, "running 500+200 left, 300 of 1000 spent"}, {300, "spent 0+0 left, 300 of 300 spent"}, {2000, "running 1300+400 left, 300 of 2000 spent"}} {
			if _, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(to.minor, "EUR"))}); err != nil {
				t.Fatal(err)
			}
			if got := w.standing(a, p.ID); got != to.want {
				t.Errorf("at %d it is %s, want %s", to.minor, got, to.want)
			}
			w.sound(a)
		}
		gone, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(0, "EUR"))})
		if err != nil || gone.Budget != nil || gone.State != "running" {
			t.Fatalf("%+v %v", gone, err)
		}
		w.sound(a)
		if _, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(500, "EUR"))}); err != nil {
			t.Fatal(err)
		}
		if got := w.standing(a, p.ID); got != "running 100+100 left, 300 of 500 spent" {
			t.Errorf("set again it is %s", got)
		}
		w.sound(a)
	})
}

// TestConcurrentOrdersCannotOverdraw: twelve buyers at once want what suffices for six.
func TestConcurrentOrdersCannotOverdraw(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w, a, p := budgeted(t, d, k)
		sales := make([]affiliate.Sale, 12)
		for i := range sales {
			w.viewer = w.viewer.Next(k.Now())
			w.click(w.viewer, i%2, 0)
			sales[i] = w.sale(0)
		}
		earned := make([]int64, len(sales))
		var wait sync.WaitGroup
		for i := range sales {
			wait.Go(func() {
				var err error
				if earned[i], err = w.buys(sales[i]); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		total := int64(0)
		for _, e := range earned {
			total += e
		}
		if got := w.standing(a, p.ID); total != 1800 || got != "spent 0+200 left, 1800 of 2000 spent" {
			t.Fatalf("%d were earned; it is %s", total, got)
		}
		w.sound(a)
	})
}

// TestBudgetProperties: whatever is bought, refunded and granted, commissions never come to more than the
// budget, no line has two, and book, row and commissions agree.
func TestBudgetProperties(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w, a, p := budgeted(t, d, k)
		budget, used := int64(2000), map[id.Line]int64{}
		rapid.Check(t, func(t *rapid.T) {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				budget += int64(rapid.IntRange(1, 700).Draw(t, "more"))
				if _, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, affiliate.ProgramChange{Budget: ptr(money.Of(budget, "EUR"))}); err != nil {
					t.Fatal(err)
				}
			case 1:
				for l, left := range used {
					take := rapid.Int64Range(0, left).Draw(t, "take")
					w.write(func(tx *db.Tx) error {
						return affiliate.TakeBack(tx, []affiliate.Taken{{Line: l, Base: money.Of(take*6, "EUR"), Amount: money.Of(take, "EUR")}}, 1)
					})
					used[l] -= take
					break
				}
			default:
				w.click(w.viewer, 0, 0)
				k.Advance(time.Minute)
				s := w.sale(0, 0)
				s.Lines[1].Base = money.Of(int64(rapid.IntRange(1, 9000).Draw(t, "base")), "EUR")
				if _, err := w.buys(s); err != nil {
					t.Fatal(err)
				}
				for _, l := range s.Lines {
					if n := w.count(`SELECT COALESCE(SUM(amount_minor), 0) FROM commissions WHERE line_id = $1`, string(l.Line)); n > 0 {
						used[l.Line] = n
					}
				}
			}
			var sum int64
			for _, u := range used {
				sum += u
			}
			got, err := a.Program(ctx, w.owner, p.ID)
			if err != nil || got.Spent.Minor != sum || sum > budget || got.Budget.Minor != budget {
				t.Fatalf("%d of %d are spent, the program says %v of %v, %v", sum, budget, got.Spent, got.Budget, err)
			}
		})
		w.sound(a)
	})
}

// TestOwnPurchases: by whatever the buyer is known, it is found, and told to nobody which it was.
func TestOwnPurchases(t *testing.T) {
	mark := func(kind account.MarkKind, parts ...string) account.Mark {
		m, ok := account.NewMark(kind, parts...)
		if !ok {
			t.Fatal("nothing to know anybody by")
		}
		return m
	}
	for name, c := range map[string]struct{ known, shown account.Mark }{
		"address, spelled otherwise": {mark(account.MarkAddress, "12 Mill Lane", "Flat 3", "N1 9GU", "GB"), mark(account.MarkAddress, "12, MILL LANE", "flat 3", "n19gu", "gb")},
		"phone":                      {mark(account.MarkPhone, "+44 20 1234"), mark(account.MarkPhone, "+44-20-1234")},
		"card":                       {mark(account.MarkInstrument, "fp_1"), mark(account.MarkInstrument, "fp_1")},
	} {
		dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
			w, a := newWorld(t, d, k, 2, 1), affiliate.New(d)
			w.shelve(0, 0)
			w.shelve(1, 0)
			w.program(1500, 336)
			k.Advance(time.Hour)
			w.click(w.viewer, 1, 0)
			w.click(w.viewer, 0, 0)
			s := w.sale(0)
			s.Marks = []account.Mark{c.shown}
			w.write(func(tx *db.Tx) error { return account.AddMarks(tx, w.creators[0].Account, c.known, c.known) })
			if got := w.decide(s)[0]; got.Creator != w.creators[1].Creator {
				t.Fatalf("%s: %+v", name, got)
			}
			// One who shares it with the creator, by an order of before.
			friend := w.person("friend@example.com")
			w.write(func(tx *db.Tx) error { return account.AddMarks(tx, friend.Account, c.shown) })
			s = w.sale(0)
			s.Account = friend.Account
			if got := w.decide(s)[0]; got.Creator != w.creators[1].Creator {
				t.Fatalf("%s, known from before: %+v", name, got)
			}
			// A member of the brand: nobody earns, and creators are told the same sentence.
			w.write(func(tx *db.Tx) error { return account.AddMarks(tx, w.owner.Account, c.known) })
			s = w.sale(0)
			s.Marks = []account.Mark{c.shown}
			if got := w.decide(s)[0]; got.Because != attribution.BrandMember {
				t.Fatalf("%s, of a member: %+v", name, got)
			}
			list, err := a.Attribution(ctx, w.creators[1], s.Order, false)
			if err != nil || len(list) != 1 || len(list[0].Touches) != 1 || list[0].Others != 1 || list[0].Touches[0].Lost != attribution.OwnPurchase {
				t.Fatalf("%s: the creator reads %+v %v", name, list, err)
			}
			lost, err := a.Contentions(ctx, w.creators[1], affiliate.ContendedLost, "", 10)
			if err != nil || len(lost) != 1 || lost[0].Lost != attribution.OwnPurchase || lost[0].Order != s.Order || lost[0].Title != "Cup 0" {
				t.Fatalf("%s: %+v %v", name, lost, err)
			}
			if won, err := a.Contentions(ctx, w.creators[1], affiliate.ContendedWon, "", 10); err != nil || len(won) != 2 {
				t.Fatalf("%s: %+v %v", name, won, err)
			}
		})
	}
	for _, parts := range [][]string{nil, {""}, {" ", "-.,"}} {
		if _, ok := account.NewMark(account.MarkPhone, parts...); ok {
			t.Errorf("%q is something to know somebody by", parts)
		}
	}
}
