package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

func (a *API) registerBrands() {
	register(a, Route{Method: http.MethodPost, Path: "/brands", Who: Account, Tag: "brands", Status: 201,
		Summary: "Open a brand; you become its owner"}, a.createBrand)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}", Who: Public, Tag: "brands",
		Summary: "A brand and the trader behind it"}, a.brand)
	register(a, Route{Method: http.MethodPatch, Path: "/brands/{id}", Who: Brand, Tag: "brands",
		Summary: "Change a brand's name and trader (owners)"}, a.updateBrand)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/members", Who: Brand, Tag: "brands",
		Summary: "List a brand's people"}, a.members)
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/members", Who: Brand, Tag: "brands", Status: 201,
		Summary: "Give somebody with an account a role in the brand, or another role (owners)"}, a.putMember)
	register(a, Route{Method: http.MethodDelete, Path: "/brands/{id}/members/{account_id}", Who: Brand, Tag: "brands",
		Summary: "Take somebody out of the brand (owners), or leave it; the last owner cannot"}, a.removeMember)
}

type createBrandInput struct {
	Body struct {
		Name           string         `json:"name" maxLength:"80"`
		Country        string         `json:"country" minLength:"2" maxLength:"2" example:"US"`
		Currency       money.Currency `json:"currency" minLength:"3" maxLength:"3" example:"USD" doc:"Of all its prices; it stays"`
		LegalName      string         `json:"legal_name,omitempty" maxLength:"300"`
		ContactEmail   string         `json:"contact_email,omitempty" maxLength:"254"`
		ContactAddress string         `json:"contact_address,omitempty" maxLength:"300"`
	}
}

func (a *API) createBrand(ctx context.Context, in *createBrandInput) (*Tagged[account.Brand], error) {
	b, err := a.deps.Accounts.CreateBrand(ctx, asker(ctx), account.NewBrand{
		Name: in.Body.Name, Country: in.Body.Country, Currency: in.Body.Currency,
		LegalName: in.Body.LegalName, ContactEmail: in.Body.ContactEmail, ContactAddress: in.Body.ContactAddress})
	if err != nil {
		return nil, err
	}
	return tagged(b.Version, b), nil
}

type brandInput struct {
	ID id.Brand `path:"id"`
}

func (a *API) brand(ctx context.Context, in *brandInput) (*Tagged[account.Brand], error) {
	b, err := a.deps.Accounts.Brand(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return tagged(b.Version, b), nil
}

type updateBrandInput struct {
	ID id.Brand `path:"id"`
	Match
	Body struct {
		Name           *string `json:"name,omitempty" maxLength:"80"`
		Country        *string `json:"country,omitempty" minLength:"2" maxLength:"2"`
		LegalName      *string `json:"legal_name,omitempty" maxLength:"300"`
		ContactEmail   *string `json:"contact_email,omitempty" maxLength:"254"`
		ContactAddress *string `json:"contact_address,omitempty" maxLength:"300"`
	}
}

func (a *API) updateBrand(ctx context.Context, in *updateBrandInput) (*Tagged[account.Brand], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	b, err := a.deps.Accounts.UpdateBrand(ctx, asker(ctx), in.ID, match, account.BrandChange{
		Name: in.Body.Name, Country: in.Body.Country, LegalName: in.Body.LegalName,
		ContactEmail: in.Body.ContactEmail, ContactAddress: in.Body.ContactAddress})
	if err != nil {
		return nil, err
	}
	return tagged(b.Version, b), nil
}

func (a *API) members(ctx context.Context, in *brandInput) (*PageOutput[account.Member], error) {
	list, err := a.deps.Accounts.Members(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

type putMemberInput struct {
	ID   id.Brand `path:"id"`
	Body struct {
		Email string       `json:"email" maxLength:"254"`
		Role  account.Role `json:"role" enum:"owner,staff"`
	}
}

func (a *API) putMember(ctx context.Context, in *putMemberInput) (*Output[account.Member], error) {
	m, err := a.deps.Accounts.PutMember(ctx, asker(ctx), in.ID, in.Body.Email, in.Body.Role)
	if err != nil {
		return nil, err
	}
	return ok(m), nil
}

type memberInput struct {
	ID      id.Brand   `path:"id"`
	Account id.Account `path:"account_id"`
}

func (a *API) removeMember(ctx context.Context, in *memberInput) (*None, error) {
	return nil, a.deps.Accounts.RemoveMember(ctx, asker(ctx), in.ID, in.Account)
}
