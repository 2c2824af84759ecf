package payout

import (
	"context"
	"database/sql"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Desk is how much waits for the operator in the room in which money leaves.
type Desk struct {
	Approval    int64 // payouts above the limit
	Rail        int64 // with a rail, or to be handed to the bank
	Hand        int64 // of them, to be handed to the bank
	Trouble     int64 // failed or returned, whose place nobody has confirmed or replaced since
	Unmatched   int64 // lines of results that fit nothing
	Differences int64
	WriteOffs   int64 // proposed above the limit
}

// troubles counts payouts that did not arrive and that nobody has mended. A name of the sandbox is no place that
// could be flagged (it is shorter or longer than an id): there it is mended by a later payout of the owner's.
const troubles = `SELECT COUNT(*) FROM payouts p LEFT JOIN destinations d ON d.id = p.destination_id
	WHERE p.state IN ('failed','returned') AND (d.state = 'flagged' OR d.id IS NULL AND p.rail = 'sandbox' AND LENGTH(p.destination_id) <> 30 AND p.approved >= p.approvals
		AND NOT EXISTS (SELECT 1 FROM payouts n WHERE n.owner = p.owner AND n.currency = p.currency AND n.id <> p.id AND n.created_at >= p.created_at AND n.state IN ('created','sent','confirmed')))`

// Desk counts it.
func (p *Payouts) Desk(ctx context.Context, who account.Asker) (Desk, error) {
	if err := who.IsOperator(); err != nil {
		return Desk{}, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (d Desk, err error) {
		for _, of := range []struct {
			to    *int64
			query string
		}{{&d.Approval, `SELECT COUNT(*) FROM payouts WHERE ` + waits[WaitApproval]}, {&d.Rail, `SELECT COUNT(*) FROM payouts WHERE ` + waits[WaitRail]},
			{&d.Hand, `SELECT COUNT(*) FROM payouts WHERE state = 'created' AND rail = 'manual' AND approved >= approvals`},
			{&d.Trouble, troubles},
			{&d.Unmatched, `SELECT COUNT(*) FROM payout_unmatched WHERE settled_at = 0`}, {&d.Differences, `SELECT COUNT(*) FROM differences WHERE settled_at = 0`},
			{&d.WriteOffs, `SELECT COUNT(*) FROM write_offs WHERE state = 'waiting'`}} {
			if err := tx.Row(of.query).Scan(of.to); err != nil {
				return d, err
			}
		}
		return d, nil
	})
}

// Bar says why an operator may not approve a payout, "" when they may: nobody approves what goes to themselves or
// to a brand of theirs, or what they asked for, or twice.
func (s Seen) Bar(who account.Asker) string {
	if s.mine(who) {
		return "This money goes to you, or to a brand of yours. Another operator must approve it."
	}
	for _, v := range s.Votes {
		if v.Operator == who.Account {
			return "You have said so already. A second operator must look at it too."
		}
	}
	return ""
}

// mine reports whether a payout is the asker's own.
func (p Payout) mine(who account.Asker) bool {
	b, c := p.Owner.Brand(), p.Owner.Creator()
	return b != "" && who.Member(b) || c != "" && c == who.Creator || p.AskedBy == string(who.Account)
}

// Owed is what the platform holds for one owner, in one currency.
type Owed struct {
	Owner Owner
	Name  string
	Ready money.Amount // may be paid out
	Held  money.Amount // not yet: on hold, under dispute or kept back
	ToUs  money.Amount // what they owe
}

// Largest returns to whom most is owed.
func (p *Payouts) Largest(ctx context.Context, who account.Asker, limit int) ([]Owed, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Owed, error) {
		list, err := db.All(tx, func(r *sql.Rows) (o Owed, err error) {
			var ready, held int64
			var c money.Currency
			err = r.Scan(&o.Owner, &c, &ready, &held)
			o.Ready, o.Held = money.Of(ready, c), money.Of(held, c)
			return o, err
		}, `SELECT owner, currency, CAST(SUM(ready) AS BIGINT), CAST(SUM(held) AS BIGINT) FROM (
			SELECT CASE WHEN name LIKE 'brand:%' THEN substr(name, 7, 30) ELSE substr(name, 9, 30) END AS owner, currency,
				CASE WHEN name LIKE '%:available' THEN balance ELSE 0 END AS ready, CASE WHEN name LIKE '%:available' THEN 0 ELSE balance END AS held
			FROM ledger_accounts WHERE limited = 1 AND balance > 0 AND (name LIKE 'brand:%' OR name LIKE 'creator:%')) x
			GROUP BY owner, currency ORDER BY SUM(ready + held) DESC, owner LIMIT CAST($1 AS INTEGER)`, limit)
		if err != nil {
			return nil, err
		}
		for i := range list {
			o := &list[i]
			if o.ToUs, err = ledger.BalanceOf(tx, o.Owner.Purse().Owes, o.Ready.Currency); err != nil {
				return nil, err
			}
			is, err := standingOf(tx, o.Owner)
			if o.Name = is.name; err != nil {
				o.Name = string(o.Owner)
			}
		}
		return list, nil
	})
}

// Names returns what the brands and creators are called whose ids stand in the accounts' names; those that are
// nobody's are left out.
func (p *Payouts) Names(ctx context.Context, who account.Asker, owners []string) (map[string]string, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	names := map[string]string{}
	var brands []id.Brand
	var creators []id.Creator
	for _, o := range owners {
		if b := id.Brand(o); b.Valid() {
			brands = append(brands, b)
		} else if c := id.Creator(o); c.Valid() {
			creators = append(creators, c)
		}
	}
	err := p.db.Read(ctx, func(tx *db.Tx) error {
		scan := func(r *sql.Rows) (struct{}, error) {
			var of, name string
			err := r.Scan(&of, &name)
			names[of] = name
			return struct{}{}, err
		}
		if len(brands) > 0 {
			in, args := db.In(1, brands)
			if _, err := db.All(tx, scan, `SELECT id, name FROM brands WHERE id IN `+in, args...); err != nil {
				return err
			}
		}
		if len(creators) == 0 {
			return nil
		}
		in, args := db.In(1, creators)
		_, err := db.All(tx, scan, `SELECT id, display_name FROM creators WHERE id IN `+in, args...)
		return err
	})
	return names, err
}
