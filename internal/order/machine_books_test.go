package order_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// sums are what came to whom: minor units, what was taken below zero.
type sums map[string]int64

// Whose money an account holds, where it is nobody's in particular.
const (
	buyers   = "buyers" // at the provider, on its way back, or withheld by it
	fees     = "fees"
	taxed    = "taxes"
	promised = "vouchers of the platform"
	waiting  = "suspense"
)

// whose is who has what stands in an account: a brand's and a creator's are one, with what they owe.
func whose(account string) string {
	words := strings.Split(account, ":")
	switch words[0] {
	case "brand", "creator":
		return words[1]
	case "recv":
		return words[2]
	case "psp", "refunds", "disputes":
		return buyers
	case "fee":
		return fees
	case "tax":
		return taxed
	case "promo":
		return promised
	case "suspense":
		return waiting
	}
	return account
}

// books are the machine's own, of what it has read in the book: it reads each entry once.
type books struct {
	looks int             // how often everything was looked at
	read  int64           // the last transfer that was read
	of    map[string]sums // by line and part; "" of all that belongs to neither
}

var (
	lineWord   = regexp.MustCompile(`lin_[0-9a-z]{26}`)
	partWord   = regexp.MustCompile(`opt_[0-9a-z]{26}`)
	refundWord = regexp.MustCompile(`^refund:(rfd_[0-9a-z]{26}):shipping`)
)

// reads adds what was entered since to the tallies.
func (m *sales) reads(tx *db.Tx) error {
	if m.of == nil {
		m.of = map[string]sums{}
	}
	type entry struct {
		seq, amount        int64
		key, kind, account string
	}
	list, err := db.All(tx, func(r *sql.Rows) (e entry, err error) {
		return e, r.Scan(&e.seq, &e.key, &e.kind, &e.account, &e.amount)
	}, `SELECT t.seq, t.key, t.kind, e.account, e.amount FROM ledger_transfers t JOIN ledger_entries e ON e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64 WHERE t.seq > $1 AND t.kind NOT LIKE 'budget_%' ORDER BY t.seq`, m.read)
	if err != nil {
		return err
	}
	for _, e := range list {
		at := ""
		switch ledger.Kind(e.kind) {
		case ledger.KindRecovered, ledger.KindWrittenOff, ledger.KindReserve:
		default:
			if at = lineWord.FindString(e.key); at == "" {
				at = partWord.FindString(e.key)
			}
			if r := refundWord.FindStringSubmatch(e.key); r != nil {
				if err := tx.Row(`SELECT part_id FROM refunds WHERE id = $1`, r[1]).Scan(&at); err != nil {
					return err
				}
			}
		}
		if m.of[at] == nil {
			m.of[at] = sums{}
		}
		m.of[at][whose(e.account)] += e.amount
		m.read = e.seq
	}
	return nil
}

// fate is what has become of a line, by the rows that say so.
type fate struct {
	id                          id.Line
	creator                     id.Creator
	rate, commission, fee, rest int64
	cancelled                   bool
	state                       string // of its part
	back, failed                int64  // units refunded, and refunds of it that failed
	lost, fights                int64  // to banks, and how often
}

func (m *sales) fates(tx *db.Tx) ([]fate, error) {
	return db.All(tx, func(r *sql.Rows) (f fate, err error) {
		return f, r.Scan(&f.id, &f.creator, &f.rate, &f.commission, &f.fee, &f.rest, &f.cancelled, &f.state, &f.back, &f.failed, &f.lost, &f.fights)
	}, `SELECT l.id, l.creator_id, l.commission_bps, l.commission_minor, l.fee_minor, l.brand_minor, CASE WHEN o.state = 'cancelled' AND o.closed_reason = 'cancelled' THEN 1 ELSE 0 END, p.state,
		COALESCE(b.units, 0), COALESCE(b.failed, 0), COALESCE(z.lost, 0), COALESCE(z.n, 0) FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN order_parts p ON p.id = l.part_id
		LEFT JOIN (SELECT x.line_id, SUM(CASE WHEN r.state = 'failed' THEN 0 ELSE x.quantity END) AS units, SUM(CASE WHEN r.state = 'failed' THEN 1 ELSE 0 END) AS failed
			FROM refund_lines x JOIN refunds r ON r.id = x.refund_id GROUP BY x.line_id) b ON b.line_id = l.id
		LEFT JOIN (SELECT s.line_id, SUM(s.amount_minor) AS lost, COUNT(*) AS n FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE d.state = 'lost' GROUP BY s.line_id) z ON z.line_id = l.id
		WHERE o.paid_at > 0`)
}

// at the sale is who got what of a line, all the buyer paid below zero.
func (s sold) at(f fate) sums {
	all := sums{buyers: -s.paid, promised: -s.voucher, fees: f.fee}
	all[string(s.brand)] += f.rest
	if f.creator != "" {
		all[string(f.creator)] += f.commission
	} else {
		all[waiting] += f.commission
	}
	to := taxed
	if s.tax.CollectedBy == "brand" {
		to = string(s.brand)
	}
	all[to] += s.taxes
	return all
}

// apart is how far two numbers are from one another.
func apart(a, b int64) int64 { return max(a-b, b-a) }

// lineAgrees holds what the book says of a line against the machine's own reckoning: at the sale, by what each party gets of
// it; after refunds, by the units that are left; when nothing is left, nobody has anything of it.
func (m *sales) lineAgrees(t *rapid.T, f fate) {
	s, known := m.lines[f.id]
	if !known {
		t.Fatalf("%s is paid and was never sold", f.id)
	}
	if f.commission+f.fee+f.rest != s.net || apart(f.fee*10_000, s.net*600) >= 10_000 || apart(f.commission*10_000, s.base*f.rate) >= 10_000 && f.creator != "" {
		t.Fatalf("%+v of %+v are divided into %+v", s.net, s, f)
	}
	if f.creator != "" && !slices.Contains(s.led, f.creator) || f.creator != "" && s.sure != "" && s.sure != f.creator {
		t.Fatalf("%s earns by %s, to which %v led", f.creator, f.id, s.led)
	}
	all, now, sum := s.at(f), m.of[string(f.id)], int64(0)
	for who, minor := range now {
		if sum += minor; all[who] == 0 && minor != 0 {
			t.Fatalf("%s has %d of %s: %v of %v", who, minor, f.id, now, all)
		}
	}
	if sum != 0 {
		t.Fatalf("%v of %s do not come to nothing", now, f.id)
	}
	left := s.quantity - f.back
	if f.cancelled || now[buyers] == 0 {
		left = 0
	}
	for who, had := range all {
		has := now[who]
		switch {
		case left == 0:
			if has != 0 {
				t.Fatalf("nothing is left of %s, and %s has %d of %v: %v", f.id, who, has, all, now)
			}
		case f.lost > 0:
			if had >= 0 && (has < 0 || has > had) || had < 0 && (has > 0 || has < had) {
				t.Fatalf("of %d of %s, %s has %d after %+v", had, f.id, who, has, f)
			}
			// What is left is everybody's as it was, but for the cents that were rounded on the way.
			if apart(has*s.paid, -had*now[buyers]) > (3+f.back+f.fights+f.failed)*s.paid {
				t.Fatalf("of %d of %s, %s has %d, and the buyer paid %d of %d, after %+v", had, f.id, who, has, -now[buyers], s.paid, f)
			}
		case f.back == 0 && f.failed == 0:
			if has != had {
				t.Fatalf("of %s nothing came back, and %s has %d of %d", f.id, who, has, had)
			}
		case who == buyers && f.failed == 0:
			if has != -(s.paid - of(s.paid, f.back, s.quantity)) {
				t.Fatalf("of %d paid for %d of %s, the buyer has paid %d after %d came back", s.paid, s.quantity, f.id, -has, f.back)
			}
		case apart(has*s.quantity, had*left) > (2+f.failed)*s.quantity:
			t.Fatalf("of %d of %d of %s, %s has %d after %d came back", had, s.quantity, f.id, who, has, f.back)
		}
	}
}

// way is what has become of a part's shipping.
type way struct {
	state                    string
	id                       id.Part
	shipped, back, cancelled bool
	label, lost, lostTax     int64
}

func (m *sales) ways(tx *db.Tx) ([]way, error) {
	return db.All(tx, func(r *sql.Rows) (w way, err error) {
		return w, r.Scan(&w.id, &w.shipped, &w.back, &w.cancelled, &w.state, &w.label, &w.lost, &w.lostTax)
	}, `SELECT p.id, CASE WHEN p.shipped_at > 0 THEN 1 ELSE 0 END, p.shipping_back, CASE WHEN o.state = 'cancelled' AND o.closed_reason = 'cancelled' THEN 1 ELSE 0 END, p.state, p.label_minor, COALESCE(z.net, 0), COALESCE(z.tax, 0)
		FROM order_parts p JOIN orders o ON o.id = p.order_id LEFT JOIN (SELECT s.part_id, SUM(s.shipping_minor) AS net, SUM(s.tax_minor) AS tax FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id
			WHERE d.state = 'lost' AND s.line_id = '' GROUP BY s.part_id) z ON z.part_id = p.id WHERE o.paid_at > 0`)
}

// wayAgrees holds a part's shipping against what its brand must have of it: what was paid where it carried the parcels,
// less what labels cost beyond that where the platform did, nothing of what was given back.
func (m *sales) wayAgrees(t *rapid.T, w way) {
	s, now := m.parts[w.id], m.of[string(w.id)]
	want, sum := int64(0), int64(0)
	switch {
	case w.cancelled, !w.shipped:
	case w.label == 0 && !w.back:
		want = s.net
	case w.label > 0 && w.back:
		want = -w.label
	case w.label > 0:
		want = -max(0, w.label-s.net)
	}
	if s.byBrand && !w.cancelled && !w.back {
		want += s.tax - w.lostTax
	}
	for _, minor := range now {
		sum += minor
	}
	if now[string(s.brand)] != want || sum != 0 {
		t.Fatalf("of shipping of %+v, %+v, the brand has %d of %d: %v", s, w, now[string(s.brand)], want, now)
	}
	paid := -(s.net + s.tax - w.lost - w.lostTax)
	if w.cancelled || w.back {
		paid = 0
	}
	if now[buyers] != paid {
		t.Fatalf("of shipping of %+v, %+v, the buyer has paid %d, not %d", s, w, -now[buyers], -paid)
	}
}

// standing is what the books say at one moment.
type standing struct {
	has   map[ledger.Account]int64
	lost  map[ledger.Account]int64 // of what is owed, given up, less what came back of that
	paid  map[string]int64         // paid out, by owner
	gone  map[string]int64         // with that, what samples took of creators, and their labels of brands, less what they brought them
	lines []fate
	parts []way
}

// stands reads what is new in the book and how everything stands now.
func (m *sales) stands(t *rapid.T) (now standing) {
	now = standing{has: map[ledger.Account]int64{}, lost: map[ledger.Account]int64{}, paid: map[string]int64{}, gone: map[string]int64{}}
	err := m.d.Read(context.Background(), func(tx *db.Tx) error {
		if err := m.reads(tx); err != nil {
			return err
		}
		list, more, err := ledger.List(tx, "", "", ledger.MaxPage)
		for _, b := range list {
			now.has[b.Account] = b.Balance.Minor
		}
		if err != nil || more != "" {
			return fmt.Errorf("more accounts than a page: %v", err)
		}
		if now.lines, err = m.fates(tx); err != nil {
			return err
		}
		if now.parts, err = m.ways(tx); err != nil {
			return err
		}
		_, err = db.All(tx, func(r *sql.Rows) (struct{}, error) {
			var what, of string
			var minor int64
			err := r.Scan(&what, &of, &minor)
			switch what {
			case "lost":
				now.lost[ledger.Account(of)] += minor
			case "paid":
				now.paid[of] += minor
				fallthrough
			default:
				now.gone[of] += minor
			}
			return struct{}{}, err
		}, `SELECT 'lost', e.account, CAST(SUM(e.amount) AS BIGINT) FROM ledger_transfers t JOIN ledger_entries e ON e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64 WHERE t.kind = 'written_off' AND e.account LIKE 'recv:%' GROUP BY e.account
			UNION ALL SELECT 'paid', owner, CAST(SUM(amount_minor) AS BIGINT) FROM payouts WHERE state IN ('created','sent','confirmed') GROUP BY owner
			UNION ALL SELECT 'charged', creator_id, CAST(SUM(charged_minor) AS BIGINT) FROM samples GROUP BY creator_id UNION ALL SELECT 'charged', brand_id, CAST(SUM(label_minor - charged_minor) AS BIGINT) FROM samples GROUP BY brand_id`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// booksAgree holds the book against the machine's own: each line, each part's shipping, and all that everybody has.
func (m *sales) booksAgree(t *rapid.T, now standing) {
	for _, f := range now.lines {
		m.lineAgrees(t, f)
	}
	for _, w := range now.parts {
		m.wayAgrees(t, w)
	}
	for _, o := range m.owners() {
		m.ownerAgrees(t, o, now)
	}
}

// ownerAgrees holds all that somebody has, less debts, against what came of lines and parcels, payouts, samples and debts given up.
func (m *sales) ownerAgrees(t *rapid.T, o payout.Owner, now standing) {
	var worth, came int64
	for a, minor := range now.has {
		if whose(string(a)) == string(o) {
			if a == o.Purse().Owes {
				minor = -minor
			}
			worth += minor
		}
	}
	for of, x := range m.of {
		if of != "" {
			came += x[string(o)]
		}
	}
	if want := came - now.gone[string(o)] + now.lost[o.Purse().Owes]; worth != want {
		t.Fatalf("%s is worth %d: %d came of sales, %d is gone and %d given up", o, worth, came, now.gone[string(o)], now.lost[o.Purse().Owes])
	}
}
