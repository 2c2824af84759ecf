package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
)

// registerPeople adds the routes of API.md §2.
func (a *API) registerPeople() {
	if a.deps.Accounts == nil {
		return
	}
	a.registerSessions()
}

func (a *API) registerSessions() {
	register(a, Route{Method: http.MethodPost, Path: "/viewers", Who: Public, Tag: "people", Status: 201, Idempotency: Ignored,
		Summary: "Mint a viewer: an unnamed shopper, for apps that keep no cookies"}, a.createViewer)
	register(a, Route{Method: http.MethodPost, Path: "/accounts", Who: Public, Tag: "people", Status: 201, Secret: true,
		Summary: "Sign up"}, a.signUp)
}

type newViewer struct {
	Viewer id.Viewer `json:"viewer"`
	Token  string    `json:"viewer_token" doc:"Send it as X-Viewer-Token"`
}

func (a *API) createViewer(context.Context, *None) (*Output[newViewer], error) {
	v, token := a.deps.Accounts.MintViewer()
	return ok(newViewer{v, token}), nil
}

type signUpInput struct {
	Body struct {
		Email       string `json:"email" maxLength:"254" example:"ada@example.com"`
		Password    string `json:"password" maxLength:"200" doc:"At least 8 characters"`
		DisplayName string `json:"display_name" maxLength:"60"`
		Over18      bool   `json:"over_18,omitempty" doc:"Unstated or false: may shop and post, is not paid until stated"`
	}
}

func (a *API) signUp(ctx context.Context, in *signUpInput) (*Output[account.SignedIn], error) {
	signed, err := a.deps.Accounts.SignUp(ctx, asker(ctx), account.NewAccount{
		Email: in.Body.Email, Password: in.Body.Password, DisplayName: in.Body.DisplayName, Over18: in.Body.Over18})
	if err != nil {
		return nil, err
	}
	a.signedIn(ctx, signed)
	return ok(signed), nil
}

// signedIn sets the cookies of somebody who signed in, for browsers; apps ignore them.
func (a *API) signedIn(ctx context.Context, in account.SignedIn) {
	if t := traceOf(ctx); t.w != nil {
		a.deps.Accounts.Admit(t.w, in, t.https)
	}
}
