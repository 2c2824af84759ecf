package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
)

func (a *API) registerTokens() {
	register(a, Route{Method: http.MethodPost, Path: "/me/tokens", Who: Account, Tag: "tokens", Status: 201,
		Summary: "Make an API token of your own; it is shown once"}, a.createMyToken)
	register(a, Route{Method: http.MethodGet, Path: "/me/tokens", Who: Account, Tag: "tokens",
		Summary: "List your live API tokens"}, a.myTokens)
	register(a, Route{Method: http.MethodDelete, Path: "/me/tokens/{token_id}", Who: Account, Tag: "tokens",
		Summary: "Revoke an API token of yours"}, a.revokeMyToken)
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/tokens", Who: Brand, Tag: "tokens", Status: 201,
		Summary: "Make an API token of the brand (owners); it is shown once and outlives whoever made it"}, a.createBrandToken)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/tokens", Who: Brand, Tag: "tokens",
		Summary: "List the brand's live API tokens (owners)"}, a.brandTokens)
	register(a, Route{Method: http.MethodDelete, Path: "/brands/{id}/tokens/{token_id}", Who: Brand, Tag: "tokens",
		Summary: "Revoke an API token of the brand (owners)"}, a.revokeBrandToken)
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/write_keys", Who: Brand, Tag: "tokens", Status: 201,
		Summary: "Make a write key for event SDKs on the brand's own site (owners); it is shown once"}, a.createWriteKey)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/write_keys", Who: Brand, Tag: "tokens",
		Summary: "List the brand's live write keys (owners)"}, a.writeKeys)
	register(a, Route{Method: http.MethodDelete, Path: "/brands/{id}/write_keys/{key_id}", Who: Brand, Tag: "tokens",
		Summary: "Revoke a write key of the brand (owners)"}, a.revokeWriteKey)
}

type newToken struct {
	Name   string          `json:"name" maxLength:"80"`
	Scopes []account.Scope `json:"scopes" minItems:"1" maxItems:"20" doc:"catalog:read|write orders:read|write programs:read|write content:write money:read payouts:write metrics:read webhooks:write"`
}

type myTokenInput struct{ Body newToken }

func (a *API) createMyToken(ctx context.Context, in *myTokenInput) (*Output[account.Token], error) {
	return answered(a.deps.Accounts.CreateToken(ctx, asker(ctx), "", in.Body.Name, in.Body.Scopes))
}

type brandTokenInput struct {
	ID   id.Brand `path:"id"`
	Body newToken
}

func (a *API) createBrandToken(ctx context.Context, in *brandTokenInput) (*Output[account.Token], error) {
	return answered(a.deps.Accounts.CreateToken(ctx, asker(ctx), in.ID, in.Body.Name, in.Body.Scopes))
}

func (a *API) myTokens(ctx context.Context, _ *None) (*PageOutput[account.Token], error) {
	list, err := a.deps.Accounts.Tokens(ctx, asker(ctx), "")
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) brandTokens(ctx context.Context, in *brandInput) (*PageOutput[account.Token], error) {
	list, err := a.deps.Accounts.Tokens(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

type myTokenPath struct {
	Token id.Token `path:"token_id"`
}

func (a *API) revokeMyToken(ctx context.Context, in *myTokenPath) (*None, error) {
	return nil, a.deps.Accounts.RevokeToken(ctx, asker(ctx), "", in.Token)
}

type brandTokenPath struct {
	ID    id.Brand `path:"id"`
	Token id.Token `path:"token_id"`
}

func (a *API) revokeBrandToken(ctx context.Context, in *brandTokenPath) (*None, error) {
	return nil, a.deps.Accounts.RevokeToken(ctx, asker(ctx), in.ID, in.Token)
}

type writeKeyInput struct {
	ID   id.Brand `path:"id"`
	Body struct {
		Name string `json:"name" maxLength:"80"`
	}
}

func (a *API) createWriteKey(ctx context.Context, in *writeKeyInput) (*Output[account.WriteKey], error) {
	return answered(a.deps.Accounts.CreateWriteKey(ctx, asker(ctx), in.ID, in.Body.Name))
}

func (a *API) writeKeys(ctx context.Context, in *brandInput) (*PageOutput[account.WriteKey], error) {
	list, err := a.deps.Accounts.WriteKeys(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

type writeKeyPath struct {
	ID  id.Brand    `path:"id"`
	Key id.WriteKey `path:"key_id"`
}

func (a *API) revokeWriteKey(ctx context.Context, in *writeKeyPath) (*None, error) {
	return nil, a.deps.Accounts.RevokeWriteKey(ctx, asker(ctx), in.ID, in.Key)
}
