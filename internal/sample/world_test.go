package sample_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/sample"
)

var ctx = context.Background()

const day = 24 * time.Hour

// world is a brand with a product of a few units, a program that gives samples, and creators who have accepted it.
type world struct {
	t        testing.TB
	d        *db.DB
	clock    *clock.Turned
	samples  *sample.Samples
	programs *affiliate.Affiliate
	brand    id.Brand
	owner    account.Asker
	rival    account.Asker // of another brand
	product  id.Product
	variant  id.Variant
	program  affiliate.Program
	creators []account.Asker
	paid     int
}

func newWorld(t testing.TB, d *db.DB, c *clock.Turned, stock int64, creators int, terms affiliate.SampleTerms) *world {
	w := &world{t: t, d: d, clock: c, samples: sample.New(d), programs: affiliate.New(d)}
	now := c.Now()
	w.brand, w.product, w.variant = w.brand.Next(now), w.product.Next(now), w.variant.Next(now)
	var other id.Brand
	other = other.Next(now)
	w.owner, w.rival = w.person("owner"), w.person("rival")
	for i, b := range []id.Brand{w.brand, other} {
		w.exec(`INSERT INTO brands(id, name, slug, country, currency, created_at) VALUES ($1,'Pan & Co',$2,'US','USD',$3)`, b, fmt.Sprint("pan", i), db.Micros(now))
	}
	for _, m := range []struct {
		who *account.Asker
		of  id.Brand
	}{{&w.owner, w.brand}, {&w.rival, other}} {
		w.exec(`INSERT INTO brand_members(brand_id, account_id, role, created_at) VALUES ($1,$2,'owner',$3)`, m.of, m.who.Account, db.Micros(now))
		m.who.Brands = map[id.Brand]account.Role{m.of: account.Owner}
	}
	w.exec(`INSERT INTO products(id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1,$2,'Skillet','','kitchen','USD',$3,$3)`, w.product, w.brand, db.Micros(now))
	w.exec(`INSERT INTO variants(id, product_id, brand_id, sku, title, price_minor, currency, created_at, updated_at) VALUES ($1,$2,$3,'SK26','26 cm',4800,'USD',$4,$4)`, w.variant, w.product, w.brand, db.Micros(now))
	w.exec(`INSERT INTO stock(variant_id, brand_id, on_hand, updated_at) VALUES ($1,$2,$3,$4)`, w.variant, w.brand, stock, db.Micros(now))
	p, err := w.programs.CreateProgram(ctx, w.owner, w.brand, affiliate.NewProgram{Kind: affiliate.Open, Name: "Spring", Rate: 1500, All: true, Samples: &terms})
	w.must(err)
	w.program = p
	for i := range creators {
		who := w.person(fmt.Sprint("creator", i))
		who.Creator = who.Creator.Next(now)
		w.exec(`INSERT INTO creators(id, account_id, handle, display_name, created_at) VALUES ($1,$2,$3,$3,$4)`, who.Creator, who.Account, fmt.Sprint("creator", i), db.Micros(now))
		_, err := w.programs.PutShowcase(ctx, who, w.product)
		w.must(err)
		w.creators = append(w.creators, who)
	}
	c.Advance(time.Hour)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(q string, args ...any) {
	w.t.Helper()
	w.must(w.d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q, args...); return err }))
}

func (w *world) person(name string) account.Asker {
	w.t.Helper()
	var a id.Account
	a = a.Next(w.clock.Now())
	w.exec(`INSERT INTO accounts(id, email, email_key, display_name, password_hash, created_at) VALUES ($1,$2,$2,$3,'',$4)`, a, name+"@example.com", name, db.Micros(w.clock.Now()))
	return account.Asker{Account: a}
}

var home = order.Address{Name: "Mia", Line1: "7 Quiet Lane", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US"}

func (w *world) want() sample.Ask {
	in := sample.Ask{Program: w.program.ID, Variant: w.variant, Address: home, Note: "For a video about eggs"}
	if w.program.Samples.Charged {
		price := money.Of(4800, "USD")
		in.Charge = &price
	}
	return in
}

func (w *world) ask(creator int) sample.Sample {
	w.t.Helper()
	s, err := w.samples.Request(ctx, w.creators[creator], w.want())
	w.must(err)
	return s
}

// sent is a sample that was asked for, approved and sent.
func (w *world) sent(creator int) sample.Sample {
	w.t.Helper()
	s := w.ask(creator)
	_, err := w.samples.Decide(ctx, w.owner, s.ID, true, "")
	w.must(err)
	s, err = w.samples.Ship(ctx, w.owner, s.ID, sample.Parcel{Carrier: "Post", Tracking: "RX1"})
	w.must(err)
	return s
}

func (w *world) received(creator int) sample.Sample {
	w.t.Helper()
	s, err := w.samples.Receive(ctx, w.creators[creator], w.sent(creator).ID)
	w.must(err)
	return s
}

func (w *world) read(s id.Sample, who account.Asker) sample.Sample {
	w.t.Helper()
	got, err := w.samples.Sample(ctx, who, s)
	w.must(err)
	return got
}

// publish has a creator's video of the product become ready now.
func (w *world) publish(creator int, standing string) id.Video {
	w.t.Helper()
	var v id.Video
	v = v.Next(w.clock.Now())
	w.exec(`INSERT INTO videos(id, creator_id, account_id, state, standing, created_at, ready_at) VALUES ($1,$2,$3,'ready',$4,$5,$5)`,
		v, w.creators[creator].Creator, w.creators[creator].Account, standing, db.Micros(w.clock.Now()))
	w.exec(`INSERT INTO video_products(video_id, product_id, brand_id, position) VALUES ($1,$2,$3,0)`, v, w.product, w.brand)
	return v
}

func (w *world) sweep() {
	w.t.Helper()
	w.must(w.samples.Sweep(ctx))
}

// earned gives a creator money that may be paid out.
func (w *world) earned(creator int, minor int64) {
	w.t.Helper()
	who := w.creators[creator].Creator
	w.must(w.d.Write(ctx, func(tx *db.Tx) error {
		_, err := ledger.Post(tx, ledger.Transfer{Key: "paid:" + string(who), Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), minor), ledger.Credit(ledger.CreatorPending(who), minor)}},
			ledger.Transfer{Key: "released:" + string(who), Kind: ledger.KindReleased, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.CreatorPending(who), minor), ledger.Credit(ledger.CreatorAvailable(who), minor)}})
		return err
	}))
}

func (w *world) balance(a ledger.Account) int64 {
	w.t.Helper()
	m, err := db.Get(ctx, w.d, func(tx *db.Tx) (money.Amount, error) { return ledger.BalanceOf(tx, a, "USD") })
	w.must(err)
	return m.Minor
}

// stock is how many units are on the shelf and how many of them are promised.
func (w *world) stock(onHand, reserved int64) {
	w.t.Helper()
	l, err := catalog.New(w.d).Stock(ctx, w.owner, w.variant)
	w.must(err)
	if l.OnHand != onHand || l.Reserved != reserved {
		w.t.Errorf("stock is %d with %d promised, want %d with %d", l.OnHand, l.Reserved, onHand, reserved)
	}
}

// sound proves books, stock and samples.
func (w *world) sound() {
	w.t.Helper()
	orders := order.New(order.Parts{DB: w.d, Provider: silent{}, Logger: slog.New(slog.DiscardHandler)}, order.Options{})
	report, err := orders.Check(ctx)
	if err != nil || !report.Balanced {
		w.t.Errorf("check: %v %v", err, report.Problems)
	}
	problems, _, err := w.samples.Check(ctx)
	if err != nil || len(problems) > 0 {
		w.t.Errorf("samples: %v %v", err, problems)
	}
}

// silent is a provider whose balance nobody asks for.
type silent struct{ order.Provider }

func (silent) Name() string { return "sandbox" }

func (w *world) refused(what string, err error, kind fault.Kind, typ string) {
	w.t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != kind || f.Type != typ {
		w.t.Errorf("%s: %v (want %v %s)", what, err, kind, typ)
	}
}

var given = affiliate.SampleTerms{Units: 3, Days: 14}

func charging() affiliate.SampleTerms { t := given; t.Charged = true; return t }
