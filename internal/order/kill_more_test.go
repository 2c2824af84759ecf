package order_test

import (
	"context"
	"fmt"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/payout"
)

// disputing prepares a dispute of an order of two brands: nothing was heard of it yet or, with a decision, only that it is open.
func disputing(state string, minor int64, decided *bool) func(*mortal) act {
	return func(m *mortal) act {
		return func() func(context.Context) error {
			ctx, o := context.Background(), m.paid()
			if state == "delivered" {
				for _, who := range []account.Asker{m.member, m.other} {
					s, err := m.orders.Ship(ctx, who, o.ID, order.NewShipment{Carrier: "Post"})
					if err == nil {
						_, err = m.orders.Delivered(ctx, who, s.ID)
					}
					if err != nil {
						m.t.Fatal(err)
					}
				}
			}
			ref, err := m.sandbox.OpenDispute(ctx, m.paymentOf(o.ID), money.Of(minor, "USD"), "product_not_received")
			if err == nil && decided != nil {
				if err = m.orders.Disputed(ctx, ref); err == nil {
					_, err = m.sandbox.CloseDispute(ctx, ref, *decided)
				}
			}
			if err != nil {
				m.t.Fatal(err)
			}
			return func(ctx context.Context) error { return m.orders.Disputed(ctx, ref) }
		}
	}
}

// strides are how dense the stops lie: SQLite's are before every statement, and PostgreSQL, which takes longer, has its share.
var strides = map[db.Engine]int{db.SQLite: 1, db.Postgres: 4}

// The program is stopped before each statement of a dispute that opens, is won and is lost, and of a
// cancellation whose payment is given back.
func TestStoppedInADispute(t *testing.T) {
	won, lost := true, false
	for name, of := range map[string]func(*mortal) act{
		"opened": disputing("delivered", 0, nil),
		"won":    disputing("delivered", 0, &won),
		"lost":   disputing("paid", 0, &lost),
		"cancelled": func(m *mortal) act {
			return func() func(context.Context) error {
				who, placed := m.order()
				if _, err := m.pay(who, placed, "pm_card_visa"); err != nil {
					m.t.Fatal(err)
				}
				return func(ctx context.Context) error {
					_, err := m.orders.Cancel(ctx, who, placed.ID)
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				m := newMortal(t, d, c)
				m.stride = strides[d.Engine()]
				m.killed(of(m))
			})
		})
	}
}

// The program is stopped before each statement of a payout that an operator approves or declines, that fails, and that
// comes back after it had arrived.
func TestStoppedInAPayout(t *testing.T) {
	operator := account.Asker{Account: "acc_op", Operator: true, Session: "ses_2"}
	maker := func(m *mortal) (account.Asker, payout.Owner) {
		return account.Asker{Account: m.earner.Account, Creator: m.creator, Over18: true, Session: "ses_1"}, payout.OfCreator(m.creator)
	}
	asks := func(m *mortal, to string) (payout.Payout, error) {
		who, owner := maker(m)
		return m.payouts.Ask(context.Background(), who, owner, money.Of(2000, "USD"), id.Destination(to))
	}
	voted := func(approves bool) func(*mortal) act {
		return func(m *mortal) act {
			if _, err := m.payouts.PutSettings(context.Background(), operator, 0, payout.Settings{Limits: []money.Amount{money.Of(1500, "USD")}, Approvals: 1}); err != nil {
				m.t.Fatal(err)
			}
			return func() func(context.Context) error {
				m.enrich(2000)
				pot, err := asks(m, "dst_visa")
				if err != nil || !pot.Waiting {
					m.t.Fatalf("%+v %v", pot, err)
				}
				return func(ctx context.Context) error {
					_, err := m.payouts.Approve(ctx, operator, pot.ID, approves, "Looked at.")
					if fault.Is(err, fault.Conflict) { // it was heard the first time
						err = nil
					}
					return err
				}
			}
		}
	}
	for name, of := range map[string]func(*mortal) act{
		"approved": voted(true),
		"declined": voted(false),
		"failed": func(m *mortal) act {
			who, owner := maker(m)
			return func() func(context.Context) error {
				m.enrich(2000)
				key, to := m.key("payout"), fmt.Sprintf("dst_fail%d", m.n)
				return func(ctx context.Context) error {
					_, err := m.payouts.Ask(db.WithKey(ctx, key), who, owner, money.Of(2000, "USD"), id.Destination(to))
					return err
				}
			}
		},
		"returned": func(m *mortal) act {
			return func() func(context.Context) error {
				m.enrich(2000)
				if pot, err := asks(m, fmt.Sprintf("dst_return%d", m.n)); err != nil || pot.State != payout.Confirmed {
					m.t.Fatalf("%+v %v", pot, err)
				}
				m.clock.Advance(3 * day)
				return func(ctx context.Context) error { return m.payouts.Sweep(ctx) }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				m := newMortal(t, d, c)
				m.stride = strides[d.Engine()]
				m.exec(`UPDATE accounts SET over_18 = 1`)
				who, owner := maker(m)
				if _, err := m.payouts.PutPayee(context.Background(), who, owner, 0, payout.Payee{Legal: payout.Individual, Name: "Ada Marisol", Line1: "7 Lane", City: "Austin",
					Region: "TX", PostalCode: "73301", Country: "US", TaxID: "123-45-6789"}); err != nil {
					t.Fatal(err)
				}
				m.killed(of(m))
			})
		})
	}
}
