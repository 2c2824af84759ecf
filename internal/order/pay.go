package order

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// PaymentState is where one attempt to pay stands.
type PaymentState string

// The states of a payment attempt.
const (
	PayCreated    PaymentState = "created"    // nothing asked of the provider yet
	PayStarted    PaymentState = "started"    // asked, and the answer not stored yet: the sweep settles it
	PayRedirected PaymentState = "redirected" // the buyer is on the provider's page
	PaySucceeded  PaymentState = "succeeded"
	PayDeclined   PaymentState = "declined"
	PayCancelled  PaymentState = "cancelled"
	PayReturning  PaymentState = "returning" // captured too late; it is being given back
	PayRefunded   PaymentState = "refunded"  // captured too late and given back whole
)

// payWaiting is what makes the index payments_waiting: a query that says it word for word is answered
// from those few rows, whatever the number of payments made.
const payWaiting = `state IN ('started','redirected','returning')`

// payment is one attempt to pay an order.
type payment struct {
	id      id.Payment
	order   id.Order
	attempt int64
	method  string
	amount  money.Amount
	state   PaymentState
	reason  string
	updated time.Time
	horizon string // of its order, where begin has read it
}

// tooLate is the reason of a payment that was captured for an order already closed, or paid by another
// attempt: it is given back without ever having stood in the books.
const tooLate = "too_late"

// Payment is what the buyer says when paying.
type Payment struct {
	Method    string
	Expected  money.Amount // the total on the button; another total is a conflict
	ReturnURL string       // where the provider's page sends the buyer back
}

// Outcome is how an attempt to pay ended. It is what an Idempotency-Key remembers.
type Outcome struct {
	Order    id.Order     `json:"order"`
	State    PaymentState `json:"state"` // succeeded, redirected, declined, or started: the bank has not answered
	Redirect string       `json:"redirect,omitempty"`
	Reason   string       `json:"reason,omitempty"`
}

// newPayment stores an attempt that has not begun.
func newPayment(tx *db.Tx, o *Order, provider string, attempt int64) error {
	var pay id.Payment
	_, err := tx.Exec(`INSERT INTO payments(id, order_id, attempt, provider, amount_minor, currency, state, created_at, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,'created',$7,$7)`, pay.Next(tx.Now()), o.ID, attempt, provider, o.Total.Minor, o.Currency, db.Micros(tx.Now()))
	return err
}

func latestPayment(tx *db.Tx, ord id.Order) (payment, error) {
	return scanPayment(tx.Row(`SELECT `+paymentColumns+` FROM payments WHERE order_id = $1 ORDER BY attempt DESC LIMIT 1`, ord))
}

const paymentColumns = `id, order_id, attempt, method, amount_minor, currency, state, reason, updated_at`

func scanPayment(r scanner) (payment, error) {
	var p payment
	var updated int64
	err := r.Scan(&p.id, &p.order, &p.attempt, &p.method, &p.amount.Minor, &p.amount.Currency, &p.state, &p.reason, &updated)
	p.updated = db.Time(updated)
	return p, err
}

// Pay charges a checkout: it notes the attempt, asks the provider outside any transaction, and
// settles the answer. Conflict: the total changed, the reservation is over, or another attempt is
// running. A decline is an Outcome, not an error: the reservation stays.
func (o *Orders) Pay(ctx context.Context, who account.Asker, checkout id.Checkout, in Payment) (Outcome, error) {
	if first, ok, err := db.Answered[Outcome](ctx, o.db); ok || err != nil {
		return first, err
	}
	if in.Method == "" {
		return Outcome{}, fault.InvalidField("body.payment_method", "Say how to pay, for example pm_card_visa.")
	}
	var pay payment
	var done *Outcome
	err := o.db.Write(ctx, func(tx *db.Tx) error {
		var err error
		pay, done, err = o.begin(tx, who, checkout, in)
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	if done != nil {
		return *done, nil
	}
	charge, err := o.provider.Charge(ctx, ChargeRequest{Key: pay.id, Amount: pay.amount, Method: in.Method, ReturnURL: in.ReturnURL})
	if err != nil {
		if k := fault.KindOf(err); k == fault.Invalid || k == fault.Conflict {
			return Outcome{}, errors.Join(err, o.unbegin(ctx, pay))
		}
		return Outcome{}, fault.Wrap(fault.Unavailable, err, "The payment provider did not answer. Nothing is charged twice: try again in a moment.").After(2 * time.Second)
	}
	return o.settle(ctx, pay, charge)
}

// begin checks that the order can be paid now and marks its attempt as started; done is the
// outcome when there is nothing left to ask.
func (o *Orders) begin(tx *db.Tx, who account.Asker, checkout id.Checkout, in Payment) (payment, *Outcome, error) {
	ord, err := headLocked(tx, checkout)
	if err == nil && !owns(who, ord.Viewer, ord.Account) {
		err = missing("checkout")
	}
	if err != nil {
		return payment{}, nil, err
	}
	switch ord.State {
	case Paid:
		return payment{}, &Outcome{Order: ord.ID, State: PaySucceeded}, nil
	case Placed:
	default:
		return payment{}, nil, fault.New(fault.Conflict, "This checkout is over (%s). Nothing was charged; check out again.", ord.ClosedReason).WithType("checkout_over")
	}
	if in.Expected != ord.Total {
		return payment{}, nil, fault.New(fault.Conflict, "The total is %s, not %s. Nothing was charged; look at it again and confirm.", ord.Total, in.Expected).WithType("total_changed")
	}
	pay, err := latestPayment(tx, ord.ID)
	if err != nil {
		return payment{}, nil, err
	}
	switch pay.state {
	case PayDeclined, PayCancelled:
		if err := newPayment(tx, &ord, o.provider.Name(), pay.attempt+1); err != nil {
			return payment{}, nil, err
		}
		if pay, err = latestPayment(tx, ord.ID); err != nil {
			return payment{}, nil, err
		}
	case PayStarted, PayRedirected:
		if pay.method != in.Method {
			return payment{}, nil, fault.New(fault.Conflict, "Another payment of this checkout is under way. Finish it, or wait until it ends.").WithType("payment_running").After(2 * time.Second)
		}
		if pay.state == PayStarted && tx.Now().Sub(pay.updated) < PaymentPatience {
			return payment{}, nil, fault.New(fault.Conflict, "This payment is being made right now. Ask again in a moment.").WithType("payment_running").After(2 * time.Second)
		}
	}
	pay.horizon = ord.Horizon
	return pay, nil, start(tx, &ord, pay, in.Method)
}

// start marks the attempt and holds the stock while the buyer pays. A reservation that is nearly
// fresh lasts long enough as it is.
func start(tx *db.Tx, ord *Order, pay payment, method string) error {
	now := tx.Now()
	until := now.Add(ReserveFor)
	if until.Sub(ord.ReservedUntil) > ReserveFor/10 {
		if err := hold(tx, ord.ID, until); err != nil {
			return err
		}
	}
	_, err := tx.Exec(payBegins.update(`method = $1, updated_at = $2`)+`id = $3`, method, db.Micros(now), pay.id)
	return err
}

// hold moves the end of an order's reservation.
func hold(tx *db.Tx, ord id.Order, until time.Time) error {
	if err := catalog.Extend(tx, ord, until); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE orders SET reserved_until = $1 WHERE id = $2 AND reserved_until < $1`, db.Micros(until), ord)
	return err
}

// unbegin takes back an attempt the provider refused to look at.
func (o *Orders) unbegin(ctx context.Context, pay payment) error {
	return o.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(payUnbegins.update(`method = '', updated_at = $1`)+`id = $2`, db.Micros(tx.Now()), pay.id)
		return err
	})
}

// Settle stores what the provider said of an attempt. Every road ends here: the buyer's own call, the
// return from the provider's page, a webhook, the sweep. It may be called any number of times, in any
// order, and pays an order at most once.
func (o *Orders) Settle(ctx context.Context, pay id.Payment, charge Charge) (Outcome, error) {
	known := payment{id: pay}
	if charge.State == ChargeSucceeded {
		var err error
		if known.horizon, err = o.horizonOf(ctx, pay); err != nil {
			return Outcome{}, err
		}
	}
	return o.settle(ctx, known, charge)
}

// settle is Settle of an attempt whose order's horizon is known.
func (o *Orders) settle(ctx context.Context, known payment, charge Charge) (Outcome, error) {
	caughtUp := charge.State != ChargeSucceeded || o.log.Reached(ctx, known.horizon, TouchWait)
	out, err := db.Do(ctx, o.db, func(tx *db.Tx) (Outcome, error) {
		p, err := paymentLocked(tx, known.id)
		if err != nil {
			return Outcome{}, err
		}
		switch charge.State {
		case ChargeSucceeded:
			late, err := o.paid(tx, p, charge, caughtUp)
			if late {
				return Outcome{Order: p.order, State: PayReturning, Reason: tooLate}, err
			}
			return Outcome{Order: p.order, State: PaySucceeded}, err
		case ChargeDeclined:
			return Outcome{Order: p.order, State: PayDeclined, Reason: charge.Reason}, declined(tx, p, charge)
		case ChargeAction:
			return Outcome{Order: p.order, State: PayRedirected, Redirect: charge.RedirectURL}, redirected(tx, p, charge)
		case ChargePending:
			_, err := tx.Exec(payPends.update(`provider_ref = $1, updated_at = $2`)+`id = $3`, charge.Ref, db.Micros(tx.Now()), p.id)
			return Outcome{Order: p.order, State: PayStarted}, err
		default:
			return Outcome{Order: p.order, State: PayCancelled}, notePayment(tx, p, payIsCancelled, charge)
		}
	})
	if errors.Is(err, ledger.ErrBeyond) {
		out, err = o.refuseBeyond(ctx, known.id, charge)
	}
	if err == nil && out.State == PayReturning {
		if err = o.giveBackDue(ctx, out.Order); slow(err) || denied(err) {
			err = nil // it is stored, and the sweep asks again
		}
	}
	return out, err
}

// refuseBeyond closes an order whose sale the books could not hold and gives the money back: asking again
// would never end. Checkout refuses such orders; this one met a creator's account that was nearly full.
func (o *Orders) refuseBeyond(ctx context.Context, pay id.Payment, charge Charge) (Outcome, error) {
	return db.Do(ctx, o.db, func(tx *db.Tx) (Outcome, error) {
		p, err := paymentLocked(tx, pay)
		if err != nil {
			return Outcome{}, err
		}
		if _, err := tx.Exec(payComesLate.update(`provider_ref = $1, reason = $2, updated_at = $3`)+`id = $4`, charge.Ref, tooLate, db.Micros(tx.Now()), p.id); err != nil {
			return Outcome{}, err
		}
		out := Outcome{Order: p.order, State: PayReturning, Reason: tooLate}
		return out, o.close(tx, p.order, orderLetGo, "beyond_books", "It was more than the books can hold; what was paid is given back.")
	})
}

func (o *Orders) horizonOf(ctx context.Context, pay id.Payment) (string, error) {
	return db.Get(ctx, o.db, func(tx *db.Tx) (string, error) {
		var horizon string
		err := tx.Row(`SELECT o.touch_horizon FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.id = $1`, pay).Scan(&horizon)
		if errors.Is(err, sql.ErrNoRows) {
			return "", missing("payment")
		}
		return horizon, err
	})
}

// notePayment moves an attempt that is still open; one that has ended stays.
func notePayment(tx *db.Tx, p payment, how move[PaymentState], charge Charge) error {
	_, err := tx.Exec(how.update(`provider_ref = $1, reason = $2, updated_at = $3`)+`id = $4`, charge.Ref, charge.Reason, db.Micros(tx.Now()), p.id)
	return err
}

func declined(tx *db.Tx, p payment, charge Charge) error {
	if p.state == PayDeclined {
		return nil
	}
	if err := notePayment(tx, p, payIsDeclined, charge); err != nil {
		return err
	}
	return addStep(tx, p.order, "", "payment_declined", charge.Reason, "provider")
}

func redirected(tx *db.Tx, p payment, charge Charge) error {
	_, err := tx.Exec(payRedirects.update(`provider_ref = $1, redirect_until = $2, updated_at = $3`)+`id = $4`, charge.Ref, db.Micros(charge.Until), db.Micros(tx.Now()), p.id)
	if err != nil {
		return err
	}
	return hold(tx, p.order, charge.Until)
}
