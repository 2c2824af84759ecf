package payment

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// disputesFor is how long after it was opened a dispute is looked at unasked: banks decide within it.
const disputesFor = 120 * 24 * time.Hour

// disputeObject is a dispute as Stripe tells of it.
type disputeObject struct {
	ID       string
	Status   string
	Reason   string
	Amount   int64
	Currency string
	Created  int64
	Intent   link `json:"payment_intent"`
	Evidence struct {
		DueBy int64 `json:"due_by"`
	} `json:"evidence_details"`
	Lines []struct {
		Amount   int64
		Fee      int64
		Currency string
	} `json:"balance_transactions"`
}

// told is the dispute as the contract of providers has it; Missing for one of a payment that is not ours, and for a
// bank's question that withholds nothing.
func (s *Stripe) told(ctx context.Context, o disputeObject) (order.ProviderDispute, error) {
	d := order.ProviderDispute{Ref: o.ID, Reason: o.Reason, OpenedAt: time.Unix(o.Created, 0).UTC(), Amount: fromStripe(o.Amount, o.Currency)}
	switch o.Status {
	case "needs_response", "under_review":
		d.State = order.DisputeOpen
	case "won":
		d.State = order.DisputeWon
	case "lost":
		d.State = order.DisputeLost
	default:
		return d, fault.New(fault.Missing, "Nothing is withheld for it.")
	}
	if o.Evidence.DueBy > 0 {
		d.DueBy = time.Unix(o.Evidence.DueBy, 0).UTC()
	}
	var withheld money.Amount
	for _, l := range o.Lines {
		line, fee := fromStripe(l.Amount, l.Currency), fromStripe(l.Fee, l.Currency)
		d.Fee.Currency, d.FeeBack.Currency, withheld.Currency = line.Currency, line.Currency, line.Currency
		if line.Minor < 0 {
			withheld.Minor -= line.Minor
		}
		d.Fee.Minor += max(fee.Minor, 0)
		d.FeeBack.Minor += max(-fee.Minor, 0)
	}
	if withheld.Minor > 0 {
		d.Amount = withheld
	}
	key, err := db.Get(ctx, s.db, func(tx *db.Tx) (key id.Payment, err error) {
		err = tx.Row(`SELECT key FROM stripe_sessions WHERE intent_id = $1 AND intent_id <> ''`, o.Intent.ID).Scan(&key)
		return key, err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return d, fault.New(fault.Missing, "The disputed payment is not of this shop.")
	}
	d.Key = key
	return d, err
}

// Dispute says where a dispute stands; Missing for one that is not ours.
func (s *Stripe) Dispute(ctx context.Context, ref string) (order.ProviderDispute, error) {
	if ref == "" {
		return order.ProviderDispute{}, fault.New(fault.Missing, "There is no such dispute.")
	}
	var got disputeObject
	err := s.get(ctx, "/v1/disputes/"+url.PathEscape(ref), form{}, &got)
	if why := refused(err); why != nil && why.Status == 404 {
		return order.ProviderDispute{}, fault.New(fault.Missing, "There is no such dispute.")
	}
	if err != nil {
		return order.ProviderDispute{}, unknown(err)
	}
	return s.told(ctx, got)
}

// Disputes lists the disputes that may have changed since: Stripe says when one was opened, not when it changed, so
// all of the last months are looked at.
func (s *Stripe) Disputes(ctx context.Context, since time.Time) ([]order.ProviderDispute, error) {
	from := s.db.Clock().Now().Add(-disputesFor)
	if since.Before(from) && since.Unix() > 0 {
		from = since
	}
	var found []disputeObject
	err := each(ctx, s, "/v1/disputes", newForm().number("created[gte]", max(from.Unix(), 0)), func(o disputeObject) (string, bool) {
		found = append(found, o)
		return o.ID, false
	})
	if err != nil {
		return nil, err
	}
	list := []order.ProviderDispute{}
	for _, o := range found {
		d, err := s.told(ctx, o)
		if fault.Is(err, fault.Missing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// SubmitEvidence hands in what speaks for us. Conflict: Stripe takes none any more.
func (s *Stripe) SubmitEvidence(ctx context.Context, ref, key, text string) error {
	var got disputeObject
	err := s.post(ctx, "/v1/disputes/"+url.PathEscape(ref), "evidence:"+key, newForm("evidence[uncategorized_text]", text, "submit", "true"), &got)
	if why := refused(err); why != nil {
		return fault.Wrap(fault.Conflict, err, "Stripe does not take the evidence ("+said(why)+").")
	}
	return err
}
