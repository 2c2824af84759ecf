package affiliate

import (
	"database/sql"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// maxTouches bounds what one order reads: the newest touches of its products.
const maxTouches = 1000

// maxWindow is the longest window a program can have; no older touch can win.
const maxWindow = MaxWindowHours * time.Hour

// productsOf returns the sale's products, each once.
func productsOf(s Sale) []id.Product {
	list := make([]id.Product, 0, len(s.Lines))
	for _, l := range s.Lines {
		list = append(list, l.Product)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func brandsOf(s Sale) []id.Brand {
	list := make([]id.Brand, 0, len(s.Lines))
	for _, l := range s.Lines {
		list = append(list, l.Brand)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// touchesOf reads the touches of the buyer for the sale's products: those of the viewer that bought and
// of every viewer joined to the account, with all that can disqualify one.
func touchesOf(tx *db.Tx, s Sale) (map[id.Product][]touch, error) {
	if len(s.Lines) == 0 {
		return nil, nil
	}
	list, args := db.In(7, productsOf(s))
	args = append([]any{string(s.Viewer), string(s.Account), s.EmailKey, db.Micros(s.PlacedAt.Add(-maxWindow)), db.Micros(s.PlacedAt), int64(maxTouches)}, args...)
	found, err := db.All(tx, scanTouch, `
		SELECT t.id, t.creator_id, t.product_id, t.kind, t.video_id, t.showcase_id, t.surface, t.request_id, t.slot, t.flag, t.at,
		  COALESCE(s.accepted_at, 0), COALESCE(s.removed_at, 0), a.standing,
		  CASE WHEN a.id = $2 OR a.email_key = $3 OR v.account_id = a.id THEN 1 ELSE 0 END,
		  CASE WHEN m.account_id IS NULL THEN 0 ELSE 1 END
		FROM touches t
		JOIN creators c ON c.id = t.creator_id
		JOIN accounts a ON a.id = c.account_id
		LEFT JOIN showcase s ON s.creator_id = t.creator_id AND s.product_id = t.product_id
		LEFT JOIN viewers v ON v.id = t.viewer_id
		LEFT JOIN brand_members m ON m.brand_id = t.brand_id AND m.account_id = a.id
		WHERE t.viewer_id IN (SELECT CAST($1 AS TEXT) UNION SELECT id FROM viewers WHERE account_id = $2 AND account_id <> '')
		  AND t.at >= $4 AND t.at <= $5 AND t.product_id IN `+list+`
		ORDER BY t.at DESC, t.id DESC LIMIT $6`, args...)
	byProduct := make(map[id.Product][]touch, len(found))
	for _, t := range found {
		byProduct[t.product] = append(byProduct[t.product], t)
	}
	return byProduct, err
}

func scanTouch(rows *sql.Rows) (t touch, err error) {
	var at, accepted, dropped int64
	var standing string
	err = rows.Scan(&t.id, &t.creator, &t.product, &t.kind, &t.video, &t.showcase, &t.surface, &t.request, &t.slot, &t.flag, &at,
		&accepted, &dropped, &standing, &t.own, &t.ownBrand)
	t.at, t.accepted, t.dropped, t.removed = db.Time(at), db.Time(accepted), db.Time(dropped), standing == "removed"
	return t, err
}

// brandsOfBuyer returns which of the sale's brands the buyer is a member of, by account or e-mail address.
func brandsOfBuyer(tx *db.Tx, s Sale) (map[id.Brand]bool, error) {
	list, args := db.In(4, brandsOf(s))
	found, err := db.All(tx, func(rows *sql.Rows) (b id.Brand, err error) {
		err = rows.Scan(&b)
		return b, err
	}, `SELECT m.brand_id FROM brand_members m JOIN accounts a ON a.id = m.account_id
		WHERE m.brand_id IN `+list+` AND (a.id = $1 OR a.email_key = $2 OR a.id IN (SELECT account_id FROM viewers WHERE id = $3))`,
		append([]any{string(s.Account), s.EmailKey, string(s.Viewer)}, args...)...)
	insider := make(map[id.Brand]bool, len(found))
	for _, b := range found {
		insider[b] = true
	}
	return insider, err
}

// programsOf reads the programs of the sale's brands that list its products, or all: those open to
// anyone and those for the creators of the touches; with nil touches, those for anyone at all.
func programsOf(tx *db.Tx, s Sale, touches map[id.Product][]touch) ([]*facts, error) {
	var creators []id.Creator
	for _, list := range touches {
		for _, t := range list {
			creators = append(creators, t.creator)
		}
	}
	if len(s.Lines) == 0 {
		return nil, nil
	}
	return loadFacts(tx, brandsOf(s), productsOf(s), creators, touches == nil)
}

// loadFacts reads programs of the brands by which the creators could promote the products; anyone means
// targeted programs of whomsoever.
func loadFacts(tx *db.Tx, brands []id.Brand, products []id.Product, creators []id.Creator, anyone bool) ([]*facts, error) {
	slices.Sort(creators)
	creators = slices.Compact(creators)
	if len(creators) == 0 {
		creators = []id.Creator{""}
	}
	inBrands, args := db.In(2, brands)
	inProducts, more := db.In(2+len(args), products)
	args = append(args, more...)
	inCreators, more := db.In(2+len(args), creators)
	args = append(append([]any{db.Flag(anyone)}, args...), more...)
	byID := map[id.Program]*facts{}
	var list []*facts
	_, err := db.All(tx, func(rows *sql.Rows) (struct{}, error) {
		f, product, creator, err := scanFacts(rows)
		if err != nil {
			return struct{}{}, err
		}
		known, ok := byID[f.id]
		if !ok {
			known = f
			byID[f.id], list = f, append(list, f)
		}
		if product.of != "" {
			known.products[id.Product(product.of)] = product.span
		}
		if creator.of != "" {
			known.creators[id.Creator(creator.of)] = creator.span
		}
		return struct{}{}, nil
	}, `SELECT p.id, p.brand_id, p.kind, p.name, p.hold_days, p.starts_at, p.ends_at, p.budget_minor, p.spent_minor, p.all_products,
		  COALESCE(i.product_id, ''), COALESCE(i.added_at, 0), COALESCE(i.removed_at, 0),
		  COALESCE(c.creator_id, ''), COALESCE(c.added_at, 0), COALESCE(c.removed_at, 0)
		FROM programs p
		LEFT JOIN program_products i ON i.program_id = p.id AND i.product_id IN `+inProducts+`
		LEFT JOIN program_creators c ON c.program_id = p.id AND c.creator_id IN `+inCreators+`
		WHERE p.brand_id IN `+inBrands+` AND (p.all_products = 1 OR i.product_id IS NOT NULL)
		  AND (p.kind = 'open' OR c.creator_id IS NOT NULL OR $1 = 1)
		ORDER BY p.id`, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, loadTerms(tx, byID, list)
}

// member is one side of a program's row: whom or what it names, and when.
type member struct {
	of   string
	span span
}

func scanFacts(rows *sql.Rows) (*facts, member, member, error) {
	f := &facts{products: map[id.Product]span{}, creators: map[id.Creator]span{}}
	var product, creator member
	var starts, ends, pFrom, pUntil, cFrom, cUntil int64
	err := rows.Scan(&f.id, &f.brand, &f.kind, &f.name, &f.hold, &starts, &ends, &f.budget, &f.spent, &f.all,
		&product.of, &pFrom, &pUntil, &creator.of, &cFrom, &cUntil)
	f.starts, f.ends = db.Time(starts), db.Time(ends)
	product.span = span{db.Time(pFrom), db.Time(pUntil)}
	creator.span = span{db.Time(cFrom), db.Time(cUntil)}
	return f, product, creator, err
}

func loadTerms(tx *db.Tx, byID map[id.Program]*facts, list []*facts) error {
	ids := make([]id.Program, len(list))
	for i, f := range list {
		ids[i] = f.id
	}
	in, args := db.In(1, ids)
	_, err := db.All(tx, func(rows *sql.Rows) (struct{}, error) {
		var program id.Program
		var from, rate, hours int64
		if err := rows.Scan(&program, &from, &rate, &hours); err != nil {
			return struct{}{}, err
		}
		f := byID[program]
		f.terms = append(f.terms, Term{db.Time(from), money.Bps(rate), time.Duration(hours) * time.Hour})
		return struct{}{}, nil
	}, `SELECT program_id, from_at, commission_bps, window_hours FROM program_terms WHERE program_id IN `+in+` ORDER BY program_id, from_at`, args...)
	return err
}
