package voucher

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Vouchers is the room: its methods are what those who give vouchers do.
type Vouchers struct{ db *db.DB }

// Open opens the room.
func Open(d *db.DB) *Vouchers { return &Vouchers{d} }

// MaxPage is how many vouchers one page of a list has at most.
const MaxPage = 100

// may returns nil when the asker may act for the giver: a brand's people for it, the operator for the platform.
func may(who account.Asker, giver id.Brand, scope account.Scope) error {
	if giver == Platform {
		if err := who.IsOperator(); err != nil {
			return err
		}
		return who.May(scope)
	}
	return who.OfBrand(giver, scope)
}

// Create gives a voucher: a brand's own, or with Platform one that the platform pays for. Invalid names every
// mistake; Conflict: the giver has had a voucher with this code, or offers too many to everybody.
func (r *Vouchers) Create(ctx context.Context, who account.Asker, giver id.Brand, in New) (Voucher, error) {
	if err := may(who, giver, account.ProgramsWrite); err != nil {
		return Voucher{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Voucher, error) {
		currency := in.Currency
		if giver != Platform {
			b, err := account.BrandOf(tx, giver)
			if err != nil {
				return Voucher{}, err
			}
			currency = b.Currency
		}
		v, err := in.check(giver, currency, tx.Now())
		if err != nil {
			return Voucher{}, err
		}
		if err := covered(tx, giver, &v); err != nil {
			return Voucher{}, err
		}
		if strings.Trim(in.Handle, " @") != "" {
			c, err := account.CreatorNamed(tx, strings.TrimSpace(in.Handle))
			if fault.Is(err, fault.Missing) {
				return Voucher{}, fault.InvalidField("body.creator_handle", "Nobody here is called @%.40s.", strings.Trim(in.Handle, " @"))
			}
			if err != nil {
				return Voucher{}, err
			}
			v.Creator = c.ID
		}
		if v.Listed {
			if err := mayList(tx, giver); err != nil {
				return Voucher{}, err
			}
		}
		v.ID = v.ID.Next(tx.Now())
		if err := insert(tx, &v); err != nil {
			if db.IsUnique(err) {
				return Voucher{}, fault.New(fault.Conflict, "There is or was a voucher with the code %s already. Choose another code: an old one keeps its meaning.", v.Code).WithType("code_taken")
			}
			return Voucher{}, err
		}
		return told(tx, v.ID)
	})
}

// covered sorts the products and refuses those that are not the giver's, or archived.
func covered(tx *db.Tx, giver id.Brand, v *Voucher) error {
	if v.All {
		return nil
	}
	seen := map[id.Product]bool{}
	var distinct []id.Product
	for _, p := range v.Products {
		if !seen[p] {
			distinct = append(distinct, p)
		}
		seen[p] = true
	}
	v.Products = distinct
	in, args := db.In(2, distinct)
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM products WHERE (CAST($1 AS TEXT) = '' OR brand_id = $1) AND state = 'active' AND id IN `+in, append([]any{string(giver)}, args...)...).Scan(&n)
	if err == nil && int(n) != len(distinct) {
		err = fault.InvalidField("body.product_ids", "Some of these are not products that this voucher can cover, or are archived.")
	}
	return err
}

// mayList refuses a voucher more for everybody than a shopper could be shown.
func mayList(tx *db.Tx, giver id.Brand) error {
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM vouchers WHERE brand_id = $1 AND listed = 1 AND (ends_at = 0 OR ends_at > $2)`, giver, db.Micros(tx.Now())).Scan(&n)
	if err == nil && n >= MaxListed {
		err = fault.New(fault.Conflict, "At most %d vouchers are offered to everybody at a time. End one, or give this one by its code alone.", MaxListed).WithType("too_many_listed")
	}
	return err
}

// told returns a voucher as its giver sees it.
func told(tx *db.Tx, v id.Voucher) (Voucher, error) {
	one, err := voucherOf(tx, v)
	if err != nil {
		return Voucher{}, err
	}
	list := []Voucher{one}
	return list[0], saved(tx, list)
}

// saved fills in what each voucher took off paid orders.
func saved(tx *db.Tx, list []Voucher) error {
	if len(list) == 0 {
		return nil
	}
	ids, at := make([]id.Voucher, len(list)), map[id.Voucher]int{}
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, i
		list[i].Saved = money.Of(0, list[i].Currency)
	}
	in, args := db.In(1, ids)
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var v id.Voucher
		var sum int64
		err := r.Scan(&v, &sum)
		list[at[v]].Saved.Minor = sum
		return struct{}{}, err
	}, `SELECT voucher_id, CAST(SUM(amount_minor) AS BIGINT) FROM voucher_uses WHERE state = 'used' AND voucher_id IN `+in+` GROUP BY voucher_id`, args...)
	return err
}

// List returns a giver's vouchers, newest first, from after one of them.
func (r *Vouchers) List(ctx context.Context, who account.Asker, giver id.Brand, after id.Voucher, limit int) ([]Voucher, error) {
	if err := may(who, giver, account.ProgramsRead); err != nil {
		return nil, err
	}
	return r.list(ctx, `v.brand_id = $1`, string(giver), after, limit)
}

// Mine returns the vouchers that are the asking creator's codes, newest first.
func (r *Vouchers) Mine(ctx context.Context, who account.Asker, after id.Voucher, limit int) ([]Voucher, error) {
	if err := who.IsCreator(); err != nil {
		return nil, err
	}
	if err := who.May(account.ProgramsRead); err != nil {
		return nil, err
	}
	return r.list(ctx, `v.creator_id = $1 AND v.creator_id <> ''`, string(who.Creator), after, limit)
}

func (r *Vouchers) list(ctx context.Context, where, arg string, after id.Voucher, limit int) ([]Voucher, error) {
	limit = min(max(limit, 1), MaxPage+1)
	return db.Get(ctx, r.db, func(tx *db.Tx) ([]Voucher, error) {
		list, err := read(tx, `WHERE `+where+` AND (CAST($2 AS TEXT) = '' OR v.id < $2) ORDER BY v.id DESC LIMIT $3`, arg, string(after), int64(limit))
		if err != nil {
			return nil, err
		}
		return list, saved(tx, list)
	})
}

// Voucher returns one of a giver's vouchers; Missing when it is another's.
func (r *Vouchers) Voucher(ctx context.Context, who account.Asker, giver id.Brand, v id.Voucher) (Voucher, error) {
	if err := may(who, giver, account.ProgramsRead); err != nil {
		return Voucher{}, err
	}
	return db.Get(ctx, r.db, func(tx *db.Tx) (Voucher, error) { return own(tx, giver, v) })
}

func own(tx *db.Tx, giver id.Brand, v id.Voucher) (Voucher, error) {
	one, err := told(tx, v)
	if err == nil && one.Brand != giver {
		err = fault.New(fault.Missing, "There is no such voucher, or it is not yours to see.")
	}
	if err != nil {
		return Voucher{}, err
	}
	return one, nil
}

// Change changes what may change of a voucher, or ends it. match is the version the asker has seen, 0 any;
// Stale when it is another. Who holds one in a checkout keeps it.
func (r *Vouchers) Change(ctx context.Context, who account.Asker, giver id.Brand, v id.Voucher, match int64, in Change) (Voucher, error) {
	if err := may(who, giver, account.ProgramsWrite); err != nil {
		return Voucher{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Voucher, error) {
		old, err := own(tx, giver, v)
		if err != nil {
			return Voucher{}, err
		}
		if match != 0 && match != old.Version {
			return Voucher{}, stale()
		}
		next, err := in.apply(old, tx.Now())
		if err != nil {
			return Voucher{}, err
		}
		if next.Listed && !old.Listed {
			if err := mayList(tx, giver); err != nil {
				return Voucher{}, err
			}
		}
		n, err := tx.Exec(`UPDATE vouchers SET title = $1, ends_at = $2, total_limit = $3, person_limit = $4, listed = $5, version = version + 1, updated_at = $6
			WHERE id = $7 AND version = $8 AND ($3 = 0 OR taken <= $3)`, next.Title, db.Micros(next.EndsAt), next.Total, next.PerPerson, db.Flag(next.Listed), db.Micros(tx.Now()), v, old.Version)
		if err == nil && n == 0 {
			err = stale()
		}
		if err != nil {
			return Voucher{}, err
		}
		return own(tx, giver, v)
	})
}

func stale() error {
	return fault.New(fault.Stale, "This voucher was changed meanwhile. Look at it again, then change it.")
}

// apply returns the voucher as it would be, or says what is wrong with the change.
func (in Change) apply(v Voucher, now time.Time) (Voucher, error) {
	var c checks
	c.add(v.State != "ended", "body", "This voucher has ended. Give another one.")
	if in.Title != nil {
		v.Title = c.title(*in.Title)
	}
	if in.EndsAt != nil {
		c.date(*in.EndsAt, "body.ends_at")
		v.EndsAt = in.EndsAt.UTC().Truncate(time.Microsecond)
	}
	if in.End || !v.EndsAt.IsZero() && v.EndsAt.Before(now) {
		v.EndsAt = now
	}
	if in.Total != nil {
		c.uses(*in.Total, "body.total_uses")
		c.add(*in.Total == 0 || *in.Total >= v.Taken, "body.total_uses", "It is used more often already. End it instead.")
		v.Total = *in.Total
	}
	if in.PerPerson != nil {
		c.uses(*in.PerPerson, "body.uses_per_person")
		// Uses of a voucher without such a limit are not counted by person.
		c.add(*in.PerPerson >= v.PerPerson, "body.uses_per_person", "What one person may have can be raised, not lowered. End this voucher and give another.")
		c.add((v.PerPerson > 0) == (*in.PerPerson > 0), "body.uses_per_person", "Whether people are counted is said when a voucher is given. End this one and give another.")
		v.PerPerson = *in.PerPerson
	}
	if in.Listed != nil {
		v.Listed = *in.Listed
	}
	return v, c.fault()
}
