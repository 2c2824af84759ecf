package order_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
)

var errKilled = errors.New("the program was stopped")

// mortal is a shop of two brands whose program can be stopped before any statement.
type mortal struct {
	*world
	payouts *payout.Payouts
	vault   *payout.Vault
	other   account.Asker
	variant id.Variant // of the other brand
	stride  int        // stopped before every so-manieth statement; 0: before each
}

func newMortal(t *testing.T, d *db.DB, c *clock.Turned) *mortal {
	m := &mortal{world: newWorld(t, d, c, 10_000)}
	var brand id.Brand
	var product id.Product
	now, at := c.Now(), db.Micros(c.Now())
	brand, product, m.variant = brand.Next(now), product.Next(now), m.variant.Next(now)
	m.other = account.Asker{Account: m.person("potter"), Brands: map[id.Brand]account.Role{brand: account.Owner}}
	m.exec(`INSERT INTO brands(id, name, slug, country, currency, created_at) VALUES ($1,'Kiln','kiln','US','USD',$2)`, brand, at)
	m.exec(`INSERT INTO products(id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1,$2,'Mug','','kitchen','USD',$3,$3)`, product, brand, at)
	m.exec(`INSERT INTO variants(id, product_id, brand_id, sku, title, price_minor, currency, created_at, updated_at) VALUES ($1,$2,$3,'MUG','Blue',1250,'USD',$4,$4)`, m.variant, product, brand, at)
	m.exec(`INSERT INTO stock(variant_id, brand_id, on_hand, updated_at) VALUES ($1,$2,10000,$3)`, m.variant, brand, at)
	m.exec(`INSERT INTO shipping_options(id, brand_id, code, name, price_minor) VALUES ('sho_2',$1,'standard','Standard',399)`, brand)
	var err error
	if m.vault, err = payout.OpenVault(context.Background(), d, filepath.Join(t.TempDir(), payout.VaultFile)); err != nil {
		t.Fatal(err)
	}
	m.start()
	return m
}

// start is what a program does when it begins: nothing of the one before is left but the database.
func (m *mortal) start() {
	m.sandbox = payment.NewSandbox(m.d)
	m.orders = order.New(order.Parts{DB: m.d, Keys: m.keys, Provider: m.sandbox, Log: m.log, Logger: slog.New(slog.DiscardHandler)},
		order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
	m.payouts = payout.New(m.d, payout.Options{Vault: m.vault, Rails: []payout.Rail{payout.Sandbox(m.sandbox)}, Report: m.sandbox, Log: slog.New(slog.DiscardHandler)})
}

// order places an order of both brands, clicked on at the first.
func (m *mortal) order() (account.Asker, order.Order) {
	m.t.Helper()
	ctx, who := context.Background(), m.shopper()
	m.click(who)
	cart, err := m.orders.CreateCart(ctx, who)
	for _, v := range []id.Variant{m.world.variant, m.variant} {
		if err == nil {
			_, err = m.orders.AddLine(ctx, who, cart.ID, order.NewLine{Variant: v, Quantity: 2})
		}
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return who, m.placed(func() (order.Order, error) {
		return m.orders.Checkout(ctx, who, order.NewCheckout{Cart: cart.ID, Email: "ada@example.com", Address: home})
	})
}

func (m *mortal) paid() order.Order {
	m.t.Helper()
	who, placed := m.order()
	if out, err := m.pay(who, placed, payment.MethodVisa); err != nil || out.State != order.PaySucceeded {
		m.t.Fatalf("pay: %+v %v", out, err)
	}
	return m.look(placed.ID)
}

// delivered brings both parts of an order to the end of their holds.
func (m *mortal) delivered() {
	m.t.Helper()
	m.arrived()
	m.clock.Advance(16 * day)
}

// arrived has both parts of an order arrive.
func (m *mortal) arrived() order.Order {
	m.t.Helper()
	o := m.paid()
	for _, who := range []account.Asker{m.member, m.other} {
		s, err := m.orders.Ship(context.Background(), who, o.ID, order.NewShipment{Carrier: "Post"})
		if err == nil {
			_, err = m.orders.Delivered(context.Background(), who, s.ID)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	return o
}

// tale is all that can be told of money: balances, what the provider holds, facts, and the orders' timelines.
func (m *mortal) tale() map[string]int64 {
	m.t.Helper()
	tale := map[string]int64{}
	err := m.d.Read(context.Background(), func(tx *db.Tx) error {
		list, _, err := ledger.List(tx, "", "", ledger.MaxPage)
		for _, b := range list {
			tale["account "+string(b.Account)] = b.Balance.Minor
		}
		for what, q := range map[string]string{
			"fact":    `SELECT topic, COUNT(*) FROM outbox GROUP BY topic`,
			"step":    `SELECT kind, COUNT(*) FROM order_steps GROUP BY kind`,
			"payment": `SELECT state, COUNT(*) FROM payments GROUP BY state`,
			"part":    `SELECT state, COUNT(*) FROM order_parts GROUP BY state`,
			"refund":  `SELECT state, COUNT(*) FROM refunds GROUP BY state`,
			"payout":  `SELECT state, COUNT(*) FROM payouts GROUP BY state`,
			"shelf":   `SELECT variant_id, on_hand FROM stock`,
			"held":    `SELECT variant_id, reserved FROM stock`,
		} {
			if err != nil {
				return err
			}
			var counts map[string]int64
			if counts, err = tally(tx, q); err == nil {
				for k, n := range counts {
					tale[what+" "+k] = n
				}
			}
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	held, err := m.sandbox.Balance(context.Background())
	if err != nil {
		m.t.Fatal(err)
	}
	tale["the provider holds"] = held["USD"]
	return tale
}

func tally(tx *db.Tx, q string) (map[string]int64, error) {
	counts := map[string]int64{}
	rows, err := tx.Query(q)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var k string
		var n int64
		if err := rows.Scan(&k, &n); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		counts[k] = n
	}
	return counts, errors.Join(rows.Err(), rows.Close())
}

// changed is what a tale has that the one before had not.
func changed(before, after map[string]int64) map[string]int64 {
	d := map[string]int64{}
	for k, n := range after {
		if n != before[k] {
			d[k] = n - before[k]
		}
	}
	return d
}

// act prepares one thing to do and returns how it is done. It may be done again: by a client who got no
// answer, or by the job.
type act func() func(context.Context) error

// killed does a thing undisturbed, and then anew once for each of its statements, where the program is
// stopped before that statement: begun again, swept and asked once more, it ends as the undisturbed one did.
func (m *mortal) killed(prepare act) {
	m.t.Helper()
	statements, want := m.die(prepare, 0)
	if statements < 10 {
		m.t.Fatalf("%d statements are no act", statements)
	}
	for at := 1; at <= statements; at += max(1, m.stride) {
		if _, got := m.die(prepare, at); !maps.Equal(got, want) {
			m.t.Fatalf("stopped before statement %d of %d it ends as\n%v\nnot\n%v", at, statements, got, want)
		}
	}
	m.sound()
	m.t.(*testing.T).Logf("stopped before each of %d statements", statements)
}

// die does a thing and stops the program before a statement, 0 for none of them.
func (m *mortal) die(prepare act, at int) (statements int, change map[string]int64) {
	m.t.Helper()
	do := prepare()
	before := m.tale()
	err := do(db.WithFault(context.Background(), func() error {
		if statements++; at > 0 && statements >= at {
			return errKilled
		}
		return nil
	}))
	if at == 0 && err != nil {
		m.t.Fatal(err)
	}
	m.start()
	m.clock.Advance(time.Minute)
	if err := errors.Join(m.orders.Sweep(context.Background()), m.payouts.Sweep(context.Background())); err != nil {
		m.t.Fatalf("begun again: %v", err)
	}
	if err := do(context.Background()); err != nil {
		m.t.Fatalf("asked again after it was stopped before statement %d: %v", at, err)
	}
	return statements, changed(before, m.tale())
}

// labelled sends a parcel with a label that costs more than the shipping: the brand pays the rest.
func (m *mortal) labelled() act {
	rate := m.label("Parcel", 620)
	return func() func(context.Context) error {
		o, key := m.paid(), m.key("ship")
		return func(ctx context.Context) error {
			_, err := m.orders.Ship(db.WithKey(ctx, key), m.member, o.ID, order.NewShipment{Label: rate})
			return err
		}
	}
}

// The program is stopped before each statement of paying, refunding, releasing and paying out, the
// provider's own among them: after the intent's row, after the provider's call, before the record.
func TestStoppedBeforeAnyStatement(t *testing.T) {
	for name, of := range map[string]func(*mortal) act{
		"pay": func(m *mortal) act {
			return func() func(context.Context) error {
				who, placed := m.order()
				return func(ctx context.Context) error {
					_, err := m.orders.Pay(ctx, who, placed.Checkout, order.Payment{Method: payment.MethodVisa, Expected: placed.Total})
					return err
				}
			}
		},
		"refund": func(m *mortal) act {
			return func() func(context.Context) error {
				o := m.paid()
				skillets := o.Lines[0]
				if skillets.Variant != m.world.variant {
					skillets = o.Lines[1]
				}
				in := order.NewRefund{Reason: "Scratched", Lines: []order.Units{{Line: skillets.ID, Quantity: 1}}}
				key := m.key("refund")
				return func(ctx context.Context) error {
					_, err := m.orders.Refund(db.WithKey(ctx, key), account.Asker{Account: m.member.Account, Operator: true}, o.ID, in)
					return err
				}
			}
		},
		"ship with a label": (*mortal).labelled,
		"release": func(m *mortal) act {
			return func() func(context.Context) error {
				if m.d.Engine() == db.SQLite { // two orders in one transaction; on PostgreSQL one, for the time it takes
					m.arrived()
				}
				m.delivered()
				return func(ctx context.Context) error { return m.orders.Sweep(ctx) }
			}
		},
		"scheduled payouts": func(m *mortal) act {
			m.known()
			for owner, who := range map[payout.Owner]account.Asker{payout.OfCreator(m.creator): m.paidPerson(), payout.OfBrand(m.brand): m.member} {
				if _, err := m.payouts.PutSchedule(context.Background(), who, owner, payout.Schedule{Every: payout.EveryWeek, Destination: "dst_visa"}); err != nil {
					m.t.Fatal(err)
				}
			}
			return func() func(context.Context) error {
				m.enrich(2000)
				m.clock.Advance(8 * day)
				return func(ctx context.Context) error { return m.payouts.Sweep(ctx) }
			}
		},
		"payout": func(m *mortal) act {
			m.delivered()
			m.sweep()
			m.known()
			owner, who := payout.OfCreator(m.creator), m.paidPerson()
			return func() func(context.Context) error {
				m.enrich(2000)
				key := m.key("payout")
				return func(ctx context.Context) error {
					_, err := m.payouts.Ask(db.WithKey(ctx, key), who, owner, money.Of(2000, "USD"), "dst_visa")
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				m := newMortal(t, d, c)
				if name == "scheduled payouts" { // a run of two owners has many statements
					m.stride = strides[d.Engine()]
				}
				m.killed(of(m))
			})
		})
	}
}

// paidPerson is the creator, signed in and old enough to be paid.
func (m *mortal) paidPerson() account.Asker {
	return account.Asker{Account: m.earner.Account, Creator: m.creator, Over18: true, Session: "ses_1"}
}

// known says of the creator and of the first brand who is paid.
func (m *mortal) known() {
	m.t.Helper()
	m.exec(`UPDATE accounts SET over_18 = 1`)
	payee := payout.Payee{Legal: payout.Individual, Name: "Ada Marisol", Line1: "7 Lane", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US", TaxID: "123-45-6789"}
	_, err := m.payouts.PutPayee(context.Background(), m.paidPerson(), payout.OfCreator(m.creator), 0, payee)
	if err == nil {
		_, err = m.payouts.PutPayee(context.Background(), m.member, payout.OfBrand(m.brand), 0, payee)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// key is a client's idempotency key for one thing.
func (m *mortal) key(route string) db.Key {
	m.n++
	return db.Key{Actor: "mortal", Route: route, Value: fmt.Sprintf("%s-%d", route, m.n), Hash: [32]byte{byte(m.n)}}
}

// enrich gives the creator and the first brand something to be paid out, captured by the provider.
func (m *mortal) enrich(minor int64) {
	m.t.Helper()
	m.n++
	ref := fmt.Sprintf("%d", m.n)
	err := m.d.Write(context.Background(), func(tx *db.Tx) error {
		for i, a := range [][2]ledger.Account{{ledger.CreatorPending(m.creator), ledger.CreatorAvailable(m.creator)}, {ledger.BrandPending(m.brand), ledger.BrandAvailable(m.brand)}} {
			key := fmt.Sprintf("order:gift%s-%d:", ref, i)
			_, err := ledger.Post(tx,
				ledger.Transfer{Key: key + "paid:x", Kind: ledger.KindPaid, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), minor), ledger.Credit(a[0], minor)}},
				ledger.Transfer{Key: key + "released:x", Kind: ledger.KindReleased, Currency: "USD", Legs: []ledger.Leg{ledger.Debit(a[0], minor), ledger.Credit(a[1], minor)}})
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO sandbox_charges(id, key, request_hash, amount_minor, currency, method, state, created_at, updated_at) VALUES ($1,$1,'',$2,'USD','pm_card_visa','succeeded',$3,$3)`, "gift"+ref, 2*minor, db.Micros(tx.Now()))
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
}
