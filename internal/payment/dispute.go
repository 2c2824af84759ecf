package payment

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// Of the sandbox's disputes.
const (
	// DisputeFee is what the sandbox takes for a dispute, in minor units of the payment's currency.
	DisputeFee = 1500
	// EvidenceFor is how long the sandbox takes evidence; a dispute nobody answers by then is lost.
	EvidenceFor = 7 * 24 * time.Hour
	// EvidenceWins and EvidenceLoses are words in evidence that decide a dispute at once.
	EvidenceWins  = "winning_evidence"
	EvidenceLoses = "losing_evidence"
)

// disputeReasons are those the sandbox knows.
var disputeReasons = []string{"fraudulent", "product_not_received", "product_unacceptable", "duplicate", "credit_not_processed", "general"}

// DisputeReasons lists the reasons a dispute of the sandbox can have.
func DisputeReasons() []string { return append([]string(nil), disputeReasons...) }

// OpenDispute makes the buyer's bank dispute an amount of a captured charge, zero for all of it. What was
// refunded may be disputed too, as banks do; never more than was captured in all. It returns the dispute's name.
func (s *Sandbox) OpenDispute(ctx context.Context, key id.Payment, amount money.Amount, reason string) (string, error) {
	known := false
	for _, r := range disputeReasons {
		known = known || r == reason
	}
	if !known || amount.Minor < 0 {
		return "", fault.InvalidField("body.reason", "A dispute has an amount of zero or more, and one of the reasons %s.", strings.Join(disputeReasons, ", "))
	}
	return db.Do(ctx, s.db, func(tx *db.Tx) (string, error) {
		c, err := scanCharge(tx.Row(`SELECT `+chargeColumns+` FROM sandbox_charges WHERE key = $1`, key))
		if errors.Is(err, sql.ErrNoRows) {
			return "", fault.New(fault.Missing, "There is no such charge.")
		}
		if err != nil {
			return "", err
		}
		if c.state != "succeeded" {
			return "", fault.New(fault.Conflict, "Nothing was charged, so there is nothing to dispute.").WithType("wrong_state")
		}
		if amount.Minor == 0 {
			amount = c.amount
		}
		return s.openDispute(tx, c, amount, reason)
	})
}

func (s *Sandbox) openDispute(tx *db.Tx, c charge, amount money.Amount, reason string) (string, error) {
	// The charge's row is taken, so that a refund of the same moment sees the dispute, and the other way round.
	if _, err := tx.Exec(`UPDATE sandbox_charges SET updated_at = updated_at WHERE key = $1`, c.key); err != nil {
		return "", err
	}
	var had int64
	if err := tx.Row(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM sandbox_disputes WHERE charge_key = $1 AND state <> 'won'`, c.key).Scan(&had); err != nil {
		return "", err
	}
	if amount.Currency != c.amount.Currency || amount.Minor > c.amount.Minor-had {
		return "", fault.New(fault.Conflict, "Of this charge, %s can be disputed.", money.Of(c.amount.Minor-had, c.amount.Currency)).WithType("over_refund")
	}
	ref := "sdp_" + strings.TrimPrefix(string(id.Dispute("").Next(tx.Now())), "dsp_")
	now := tx.Now()
	_, err := tx.Exec(`INSERT INTO sandbox_disputes(ref, charge_key, amount_minor, fee_minor, currency, reason, state, due_at, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,'open',$7,$8,$8)`,
		ref, c.key, amount.Minor, int64(DisputeFee), amount.Currency, reason, db.Micros(now.Add(EvidenceFor)), db.Micros(now))
	if err != nil {
		return "", err
	}
	return ref, s.tell(tx, HookDisputeOpened, ref)
}

// CloseDispute is the bank's decision. One that is decided stays so.
func (s *Sandbox) CloseDispute(ctx context.Context, ref string, won bool) (order.ProviderDispute, error) {
	return db.Do(ctx, s.db, func(tx *db.Tx) (order.ProviderDispute, error) {
		if err := s.closeDispute(tx, ref, won); err != nil {
			return order.ProviderDispute{}, err
		}
		return disputeNamed(tx, ref)
	})
}

func (s *Sandbox) closeDispute(tx *db.Tx, ref string, won bool) error {
	state := "lost"
	if won {
		state = "won"
	}
	n, err := tx.Exec(`UPDATE sandbox_disputes SET state = $1, updated_at = $2, closed_at = $2 WHERE ref = $3 AND state = 'open'`, state, db.Micros(tx.Now()), ref)
	if err != nil || n == 0 {
		return err
	}
	return s.tell(tx, HookDisputeClosed, ref)
}

// SubmitEvidence takes what speaks against a dispute. Conflict: decided, or too late.
func (s *Sandbox) SubmitEvidence(ctx context.Context, ref, _, text string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE sandbox_disputes SET evidence = $1, updated_at = $2 WHERE ref = $3 AND state = 'open' AND due_at > $2`, text, db.Micros(tx.Now()), ref)
		switch {
		case err != nil:
			return err
		case n == 0:
			return fault.New(fault.Conflict, "The bank takes no evidence any more.")
		case strings.Contains(text, EvidenceWins):
			return s.closeDispute(tx, ref, true)
		case strings.Contains(text, EvidenceLoses):
			return s.closeDispute(tx, ref, false)
		}
		return nil
	})
}

// Dispute says where a dispute stands; Missing when there is none.
func (s *Sandbox) Dispute(ctx context.Context, ref string) (order.ProviderDispute, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) (order.ProviderDispute, error) { return disputeNamed(tx, ref) })
}

// Disputes lists what was opened or decided since.
func (s *Sandbox) Disputes(ctx context.Context, since time.Time) ([]order.ProviderDispute, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) ([]order.ProviderDispute, error) {
		return db.All(tx, scanDispute, `SELECT `+disputeColumns+` FROM sandbox_disputes WHERE updated_at >= $1 ORDER BY ref`, db.Micros(since))
	})
}

// DisputesOf lists the disputes of one charge.
func (s *Sandbox) DisputesOf(ctx context.Context, key id.Payment) ([]order.ProviderDispute, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) ([]order.ProviderDispute, error) {
		return db.All(tx, scanDispute, `SELECT `+disputeColumns+` FROM sandbox_disputes WHERE charge_key = $1 ORDER BY ref`, key)
	})
}

const disputeColumns = `ref, charge_key, amount_minor, fee_minor, currency, reason, state, due_at, created_at`

func scanDispute(r *sql.Rows) (order.ProviderDispute, error) {
	var d order.ProviderDispute
	var due, created int64
	err := r.Scan(&d.Ref, &d.Key, &d.Amount.Minor, &d.Fee.Minor, &d.Amount.Currency, &d.Reason, &d.State, &due, &created)
	d.Fee.Currency, d.FeeBack = d.Amount.Currency, money.Of(0, d.Amount.Currency)
	d.DueBy, d.OpenedAt = db.Time(due), db.Time(created)
	return d, err
}

func disputeNamed(tx *db.Tx, ref string) (order.ProviderDispute, error) {
	list, err := db.All(tx, scanDispute, `SELECT `+disputeColumns+` FROM sandbox_disputes WHERE ref = $1`, ref)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such dispute.")
	}
	if err != nil {
		return order.ProviderDispute{}, err
	}
	return list[0], nil
}

// decideLate loses the disputes that nobody has answered in time.
func (s *Sandbox) decideLate(ctx context.Context) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		refs, err := db.All(tx, func(r *sql.Rows) (ref string, err error) { return ref, r.Scan(&ref) },
			`SELECT ref FROM sandbox_disputes WHERE state = 'open' AND evidence = '' AND due_at <= $1 ORDER BY ref LIMIT 100`, db.Micros(tx.Now()))
		for _, ref := range refs {
			if err == nil {
				err = s.closeDispute(tx, ref, false)
			}
		}
		return err
	})
}
