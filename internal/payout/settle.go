package payout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// How often a rail is asked.
const (
	// Patience is how long an answer is waited for before the rail is asked again.
	Patience = 30 * time.Second
	// SweepEvery is how often the sweep looks for payouts that time or a crash has left.
	SweepEvery = 5 * time.Second
	pollSent   = 10 * time.Minute
	pollPaid   = 6 * time.Hour
	pollFor    = 14 * 24 * time.Hour // after it arrived: banks return within days
	sweepBatch = 100
)

// settle takes a payout that waits for its rail as far as it goes: asks, and records the answer. It may be called
// any number of times, by anybody; the payout's id is the rail's key.
func (p *Payouts) settle(ctx context.Context, pot id.Payout) error {
	type job struct {
		Payout
		to Account
	}
	j, err := db.Get(ctx, p.db, func(tx *db.Tx) (j job, err error) {
		if j.Payout, err = payoutOf(tx, pot); err != nil {
			return j, err
		}
		j.to, err = p.accountOf(tx, string(j.Destination))
		return j, err
	})
	rail := p.rails[j.Rail]
	if err != nil || j.Waiting || j.State == Failed || j.State == Returned || rail == nil {
		return err
	}
	answer, err := rail.Status(ctx, pot)
	if err == nil && j.State == Created && (answer.State == Created || answer.State == "") {
		answer, err = rail.Send(ctx, Sending{Key: pot, Destination: j.Destination, To: j.to, Amount: j.Net})
	}
	if err != nil {
		return err // what came of it is not known: the sweep asks again
	}
	_, err = p.record(ctx, pot, answer)
	return err
}

// record notes what a rail says of a payout. Every answer ends here: of the call, of the sweep, of a file and of a
// provider's message; told twice, or late, it changes nothing. done says that it changed something.
func (p *Payouts) record(ctx context.Context, pot id.Payout, a Answer) (done bool, err error) {
	err = p.db.Write(ctx, func(tx *db.Tx) error {
		done = false
		now, err := payoutOf(tx, pot)
		if err != nil {
			return err
		}
		if a.State != Created && a.State != "" && a.State != now.State {
			// A payout that came back was confirmed first, whether we were told or not.
			if a.State == Returned && now.State != Confirmed {
				if done, err = p.move(tx, now, Answer{State: Confirmed, Reference: a.Reference}); err != nil || !done {
					return err
				}
				if now, err = payoutOf(tx, pot); err != nil {
					return err
				}
			}
			moved, err := p.move(tx, now, a)
			if err != nil {
				return err
			}
			done = done || moved
			if now, err = payoutOf(tx, pot); err != nil {
				return err
			}
		}
		if part, err := p.takeParts(tx, now, a); err != nil {
			return err
		} else if part {
			done = true
		}
		_, err = tx.Exec(`UPDATE payouts SET ask_at = $1 WHERE id = $2`, p.askAt(tx, now, a), string(pot))
		return err
	})
	return done, err
}

// askAt is when the rail is asked again, 0 for never.
func (p *Payouts) askAt(tx *db.Tx, now Payout, a Answer) int64 {
	pause := a.Again
	switch {
	case now.State == Failed || now.State == Returned, a.State == "", now.State == Created && a.State == Created:
		return 0 // over, or a rail that is told and does not tell
	case pause > 0:
	case now.State == Created:
		pause = Patience
	case now.State == Sent:
		pause = pollSent
	case now.SettledAt != nil && tx.Now().Sub(*now.SettledAt) > pollFor:
		return 0
	default:
		pause = pollPaid
	}
	return db.Micros(tx.Now().Add(pause))
}

// move brings a payout to another state with its postings; false says that it may not, or somebody was faster.
func (p *Payouts) move(tx *db.Tx, now Payout, a Answer) (bool, error) {
	if !slices.Contains(follows[a.State], now.State) || now.Waiting && a.State != Failed {
		return false, nil
	}
	reason := strings.ToValidUTF8(a.Reason, "")
	if reason == "" && (a.State == Failed || a.State == Returned) {
		reason = "The bank gave no reason."
	}
	sent, settled := int64(0), db.Micros(tx.Now())
	if a.State == Sent {
		sent, settled = settled, 0
	} else if now.SentAt == nil && a.State == Confirmed {
		sent = settled
	}
	n, err := tx.Exec(`UPDATE payouts SET state = $1, reference = CASE WHEN CAST($2 AS TEXT) = '' THEN reference ELSE CAST($2 AS TEXT) END, failure = $3,
		sent_at = CASE WHEN sent_at > 0 THEN sent_at ELSE CAST($4 AS BIGINT) END, settled_at = $5, updated_at = $6 WHERE id = $7 AND state = $8 AND back_minor = $9`,
		string(a.State), a.Reference, reason, sent, settled, db.Micros(tx.Now()), string(now.ID), string(now.State), now.back)
	if err != nil || n == 0 {
		return false, err
	}
	if err := p.post(tx, now, a.State, reason); err != nil {
		return false, err
	}
	if now.State == Created && a.State == Confirmed { // a rail that pays at once
		now.State = Sent
		if err := now.tell(tx); err != nil {
			return false, err
		}
	}
	now.State = a.State
	return true, now.tell(tx)
}

// takeParts books what a rail has taken back of a payout that has arrived, as far as it is not booked yet, each time by
// itself where the rail tells the times; all of it is another state. false says that it is booked, or somebody was faster.
func (p *Payouts) takeParts(tx *db.Tx, now Payout, a Answer) (bool, error) {
	rail := p.rails[now.Rail]
	if now.State != Confirmed || a.State != Confirmed || a.Back <= now.back || a.Back >= now.Net.Minor || rail == nil {
		return false, nil
	}
	n, err := tx.Exec(`UPDATE payouts SET back_minor = $1, updated_at = $2 WHERE id = $3 AND state = 'confirmed' AND back_minor = $4`, a.Back, db.Micros(tx.Now()), string(now.ID), now.back)
	if err != nil || n == 0 {
		return false, err
	}
	for _, mark := range append(slices.Clone(a.Marks), a.Back) {
		if mark <= now.back || mark > a.Back {
			continue // it is booked
		}
		if err := takePart(tx, now, rail, mark); err != nil {
			return false, err
		}
		now.back = mark
	}
	return true, p.turnCommissions(tx, now.Owner, now.Amount.Currency)
}

// takePart books and tells what was taken back at one time; mark is what it was in all after it.
func takePart(tx *db.Tx, now Payout, rail Rail, mark int64) error {
	t := ledger.PayoutPart(now.paying(rail.Source()), mark-now.back, mark)
	if _, err := ledger.Post(tx, t); err != nil {
		return err
	}
	if err := ledger.Recover(tx, t.Key, now.Amount.Currency, now.Owner.Purse()); err != nil {
		return err
	}
	c := now.Amount.Currency
	return event.Emit(tx, event.PayoutUpdated{PayoutState: now.told(), Part: money.Of(mark-now.back, c), Back: money.Of(mark, c)})
}

// post books what the new state means.
func (p *Payouts) post(tx *db.Tx, now Payout, to State, reason string) error {
	rail := p.rails[now.Rail]
	if rail == nil {
		return fmt.Errorf("payout: %s went by the rail %s, which is not here", now.ID, now.Rail)
	}
	paying := now.paying(rail.Source())
	switch to {
	case Confirmed:
		if _, err := ledger.Post(tx, ledger.PayoutConfirmed(paying)); err != nil {
			return err
		}
	case Failed, Returned:
		if err := takeWhole(tx, now, paying, to); err != nil {
			return err
		}
		// What was owed meanwhile is paid of what came back first.
		if err := ledger.Recover(tx, string(now.ID)+":"+string(to), now.Amount.Currency, now.Owner.Purse()); err != nil {
			return err
		}
		if !now.Waiting {
			if err := flag(tx, string(now.Destination), reason); err != nil {
				return err
			}
		}
	}
	return p.turnCommissions(tx, now.Owner, now.Amount.Currency)
}

// takeWhole books that nothing of a payout has arrived in the end: its transfers are reversed. Where a part came back
// before, that may have been paid out again: there the rest follows it.
func takeWhole(tx *db.Tx, now Payout, paying ledger.Paying, to State) error {
	if now.back > 0 {
		_, err := ledger.Post(tx, ledger.PayoutRest(paying, now.back))
		return err
	}
	for _, keys := range ledger.PayoutUndone(paying, to == Returned) {
		if _, err := ledger.Reverse(tx, keys[0], keys[1]); err != nil {
			return err
		}
	}
	return nil
}

// turnCommissions says of a creator's commissions which of them have been paid out by now: the oldest, but for
// as many of the newest as what is still available amounts to.
func (p *Payouts) turnCommissions(tx *db.Tx, o Owner, c money.Currency) error {
	if o.Creator() == "" {
		return nil
	}
	left, err := ledger.BalanceOf(tx, o.Purse().Available, c)
	if err != nil {
		return err
	}
	var under int64 // on its way is not paid yet
	if err := tx.Row(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM payouts WHERE owner = $1 AND currency = $2 AND state IN ('created','sent')`, string(o), string(c)).Scan(&under); err != nil {
		return err
	}
	return affiliate.PaidUpTo(tx, o.Creator(), c, left.Minor+under)
}

// Told asks the rail how a payout stands that it has told of, and stores the answer.
func (p *Payouts) Told(ctx context.Context, pot id.Payout) error {
	return p.settle(db.WithoutKey(ctx), pot)
}

// Sweep settles what time or a crash has left: payouts without an answer, schedules that are due. Each step is
// safe to repeat, and one that fails does not keep the others from running.
func (p *Payouts) Sweep(ctx context.Context) error {
	ctx = db.WithoutKey(ctx)
	due, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Payout, error) {
		return payoutsOf(tx, `ask_at > 0 AND ask_at <= $1 AND approved >= approvals ORDER BY ask_at LIMIT CAST($2 AS INTEGER)`, db.Micros(p.clock.Now()), sweepBatch)
	})
	if err != nil {
		return err
	}
	for _, pot := range due {
		if e := p.settle(ctx, pot.ID); e != nil {
			err = errors.Join(err, fmt.Errorf("payout %s: %w", pot.ID, e), p.later(ctx, pot.ID))
		}
	}
	return errors.Join(err, p.sweepSettlements(ctx), p.runSchedules(ctx), p.noteMarks(ctx))
}

// later puts off asking a rail that does not answer, so that others get their turn.
func (p *Payouts) later(ctx context.Context, pot id.Payout) error {
	return p.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE payouts SET ask_at = $1 WHERE id = $2 AND ask_at > 0`, db.Micros(tx.Now().Add(Patience)), string(pot))
		return err
	})
}
