package order_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/order"
	"mezzo/internal/payment"
)

// indebtedRelease is a shop whose brand and creator owe for refunds after payouts when the holds of six more orders
// pass; one of those waits for a claim. It returns the transfers, by key, and what stands on every account.
func indebtedRelease(t *testing.T, d *db.DB, c *clock.Turned, groups int) string {
	w := newWorld(t, d, c, 1000)
	w.reserved(order.Reserve{Bps: 1000, Days: 30})
	w.orders.InGroupsOf(groups)
	var early []order.Order
	for range 2 {
		_, o := w.boughtUnits(3, payment.MethodVisa)
		w.bringTo(o, "delivered")
		early = append(early, o)
	}
	c.Advance(16 * day)
	w.sweep()
	w.paidOut()
	for _, o := range early {
		w.refunds(o, units(o, 3, true))
	}
	var late order.Order
	var buyer account.Asker
	for n := range int64(6) {
		who, o := w.boughtUnits(n+1, payment.MethodVisa)
		w.bringTo(o, "delivered")
		if n == 3 {
			buyer, late = who, o
		}
		c.Advance(time.Minute)
	}
	c.Advance(16 * day)
	w.claims(buyer, late)
	w.sweep()
	if n := w.count(`SELECT COUNT(*) FROM order_parts WHERE state = 'completed'`); n != 7 {
		t.Fatalf("%d parts are released, want two and five", n)
	}
	if n := w.count(`SELECT COUNT(*) FROM ledger_transfers WHERE kind = 'recovered' AND key LIKE 'recovered:opt_%'`); n < 3 {
		t.Fatalf("%d transfers pay debts: the case tries too little", n)
	}
	c.Advance(31 * day)
	w.sweep()
	w.sound()
	transfers := strings.Split(w.posted(), "\n")
	var list []string
	for _, line := range transfers {
		if strings.HasPrefix(line, " ") {
			list[len(list)-1] += "\n" + line
		} else {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// What is released in groups leaves the transfers that releasing one by one leaves, recoveries included.
func TestGroupedReleaseEqualsOneByOne(t *testing.T) {
	alone, c := dbtest.SQLite(t)
	want := indebtedRelease(t, alone, c, 1)
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		if got := indebtedRelease(t, d, c, order.ReleaseBatch); got != want {
			t.Errorf("in groups the book says\n%s\none by one\n%s", got, want)
		}
	})
}

// A part that cannot be released holds up none of those released with it.
func TestABadPartHoldsUpNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 100)
		var list []order.Order
		for range 4 {
			_, o := w.boughtUnits(1, payment.MethodVisa)
			w.bringTo(o, "delivered")
			list = append(list, o)
		}
		w.exec(`UPDATE order_lines SET commission_minor = 1, fee_minor = 99999 WHERE order_id = $1`, list[1].ID)
		c.Advance(16 * day)
		if err := w.orders.Sweep(context.Background()); err == nil {
			t.Error("nobody is told of the bad one")
		}
		for i, o := range list {
			want := order.Completed
			if i == 1 {
				want = order.Delivered
			}
			if got := w.look(o.ID).Parts[0].State; got != want {
				t.Errorf("order %d is %s, want %s", i, got, want)
			}
		}
	})
}

// BenchmarkRelease releases a thousand parts whose hold has passed, in groups and one by one.
func BenchmarkRelease(b *testing.B) {
	for _, groups := range []int{order.ReleaseBatch, 1} {
		b.Run(fmt.Sprintf("groups of %d", groups), func(b *testing.B) {
			const parts = 1000
			statements := 0
			counted := db.WithFault(context.Background(), func() error { statements++; return nil })
			for range b.N {
				b.StopTimer()
				d, c := dbtest.SQLite(b)
				w := newWorld(b, d, c, 10*parts)
				w.orders.InGroupsOf(groups)
				for range parts {
					_, o := w.boughtUnits(1, payment.MethodVisa)
					w.bringTo(o, "delivered")
				}
				c.Advance(16 * day)
				b.StartTimer()
				for done := int64(0); done < parts; {
					if err := w.orders.Sweep(counted); err != nil {
						b.Fatal(err)
					}
					b.StopTimer()
					done = w.count(`SELECT COUNT(*) FROM order_parts WHERE state = 'completed'`)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(b.N*parts)/b.Elapsed().Seconds(), "parts/s")
			b.ReportMetric(float64(statements)/float64(b.N*parts), "statements/part")
		})
	}
}
