package payment

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

const (
	// WebhookTolerance is how far a message's time of signing may be from ours: what was recorded is not played back later.
	WebhookTolerance = 5 * time.Minute
	// WebhookMost is how many bytes a message may have.
	WebhookMost = 256 << 10
	// eventsKept is how long the ids of messages are kept; Stripe repeats one for three days at most.
	eventsKept = 30 * 24 * time.Hour
	// signaturesMost is how many signatures of one message are looked at: one for each secret in use.
	signaturesMost = 8
)

// Hearer is who is told what Stripe's messages were about. Each of its commands is the one that the sweep and the
// buyer's own return end in too, and may be called any number of times.
type Hearer interface {
	// Settle settles an attempt to pay as Stripe has it.
	Settle(ctx context.Context, pay id.Payment, charge order.Charge) (order.Outcome, error)
	// RefundTold asks again for the refund of the key.
	RefundTold(ctx context.Context, key string) error
	// DisputeTold looks at a dispute by Stripe's name.
	DisputeTold(ctx context.Context, ref string) error
	// PayoutTold looks at the payout of the key.
	PayoutTold(ctx context.Context, key string) error
	// AccountTold looks at the connected account of an owner.
	AccountTold(ctx context.Context, owner string) error
}

// Receipt is what Stripe is answered. Outcome is handled, repeated (dealt with before), unknown (of something that is
// not ours), or ignored (of a kind that changes nothing here).
type Receipt struct {
	Received bool   `json:"received"`
	Outcome  string `json:"outcome" enum:"handled,repeated,unknown,ignored"`
}

// message is the envelope of what Stripe tells. Of the object only its name is used: what it says is fetched.
type message struct {
	ID      string
	Type    string
	Live    bool   `json:"livemode"`
	Account string // of a connected account's own messages
	Data    struct {
		Object struct {
			ID        string
			Object    string
			Reference string            `json:"client_reference_id"`
			Metadata  map[string]string `json:"metadata"`
		}
	}
}

// Receive takes one message of Stripe: checks who signed it and when, deals with it once, and answers what became of
// it. Malformed: not Stripe's, or too old. Any other error asks Stripe to send it again.
func (s *Stripe) Receive(ctx context.Context, signature string, body []byte, to Hearer) (Receipt, error) {
	if err := s.verify(signature, body); err != nil {
		return Receipt{}, err
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || m.ID == "" || m.Type == "" || len(m.ID) > 255 || len(m.Type) > 255 {
		return Receipt{}, fault.New(fault.Malformed, "The message is signed, and is not an event of Stripe's.")
	}
	if m.Live != s.Live() {
		return Receipt{}, fault.New(fault.Malformed, "The message is of the other mode: this shop's key and its webhooks are both for tests, or neither.")
	}
	done, err := s.seen(ctx, m)
	if err != nil || done {
		return Receipt{true, "repeated"}, err
	}
	outcome, err := s.deal(ctx, m, to)
	if err != nil {
		return Receipt{}, fault.Wrap(fault.Unavailable, err, "The message could not be dealt with now. Send it again.")
	}
	return Receipt{true, outcome}, s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE stripe_events SET outcome = $1, handled_at = $2 WHERE id = $3`, outcome, db.Micros(tx.Now()), m.ID)
		return err
	})
}

// verify checks a signature: "t=SECONDS,v1=HEX", HMAC-SHA256 over the time, a point and the body.
func (s *Stripe) verify(header string, body []byte) error {
	var stamp string
	var signatures [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			if b, err := hex.DecodeString(value); err == nil && len(signatures) < signaturesMost {
				signatures = append(signatures, b)
			}
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(signatures) == 0 {
		return fault.New(fault.Malformed, "The message has no Stripe-Signature header that can be read.").WithType("signature_missing")
	}
	good := false
	for _, secret := range s.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		sum := mac.Sum(nil)
		for _, given := range signatures {
			good = hmac.Equal(sum, given) || good
		}
	}
	if !good {
		return fault.New(fault.Malformed, "The message was not signed with this endpoint's secret.").WithType("signature_wrong")
	}
	if age := s.db.Clock().Now().Sub(time.Unix(seconds, 0)); age > WebhookTolerance || age < -WebhookTolerance {
		return fault.New(fault.Malformed, "The message was signed %s from now; %s is the most. Is this machine's clock right?", age.Abs().Round(time.Second), WebhookTolerance).WithType("signature_old")
	}
	return nil
}

// seen notes a message, and reports whether it was dealt with before.
func (s *Stripe) seen(ctx context.Context, m message) (done bool, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		now := db.Micros(tx.Now())
		if _, err := tx.Exec(`DELETE FROM stripe_events WHERE received_at < $1`, db.Micros(tx.Now().Add(-eventsKept))); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO stripe_events (id, type, received_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`, m.ID, m.Type, now); err != nil {
			return err
		}
		var handled int64
		err := tx.Row(`SELECT handled_at FROM stripe_events WHERE id = $1`, m.ID).Scan(&handled)
		done = handled > 0
		return err
	})
	return done, err
}

// deal looks at what a message is about and has it settled.
func (s *Stripe) deal(ctx context.Context, m message, to Hearer) (string, error) {
	if m.Account != "" && m.Type != "account.updated" {
		return "ignored", nil // what connected accounts do with their own money
	}
	var err error
	switch m.Type {
	case "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed", "checkout.session.expired":
		err = s.sessionTold(ctx, m, to)
	case "refund.created", "refund.updated", "refund.failed", "charge.refund.updated":
		err = s.refundTold(ctx, m, to)
	case "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated":
		err = to.DisputeTold(ctx, m.Data.Object.ID)
		if fault.Is(err, fault.Missing) {
			err = sql.ErrNoRows
		}
	case "transfer.reversed", "transfer.updated":
		var t transferRow
		if t, err = db.Get(ctx, s.db, func(tx *db.Tx) (transferRow, error) { return transferOf(tx, `transfer_id = $1`, m.Data.Object.ID) }); err == nil {
			err = to.PayoutTold(ctx, t.key)
		}
	case "account.updated":
		var c Connected
		if c, err = db.Get(ctx, s.db, func(tx *db.Tx) (Connected, error) { return connectedOf(tx, `account_id = $1`, m.Data.Object.ID) }); err == nil {
			err = to.AccountTold(ctx, c.Owner)
		}
	default:
		return "ignored", nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return "unknown", nil
	}
	return "handled", err
}

// sessionTold settles the payment of a page. One whose name is not stored yet is found by the payment it was made for.
func (s *Stripe) sessionTold(ctx context.Context, m message, to Hearer) error {
	x, err := db.Get(ctx, s.db, func(tx *db.Tx) (hostedPage, error) {
		return scanSession(tx.Row(`SELECT `+sessionColumns+` FROM stripe_sessions WHERE session_id = $1 OR (key = $2 AND session_id = '')`, m.Data.Object.ID, m.Data.Object.Reference))
	})
	if err != nil {
		return err
	}
	if m.Data.Object.ID == "" {
		return sql.ErrNoRows
	}
	x.id = m.Data.Object.ID
	charge, err := s.look(ctx, x)
	if err != nil {
		return err
	}
	_, err = to.Settle(ctx, x.key, charge)
	return err
}

// refundTold settles a refund. One whose name is not stored yet is found by the key it was asked with.
func (s *Stripe) refundTold(ctx context.Context, m message, to Hearer) error {
	r, err := db.Get(ctx, s.db, func(tx *db.Tx) (refundRow, error) { return refundRowOf(tx, `refund_id = $1`, m.Data.Object.ID) })
	if errors.Is(err, sql.ErrNoRows) && m.Data.Object.Metadata["mezzo_refund"] != "" {
		r, err = db.Get(ctx, s.db, func(tx *db.Tx) (refundRow, error) {
			return refundRowOf(tx, `refund_id = '' AND key = $1`, m.Data.Object.Metadata["mezzo_refund"])
		})
	}
	if err != nil {
		return err
	}
	if m.Data.Object.ID == "" {
		return sql.ErrNoRows
	}
	r.id = m.Data.Object.ID
	if err := s.lookRefund(ctx, r); err != nil && !fault.Is(err, fault.Conflict) && !pendingFault(err) {
		return err
	}
	return to.RefundTold(ctx, r.key)
}

// pendingFault reports whether the error says that a refund is only under way.
func pendingFault(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f) && f.Type == order.RefundPending
}
