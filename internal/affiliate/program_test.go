package affiliate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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

// room runs f on both engines with creators and a brand of three products.
func room(t *testing.T, creators int, f func(t *testing.T, a *affiliate.Affiliate, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) { f(t, affiliate.New(d), newWorld(t, d, k, creators, 3)) })
}

func (w *world) open(a *affiliate.Affiliate, change func(*affiliate.NewProgram)) affiliate.Program {
	w.t.Helper()
	in := affiliate.NewProgram{Kind: affiliate.Open, Name: "Spring", Rate: 1500, All: true}
	if change != nil {
		change(&in)
	}
	p, err := a.CreateProgram(ctx, w.owner, w.brand, in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.c.Advance(time.Second)
	return p
}

func (w *world) change(a *affiliate.Affiliate, p affiliate.Program, ch affiliate.ProgramChange) affiliate.Program {
	w.t.Helper()
	p, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, ch)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) accept(a *affiliate.Affiliate, creator, product int) affiliate.Item {
	w.t.Helper()
	i, err := a.PutShowcase(ctx, w.creators[creator], w.products[product])
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// sell clicks and buys at once, and returns what the line earns.
func (w *world) sell(creator, product int) affiliate.Decision {
	w.t.Helper()
	w.click(w.viewer, creator, product)
	return w.decide(w.sale(product))[0]
}

func ptr[T any](v T) *T { return &v }

func TestBadPrograms(t *testing.T) {
	beyond := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)) // JSON reads it, and cannot write it in UTC
	room(t, 1, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		for name, bad := range map[string]func(*affiliate.NewProgram){
			"body.name":             func(p *affiliate.NewProgram) { p.Name = "a\nb" },
			"body.kind":             func(p *affiliate.NewProgram) { p.Kind = "closed" },
			"body.commission_bps":   func(p *affiliate.NewProgram) { p.Rate = 99 },
			"body.commission_bps ":  func(p *affiliate.NewProgram) { p.Rate = 8001 },
			"body.window_hours":     func(p *affiliate.NewProgram) { p.WindowHours = 2161 },
			"body.window_hours ":    func(p *affiliate.NewProgram) { p.WindowHours = -1 },
			"body.hold_days":        func(p *affiliate.NewProgram) { p.HoldDays = ptr(int64(61)) },
			"body.product_ids":      func(p *affiliate.NewProgram) { p.All = false },
			"body.product_ids ":     func(p *affiliate.NewProgram) { p.Products = w.products },
			"body.product_ids  ":    func(p *affiliate.NewProgram) { p.All, p.Products = false, []id.Product{"prd_x"} },
			"body.creator_handles":  func(p *affiliate.NewProgram) { p.Kind = affiliate.Targeted },
			"body.creator_handles ": func(p *affiliate.NewProgram) { p.Handles = []string{"creator0"} },
			"body.creator_handles  ": func(p *affiliate.NewProgram) {
				p.Kind, p.Handles = affiliate.Targeted, []string{"nobody"}
			},
			"body.ends_at":         func(p *affiliate.NewProgram) { p.EndsAt = w.c.Now() },
			"body.ends_at ":        func(p *affiliate.NewProgram) { p.EndsAt = beyond },
			"body.starts_at":       func(p *affiliate.NewProgram) { p.StartsAt = beyond },
			"body.budget.amount":   func(p *affiliate.NewProgram) { p.Budget = ptr(money.Of(-1, "EUR")) },
			"body.budget.currency": func(p *affiliate.NewProgram) { p.Budget = ptr(money.Of(1, "USD")) },
		} {
			in := affiliate.NewProgram{Kind: affiliate.Open, Name: "x", Rate: 1500, All: true}
			bad(&in)
			_, err := a.CreateProgram(ctx, w.owner, w.brand, in)
			var f *fault.Fault
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Fields[0].Location != strings.TrimSpace(name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		p := w.open(a, nil)
		if p.WindowHours != 336 || p.HoldDays != 15 || p.State != "running" || !p.AllProducts || p.EndsAt != nil {
			t.Errorf("the defaults are %+v", p)
		}
		later := w.open(a, func(p *affiliate.NewProgram) { p.StartsAt = w.c.Now().Add(time.Hour) })
		for _, ch := range []affiliate.ProgramChange{{EndsAt: &beyond}, {StartsAt: &beyond}} {
			if _, err := a.UpdateProgram(ctx, w.owner, later.ID, 0, ch); !fault.Is(err, fault.Invalid) {
				t.Errorf("changed to a time beyond all dates: %v", err)
			}
		}
		for _, who := range []account.Asker{{}, w.creators[0]} {
			_, err := a.CreateProgram(ctx, who, w.brand, affiliate.NewProgram{})
			_, err2 := a.UpdateProgram(ctx, who, p.ID, 0, affiliate.ProgramChange{Name: ptr("x")})
			_, err3 := a.UpdateProgram(ctx, who, "prg_x", 0, affiliate.ProgramChange{Name: ptr("x")})
			want := fault.Missing
			if who.Account == "" {
				want = fault.Unauthorized
			}
			if !fault.Is(err, want) || !fault.Is(err2, want) || !fault.Is(err3, want) {
				t.Errorf("another may: %v, %v, %v", err, err2, err3)
			}
		}
		if _, err := a.UpdateProgram(ctx, w.owner, p.ID, 7, affiliate.ProgramChange{}); !fault.Is(err, fault.Stale) {
			t.Errorf("an old version: %v", err)
		}
	})
}

// TestRateLock follows one program through a cut, a raise and the end of the lock, for a creator who
// promoted before the cut and one who came after.
func TestRateLock(t *testing.T) {
	room(t, 3, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		p := w.open(a, nil)
		w.accept(a, 0, 0)
		w.accept(a, 2, 0)
		w.c.Advance(time.Hour)
		w.change(a, p, affiliate.ProgramChange{Rate: ptr(money.Bps(1000))})
		w.c.Advance(time.Hour)
		w.accept(a, 1, 0)
		check := func(when string, before, after money.Bps) {
			t.Helper()
			if got := w.sell(0, 0).Rate; got != before {
				t.Errorf("%s: who promoted before the cut gets %v, want %v", when, got, before)
			}
			if got := w.sell(1, 0).Rate; got != after {
				t.Errorf("%s: who came after gets %v, want %v", when, got, after)
			}
			if items, err := a.MyShowcase(ctx, w.creators[0], "", 10); err != nil || items[0].Terms == nil || items[0].Terms.Rate != before || items[0].Terms.RateLocked != (before > after) {
				t.Errorf("%s: the showcase says %+v, %v", when, items[0].Terms, err)
			}
		}
		check("after the cut", 1500, 1000)
		if err := a.DeleteShowcase(ctx, w.creators[2], w.products[0]); err != nil {
			t.Fatal(err)
		}
		w.accept(a, 2, 0)
		if got := w.sell(2, 0).Rate; got != 1000 {
			t.Errorf("who stopped and came back gets %v", got)
		}
		w.c.Advance(29 * day)
		check("29 days later", 1500, 1000)
		w.change(a, p, affiliate.ProgramChange{Rate: ptr(money.Bps(1200))})
		w.c.Advance(time.Second)
		check("raised below the old rate", 1500, 1200)
		w.c.Advance(day)
		check("when the lock is over", 1200, 1200)
		w.change(a, p, affiliate.ProgramChange{Rate: ptr(money.Bps(2000))})
		w.c.Advance(time.Second)
		check("raised", 2000, 2000)
	})
}

// TestNotice: what else is made worse leaves those already promoting 30 days as well.
func TestNotice(t *testing.T) {
	room(t, 2, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		p := w.open(a, func(in *affiliate.NewProgram) {
			in.Kind, in.Handles, in.All, in.Products = affiliate.Targeted, []string{"@Creator0", "creator1"}, false, w.products[:2]
		})
		w.accept(a, 0, 0)
		w.accept(a, 0, 1)
		w.accept(a, 1, 1)
		w.c.Advance(time.Hour)
		locked := func(ch affiliate.ProgramChange) {
			t.Helper()
			_, err := a.UpdateProgram(ctx, w.owner, p.ID, 0, ch)
			var f *fault.Fault
			if !errors.As(err, &f) || f.Type != affiliate.TermsLocked {
				t.Errorf("%+v: %v", ch, err)
			}
		}
		locked(affiliate.ProgramChange{EndsAt: ptr(w.c.Now().Add(29 * day))})
		locked(affiliate.ProgramChange{Budget: ptr(money.Of(100, "EUR"))})
		got := w.change(a, p, affiliate.ProgramChange{Products: ptr(w.products[:1]), Handles: ptr([]string{"creator0"}), WindowHours: ptr(int64(1))})
		if len(got.Products) != 2 || len(got.Creators) != 2 || got.Creators[1].LeavesAt == nil {
			t.Errorf("during the notice it covers %+v", got)
		}
		w.click(w.viewer, 0, 1)
		w.click(w.viewer, 0, 0)
		w.c.Advance(2 * time.Hour)
		for i, d := range w.decide(w.sale(0, 1)) {
			if d.Creator != w.creators[0].Creator {
				t.Errorf("line %d during the notice: %+v", i, d)
			}
		}
		w.c.Advance(30 * day)
		if d := w.sell(0, 0); d.Creator != w.creators[0].Creator {
			t.Errorf("what stayed in: %+v", d)
		}
		if d := w.sell(0, 1); d.Creator != "" || d.Because != attribution.ProgramInactive {
			t.Errorf("a product taken out: %+v", d)
		}
		w.click(w.viewer, 0, 0)
		w.c.Advance(2 * time.Hour)
		if d := w.decide(w.sale(0))[0]; d.Because != attribution.OutsideWindow {
			t.Errorf("the window cut: %+v", d)
		}
		got = w.change(a, p, affiliate.ProgramChange{EndsAt: ptr(w.c.Now().Add(30*day + time.Second)), Products: ptr(w.products[:2]), Handles: ptr([]string{"creator0", "creator1"})})
		if len(got.Products) != 2 || len(got.Creators) != 2 || got.EndsAt == nil {
			t.Errorf("put back: %+v", got)
		}
		got = w.change(a, p, affiliate.ProgramChange{EndsAt: ptr(time.Time{})})
		if got.EndsAt != nil {
			t.Errorf("without an end: %+v", got)
		}
	})
}

func TestShowcase(t *testing.T) {
	room(t, 1, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		me := w.creators[0]
		if _, err := a.PutShowcase(ctx, me, w.products[0]); !fault.Is(err, fault.Conflict) {
			t.Fatalf("without a program: %v", err)
		}
		if _, err := a.PutShowcase(ctx, me, "prd_x"); !fault.Is(err, fault.Missing) {
			t.Fatalf("no product: %v", err)
		}
		if _, err := a.PutShowcase(ctx, w.owner, w.products[0]); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("no creator: %v", err)
		}
		w.open(a, nil)
		first := w.accept(a, 0, 0)
		w.c.Advance(time.Hour)
		if again := w.accept(a, 0, 0); again.ID != first.ID || !again.AcceptedAt.Equal(first.AcceptedAt) {
			t.Fatalf("put twice: %+v, then %+v", first, again)
		}
		w.accept(a, 0, 1)
		if first.Terms == nil || first.Terms.Rate != 1500 || first.Product.Title != "Cup 0" {
			t.Fatalf("put %+v", first)
		}
		var promote error
		w.write(func(tx *db.Tx) error { _, promote = a.MayPromote(tx, me.Creator, w.products); return nil })
		var f *fault.Fault
		if !errors.As(promote, &f) || f.Type != affiliate.NotInShowcase || !strings.Contains(f.Detail, "Cup 2") || f.Fields[0].Location != "body.product_ids[2]" {
			t.Fatalf("may promote: %v", promote)
		}
		if err := a.DeleteShowcase(ctx, me, w.products[0]); err != nil {
			t.Fatal(err)
		}
		if err := a.DeleteShowcase(ctx, me, w.products[0]); !fault.Is(err, fault.Missing) {
			t.Fatalf("taken off twice: %v", err)
		}
		mine, err := a.MyShowcase(ctx, me, "", 10)
		anyone, err2 := a.CreatorShowcase(ctx, me.Creator, "", 10)
		if err != nil || err2 != nil || len(mine) != 1 || len(anyone) != 1 || anyone[0].Terms != nil || mine[0].Terms == nil {
			t.Fatalf("mine %+v %v, to anyone %+v %v", mine, err, anyone, err2)
		}
		w.c.Advance(time.Hour)
		if back := w.accept(a, 0, 0); back.ID != first.ID || !back.AcceptedAt.Equal(w.c.Now()) {
			t.Fatalf("put back: %+v", back)
		}
		w.exec(`UPDATE products SET standing = 'removed' WHERE id = $1`, w.products[0])
		if anyone, err = a.CreatorShowcase(ctx, me.Creator, "", 10); err != nil || len(anyone) != 1 {
			t.Fatalf("with a removed product: %+v, %v", anyone, err)
		}
	})
}

// TestOwnBrand: a creator who owns the brand needs no program to promote its products.
func TestOwnBrand(t *testing.T) {
	room(t, 1, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		me := w.creators[0]
		w.exec(`INSERT INTO brand_members (brand_id, account_id, role, created_at) VALUES ($1, $2, 'owner', $3)`, w.brand, me.Account, w.c.Now())
		me.Brands = map[id.Brand]account.Role{w.brand: account.Owner}
		w.write(func(tx *db.Tx) error { _, err := a.MayPromote(tx, me.Creator, w.products); return err })
		item, err := a.PutShowcase(ctx, me, w.products[0])
		if err != nil || item.Terms != nil {
			t.Fatalf("put %+v, %v", item, err)
		}
		if d := w.sell(0, 0); d.Because != attribution.NoProgram {
			t.Fatalf("sold %+v", d)
		}
	})
}

func TestMarketplace(t *testing.T) {
	room(t, 2, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		names := []string{"Alpha", "Beta 100%", "Gamma", "Delta"}
		for i, n := range names {
			w.open(a, func(in *affiliate.NewProgram) {
				in.Name, in.Rate, in.All, in.Products = n, money.Bps(1000+500*(i%3)), false, w.products[i%3:i%3+1]
			})
		}
		w.open(a, func(in *affiliate.NewProgram) {
			in.Name, in.Kind, in.Handles = "For one", affiliate.Targeted, []string{"creator0"}
		})
		w.open(a, func(in *affiliate.NewProgram) { in.Name, in.StartsAt = "To come", w.c.Now().Add(day) })
		w.open(a, func(in *affiliate.NewProgram) { in.Name, in.EndsAt = "Short", w.c.Now().Add(2*time.Second) })
		w.c.Advance(time.Minute)
		list := func(who int, m affiliate.Market) (got []string) {
			t.Helper()
			if m.Limit == 0 {
				m.Limit = 20
			}
			found, err := a.Marketplace(ctx, w.creators[who], m)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range found {
				got = append(got, l.Name)
				if l.EPC != nil || l.Creators != nil {
					t.Errorf("%s shows %+v", l.Name, l)
				}
			}
			return got
		}
		for name, c := range map[string]struct{ got, want []string }{
			"newest":        {list(1, affiliate.Market{}), []string{"Delta", "Gamma", "Beta 100%", "Alpha"}},
			"targeted":      {list(0, affiliate.Market{Sort: affiliate.ByEPC}), []string{"For one", "Delta", "Gamma", "Beta 100%", "Alpha"}},
			"commission":    {list(1, affiliate.Market{Sort: affiliate.ByCommission}), []string{"Gamma", "Beta 100%", "Delta", "Alpha"}},
			"by name":       {list(1, affiliate.Market{Q: "beta"}), []string{"Beta 100%"}},
			"by product":    {list(1, affiliate.Market{Q: "kiln gam"}), []string{"Gamma"}},
			"hostile":       {list(1, affiliate.Market{Q: "%' \x00\xff _"}), []string{"Delta", "Gamma", "Beta 100%", "Alpha"}},
			"no such words": {list(1, affiliate.Market{Q: "zzz"}), nil},
		} {
			if !slices.Equal(c.got, c.want) {
				t.Errorf("%s: %q, want %q", name, c.got, c.want)
			}
		}
		var paged []string
		m := affiliate.Market{Sort: affiliate.ByCommission, Limit: 1}
		for {
			found, err := a.Marketplace(ctx, w.creators[1], m)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) == 0 {
				break
			}
			paged = append(paged, found[0].Name)
			m.After, m.AfterRate = found[0].ID, found[0].Rate
		}
		if !slices.Equal(paged, []string{"Gamma", "Beta 100%", "Delta", "Alpha"}) {
			t.Errorf("page by page: %q", paged)
		}
	})
}
