package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/payout"
)

func (p payoutRoutes) hosted() Route {
	r := p.route(http.MethodGet, "/payout_account", account.MoneyRead, "How far "+p.of+" account at the payment provider has come")
	r.Description = "Where payouts go to accounts at the provider (Stripe): once it is ready it is a destination by itself."
	return r
}

func (p payoutRoutes) openHosted() Route {
	r := p.route(http.MethodPost, "/payout_account", "", "Open or complete "+p.of+" account on the provider's page; with the password again")
	r.Status, r.Secret, r.Idempotency = 200, true, Ignored // each page works once, and the account is made once
	r.Description = "Answers the page's address, which works once and for some minutes. return_url is a path here to come back to."
	return r
}

type hostedBody struct {
	Password  string `json:"current_password" maxLength:"200"`
	ReturnURL string `json:"return_url,omitempty" maxLength:"500" doc:"A path here to come back to from the provider's page"`
}

type hostedPage struct {
	URL string `json:"url"`
}

// openHosted answers with the provider's page for an owner.
func (a *API) openHosted(ctx context.Context, o payout.Owner, in hostedBody) (*Output[hostedPage], error) {
	if !herePath(in.ReturnURL) {
		return nil, fault.InvalidField("body.return_url", "Give a path of this site, such as /studio/payouts.")
	}
	url, err := a.deps.Payouts.OpenHosted(ctx, asker(ctx), o, in.Password, in.ReturnURL)
	if err != nil {
		return nil, err
	}
	return ok(hostedPage{url}), nil
}

// myHostedAccount adds a creator's account at the provider, where payouts go to such accounts.
func (a *API) myHostedAccount() {
	if !a.deps.Payouts.Hosted() {
		return
	}
	r := myPayouts
	register(a, r.hosted(), func(ctx context.Context, _ *None) (*Output[payout.HostedAccount], error) {
		return answered(a.deps.Payouts.HostedAccount(ctx, asker(ctx), mine(ctx)))
	})
	register(a, r.openHosted(), func(ctx context.Context, in *struct {
		Body hostedBody
	}) (*Output[hostedPage], error) {
		return a.openHosted(ctx, mine(ctx), in.Body)
	})
}

// brandHostedAccount adds a brand's.
func (a *API) brandHostedAccount() {
	if !a.deps.Payouts.Hosted() {
		return
	}
	r := brandPayouts
	register(a, r.hosted(), func(ctx context.Context, in *struct {
		ID id.Brand `path:"id"`
	}) (*Output[payout.HostedAccount], error) {
		return answered(a.deps.Payouts.HostedAccount(ctx, asker(ctx), payout.OfBrand(in.ID)))
	})
	register(a, r.openHosted(), func(ctx context.Context, in *struct {
		ID   id.Brand `path:"id"`
		Body hostedBody
	}) (*Output[hostedPage], error) {
		return a.openHosted(ctx, payout.OfBrand(in.ID), in.Body)
	})
}
