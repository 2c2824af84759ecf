package sample

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// SweepEvery is how often the sweep looks, SweepBatch how many samples it deals with in one turn.
const (
	SweepEvery = 5 * time.Second
	SweepBatch = 100
)

// published are videos that answer a sample: its creator's, of its product, open to everybody, and ready since it was sent.
const published = ` FROM videos v JOIN video_products t ON t.video_id = v.id WHERE v.creator_id = s.creator_id AND t.product_id = s.product_id
	AND v.state = 'ready' AND v.deleted_at = 0 AND v.standing = 'visible' AND v.ready_at >= s.shipped_at`

// Sweep sees which samples a video has answered, and does what is due: requests nobody answered are declined, what was not sent is
// called off, what nobody said anything of counts as arrived, and where content did not come in time it is charged
// if that was agreed on. Each is a transaction of its own, and safe to repeat.
func (s *Samples) Sweep(ctx context.Context) error {
	ctx = db.WithoutKey(ctx)
	answered, err := s.some(ctx, `SELECT s.id FROM samples s WHERE s.state IN ('shipped','delivered') AND EXISTS (SELECT 1`+published+`) ORDER BY s.id LIMIT CAST($1 AS INTEGER)`, int64(SweepBatch))
	for _, sample := range answered {
		err = errors.Join(err, s.one(ctx, sample))
	}
	due, e := s.some(ctx, `SELECT id FROM samples WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at LIMIT CAST($2 AS INTEGER)`, db.Micros(s.db.Clock().Now()), int64(SweepBatch))
	err = errors.Join(err, e)
	for _, sample := range due {
		err = errors.Join(err, s.one(ctx, sample))
	}
	return err
}

func (s *Samples) some(ctx context.Context, q string, args ...any) ([]id.Sample, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) ([]id.Sample, error) {
		return db.All(tx, func(r *sql.Rows) (v id.Sample, err error) { return v, r.Scan(&v) }, q, args...)
	})
}

// one brings a sample to where it should be now.
func (s *Samples) one(ctx context.Context, sample id.Sample) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		smp, err := take(tx, sample)
		if err != nil {
			return err
		}
		return smp.turn(tx)
	})
}

func (s *Sample) turn(tx *db.Tx) error {
	if s.State == Shipped || s.State == Delivered {
		done, err := s.answer(tx)
		if err != nil || done {
			return err
		}
	}
	now := tx.Now()
	if s.DueAt == nil || s.DueAt.After(now) {
		return nil
	}
	switch s.State {
	case Requested:
		s.DecidedAt, s.Reason = &now, "The brand did not answer within 7 days."
		s.end(now, Declined)
		return s.store(tx)
	case Approved:
		return s.cancel(tx, "The brand did not send it within 7 days.")
	case Shipped: // from when it counts as arrived, however late the sweep comes
		came := *s.DueAt
		due := came.AddDate(0, 0, int(s.Days))
		s.State, s.DeliveredAt, s.DueAt = Delivered, &came, &due
		return s.store(tx)
	case Delivered:
		return s.overdue(tx)
	}
	return nil
}

// answer ends the sample where a video has answered it.
func (s *Sample) answer(tx *db.Tx) (bool, error) {
	var v id.Video
	err := tx.Row(`SELECT v.id FROM samples s JOIN videos v ON v.creator_id = s.creator_id JOIN video_products t ON t.video_id = v.id AND t.product_id = s.product_id
		WHERE s.id = $1 AND v.state = 'ready' AND v.deleted_at = 0 AND v.standing = 'visible' AND v.ready_at >= s.shipped_at ORDER BY v.ready_at, v.id LIMIT 1`, string(s.ID)).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.Video = v
	s.end(tx.Now(), Fulfilled)
	if err := s.store(tx); err != nil {
		return false, err
	}
	return true, s.tell(tx)
}

// overdue ends the sample without content, and charges what was agreed on: row and posting commit together, and the
// posting's key makes it one.
func (s *Sample) overdue(tx *db.Tx) error {
	s.end(tx.Now(), Overdue)
	if s.price.Minor > 0 {
		s.charged = s.price.Minor
		charged := money.Of(s.charged, s.price.Currency)
		s.Charged = &charged
	}
	if err := s.store(tx); err != nil {
		return err
	}
	if err := s.tell(tx); err != nil {
		return err
	}
	if s.charged == 0 {
		return nil
	}
	return s.charge(tx)
}

// charge moves the price from the creator to the brand; what the creator has not got they owe, and what the brand owes is
// paid from it.
func (s *Sample) charge(tx *db.Tx) error {
	creator, brand := ledger.CreatorPurse(s.Creator.ID), ledger.BrandPurse(s.Brand)
	left, err := ledger.Take(tx, s.price.Currency, creator, brand)
	if err != nil {
		return err
	}
	t, err := ledger.SampleCharged(ledger.SampleCharge{Sample: s.ID, Brand: s.Brand, Creator: s.Creator.ID, Price: s.price, Available: left[creator.Available]})
	if err != nil {
		return err
	}
	if _, err := ledger.Post(tx, t); err != nil {
		return err
	}
	if err := s.used(tx, max(0, left[creator.Available]-s.price.Minor)); err != nil {
		return err
	}
	return ledger.RecoverEach(tx, ledger.CameTo(brand, "sample:"+string(s.ID), s.price.Currency, []ledger.Transfer{t}))
}

// used notes which of the creator's commissions are not available any more, where left of them is: what paid for the
// sample counts as paid out.
func (s *Sample) used(tx *db.Tx, left int64) error {
	var under int64 // on its way is not paid yet
	err := tx.Row(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payouts WHERE owner = $1 AND currency = $2 AND state IN ('created','sent')`,
		string(s.Creator.ID), string(s.price.Currency)).Scan(&under)
	if err != nil {
		return err
	}
	return affiliate.PaidUpTo(tx, s.Creator.ID, s.price.Currency, left+under)
}
