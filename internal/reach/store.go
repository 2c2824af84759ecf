package reach

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// versionColumns are a version's, with the name of the person who made it.
const versionColumns = `p.policy_id, p.name, p.version, p.weights, p.reason, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = p.made_by), p.made_by), p.made_at FROM policy_versions p`

func scanVersion(scan func(...any) error) (v Version, err error) {
	var weights string
	var at int64
	if err := scan(&v.Policy, &v.Name, &v.Version, &weights, &v.Reason, &v.MadeBy, &at); err != nil {
		return v, err
	}
	v.MadeAt = db.Time(at)
	return v, json.Unmarshal([]byte(weights), &v.Weights)
}

// insertVersion adds a version, unless it is there.
func insertVersion(tx *db.Tx, v Version) (bool, error) {
	weights, err := json.Marshal(v.Weights)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`INSERT INTO policy_versions (policy_id, version, name, weights, reason, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		v.Policy, v.Version, v.Name, string(weights), v.Reason, v.MadeBy, db.Micros(v.MadeAt))
	return n == 1, err
}

func versionOf(tx *db.Tx, name string, version int64) (Version, error) {
	v, err := scanVersion(tx.Row(`SELECT `+versionColumns+` WHERE p.name = $1 AND p.version = $2`, name, version).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return v, fault.New(fault.Missing, "There is no such version of a policy.")
	}
	return v, err
}

// newest returns the newest version of a policy; the zero Version for a name nobody has used.
func newest(tx *db.Tx, name string) (Version, error) {
	v, err := scanVersion(tx.Row(`SELECT `+versionColumns+` WHERE p.name = $1 ORDER BY p.version DESC LIMIT 1`, name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Version{}, nil
	}
	return v, err
}

const splitColumns = `s.number, s.shares, s.rolls_back, s.reason, COALESCE((SELECT a.display_name FROM accounts a WHERE a.id = s.made_by), s.made_by), s.made_at FROM policy_splits s`

func scanSplit(scan func(...any) error) (s Split, err error) {
	var shares string
	var at int64
	if err := scan(&s.Number, &shares, &s.RollsBack, &s.Reason, &s.MadeBy, &at); err != nil {
		return s, err
	}
	s.MadeAt = db.Time(at)
	return s, json.Unmarshal([]byte(shares), &s.Shares)
}

func insertSplit(tx *db.Tx, s Split) (bool, error) {
	shares, err := json.Marshal(s.Shares)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`INSERT INTO policy_splits (number, shares, rolls_back, reason, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		s.Number, string(shares), s.RollsBack, s.Reason, s.MadeBy, db.Micros(s.MadeAt))
	return n == 1, err
}

func splitOf(tx *db.Tx, number int64) (Split, error) {
	s, err := scanSplit(tx.Row(`SELECT `+splitColumns+` WHERE s.number = $1`, number).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, fault.New(fault.Missing, "There is no such split.")
	}
	return s, err
}

// inForce returns the split in force; the zero Split before there is one.
func inForce(tx *db.Tx) (Split, error) {
	s, err := scanSplit(tx.Row(`SELECT ` + splitColumns + ` ORDER BY s.number DESC LIMIT 1`).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Split{Shares: []Share{}}, nil
	}
	return s, err
}

// InForce returns the split in force, to the operator.
func (r *Reach) InForce(ctx context.Context, who account.Asker) (Split, error) {
	if err := who.IsOperator(); err != nil {
		return Split{}, err
	}
	return db.Get(ctx, r.db, inForce)
}

// Splits returns the splits there were, the newest first, from before one (0: from the newest), to the operator.
func (r *Reach) Splits(ctx context.Context, who account.Asker, before int64, limit int) ([]Split, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, r.db, func(tx *db.Tx) ([]Split, error) {
		return db.All(tx, func(rows *sql.Rows) (Split, error) { return scanSplit(rows.Scan) },
			`SELECT `+splitColumns+` WHERE (CAST($1 AS BIGINT) = 0 OR s.number < $1) ORDER BY s.number DESC LIMIT $2`, before, int64(limit))
	})
}

// Policies returns the newest version of every policy, by name from after one, each with its share now, to
// the operator.
func (r *Reach) Policies(ctx context.Context, who account.Asker, after string, limit int) ([]Version, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return r.versions(ctx, ` WHERE p.name > $1 AND p.version = (SELECT MAX(x.version) FROM policy_versions x WHERE x.name = p.name) ORDER BY p.name LIMIT $2`, after, int64(limit))
}

// Versions returns the versions of a policy, the newest first, from before one (0: from the newest), to
// the operator.
func (r *Reach) Versions(ctx context.Context, who account.Asker, name string, before int64, limit int) ([]Version, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	list, err := r.versions(ctx, ` WHERE p.name = $1 AND (CAST($2 AS BIGINT) = 0 OR p.version < $2) ORDER BY p.version DESC LIMIT $3`, name, before, int64(limit))
	if err == nil && len(list) == 0 && before == 0 {
		err = fault.New(fault.Missing, "There is no such policy.")
	}
	return list, err
}

// Version returns one version of a policy, its newest for 0, to the operator.
func (r *Reach) Version(ctx context.Context, who account.Asker, name string, version int64) (Version, error) {
	if err := who.IsOperator(); err != nil {
		return Version{}, err
	}
	where, args := ` WHERE p.name = $1 AND p.version = $2`, []any{name, version}
	if version == 0 {
		where, args = ` WHERE p.name = $1 ORDER BY p.version DESC LIMIT 1`, args[:1]
	}
	list, err := r.versions(ctx, where, args...)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such version of a policy.")
	}
	if err != nil {
		return Version{}, err
	}
	return list[0], nil
}

// versions reads versions with what each has of the viewers now.
func (r *Reach) versions(ctx context.Context, where string, args ...any) ([]Version, error) {
	return db.Get(ctx, r.db, func(tx *db.Tx) ([]Version, error) {
		now, err := inForce(tx)
		if err != nil {
			return nil, err
		}
		list, err := db.All(tx, func(rows *sql.Rows) (Version, error) { return scanVersion(rows.Scan) }, `SELECT `+versionColumns+where, args...)
		for i := range list {
			list[i].Share = now.of(list[i].Name, list[i].Version)
		}
		return list, err
	})
}

// of returns a version's part of the viewers.
func (s *Split) of(name string, version int64) money.Bps {
	for _, share := range s.Shares {
		if share.Name == name && share.Version == version {
			return share.Share
		}
	}
	return 0
}

// Public returns the versions in force with their weights, the largest share first, and the control's share: what
// anybody may know of how the feed chooses.
func (r *Reach) Public(ctx context.Context) (list []Version, control money.Bps, err error) {
	err = r.db.Read(ctx, func(tx *db.Tx) error {
		now, err := inForce(tx)
		if err != nil {
			return err
		}
		for _, share := range now.Shares {
			v, err := versionOf(tx, share.Name, share.Version)
			if fault.Is(err, fault.Missing) {
				control = share.Share
				continue
			}
			if err != nil {
				return err
			}
			v.Share, v.MadeAt = share.Share, now.MadeAt
			list = append(list, v)
		}
		return nil
	})
	for i := range list {
		for k := i; k > 0 && list[k].Share > list[k-1].Share; k-- {
			list[k], list[k-1] = list[k-1], list[k]
		}
	}
	return list, control, err
}
