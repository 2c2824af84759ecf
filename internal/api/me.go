package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
)

func (a *API) registerMe() {
	register(a, Route{Method: http.MethodGet, Path: "/me", Who: Account, AnyToken: true, Tag: "people",
		Summary: "Who asks"}, a.me)
	register(a, Route{Method: http.MethodPatch, Path: "/me", Who: Account, Tag: "people", Idempotency: Ignored,
		Summary:     "Change your account",
		Description: "A new e-mail address or password needs current_password; a new password ends your other sessions."}, a.updateMe)
	register(a, Route{Method: http.MethodDelete, Path: "/me", Who: Account, Tag: "people",
		Summary:     "Erase yourself",
		Description: "The books keep their rows and name nobody; everything that is you goes. It cannot be undone. The last owner of a brand hands it over first."}, a.eraseMe)
	register(a, Route{Method: http.MethodGet, Path: "/me/export", Who: Account, Tag: "people",
		Summary: "All that is kept of you"}, a.exportMe)
	register(a, Route{Method: http.MethodPut, Path: "/me/creator", Who: Account, Tag: "people",
		Summary: "Become a creator, or change your profile: there is no minimum of anything"}, a.putCreator)
	register(a, Route{Method: http.MethodGet, Path: "/creators/{handle}", Who: Public, Tag: "people",
		Summary: "A creator's public profile"}, a.creator)
}

func (a *API) me(ctx context.Context, _ *None) (*Tagged[account.Me], error) {
	me, err := a.deps.Accounts.Me(ctx, asker(ctx))
	if err != nil {
		return nil, err
	}
	return tagged(me.Version, me), nil
}

type updateMeInput struct {
	Match
	Body struct {
		Email           *string `json:"email,omitempty" maxLength:"254"`
		DisplayName     *string `json:"display_name,omitempty" maxLength:"60"`
		Over18          *bool   `json:"over_18,omitempty"`
		Password        *string `json:"password,omitempty" maxLength:"200"`
		CurrentPassword string  `json:"current_password,omitempty" maxLength:"200"`
	}
}

func (a *API) updateMe(ctx context.Context, in *updateMeInput) (*Tagged[account.Me], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	me, err := a.deps.Accounts.UpdateMe(ctx, asker(ctx), match, account.Change{
		Email: in.Body.Email, DisplayName: in.Body.DisplayName, Over18: in.Body.Over18,
		Password: in.Body.Password, OldPassword: in.Body.CurrentPassword})
	if err != nil {
		return nil, err
	}
	return tagged(me.Version, me), nil
}

func (a *API) eraseMe(ctx context.Context, _ *None) (*None, error) {
	if err := a.deps.Accounts.Erase(ctx, asker(ctx)); err != nil {
		return nil, err
	}
	if t := traceOf(ctx); t.w != nil {
		a.deps.Accounts.Dismiss(t.w, t.https)
	}
	return nil, nil
}

func (a *API) exportMe(ctx context.Context, _ *None) (*Output[map[string]any], error) {
	return answered(a.deps.Accounts.Export(ctx, asker(ctx)))
}

type putCreatorInput struct {
	Match
	Body struct {
		Handle      string   `json:"handle" maxLength:"31" doc:"2 to 30 of a to z, digits, dots and underscores; changed to lower case"`
		DisplayName string   `json:"display_name" maxLength:"60"`
		Bio         string   `json:"bio,omitempty" maxLength:"500"`
		Categories  []string `json:"categories,omitempty" maxItems:"5"`
		Avatar      id.Image `json:"avatar_image_id,omitempty"`
	}
}

func (a *API) putCreator(ctx context.Context, in *putCreatorInput) (*Tagged[account.Creator], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	c, err := a.deps.Accounts.PutCreator(ctx, asker(ctx), match, account.NewCreator{
		Handle: in.Body.Handle, DisplayName: in.Body.DisplayName, Bio: in.Body.Bio, Categories: in.Body.Categories, Avatar: in.Body.Avatar})
	if err != nil {
		return nil, err
	}
	return tagged(c.Version, c), nil
}

// HandleInput names a creator.
type HandleInput struct {
	Handle string `path:"handle" maxLength:"40"`
}

func (a *API) creator(ctx context.Context, in *HandleInput) (*Output[account.Creator], error) {
	return answered(a.deps.Accounts.CreatorByHandle(ctx, in.Handle))
}
