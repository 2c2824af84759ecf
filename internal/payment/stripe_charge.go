package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// What has become of a page at Stripe.
const (
	sessionAsking    = "asking"    // asked for; the answer is not stored
	sessionOpen      = "open"      // the buyer may pay there
	sessionSucceeded = "succeeded" // captured
	sessionCancelled = "cancelled" // can never be paid
	sessionRefused   = "refused"   // Stripe did not make it
)

// hostedPage is a Checkout page that was asked for.
type hostedPage struct {
	key                                       id.Payment
	amount                                    money.Amount
	back, state, id, url, intent, fingerprint string
	tries                                     int64
	expires, created                          time.Time
}

const sessionColumns = `key, amount_minor, currency, return_url, expires_at, tries, state, session_id, url, intent_id, fingerprint, created_at`

func scanSession(r *sql.Row) (x hostedPage, err error) {
	var expires, created int64
	err = r.Scan(&x.key, &x.amount.Minor, &x.amount.Currency, &x.back, &expires, &x.tries, &x.state, &x.id, &x.url, &x.intent, &x.fingerprint, &created)
	x.expires, x.created = db.Time(expires), db.Time(created)
	return x, err
}

func sessionOf(tx *db.Tx, key id.Payment) (hostedPage, error) {
	return scanSession(tx.Row(`SELECT `+sessionColumns+` FROM stripe_sessions WHERE key = $1`, key))
}

// checkoutSession is a page as Stripe tells of it.
type checkoutSession struct {
	ID        string
	URL       string
	Status    string // open, complete, expired
	Paid      string `json:"payment_status"` // paid, unpaid, no_payment_required
	Reference string `json:"client_reference_id"`
	Total     int64  `json:"amount_total"`
	Currency  string
	Intent    *paymentIntent `json:"payment_intent"`
}

// paymentIntent is what a page captured, or only its id where it was not asked for.
type paymentIntent struct {
	ID     string
	Charge *struct {
		ID      string
		Details *struct {
			Card *struct{ Fingerprint string }
		} `json:"payment_method_details"`
	} `json:"latest_charge"`
}

// answer tells a page as the contract of providers does.
func (x hostedPage) answer(now time.Time) order.Charge {
	a := order.Charge{Ref: x.id}
	switch x.state {
	case sessionSucceeded:
		a.State, a.Ref, a.Fingerprint = order.ChargeSucceeded, x.intent, x.fingerprint
	case sessionCancelled:
		a.State = order.ChargeCancelled
	case sessionRefused:
		a.State = order.ChargeNone
	default:
		a.State, a.RedirectURL, a.Until = order.ChargeAction, x.url, x.expires
		if !a.Until.After(now) { // paid on the page by a way that takes longer: Stripe has not said how it ends
			a.Until = now.Add(order.ReserveFor)
		}
	}
	return a
}

// Charge makes a page at Stripe on which the buyer pays, or answers where the one of the key stands. Invalid: another
// method, or an amount that Stripe refuses.
func (s *Stripe) Charge(ctx context.Context, r order.ChargeRequest) (order.Charge, error) {
	if r.Method != MethodHosted {
		return order.Charge{}, fault.InvalidField("body.payment_method", "Pay with %s: the payment provider's own page asks for the card.", MethodHosted)
	}
	if _, err := toStripe(r.Amount); err != nil {
		return order.Charge{}, err
	}
	var x hostedPage
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		now, until := db.Micros(tx.Now()), db.Micros(tx.Now().Add(StripeLife).Truncate(time.Second))
		if _, err = tx.Exec(`INSERT INTO stripe_sessions (key, amount_minor, currency, return_url, expires_at, state, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, 'asking', $6, $6) ON CONFLICT (key) DO NOTHING`, r.Key, r.Amount.Minor, r.Amount.Currency, r.ReturnURL, until, now); err != nil {
			return err
		}
		// One that Stripe refused was not made: it is asked for anew, under another key.
		if _, err = tx.Exec(`UPDATE stripe_sessions SET state = 'asking', tries = tries + 1, expires_at = $1, return_url = $2, updated_at = $3 WHERE key = $4 AND state = 'refused'`,
			until, r.ReturnURL, now, r.Key); err != nil {
			return err
		}
		x, err = sessionOf(tx, r.Key)
		return err
	})
	switch {
	case err != nil:
		return order.Charge{}, err
	case x.state != sessionCancelled && x.amount != r.Amount:
		return order.Charge{}, fault.New(fault.Conflict, "This payment was begun with another amount.").WithType("payment_running")
	}
	return s.stand(ctx, x)
}

// Status says where the payment of the key stands, as Stripe has it.
func (s *Stripe) Status(ctx context.Context, key id.Payment) (order.Charge, error) {
	x, err := db.Get(ctx, s.db, func(tx *db.Tx) (hostedPage, error) { return sessionOf(tx, key) })
	if errors.Is(err, sql.ErrNoRows) {
		return order.Charge{State: order.ChargeNone}, nil
	}
	if err != nil {
		return order.Charge{}, err
	}
	charge, err := s.stand(ctx, x)
	if fault.Is(err, fault.Invalid) { // it was never made
		return order.Charge{State: order.ChargeNone}, nil
	}
	return charge, err
}

// Cancel ends the page so that nobody can pay there any more: at Stripe, then here.
func (s *Stripe) Cancel(ctx context.Context, key id.Payment) (order.Charge, error) {
	x, err := s.letGo(ctx, key)
	if err == nil && x.state == sessionAsking { // its name at Stripe is learned by asking again under the same key
		if _, err = s.ask(ctx, x); err == nil || fault.Is(err, fault.Invalid) {
			x, err = s.letGo(ctx, key)
		}
	}
	if err != nil {
		return order.Charge{}, err
	}
	if x.state != sessionOpen {
		return x.answer(x.created), nil
	}
	var got checkoutSession
	err = s.post(ctx, "/v1/checkout/sessions/"+url.PathEscape(x.id)+"/expire", "expire:"+string(key), newForm("expand[0]", "payment_intent.latest_charge"), &got)
	if refused(err) != nil { // it is over already, one way or the other
		return s.look(ctx, x)
	}
	if err != nil {
		return order.Charge{}, err
	}
	return s.note(ctx, x, got)
}

// letGo marks a page that does not exist as one that never will, and returns where it stands.
func (s *Stripe) letGo(ctx context.Context, key id.Payment) (x hostedPage, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`INSERT INTO stripe_sessions (key, amount_minor, currency, expires_at, state, created_at, updated_at)
			VALUES ($1, 0, 'ZZZ', $2, 'cancelled', $2, $2) ON CONFLICT (key) DO UPDATE SET state = 'cancelled', updated_at = excluded.updated_at
			WHERE stripe_sessions.state = 'refused'`, key, db.Micros(tx.Now())); err != nil {
			return err
		}
		x, err = sessionOf(tx, key)
		return err
	})
	return x, err
}

// stand asks Stripe as far as what is stored does not say it.
func (s *Stripe) stand(ctx context.Context, x hostedPage) (order.Charge, error) {
	switch x.state {
	case sessionAsking:
		return s.ask(ctx, x)
	case sessionOpen:
		return s.look(ctx, x)
	}
	return x.answer(x.created), nil
}

// ask has Stripe make the page. Asked twice under one key it makes one.
func (s *Stripe) ask(ctx context.Context, x hostedPage) (order.Charge, error) {
	minor, err := toStripe(x.amount)
	if err != nil {
		return order.Charge{}, err
	}
	in := newForm("mode", "payment", "client_reference_id", string(x.key), "payment_method_types[0]", "card",
		"line_items[0][quantity]", "1", "line_items[0][price_data][currency]", string(x.amount.Currency), "line_items[0][price_data][product_data][name]", s.shop,
		"success_url", s.comeBack(x.back, "back"), "cancel_url", s.comeBack(x.back, ""),
		"metadata[mezzo_payment]", string(x.key), "payment_intent_data[metadata][mezzo_payment]", string(x.key), "payment_intent_data[transfer_group]", string(x.key)).
		number("line_items[0][price_data][unit_amount]", minor).number("expires_at", x.expires.Unix())
	var got checkoutSession
	err = s.post(ctx, "/v1/checkout/sessions", fmt.Sprintf("session:%s:%d", x.key, x.tries), in, &got)
	if why := refused(err); why != nil {
		if err := s.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE stripe_sessions SET state = 'refused', updated_at = $1 WHERE key = $2 AND state = 'asking' AND tries = $3`, db.Micros(tx.Now()), x.key, x.tries)
			return err
		}); err != nil {
			return order.Charge{}, err
		}
		return order.Charge{}, fault.Wrap(fault.Invalid, err, "The payment provider does not take this payment. Nothing was taken.")
	}
	if err != nil {
		return order.Charge{}, err
	}
	return s.note(ctx, x, got)
}

// comeBack is where a buyer is sent from the page.
func (s *Stripe) comeBack(path, how string) string {
	if path == "" {
		path = "/"
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return s.public + "/"
	}
	if how != "" {
		q := u.Query()
		q.Set("payment", how)
		u.RawQuery = q.Encode()
	}
	return s.public + u.String()
}

// look asks Stripe where the page stands.
func (s *Stripe) look(ctx context.Context, x hostedPage) (order.Charge, error) {
	var got checkoutSession
	if err := s.get(ctx, "/v1/checkout/sessions/"+url.PathEscape(x.id), newForm("expand[0]", "payment_intent.latest_charge"), &got); err != nil {
		return order.Charge{}, unknown(err)
	}
	return s.note(ctx, x, got)
}

// note stores what Stripe says of a page, and answers it. What Stripe has captured is captured, whatever it was
// taken for here meanwhile.
func (s *Stripe) note(ctx context.Context, x hostedPage, got checkoutSession) (order.Charge, error) {
	if got.Reference != string(x.key) && got.Reference != "" || x.id != "" && got.ID != x.id || got.ID == "" {
		return order.Charge{}, unknown(fmt.Errorf("stripe told of the page %q of %q where %q was asked for", got.ID, got.Reference, x.key))
	}
	state, intent, charge, fingerprint := sessionOpen, "", "", ""
	switch {
	case got.Status == "complete" && got.Paid == "paid":
		if paid := fromStripe(got.Total, got.Currency); paid != x.amount || got.Intent == nil || got.Intent.ID == "" {
			return order.Charge{}, unknown(fmt.Errorf("stripe says that %s was paid by %q for %s, which is %s", paid, got.ID, x.key, x.amount))
		}
		state, intent = sessionSucceeded, got.Intent.ID
		if c := got.Intent.Charge; c != nil {
			charge = c.ID
			if c.Details != nil && c.Details.Card != nil {
				fingerprint = c.Details.Card.Fingerprint
			}
		}
	case got.Status == "expired":
		state = sessionCancelled
	}
	var now hostedPage
	var at time.Time
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		from := `state IN ('asking','open')`
		if state == sessionSucceeded {
			from = `state IN ('asking','open','cancelled')`
		}
		_, err := tx.Exec(`UPDATE stripe_sessions SET state = $1, session_id = $2, url = CASE WHEN CAST($3 AS TEXT) = '' THEN url ELSE CAST($3 AS TEXT) END,
			intent_id = $4, charge_id = $5, fingerprint = $6, updated_at = $7 WHERE key = $8 AND `+from,
			state, got.ID, got.URL, intent, charge, fingerprint, db.Micros(tx.Now()), x.key)
		if err != nil {
			return err
		}
		at = tx.Now()
		now, err = sessionOf(tx, x.key)
		return err
	})
	if err != nil {
		return order.Charge{}, err
	}
	answer := now.answer(at)
	if answer.State == order.ChargeAction && got.Status == "complete" { // the buyer has done all they can, and their bank has not
		answer.State = order.ChargePending
	}
	return answer, nil
}
