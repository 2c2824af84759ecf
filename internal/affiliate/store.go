package affiliate

import (
	"database/sql"
	"maps"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// maxTouches bounds what one order reads: the newest touches of its products.
const maxTouches = 1000

// maxWindow is the longest window a program can have; no older touch can win.
const maxWindow = MaxWindowHours * time.Hour

// productsOf returns the products that were touched.
func productsOf(touches map[id.Product][]touch) []id.Product {
	return slices.Sorted(maps.Keys(touches))
}

func brandsOf(s Sale) []id.Brand {
	list := make([]id.Brand, 0, len(s.Lines))
	for _, l := range s.Lines {
		list = append(list, l.Brand)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func creatorsOf(touches map[id.Product][]touch) []id.Creator {
	var list []id.Creator
	for _, of := range touches {
		for _, t := range of {
			list = append(list, t.Creator)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// touch is a candidate as attribution wants it, with what only the log wants to know.
type touch struct {
	attribution.Touch
	slot    int64
	account id.Account // the creator's
	code    SaleCode   // of a code
	insider bool       // the buyer is a member of the brand
}

// touchesOf reads the touches of the buyer for the sale's brands: those of the viewer that bought and of every
// viewer joined to the account, newest first, and the codes of the sale, with all that can disqualify one. A
// creator who is a member of the brand needs no shelf: they promote since they joined it.
func touchesOf(tx *db.Tx, s Sale) (map[id.Product][]touch, error) {
	byProduct := map[id.Product][]touch{}
	if len(s.Lines) == 0 {
		return byProduct, nil
	}
	list, args := db.In(6, brandsOf(s))
	args = append([]any{string(s.Viewer), string(s.Account), db.Micros(s.PlacedAt.Add(-maxWindow)), db.Micros(s.PlacedAt), int64(maxTouches)}, args...)
	found, err := db.All(tx, scanTouch, `
		SELECT t.id, t.creator_id, t.product_id, t.brand_id, t.kind, t.video_id, t.showcase_id, t.surface, t.request_id, t.slot, t.flag, t.at,
		  COALESCE(s.accepted_at, 0), COALESCE(s.removed_at, 0), COALESCE(m.created_at, 0),
		  CASE WHEN a.standing = 'removed' OR a.erased_at > 0 THEN 1 ELSE 0 END, a.id
		FROM touches t
		JOIN creators c ON c.id = t.creator_id
		JOIN accounts a ON a.id = c.account_id
		LEFT JOIN showcase s ON s.creator_id = t.creator_id AND s.product_id = t.product_id
		LEFT JOIN brand_members m ON m.brand_id = t.brand_id AND m.account_id = a.id
		WHERE t.viewer_id IN (SELECT CAST($1 AS TEXT) UNION SELECT id FROM viewers WHERE account_id = $2 AND account_id <> '')
		  AND t.at >= $3 AND t.at <= $4 AND t.brand_id IN `+list+` AND t.kind <> 'code'
		ORDER BY t.at DESC, t.id DESC LIMIT $5`, args...)
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		if of := byProduct[t.Product]; len(of) < MaxCandidates {
			byProduct[t.Product] = append(of, t)
		}
	}
	if err := addCodes(tx, s, byProduct); err != nil || len(byProduct) == 0 {
		return byProduct, err
	}
	return byProduct, bar(tx, s, byProduct)
}

func scanTouch(rows *sql.Rows) (t touch, err error) {
	var at, accepted, dropped, joined int64
	err = rows.Scan(&t.Touch.Touch, &t.Creator, &t.Product, &t.Brand, &t.Kind, &t.Video, &t.Showcase, &t.Surface, &t.Request, &t.slot, &t.Flag, &at,
		&accepted, &dropped, &joined, &t.CreatorRemoved, &t.account)
	t.At = db.Time(at)
	t.PromotingSince, t.PromotingUntil = db.Time(accepted), db.Time(dropped)
	if joined > 0 && (accepted == 0 || dropped > 0) {
		t.PromotingSince, t.PromotingUntil = db.Time(joined), time.Time{}
	}
	return t, err
}

// bar marks the touches of creators who are the buyer, and those for brands that the buyer belongs to: by
// account, e-mail address, browser, address, phone, or what was paid with or is paid on.
func bar(tx *db.Tx, s Sale, touches map[id.Product][]touch) error {
	same, err := account.SameAs(tx, account.Buyer{Account: s.Account, Viewer: s.Viewer, EmailKey: s.EmailKey, Marks: s.Marks})
	if err != nil || len(same) == 0 {
		return err
	}
	brands := map[id.Brand]bool{}
	in, args := db.In(1, same)
	if err := each(tx, func(rows *sql.Rows) error {
		var b id.Brand
		err := rows.Scan(&b)
		brands[b] = true
		return err
	}, `SELECT DISTINCT brand_id FROM brand_members WHERE account_id IN `+in, args...); err != nil {
		return err
	}
	for _, of := range touches {
		for i := range of {
			of[i].SamePerson, of[i].insider = slices.Contains(same, of[i].account), brands[of[i].Brand]
		}
	}
	return nil
}

// each runs a query and calls read for every row of it.
func each(tx *db.Tx, read func(*sql.Rows) error, q string, args ...any) error {
	_, err := db.All(tx, func(rows *sql.Rows) (struct{}, error) { return struct{}{}, read(rows) }, q, args...)
	return err
}

// loadPrograms reads programs of the brands that list the products, or all; without products every program:
// those open to anyone and those for the creators; anyone means also those for anybody else. One query: a row
// for each term of each membership.
func loadPrograms(tx *db.Tx, brands []id.Brand, products []id.Product, creators []id.Creator, anyone bool) ([]*program, error) {
	if len(brands) == 0 {
		return nil, nil
	}
	if len(creators) == 0 {
		creators = []id.Creator{""}
	}
	inBrands, args := db.In(2, brands)
	these, covered := ``, ``
	if len(products) > 0 {
		inProducts, more := db.In(2+len(args), products)
		args = append(args, more...)
		these, covered = ` AND i.product_id IN `+inProducts, ` AND (p.all_products = 1 OR i.product_id IS NOT NULL)`
	}
	inCreators, more := db.In(2+len(args), creators)
	args = append(append([]any{db.Flag(anyone)}, args...), more...)
	byID := map[id.Program]*program{}
	var list []*program
	err := each(tx, func(rows *sql.Rows) error {
		row, product, creator, term, err := scanProgram(rows)
		p, known := byID[row.id]
		if !known {
			p = row
			byID[p.id], list = p, append(list, p)
		}
		if n := len(p.windows); n == 0 || p.windows[n-1].From.Before(term.from) {
			p.rates = append(p.rates, attribution.Rate{From: term.from, Rate: term.rate})
			p.windows = append(p.windows, attribution.Window{From: term.from, Length: term.window})
			if term.indirect > 0 || len(p.indirect) > 0 {
				p.indirect = append(p.indirect, attribution.Rate{From: term.from, Rate: term.indirect})
			}
		}
		if product.of != "" {
			p.products[id.Product(product.of)] = product.span
		}
		if creator.of != "" {
			p.creators[id.Creator(creator.of)] = creator.span
		}
		return err
	}, `SELECT p.id, p.brand_id, p.kind, p.name, p.hold_days, p.starts_at, p.ends_at, CASE WHEN p.budget_minor > 0 THEN 1 ELSE 0 END, p.all_products,
		  COALESCE(i.product_id, ''), COALESCE(i.added_at, 0), COALESCE(i.removed_at, 0),
		  COALESCE(c.creator_id, ''), COALESCE(c.added_at, 0), COALESCE(c.removed_at, 0), t.from_at, t.commission_bps, t.window_hours, t.indirect_bps
		FROM programs p
		JOIN program_terms t ON t.program_id = p.id
		LEFT JOIN program_products i ON i.program_id = p.id`+these+`
		LEFT JOIN program_creators c ON c.program_id = p.id AND c.creator_id IN `+inCreators+`
		WHERE p.brand_id IN `+inBrands+covered+`
		  AND (p.kind = 'open' OR c.creator_id IS NOT NULL OR $1 = 1)
		ORDER BY p.id, t.from_at`, args...)
	return list, err
}

// member is one side of a program's row: whom or what it names, and when.
type member struct {
	of   string
	span span
}

// term is what a program offers from a time on.
type term struct {
	from           time.Time
	rate, indirect money.Bps
	window         time.Duration
}

func scanProgram(rows *sql.Rows) (p *program, product, creator member, t term, err error) {
	p = &program{products: map[id.Product]span{}, creators: map[id.Creator]span{}}
	var starts, ends, pFrom, pUntil, cFrom, cUntil, from, hours int64
	err = rows.Scan(&p.id, &p.brand, &p.kind, &p.name, &p.hold, &starts, &ends, &p.budgeted, &p.all,
		&product.of, &pFrom, &pUntil, &creator.of, &cFrom, &cUntil, &from, &t.rate, &hours, &t.indirect)
	p.running = span{db.Time(starts), db.Time(ends)}
	product.span, creator.span = span{db.Time(pFrom), db.Time(pUntil)}, span{db.Time(cFrom), db.Time(cUntil)}
	t.from, t.window = db.Time(from), time.Duration(hours)*time.Hour
	return p, product, creator, t, err
}
