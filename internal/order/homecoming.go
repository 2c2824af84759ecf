package order

import (
	"context"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// ComeBack settles a checkout whose buyer has come back from the provider's page, by what the provider says and
// nothing the browser brought. Redirected: the provider still waits, for the buyer or for a bank.
func (o *Orders) ComeBack(ctx context.Context, who account.Asker, checkout id.Checkout) (Outcome, error) {
	ctx = db.WithoutKey(ctx)
	pay, err := db.Get(ctx, o.db, func(tx *db.Tx) (payment, error) {
		ord, err := headWhere(tx, `checkout_id = $1`, string(checkout))
		if err == nil && !owns(who, ord.Viewer, ord.Account) {
			err = missing("checkout")
		}
		if err != nil {
			return payment{}, err
		}
		return latestPayment(tx, ord.ID)
	})
	if err != nil {
		return Outcome{}, err
	}
	if pay.state != PayStarted && pay.state != PayRedirected {
		return Outcome{Order: pay.order, State: pay.state, Reason: pay.reason}, nil
	}
	charge, err := o.provider.Status(ctx, pay.id)
	if err != nil {
		return Outcome{}, fault.Wrap(fault.Unavailable, err, "The payment provider did not answer. Nothing is charged twice: try again in a moment.").After(2 * time.Second)
	}
	if charge.State == ChargeNone {
		return Outcome{Order: pay.order, State: PayCreated}, o.unbegin(ctx, pay)
	}
	return o.Settle(context.WithoutCancel(ctx), pay.id, charge)
}
