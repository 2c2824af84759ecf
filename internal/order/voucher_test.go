package order_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
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
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/voucher"
)

func cents(minor int64) *money.Amount {
	a := money.Of(minor, "USD")
	return &a
}

// house is who runs the shop.
func (w *world) house() account.Asker {
	return account.Asker{Account: w.member.Account, Operator: true}
}

// gives makes a voucher of the brand, or with Platform of the platform.
func (w *world) gives(giver id.Brand, in voucher.New) voucher.Voucher {
	w.t.Helper()
	if in.Title == "" {
		in.Title = "Less"
	}
	who := w.member
	if giver == voucher.Platform {
		in.Currency, who = "USD", w.house()
	}
	v, err := voucher.Open(w.d).Create(context.Background(), who, giver, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// basket is a cart of so many units, with codes.
func (w *world) basket(who account.Asker, quantity int64, codes ...string) (order.Cart, error) {
	ctx := context.Background()
	cart, err := w.orders.CreateCart(ctx, who)
	if err == nil {
		cart, err = w.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: w.variant, Quantity: quantity})
	}
	if err == nil && len(codes) > 0 {
		cart, err = w.orders.SetCodes(ctx, who, cart.ID, codes)
	}
	return cart, err
}

// till goes to the till with a cart of so many units and codes.
func (w *world) till(who account.Asker, quantity int64, codes ...string) (order.Order, error) {
	cart, err := w.basket(who, quantity, codes...)
	if err != nil {
		return order.Order{}, err
	}
	return w.orders.Checkout(context.Background(), who, order.NewCheckout{Cart: cart.ID, Email: string(who.Viewer) + "@example.com", Address: home})
}

// buys is till, paid by card.
func (w *world) buys(who account.Asker, quantity int64, codes ...string) order.Order {
	w.t.Helper()
	placed, err := w.till(who, quantity, codes...)
	if err != nil {
		w.t.Fatal(err)
	}
	if out, err := w.pay(who, placed, payment.MethodVisa); err != nil || out.State != order.PaySucceeded {
		w.t.Fatalf("pay: %+v %v", out, err)
	}
	return w.look(placed.ID)
}

// costs sets what a unit costs.
func (w *world) costs(minor int64) {
	w.exec(`UPDATE variants SET price_minor = $1 WHERE id = $2`, minor, w.variant)
}

// taxed puts a rate in force where every shopper lives.
func (w *world) taxed(in order.Tax) {
	w.t.Helper()
	in.Country, in.Name = "US", "Tax"
	if _, err := w.orders.AddTax(context.Background(), w.house(), in); err != nil {
		w.t.Fatal(err)
	}
}

// Goods of 100.00, 10.00 off by the brand and 5.00 by the platform, 8 % tax, 4.99 shipping: the worked example of
// docs/money.md, to the cent and to the leg; then each way back.
func TestPostingsOfVouchers(t *testing.T) {
	both := func(w *world) (account.Asker, order.Order) {
		w.costs(5000)
		w.taxed(order.Tax{Rate: 800, CollectedBy: order.ByPlatform})
		w.gives(w.brand, voucher.New{Code: "TEN", Kind: voucher.Fixed, Off: cents(1000)})
		w.gives(voucher.Platform, voucher.New{Code: "FIVE", Kind: voucher.Fixed, Off: cents(500)})
		who := w.shopper()
		w.click(who)
		o := w.buys(who, 2, "ten", "five")
		if o.Total.Minor != 9719 || o.Discounts.Minor != 1500 || o.Lines[0].Base.Minor != 8500 || o.Tax.Minor != 720 {
			w.t.Fatalf("%+v", o)
		}
		return who, o
	}
	refund := func(w *world, o order.Order, n int64, shipping bool) { w.refunds(o, units(o, n, shipping)) }
	golden(t, "testdata/vouchers.golden", []story{
		{"paid with a voucher of the brand and one of the platform", func(w *world) {
			both(w)
			w.balances(map[ledger.Account]int64{ledger.PromoPlatform: 500, ledger.CreatorPending(w.creator): 1275, ledger.FeeDeferred: 540,
				ledger.BrandPending(w.brand): 7185})
		}},
		{"cancelled whole", func(w *world) {
			who, o := both(w)
			if _, err := w.orders.Cancel(context.Background(), who, o.ID); err != nil {
				w.t.Fatal(err)
			}
			w.zero()
			w.sweep()
			if n := w.count(`SELECT CAST(SUM(taken) AS BIGINT) FROM vouchers`); n != 0 {
				w.t.Errorf("%d uses were not given back", n)
			}
		}},
		{"half refunded before it is sent, then the rest", func(w *world) {
			_, o := both(w)
			refund(w, o, 1, false)
			refund(w, o, 1, false)
			w.zero()
		}},
		{"refunded by halves after release", func(w *world) {
			_, o := both(w)
			w.bringTo(o, "released")
			refund(w, o, 1, false)
			refund(w, o, 1, true)
			w.zero()
		}},
		{"with the tax in the prices", func(w *world) {
			w.costs(11900)
			w.taxed(order.Tax{Rate: 1900, Inclusive: true, CollectedBy: order.ByBrand})
			w.gives(voucher.Platform, voucher.New{Code: "FREE", Kind: voucher.Percent, Rate: 5000})
			who := w.shopper()
			w.click(who)
			o := w.buys(who, 3, "free")
			for range 3 {
				refund(w, o, 1, false)
			}
			w.zero()
		}},
	})
}

// Sixty-four shoppers come at once for the last ten uses of a code: ten get it, and nobody else pays less.
func TestTheLastUses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		w.gives(w.brand, voucher.New{Code: "LAST10", Kind: voucher.Fixed, Off: cents(500), Total: 10, PerPerson: 1})
		var begin, done sync.WaitGroup
		var less atomic.Int64
		begin.Add(1)
		for i := range 64 {
			who := w.shopper()
			done.Go(func() {
				begin.Wait()
				placed, err := w.till(who, 1, "LAST10")
				if err != nil {
					if !fault.Is(err, fault.Conflict) {
						t.Errorf("shopper %d: %v", i, err)
					}
					return
				}
				if out, err := w.pay(who, placed, payment.MethodVisa); err != nil || out.State != order.PaySucceeded {
					t.Errorf("shopper %d: %+v %v", i, out, err)
				}
				less.Add(1)
			})
		}
		begin.Done()
		done.Wait()
		if n := w.count(`SELECT COUNT(*) FROM orders WHERE state = 'paid' AND discount_minor = 500`); n != 10 || less.Load() != 10 {
			t.Errorf("%d orders got the last 10 uses, %d shoppers paid", n, less.Load())
		}
		w.sound()
	})
}

// One person is one person, by whichever name they come: account, browser or e-mail.
func TestOnePersonsUses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		w.gives(w.brand, voucher.New{Code: "ONCE", Kind: voucher.Percent, Rate: 1000, PerPerson: 1})
		who, other := w.shopper(), w.shopper()
		at := func(who account.Asker, email string) (order.Order, error) {
			cart, err := w.basket(who, 1, "once")
			if err != nil {
				return order.Order{}, err
			}
			return w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: email, Address: home})
		}
		first, err := at(who, "ada@example.com")
		if err != nil || first.Discounts.Minor != 200 {
			t.Fatalf("%+v %v", first, err)
		}
		for what, try := range map[string]func() (order.Order, error){
			"the same browser": func() (order.Order, error) { return at(who, "bea@example.com") },
			"the same e-mail":  func() (order.Order, error) { return at(other, "Ada@Example.com") },
		} {
			if o, err := try(); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %+v %v", what, o.Discounts, err)
			}
		}
		if _, err := w.orders.Cancel(ctx, who, first.ID); err != nil {
			t.Fatal(err)
		}
		if o, err := at(other, "ada@example.com"); err != nil || o.Discounts.Minor != 200 {
			t.Errorf("after it was given back: %+v %v", o.Discounts, err)
		}
		w.sound()
	})
}

// What a checkout holds comes back when it lapses, once.
func TestAnUseComesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		v := w.gives(w.brand, voucher.New{Code: "ONE", Kind: voucher.Fixed, Off: cents(100), Total: 1})
		taken := func() int64 { return w.count(`SELECT taken FROM vouchers WHERE id = $1`, v.ID) }
		if _, err := w.till(w.shopper(), 1, "one"); err != nil || taken() != 1 {
			t.Fatal(err, taken())
		}
		if _, err := w.till(w.shopper(), 1, "one"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second one: %v", err)
		}
		c.Advance(order.ReserveFor + time.Second)
		w.sweep()
		w.sweep()
		if taken() != 0 {
			t.Errorf("%d uses are held by nobody", taken())
		}
		w.buys(w.shopper(), 1, "one")
		w.sound()
	})
}

// The best of what is offered is chosen unasked, can be changed, and gives way when it is used up.
func TestTheBestOfferIsChosen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		small := w.gives(w.brand, voucher.New{Code: "SMALL", Kind: voucher.Fixed, Off: cents(100), Listed: true})
		big := w.gives(w.brand, voucher.New{Code: "BIG", Kind: voucher.Percent, Rate: 2000, Most: cents(300), Listed: true, Total: 1})
		w.gives(voucher.Platform, voucher.New{Code: "HOUSE", Kind: voucher.Percent, Rate: 1000, Least: cents(2000), Listed: true})
		who := w.shopper()
		cart, err := w.basket(who, 1)
		if err != nil || cart.Discounts.Minor != 300 {
			t.Fatalf("one unit: %+v %v", cart.Discounts, err)
		}
		if cart, err = w.orders.SetQuantity(ctx, who, cart.ID, cart.Lines[0].ID, 2); err != nil || cart.Discounts.Minor != 300+370 {
			t.Fatalf("two units: %+v %v", cart.Discounts, err) // 10 % of 36.98
		}
		if cart, err = w.orders.Wish(ctx, who, cart.ID, w.brand, small.ID); err != nil || cart.Discounts.Minor != 100+390 || cart.Wished[w.brand] != small.ID {
			t.Fatalf("the small one: %+v %v", cart.Discounts, err)
		}
		if cart, err = w.orders.Wish(ctx, who, cart.ID, voucher.Platform, voucher.None); err != nil || cart.Discounts.Minor != 100 {
			t.Fatalf("none of the house: %+v %v", cart.Discounts, err)
		}
		for _, giver := range []id.Brand{w.brand, voucher.Platform} {
			if cart, err = w.orders.Wish(ctx, who, cart.ID, giver, ""); err != nil {
				t.Fatal(err)
			}
		}
		if cart.Discounts.Minor != 670 {
			t.Errorf("the best again: %+v", cart.Discounts)
		}
		if _, err := w.orders.Wish(ctx, who, cart.ID, w.brand, id.Voucher("vch_none")); !fault.Is(err, fault.Missing) {
			t.Errorf("a wish for what is not there: %v", err)
		}
		w.buys(w.shopper(), 1) // takes the last big one
		o, err := w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home})
		if err != nil || o.Discounts.Minor != 490 || len(o.Vouchers) != 2 {
			t.Errorf("without the big one: %+v %+v %v", o.Discounts, o.Vouchers, err)
		}
		if n := w.count(`SELECT taken FROM vouchers WHERE id = $1`, big.ID); n != 1 {
			t.Errorf("the big one was used %d times", n)
		}
		w.sound()
	})
}

// A plain code lowers the price and hides nobody who earns: the click before it still does.
func TestAPlainCodeHidesNoAttribution(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		w.gives(w.brand, voucher.New{Code: "PLAIN", Kind: voucher.Percent, Rate: 1000})
		w.gives(voucher.Platform, voucher.New{Code: "ALSO", Kind: voucher.Fixed, Off: cents(99)})
		who := w.shopper()
		w.click(who)
		o := w.buys(who, 1, "plain", "also")
		if l := o.Lines[0]; l.Creator != w.creator || l.Base.Minor != 1999-200-99 || l.Frozen.Commission.Minor != 255 || l.Frozen.Fee.Minor != 108 {
			t.Errorf("%+v", l)
		}
		w.sound()
	})
}

// A creator's code is theirs whether or not its discount is the one that saves most; nobody who only gave a
// plain code earns by it.
func TestACreatorsCodeAttributes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		w.gives(w.brand, voucher.New{Code: "MARISOL", Kind: voucher.Fixed, Off: cents(100), Handle: "@marisol"})
		w.gives(w.brand, voucher.New{Code: "PLAIN", Kind: voucher.Fixed, Off: cents(50)})
		if o := w.buys(w.shopper(), 1, "plain"); o.Lines[0].Creator != "" {
			t.Errorf("a plain code alone: %+v", o.Lines[0])
		}
		if o := w.buys(w.shopper(), 1, "marisol"); o.Lines[0].Creator != w.creator || o.Discounts.Minor != 100 {
			t.Errorf("the creator's code: %+v", o.Lines[0])
		}
		w.gives(w.brand, voucher.New{Code: "MORE", Kind: voucher.Fixed, Off: cents(300), Listed: true})
		if o := w.buys(w.shopper(), 1, "marisol"); o.Lines[0].Creator != w.creator || o.Discounts.Minor != 300 {
			t.Errorf("the creator's code beside a better voucher: %+v", o.Lines[0])
		}
		w.sound()
	})
}

// Codes that nobody gave here are refused alike, whosever they are, and may be guessed at only so often.
func TestCodesThatAreNotKnown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, ctx := newWorld(t, d, c, 1000), context.Background()
		v := w.gives(w.brand, voucher.New{Code: "REAL", Kind: voucher.Fixed, Off: cents(100)})
		w.exec(`INSERT INTO brands(id, name, slug, country, currency, created_at) VALUES ('brd_other','Other','other','US','USD',0)`)
		w.exec(`INSERT INTO vouchers(id, brand_id, code, code_key, title, kind, off_minor, currency, all_products, starts_at, created_at, updated_at)
			VALUES ('vch_other','brd_other','THEIRS','THEIRS','Theirs','fixed',100,'USD',1,0,0,0)`)
		who := w.shopper()
		cart, err := w.basket(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range []string{"THEIRS", "", "  ", "REAL'--", "ＲＥＡＬ", "x\x00"} {
			if _, err := w.orders.AddCode(ctx, who, cart.ID, code); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", code, err)
			}
		}
		if _, err := w.orders.DropCode(ctx, who, cart.ID, "REAL"); !fault.Is(err, fault.Missing) {
			t.Errorf("dropped what is not there: %v", err)
		}
		for range 3 { // one that is right costs nothing
			if cart, err = w.orders.AddCode(ctx, who, cart.ID, " real "); err != nil || cart.Discounts.Minor != 100 {
				t.Fatal(cart.Discounts, err)
			}
			if cart, err = w.orders.DropCode(ctx, who, cart.ID, "Real"); err != nil || cart.Discounts.Minor != 0 {
				t.Fatal(cart.Discounts, err)
			}
		}
		for i := range 4 {
			if _, err := w.orders.AddCode(ctx, who, cart.ID, fmt.Sprint("GUESS", i)); !fault.Is(err, fault.Invalid) {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		if _, err := w.orders.AddCode(ctx, who, cart.ID, "REAL"); !fault.Is(err, fault.Limited) {
			t.Errorf("after ten guesses: %v", err)
		}
		c.Advance(time.Minute)
		if _, err := w.orders.AddCode(ctx, who, cart.ID, "REAL"); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		if _, err := voucher.Open(d).Change(ctx, w.member, w.brand, v.ID, 0, voucher.Change{End: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a code that ended at the till: %v", err)
		}
	})
}

// What mezzo check says of vouchers that were tampered with.
func TestBrokenVouchersAreNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 1000)
		w.gives(w.brand, voucher.New{Code: "TEN", Kind: voucher.Fixed, Off: cents(100), Total: 5, PerPerson: 2})
		w.gives(voucher.Platform, voucher.New{Code: "FIVE", Kind: voucher.Fixed, Off: cents(50)})
		who := w.shopper()
		w.buys(who, 1, "ten", "five")
		w.buys(who, 1, "ten")
		w.sound()
		for what, q := range map[string][2]string{
			"uses":       {`UPDATE vouchers SET taken = taken + 1 WHERE total_limit > 0`, `UPDATE vouchers SET taken = taken - 1 WHERE total_limit > 0`},
			"limits":     {`UPDATE vouchers SET person_limit = 1 WHERE total_limit > 0`, `UPDATE vouchers SET person_limit = 2 WHERE total_limit > 0`},
			"person":     {`UPDATE voucher_people SET taken = taken + 1`, `UPDATE voucher_people SET taken = taken - 1`},
			"discount":   {`UPDATE orders SET discount_minor = discount_minor + 1, subtotal_minor = subtotal_minor + 1`, `UPDATE orders SET discount_minor = discount_minor - 1, subtotal_minor = subtotal_minor - 1`},
			"share":      {`UPDATE order_lines SET brand_off_minor = brand_off_minor + 1, platform_off_minor = platform_off_minor - 1 WHERE platform_off_minor > 0`, `UPDATE order_lines SET brand_off_minor = brand_off_minor - 1, platform_off_minor = platform_off_minor + 1 WHERE platform_off_minor > 0`},
			"given back": {`UPDATE voucher_uses SET state = 'back'`, `UPDATE voucher_uses SET state = 'used'`},
		} {
			w.exec(q[0])
			report, err := w.orders.Check(context.Background())
			if err != nil || report.Balanced {
				t.Errorf("%s: check says nothing: %v", what, err)
			}
			w.exec(q[1])
		}
		w.sound()
	})
}

// Codes put on a bag at one moment are all on it: none that says who brought the buyer is lost to another.
func TestCodesMeet(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 10)
		who := w.shopper()
		var fns []func() error
		cart, err := w.basket(who, 1)
		if err != nil {
			t.Fatal(err)
		}
		off := money.Of(100, "USD")
		for i := range 6 {
			code := fmt.Sprintf("CODE%d", i)
			w.gives(w.brand, voucher.New{Code: code, Kind: voucher.Fixed, Off: &off})
			fns = append(fns, func() error { _, err := w.orders.AddCode(context.Background(), who, cart.ID, code); return err })
		}
		w.meet(fns...)
		if cart, err = w.orders.Cart(context.Background(), who, cart.ID); err != nil || len(cart.Codes) != 6 {
			t.Errorf("on the bag are %v: %v", cart.Codes, err)
		}
	})
}
