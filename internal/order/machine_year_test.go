package order_test

import (
	"context"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/db/dbtest"
)

// tells holds what tax offices are told of all the time against the machine's own books: a brand was credited what it has of
// the lines and parcels that were not called off, with the shipping that waits, less its samples' labels; a creator what came
// of parts whose hold has passed. Then it reads a statement of everybody.
func (m *sales) tells(t *rapid.T) {
	ctx, now := context.Background(), m.stands(t)
	if m.count(`SELECT COUNT(*) FROM refunds WHERE state = 'requested'`) > 0 {
		return // it counts once the provider has answered
	}
	want, got := map[string]int64{}, map[string]int64{}
	for _, f := range now.lines {
		s, has := m.lines[f.id], m.of[string(f.id)]
		if f.state != "cancelled" {
			want[string(s.brand)] += has[string(s.brand)]
		}
		if f.state == "completed" && f.creator != "" {
			want[string(f.creator)] += has[string(f.creator)]
		}
	}
	for _, w := range now.parts {
		s := m.parts[w.id]
		if w.state == "cancelled" {
			continue
		}
		want[string(s.brand)] += m.of[string(w.id)][string(s.brand)]
		if !w.shipped && !w.back {
			want[string(s.brand)] += s.net - w.lost
		}
	}
	for _, s := range m.shops {
		want[string(s.id)] -= m.count(`SELECT CAST(COALESCE(SUM(label_minor), 0) AS BIGINT) FROM samples WHERE brand_id = $1`, s.id)
	}
	for year := dbtest.Start.Year(); year <= m.clock.Now().Year(); year++ {
		list, err := m.payouts.Years(ctx, account.Asker{Account: m.member.Account, Operator: true, Session: "ses_1"}, year)
		if err != nil {
			t.Fatal(err)
		}
		for _, y := range list {
			got[string(y.Owner)] += y.Total.Consideration()
		}
	}
	for _, o := range m.owners() {
		if got[string(o)] != want[string(o)] {
			t.Fatalf("tax offices are told of %d for %s, and the book has %d", got[string(o)], o, want[string(o)])
		}
	}
	m.states(t, now)
}

// states reads everybody's statement since a moment by chance: what stood then and every movement come to what stands now.
func (m *sales) states(t *rapid.T, now standing) {
	from := m.clock.Now().Add(-time.Duration(rapid.IntRange(1, 60).Draw(t, "days told of")) * day)
	for i, o := range m.owners() {
		who := m.stars[max(0, i-len(m.shops))].who
		if i < len(m.shops) {
			who = m.shops[i].who
		}
		s, err := m.payouts.Statement(context.Background(), who, o, "USD", from, m.clock.Now().Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		total := s.Opening.Total.Minor
		for _, x := range s.Movements {
			total += x.Amount.Minor
		}
		p := o.Purse()
		if total != s.Closing.Total.Minor || s.Closing.Available.Minor != now.has[p.Available] || s.Closing.Owed.Minor != now.has[p.Owes] {
			t.Fatalf("the statement of %s closes with %+v after %d", o, s.Closing, total)
		}
	}
}
