package order

import (
	"database/sql"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

func (c *Claim) insert(tx *db.Tx) error {
	_, err := tx.Exec(`INSERT INTO claims(id, order_id, part_id, brand_id, state, says, due_at, created_at) VALUES ($1,$2,$3,$4,'open',$5,$6,$7)`,
		c.ID, c.Order, c.Part, c.Brand, c.Says, db.Micros(c.DueAt), db.Micros(c.CreatedAt))
	if db.IsUnique(err) {
		return fault.Wrap(fault.Conflict, err, "You have said already that it has not come. If you disagree with the answer, ask the operator.").WithType("wrong_state")
	}
	return err
}

// settle writes how a claim ended; Conflict when it has ended already.
func (c *Claim) settle(tx *db.Tx, how move[ClaimState]) error {
	n, err := tx.Exec(how.update(`proof = $1, decided_by = $2, refund_id = $3, due_at = 0, settled_at = $4`)+`id = $5`,
		c.Proof, c.DecidedBy, c.Refund, db.Micros(tx.Now()), c.ID)
	if err == nil && n != 1 {
		err = fault.New(fault.Conflict, "This claim is %s already.", c.State).WithType("wrong_state")
	}
	c.State, c.SettledAt, c.DueAt = how.to, tx.Now(), time.Time{}
	return err
}

// claimLocked takes the order of a claim and reads both; Missing when there is none.
func claimLocked(tx *db.Tx, cid id.Claim) (Claim, Order, error) {
	c, err := claimOf(tx, cid)
	if err != nil {
		return Claim{}, Order{}, err
	}
	full, err := loadLocked(tx, c.Order)
	if err != nil {
		return Claim{}, Order{}, err
	}
	c, err = claimOf(tx, cid) // as the lock found it
	return c, full, err
}

func claimOf(tx *db.Tx, cid id.Claim) (Claim, error) {
	list, err := claimsWhere(tx, `c.id = $1`, cid)
	if err == nil && len(list) == 0 {
		err = missing("claim")
	}
	if err != nil {
		return Claim{}, err
	}
	return list[0], nil
}

// claimsWhere reads the claims of a condition.
func claimsWhere(tx *db.Tx, where string, args ...any) ([]Claim, error) {
	return db.All(tx, func(r *sql.Rows) (Claim, error) {
		var c Claim
		var due, created, settled int64
		err := r.Scan(&c.ID, &c.Order, &c.Part, &c.Brand, &c.State, &c.Says, &c.Proof, &c.DecidedBy, &c.Refund, &due, &created, &settled)
		c.DueAt, c.CreatedAt, c.SettledAt = db.Time(due), db.Time(created), db.Time(settled)
		return c, err
	}, `SELECT c.id, c.order_id, c.part_id, c.brand_id, c.state, c.says, c.proof, c.decided_by, c.refund_id, c.due_at, c.created_at, c.settled_at FROM claims c WHERE `+where, args...)
}

// claimProofs hold claims, and what is promised of sending, against parts, refunds and timers.
var claimProofs = []proof{
	{says: "claim %s says other than its refund what became of it", query: `SELECT c.id FROM claims c WHERE c.refund_id <> ''
		AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.id = c.refund_id AND f.part_id = c.part_id AND (c.state = 'refunded') = (f.state <> 'failed'))`},
	{says: "claim %s is open, and its part is released", query: `SELECT c.id FROM claims c JOIN order_parts p ON p.id = c.part_id WHERE c.state = 'open' AND p.state = 'completed'`},
	{says: "claim %s is settled and waits all the same, or waits without a timer", query: `SELECT c.id FROM claims c WHERE (c.state = 'open') <> (c.due_at > 0)`},
	{says: "nobody has answered claim %s in time", since: true, query: `SELECT c.id FROM claims c WHERE c.state = 'open' AND c.due_at < $1 AND` + undisputedSince("c.order_id")},
	{says: "part %s was not sent in time, and is not cancelled", since: true, query: `SELECT p.id FROM order_parts p WHERE p.state = 'paid' AND p.ship_by > 0 AND p.ship_by < $1 AND` + undisputedSince("p.order_id")},
}
