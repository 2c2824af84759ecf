package affiliate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// The oracle decides by the rules as docs/money.md says them, hour by hour, from what the test laid down and
// not from what the code makes of it. Hours count from the world's beginning.
type oracle struct {
	rates, indirect map[int]money.Bps // of the open program, from an hour on
	shelf           [3][3][2]int      // creator, product: from, until (0: still, from -1: never)
}

type oracleTouch struct {
	creator, product, at int
	live, code           bool
}

const never, lock, longWindow, targetedWindow = -1, 720, 14 * 24, 30 * 24

func inForce(rates map[int]money.Bps, h int) (rate money.Bps, from, until int) {
	from, until = never, 1<<30
	for f, r := range rates {
		if f <= h && f > from {
			rate, from = r, f
		}
	}
	for f := range rates {
		if f > from && f < until {
			until = f
		}
	}
	return rate, from, until
}

// best is the highest rate in force in the month before an hour that began while the creator promoted.
func (o oracle) best(rates map[int]money.Bps, since, until, at int) (best money.Bps) {
	best, _, _ = inForce(rates, at)
	for h := max(0, at-lock); h < at; h++ {
		r, from, end := inForce(rates, h)
		if from != never && since < end && (until == 0 || until > at) {
			best = max(best, r)
		}
	}
	return best
}

// worth is the rate a touch is owed of a sale of product at an hour; 0 for nothing.
func (o oracle) worth(t oracleTouch, product, placed int) money.Bps {
	since, until := o.shelf[t.creator][t.product][0], o.shelf[t.creator][t.product][1]
	if t.code {
		since, until = 0, 0 // the code itself is the acceptance, and all are the creators' since the beginning
	}
	if since == never || since > t.at || (until != 0 && until <= t.at) || t.at > placed {
		return 0
	}
	// The targeted program: creator 1, product 0, 12 %, nothing for other products, and it comes first.
	if t.creator == 1 && t.product == 0 && product == 0 && placed-t.at <= targetedWindow {
		return 1200
	}
	if placed-t.at > longWindow {
		return 0
	}
	rates := o.rates
	if product != t.product {
		rates = o.indirect
	}
	return max(o.best(rates, since, until, t.at), o.best(rates, since, until, placed))
}

// decide tries every touch against every other.
func (o oracle) decide(touches []oracleTouch, product, placed int) (winner int, rate money.Bps) {
	rank := func(t oracleTouch) int {
		r := t.at
		switch {
		case t.code:
			r += 1 << 20
		case t.live && placed-t.at <= 24:
			r += 1 << 19
		}
		if t.product == product {
			r += 1 << 21
		}
		return r
	}
	winner = -1
	for i, t := range touches {
		worth := o.worth(t, product, placed)
		if worth > 0 && (winner < 0 || rank(t) > rank(touches[winner])) {
			winner, rate = i, worth
		}
	}
	return winner, rate
}

// TestDecisionsEqualTheOracle: what is decided from rows on both engines is what the rules say.
func TestDecisionsEqualTheOracle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		begin := k.Now()
		at := func(hour int) time.Time { return begin.Add(time.Duration(hour) * time.Hour) }
		w := newWorld(t, d, k, 3, 3)
		o := oracle{rates: map[int]money.Bps{0: 1500, 1400: 1000, 2150: 1300}, indirect: map[int]money.Bps{0: 0, 1200: 400, 1500: 0}}
		open, targeted := w.program(1500, longWindow), w.program(1200, targetedWindow)
		w.exec(`UPDATE programs SET kind = 'targeted', all_products = 0 WHERE id = $1`, targeted)
		w.exec(`INSERT INTO program_products (program_id, product_id, added_at) VALUES ($1, $2, $3)`, targeted, w.products[0], begin)
		w.exec(`INSERT INTO program_creators (program_id, creator_id, added_at) VALUES ($1, $2, $3)`, targeted, w.creators[1].Creator, begin)
		for h, terms := range map[int][3]int{1200: {1500, 400, longWindow}, 1400: {1000, 400, longWindow}, 1500: {1000, 0, longWindow}, 2100: {1000, 0, 24}, 2150: {1300, 0, 24}} {
			w.exec(`INSERT INTO program_terms (program_id, from_at, commission_bps, indirect_bps, window_hours) VALUES ($1, $2, $3, $4, $5)`, open, at(h), terms[0], terms[1], terms[2])
		}
		for c := range o.shelf {
			for p := range o.shelf[c] {
				o.shelf[c][p] = [2]int{[]int{0, 1450, 1900, never}[(c+2*p)%4], []int{0, 0, 2120}[(c*p+c)%3]}
				if from := o.shelf[c][p][0]; from != never {
					w.shelve(c, p)
					w.exec(`UPDATE showcase SET accepted_at = $1, removed_at = $2 WHERE creator_id = $3 AND product_id = $4`,
						at(from), map[bool]int64{true: 0, false: db.Micros(at(o.shelf[c][p][1]))}[o.shelf[c][p][1] == 0], w.creators[c].Creator, w.products[p])
				}
			}
		}
		k.Advance(2300 * time.Hour)
		random := rand.New(rand.NewPCG(7, 11))
		won := 0
		for range 150 {
			touches, sale, placed := w.someVisits(random, at)
			got := w.decide(sale)
			for i := range sale.Lines {
				product := i
				var asked []oracleTouch
				for _, t := range touches {
					if !t.code || t.product == product {
						asked = append(asked, t)
					}
				}
				winner, rate := o.decide(asked, product, placed)
				want := id.Creator("")
				if winner >= 0 {
					want = w.creators[asked[winner].creator].Creator
					won++
				}
				if got[i].Creator != want || got[i].Rate != rate {
					t.Fatalf("product %d at hour %d: %q at %v (%s), the oracle says %q at %v of %+v", product, placed, got[i].Creator, got[i].Rate, got[i].Because, want, rate, asked)
				}
			}
		}
		if won < 50 {
			t.Fatalf("only %d lines were won: the visits say too little", won)
		}
		problems, decided, err := affiliate.New(d).Check(ctx)
		if err != nil || len(problems) > 0 || decided < 100 {
			t.Fatalf("%d decided again, %v %v", decided, problems, err)
		}
		w.exec(`UPDATE attributions SET creator_id = 'crt_nobody' WHERE line_id = (SELECT MIN(line_id) FROM attributions WHERE creator_id <> '')`)
		w.exec(`UPDATE attributions SET facts = REPLACE(facts, '"kind":"click"', '"kind":"code"') WHERE line_id = (SELECT MAX(line_id) FROM attributions WHERE creator_id <> '' AND receipt LIKE '%"rung":"click"%')`)
		if problems, _, err = affiliate.New(d).Check(ctx); err != nil || len(problems) != 2 {
			t.Fatalf("two decisions were tampered with, found %v %v", problems, err)
		}
	})
}

// someVisits lets a new viewer touch products at random and buy one of each.
func (w *world) someVisits(random *rand.Rand, at func(int) time.Time) ([]oracleTouch, affiliate.Sale, int) {
	w.viewer = w.viewer.Next(w.c.Now())
	placed := 2040 + random.IntN(240)
	var touches []oracleTouch
	used := map[int]bool{}
	for range random.IntN(6) {
		t := oracleTouch{creator: random.IntN(3), product: random.IntN(3), at: placed - random.IntN([]int{20, 200, 900}[random.IntN(3)]) + 2, live: random.IntN(3) == 0}
		if used[t.at] || t.at < 0 {
			continue
		}
		used[t.at] = true
		shown := w.shown(t.creator)
		if t.live {
			shown.Surface = id.SurfaceRoom
		}
		w.write(func(tx *db.Tx) error {
			return affiliate.RecordTouch(tx, affiliate.NewTouch{Asker: account.Asker{Viewer: w.viewer}, Impression: shown, Product: w.products[t.product], Kind: affiliate.TouchClick, At: at(t.at)})
		})
		touches = append(touches, t)
	}
	s := w.sale(0, 1, 2)
	s.PlacedAt = at(placed)
	if random.IntN(4) == 0 {
		t := oracleTouch{creator: random.IntN(3), product: random.IntN(3), at: placed, code: true}
		s.Lines[t.product].Codes = []affiliate.SaleCode{{Code: "MAYA10", Creator: w.creators[t.creator].Creator, At: at(0)}}
		touches = append(touches, t)
	}
	return touches, s, placed
}
