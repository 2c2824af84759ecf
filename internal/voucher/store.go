package voucher

import (
	"database/sql"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

const columns = `v.id, v.brand_id, v.code, v.title, v.kind, v.rate_bps, v.off_minor, v.most_minor, v.least_minor, v.currency, v.all_products,
	v.starts_at, v.ends_at, v.total_limit, v.person_limit, v.taken, v.listed, v.creator_id, COALESCE(c.handle, ''), v.version, v.created_at`

const from = ` FROM vouchers v LEFT JOIN creators c ON c.id = v.creator_id `

func scan(r *sql.Rows) (Voucher, error) {
	var v Voucher
	var off, most, least, starts, ends, created int64
	err := r.Scan(&v.ID, &v.Brand, &v.Code, &v.Title, &v.Kind, &v.Rate, &off, &most, &least, &v.Currency, &v.All,
		&starts, &ends, &v.Total, &v.PerPerson, &v.Taken, &v.Listed, &v.Creator, &v.Handle, &v.Version, &created)
	v.Off, v.Most, v.Least = orNone(off, v.Currency), orNone(most, v.Currency), orNone(least, v.Currency)
	v.StartsAt, v.EndsAt, v.CreatedAt = db.Time(starts), db.Time(ends), db.Time(created)
	return v, err
}

// read returns the vouchers of a condition with their products.
func read(tx *db.Tx, where string, args ...any) ([]Voucher, error) {
	list, err := db.All(tx, scan, `SELECT `+columns+from+where, args...)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	at := map[id.Voucher]*Voucher{}
	var some []id.Voucher
	for i := range list {
		list[i].State = list[i].stateAt(now)
		if !list[i].All {
			at[list[i].ID] = &list[i]
			some = append(some, list[i].ID)
		}
	}
	if len(some) == 0 {
		return list, nil
	}
	in, ids := db.In(1, some)
	_, err = db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var of id.Voucher
		var p id.Product
		err := r.Scan(&of, &p)
		at[of].Products = append(at[of].Products, p)
		return struct{}{}, err
	}, `SELECT voucher_id, product_id FROM voucher_products WHERE voucher_id IN `+in+` ORDER BY voucher_id, product_id`, ids...)
	return list, err
}

func insert(tx *db.Tx, v *Voucher) error {
	now := db.Micros(v.CreatedAt)
	_, err := tx.Exec(`INSERT INTO vouchers(id, brand_id, code, code_key, title, kind, rate_bps, off_minor, most_minor, least_minor, currency, all_products,
		starts_at, ends_at, total_limit, person_limit, listed, creator_id, created_at, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$19)`,
		v.ID, v.Brand, v.Code, Key(v.Code), v.Title, string(v.Kind), int64(v.Rate), v.Off.Minor, v.Most.Minor, v.Least.Minor, string(v.Currency), db.Flag(v.All),
		db.Micros(v.StartsAt), db.Micros(v.EndsAt), v.Total, v.PerPerson, db.Flag(v.Listed), v.Creator, now)
	if err != nil || v.All {
		return err
	}
	var rows db.Values
	for _, p := range v.Products {
		rows.Row(v.ID, p)
	}
	_, err = tx.Exec(`INSERT INTO voucher_products(voucher_id, product_id) VALUES `+rows.Text(), rows.Args()...)
	return err
}

// Basket is whose vouchers are looked for.
type Basket struct {
	Brands   []id.Brand
	Currency money.Currency
	Codes    []string // as typed
	Person   Person
	Typed    bool // only those whose code was typed, not those offered to everybody
}

// Candidates returns the vouchers a basket could use: those its brands and the platform offer to everybody,
// and those whose codes were typed. What cannot be used now by anybody, or by this person, says why.
func Candidates(tx *db.Tx, b Basket) ([]Candidate, error) {
	givers := append(slices.Clone(b.Brands), Platform)
	var list []Voucher
	if !b.Typed {
		in, args := db.In(3, givers)
		var err error
		if list, err = read(tx, `WHERE v.listed = 1 AND v.currency = $1 AND v.starts_at <= $2 AND (v.ends_at = 0 OR v.ends_at > $2)
			AND (v.total_limit = 0 OR v.taken < v.total_limit) AND v.brand_id IN `+in+` ORDER BY v.id`, append([]any{string(b.Currency), db.Micros(tx.Now())}, args...)...); err != nil {
			return nil, err
		}
	}
	place := map[string]int{}
	var keys []string
	for i, code := range b.Codes {
		if k := Key(code); place[k] == 0 && validCode(k) {
			keys = append(keys, k)
			place[k] = i + 1
		}
	}
	if len(keys) > 0 {
		in, args := db.In(1, keys)
		of, more := db.In(1+len(args), givers)
		typed, err := read(tx, `WHERE v.code_key IN `+in+` AND v.brand_id IN `+of+` ORDER BY v.id`, append(args, more...)...)
		if err != nil {
			return nil, err
		}
		for _, v := range typed {
			if !slices.ContainsFunc(list, func(o Voucher) bool { return o.ID == v.ID }) {
				list = append(list, v)
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	had, err := b.Person.had(tx, list)
	if err != nil {
		return nil, err
	}
	candidates := make([]Candidate, len(list))
	for i, v := range list {
		candidates[i] = Candidate{Voucher: v, Typed: place[Key(v.Code)], Why: v.why(b.Currency, had[v.ID])}
	}
	return candidates, nil
}

// why says why a voucher cannot be used now, whatever is bought; "" it can. had is how often the person has it.
func (v *Voucher) why(currency money.Currency, had int64) string {
	switch {
	case v.State == "ended":
		return "It has ended."
	case v.State == "scheduled":
		return "It begins " + v.StartsAt.Format(time.DateOnly) + "."
	case v.State == "used_up":
		return "It has been used as often as it may be."
	case v.PerPerson > 0 && had >= v.PerPerson:
		return "You have used it as often as you may."
	case v.Currency != currency && currency != "":
		return "It is in " + string(v.Currency) + ", and this bag is in " + string(currency) + "."
	}
	return ""
}
