package payout

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Vote is what an operator said of a payout above the limit.
type Vote struct {
	Operator id.Account `json:"operator"`
	Name     string     `json:"name"`
	Approves bool       `json:"approves"`
	Reason   string     `json:"reason,omitempty"`
	At       time.Time  `json:"at"`
}

// Seen is a payout as the operator sees it.
type Seen struct {
	Payout
	To        string `json:"owner_name"`
	OwnerID   Owner  `json:"owner"`
	Approvals int64  `json:"approvals_needed"`
	Approved  int64  `json:"approvals"`
	Votes     []Vote `json:"votes" nullable:"false"`
	Batch     string `json:"batch,omitempty"`
}

// Waits are the lists an operator looks at.
type Waits string

// The lists.
const (
	WaitApproval Waits = "approval" // above the limit, not yet approved
	WaitRail     Waits = "rail"     // with the rail, or to be exported
	WaitTrouble  Waits = "trouble"  // failed or returned
	WaitNothing  Waits = ""         // all of them
)

var waits = map[Waits]string{
	WaitApproval: `state = 'created' AND approved < approvals`, WaitRail: `state IN ('created','sent') AND approved >= approvals`,
	WaitTrouble: `state IN ('failed','returned')`, WaitNothing: `1 = 1`,
}

// Find lists payouts for the operator, newest first after the one named.
func (p *Payouts) Find(ctx context.Context, who account.Asker, which Waits, after id.Payout, limit int) ([]Seen, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	where, known := waits[which]
	if !known {
		return nil, fault.InvalidField("query.waiting", "It is approval, rail or trouble; leave it out for all.")
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Seen, error) {
		list, err := payoutsOf(tx, where+` AND ($1 = '' OR id < $1) ORDER BY id DESC LIMIT CAST($2 AS INTEGER)`, string(after), limit)
		if err != nil {
			return nil, err
		}
		seen := make([]Seen, 0, len(list))
		for _, x := range list {
			s, err := seenOf(tx, x)
			if err != nil {
				return nil, err
			}
			seen = append(seen, s)
		}
		return seen, nil
	})
}

func seenOf(tx *db.Tx, x Payout) (Seen, error) {
	s := Seen{Payout: x, OwnerID: x.Owner, Approvals: x.Approvals, Approved: x.Approved, Batch: x.Batch}
	is, err := standingOf(tx, x.Owner)
	if err != nil && !fault.Is(err, fault.Missing) {
		return s, err
	}
	s.To = is.name
	s.Votes, err = db.All(tx, func(r *sql.Rows) (v Vote, err error) {
		var approves, at int64
		err = r.Scan(&v.Operator, &v.Name, &approves, &v.Reason, &at)
		v.Approves, v.At = approves == 1, db.Time(at)
		return v, err
	}, `SELECT v.operator, COALESCE(a.display_name, ''), v.approves, v.reason, v.at FROM payout_votes v LEFT JOIN accounts a ON a.id = v.operator WHERE v.payout_id = $1 ORDER BY v.at`, string(x.ID))
	if s.Votes == nil {
		s.Votes = []Vote{}
	}
	return s, err
}

// Approve is an operator's word on a payout above the limit: it goes when as many have agreed as the settings
// asked for, and fails when one declines. Nobody approves what goes to themselves or a brand of theirs, or twice.
func (p *Payouts) Approve(ctx context.Context, who account.Asker, pot id.Payout, approves bool, reason string) (Seen, error) {
	if err := operatorInPerson(who); err != nil {
		return Seen{}, err
	}
	reason = strings.Join(strings.Fields(reason), " ")
	if n := utf8.RuneCountInString(reason); n > 200 || !utf8.ValidString(reason) || !approves && n == 0 {
		return Seen{}, fault.InvalidField("body.reason", "Say why in at most 200 characters: its owner reads it.")
	}
	_, err := db.Do(ctx, p.db, func(tx *db.Tx) (bool, error) { return true, p.vote(tx, who, pot, approves, reason) })
	if err != nil {
		return Seen{}, err
	}
	ctx = db.WithoutKey(ctx)
	if err := p.settle(ctx, pot); err != nil {
		p.log.Warn("an approved payout waits for its rail", "payout", pot, "error", err)
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Seen, error) {
		x, err := payoutOf(tx, pot)
		if err != nil {
			return Seen{}, err
		}
		return seenOf(tx, x)
	})
}

func (p *Payouts) vote(tx *db.Tx, who account.Asker, pot id.Payout, approves bool, reason string) error {
	// The row first: two operators at once take turns.
	if _, err := tx.Exec(`UPDATE payouts SET updated_at = updated_at WHERE id = $1`, string(pot)); err != nil {
		return err
	}
	now, err := payoutOf(tx, pot)
	switch {
	case err != nil:
		return err
	case !now.Waiting:
		return fault.New(fault.Conflict, "This payout does not wait for an approval any more: it is %s.", now.State).WithType("wrong_state")
	case approves && now.mine(who):
		return fault.New(fault.Forbidden, "This money goes to you, or to a brand of yours. Another operator must approve it.").WithType("own_payout")
	}
	_, err = tx.Exec(`INSERT INTO payout_votes (payout_id, operator, approves, reason, at) VALUES ($1, $2, $3, $4, $5)`, string(pot), string(who.Account), db.Flag(approves), reason, db.Micros(tx.Now()))
	if db.IsUnique(err) {
		return fault.New(fault.Conflict, "You have said so already. A second operator must look at it too.").WithType("already_voted")
	}
	if err != nil {
		return err
	}
	if !approves {
		_, err := p.move(tx, now, Answer{State: Failed, Reason: "Declined by the operator: " + reason})
		return err
	}
	_, err = tx.Exec(`UPDATE payouts SET approved = approved + 1, ask_at = CASE WHEN approved + 1 >= approvals THEN CAST($1 AS BIGINT) ELSE 0 END, updated_at = $2 WHERE id = $3`,
		db.Micros(tx.Now().Add(Patience)), db.Micros(tx.Now()), string(pot))
	return err
}
