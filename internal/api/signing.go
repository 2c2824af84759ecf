package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
)

// registerKeys adds the operator's routes to the signing keys.
func (a *API) registerKeys() {
	register(a, Route{Method: http.MethodGet, Path: "/operator/keys", Who: Operator, Tag: "operator", Summary: "The signing keys, without their secrets"}, a.signingKeys)
	register(a, Route{Method: http.MethodPost, Path: "/operator/keys/turn", Who: Operator, Tag: "operator", Status: 200, Summary: "Turn the signing keys before their time",
		Description: "Without cut, tokens signed until now go on opening until the next turn. With cut, nothing signed before opens any more: for a secret that has leaked."}, a.turnKeys)
}

func (a *API) signingKeys(ctx context.Context, _ *None) (*PageOutput[account.SigningKey], error) {
	return viewKeys(a.deps.Accounts.SigningKeys(ctx, asker(ctx)))
}

func (a *API) turnKeys(ctx context.Context, in *struct {
	Body struct {
		Cut string `json:"cut,omitempty" enum:"everything" doc:"Make everything signed before worthless at once: carts of guests, the ways back to their orders, what is on screens. Said in a word, so that no slip does it"`
	}
}) (*PageOutput[account.SigningKey], error) {
	return viewKeys(a.deps.Accounts.TurnKeys(ctx, asker(ctx), in.Body.Cut != ""))
}

func viewKeys(keys []account.SigningKey, err error) (*PageOutput[account.SigningKey], error) {
	if err != nil {
		return nil, err
	}
	return whole(keys), nil
}
