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
	a.registerMe()
	a.registerBrands()
	a.registerTokens()
	a.registerKeys()
	register(a, Route{Method: http.MethodGet, Path: "/accounts", Who: Operator, Tag: "people",
		Summary: "List people, newest first, with their standing"}, a.listPeople)
	register(a, Route{Method: http.MethodGet, Path: "/accounts/{id}", Who: Operator, Tag: "people",
		Summary: "A person, with every change of their standing"}, a.person)
}

func (a *API) registerSessions() {
	register(a, Route{Method: http.MethodPost, Path: "/viewers", Who: Public, Tag: "people", Status: 201, Idempotency: Ignored,
		Summary: "Mint a viewer: an unnamed shopper, for apps that keep no cookies"}, a.createViewer)
	register(a, Route{Method: http.MethodPost, Path: "/accounts", Who: Public, Tag: "people", Status: 201, Secret: true,
		Summary:     "Sign up",
		Description: "The viewer of the request joins the account. A repeat under one Idempotency-Key answers without the token: sign in to get another."}, a.signUp)
	register(a, Route{Method: http.MethodPost, Path: "/sessions", Who: Public, Tag: "people", Status: 201, Idempotency: Ignored,
		Summary: "Sign in"}, a.signIn)
	register(a, Route{Method: http.MethodDelete, Path: "/sessions/current", Who: Account, Tag: "people",
		Summary: "Sign out"}, a.signOut)
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

type signInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"200"`
	}
}

func (a *API) signIn(ctx context.Context, in *signInInput) (*Output[account.SignedIn], error) {
	signed, err := a.deps.Accounts.SignIn(ctx, asker(ctx), in.Body.Email, in.Body.Password)
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

func (a *API) signOut(ctx context.Context, _ *None) (*None, error) {
	if err := a.deps.Accounts.SignOut(ctx, asker(ctx)); err != nil {
		return nil, err
	}
	if t := traceOf(ctx); t.w != nil {
		a.deps.Accounts.Dismiss(t.w, t.https)
	}
	return nil, nil
}

type peopleInput struct {
	List
	Q string `query:"q" maxLength:"100" doc:"Part of an e-mail address, a name or a handle"`
}

func (a *API) listPeople(ctx context.Context, in *peopleInput) (*PageOutput[account.Person], error) {
	last, err := after[id.Account](in.List)
	if err != nil {
		return nil, err
	}
	people, err := a.deps.Accounts.People(ctx, asker(ctx), in.Q, last, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(people, in.Limit, func(p account.Person) string { return string(p.ID) }), nil
}

type personInput struct {
	ID id.Account `path:"id"`
}

func (a *API) person(ctx context.Context, in *personInput) (*Output[account.PersonDetail], error) {
	return answered(a.deps.Accounts.Person(ctx, asker(ctx), in.ID))
}
