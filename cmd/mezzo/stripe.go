package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
)

// Where the secrets of Stripe come from, and nowhere else.
const (
	stripeKeyEnv    = "MEZZO_STRIPE_KEY"
	stripeSecretEnv = "MEZZO_STRIPE_WEBHOOK_SECRET"
)

// takeSecrets reads the secrets of the payment provider and takes them out of the environment, so that no program
// started from here inherits them.
func (f *serveFlags) takeSecrets() {
	for name, to := range map[string]*string{stripeKeyEnv: &f.stripeKey, stripeSecretEnv: &f.stripeSecrets} {
		if v, ok := os.LookupEnv(name); ok {
			*to = strings.TrimSpace(v)
			os.Unsetenv(name)
		}
	}
}

// validatePayments refuses half a configuration: a shop that takes real money for play money, or the other way.
func (f *serveFlags) validatePayments() error {
	if f.Payments != "stripe" {
		switch {
		case f.stripeKey != "" || f.stripeSecrets != "" || f.StripeURL != "":
			return fmt.Errorf("there are settings for Stripe, and --payments is not stripe: with the sandbox buyers would pay with play money. Say --payments stripe, or take %s, %s and --stripe-url away", stripeKeyEnv, stripeSecretEnv)
		case f.PayoutRail == "stripe":
			return fmt.Errorf("--payout-rail stripe pays out what buyers paid by Stripe: it needs --payments stripe")
		}
		return nil
	}
	switch {
	case f.stripeKey == "":
		return fmt.Errorf("--payments stripe needs the secret key in the environment variable %s", stripeKeyEnv)
	case f.stripeSecrets == "":
		return fmt.Errorf("--payments stripe needs the secret of its webhook endpoint in the environment variable %s: Stripe's messages are checked by it", stripeSecretEnv)
	case f.PublicURL == "":
		return fmt.Errorf("--payments stripe needs --public-url: Stripe sends buyers back there")
	case f.SandboxClock:
		return fmt.Errorf("--sandbox-clock and --payments stripe do not go together: where real money moves the time is real")
	case f.PayoutRail == "sandbox":
		return fmt.Errorf("--payout-rail sandbox pays out play money, and buyers pay with real money: leave it out, or say manual")
	}
	_, err := payment.NewStripe(nil, f.stripeOptions())
	return err
}

func (f *serveFlags) stripeOptions() payment.StripeOptions {
	o := payment.StripeOptions{Key: f.stripeKey, URL: f.StripeURL, Public: f.PublicURL}
	for secret := range strings.SplitSeq(f.stripeSecrets, ",") {
		if secret = strings.TrimSpace(secret); secret != "" {
			o.Secrets = append(o.Secrets, secret)
		}
	}
	return o
}

// furnishPayments makes the provider that takes buyers' money. A folder in which another one has taken some is
// refused: play money and real money never stand in one book.
func (s *server) furnishPayments(ctx context.Context) (order.Provider, error) {
	r := &s.rooms
	var provider order.Provider
	if s.conf.Payments == "stripe" {
		p, err := payment.NewStripe(s.stores.db, s.conf.stripeOptions())
		if err != nil {
			return nil, err
		}
		r.stripe, provider = p, p
		s.log.Info("payments go to Stripe", "live", p.Live())
	} else {
		r.sandbox = payment.NewSandbox(s.stores.db)
		provider = r.sandbox
	}
	before, err := takenBy(ctx, s.stores.db)
	if err == nil && before != "" && before != provider.Name() {
		err = fmt.Errorf("orders in this shop were paid by %s, and --payments is %s: keep to it, or begin with another --data or --database", before, provider.Name())
	}
	return provider, err
}

// takenBy returns the provider of the newest attempt to pay, "" where there is none.
func takenBy(ctx context.Context, d *db.DB) (string, error) {
	return db.Get(ctx, d, func(tx *db.Tx) (name string, err error) {
		err = tx.Row(`SELECT provider FROM payments ORDER BY id DESC LIMIT 1`).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return name, err
	})
}

// provider is the one that takes buyers' money.
func (r *rooms) provider() interface {
	order.Provider
	payout.Reporter
} {
	if r.stripe != nil {
		return r.stripe
	}
	return r.sandbox
}

// leads are the origins that pages' forms may lead to besides this shop.
func (r *rooms) leads() []string {
	if r.stripe == nil {
		return nil
	}
	return r.stripe.Pages()
}

// hearer brings what Stripe tells to the commands that deal with it.
type hearer struct{ *rooms }

// Settle settles an attempt to pay.
func (h hearer) Settle(ctx context.Context, pay id.Payment, charge order.Charge) (order.Outcome, error) {
	return h.orders.Settle(ctx, pay, charge)
}

// RefundTold looks at a refund.
func (h hearer) RefundTold(ctx context.Context, key string) error {
	return h.orders.RefundTold(ctx, key)
}

// DisputeTold looks at a dispute.
func (h hearer) DisputeTold(ctx context.Context, ref string) error {
	return h.orders.Disputed(ctx, ref)
}

// PayoutTold looks at a payout.
func (h hearer) PayoutTold(ctx context.Context, key string) error {
	return h.payouts.Told(ctx, id.Payout(key))
}

// AccountTold looks at a connected account.
func (h hearer) AccountTold(ctx context.Context, owner string) error {
	return h.payouts.HostTold(ctx, payout.Owner(owner))
}
