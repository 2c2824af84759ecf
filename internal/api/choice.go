package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

// registerChoices adds what viewers say of their own feed.
func (a *API) registerChoices() {
	write := account.ContentWrite
	register(a, Route{Method: http.MethodGet, Path: "/feed/choices", Who: Viewer, AnyToken: true, Tag: "feed", Summary: "What the viewer has said of their feed",
		Description: "Whether it may go by what they did before, and whom they hid. Signed in, it holds on all their devices."}, a.choices)
	register(a, Route{Method: http.MethodPut, Path: "/feed/choices", Who: Viewer, Scope: write, Tag: "feed", Status: 200, Summary: "Let the feed go by what the viewer did, or not",
		Description: "With profiling false every feed page is as with ?profiling=off, until it is set again."}, a.putChoices)
	register(a, Route{Method: http.MethodPut, Path: "/feed/hidden_creators/{handle}", Who: Viewer, Scope: write, Tag: "feed", Summary: "See a creator no more in any feed"}, a.hideCreator)
	register(a, Route{Method: http.MethodDelete, Path: "/feed/hidden_creators/{handle}", Who: Viewer, Scope: write, Tag: "feed", Summary: "Let a creator in again"}, a.showCreator)
	register(a, Route{Method: http.MethodPut, Path: "/feed/hidden_videos/{id}", Who: Viewer, Scope: write, Tag: "feed", Summary: "See a video no more in any feed",
		Description: "An event of type hide does the same, and the ranking learns from it."}, a.hideVideo)
	register(a, Route{Method: http.MethodDelete, Path: "/feed/hidden_videos/{id}", Who: Viewer, Scope: write, Tag: "feed", Summary: "Let a video in again",
		Description: "It may come again; what the ranking learned of the hide stays."}, a.showVideo)
	register(a, Route{Method: http.MethodPost, Path: "/feed/reset", Who: Viewer, Scope: write, Tag: "feed", Status: 204, Summary: "Begin anew: the ranking forgets what the viewer did",
		Description: "A fact in the log that every fold obeys. Whom they follow, and what and whom they hid, stays."}, a.resetFeed)
}

func (a *API) choices(ctx context.Context, _ *None) (*Output[feed.Choices], error) {
	return answered(a.deps.Feed.Choices(ctx, asker(ctx)))
}

func (a *API) putChoices(ctx context.Context, in *struct {
	Body struct {
		Profiling bool `json:"profiling"`
	}
}) (*Output[feed.Choices], error) {
	if err := a.deps.Feed.SetProfiling(ctx, asker(ctx), in.Body.Profiling); err != nil {
		return nil, err
	}
	return a.choices(ctx, nil)
}

func (a *API) hideCreator(ctx context.Context, in *HandleInput) (*None, error) {
	return nil, a.hide(ctx, in.Handle, true)
}

func (a *API) showCreator(ctx context.Context, in *HandleInput) (*None, error) {
	return nil, a.hide(ctx, in.Handle, false)
}

func (a *API) hide(ctx context.Context, handle string, hide bool) error {
	creator, err := a.deps.Accounts.CreatorByHandle(ctx, handle)
	if err != nil {
		return err
	}
	return a.deps.Feed.HideCreator(ctx, asker(ctx), creator.ID, hide)
}

// HiddenVideoInput names a video by its path.
type HiddenVideoInput struct {
	ID id.Video `path:"id" maxLength:"40"`
}

func (a *API) hideVideo(ctx context.Context, in *HiddenVideoInput) (*None, error) {
	return nil, a.deps.Feed.HideVideo(ctx, asker(ctx), in.ID, true)
}

func (a *API) showVideo(ctx context.Context, in *HiddenVideoInput) (*None, error) {
	return nil, a.deps.Feed.HideVideo(ctx, asker(ctx), in.ID, false)
}

func (a *API) resetFeed(ctx context.Context, _ *None) (*None, error) {
	return nil, a.deps.Feed.Reset(ctx, asker(ctx))
}
