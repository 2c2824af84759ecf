package api

import (
	"context"
	"net/http"

	"mezzo/internal/feed"
	"mezzo/internal/id"
)

// registerFeed adds the feed of API.md §6.
func (a *API) registerFeed() {
	if a.deps.Feed == nil {
		return
	}
	register(a, Route{Method: http.MethodGet, Path: "/feed", Who: Viewer, AnyToken: true, Tag: "feed", Summary: "A page of videos for the viewer",
		Description: "Drawn anew for each request by the policy in force, and logged with how likely every item was before it is answered. Going on by the cursor repeats " +
			"nothing; next_cursor is null when everything was shown (pages of the uniform control begin again then). Each item carries the token with which the viewer's events about it are sent."}, a.getFeed)
	a.registerChoices()
	a.registerEvents()
}

type feedInput struct {
	Limit     int    `query:"limit" minimum:"1" maximum:"20" default:"8" doc:"How many at most"`
	Surface   string `query:"surface" maxLength:"100" default:"home" doc:"home, following (complete, newest first) or category:<slug>"`
	Profiling string `query:"profiling" enum:"on,off" default:"on" doc:"off: what the viewer did before has no part in the choice"`
	Cursor    string `query:"cursor" maxLength:"4096" doc:"next_cursor of the page before"`
}

type feedView struct {
	Request id.Request `json:"request_id"`
	Policy  policyView `json:"policy" doc:"How the items were chosen"`
	Items   []feedItem `json:"items" nullable:"false"`
	Next    *string    `json:"next_cursor" doc:"Where the next page begins; null when there is nothing (more) to show"`
	// Degraded is left out where it is false: nearly always.
	Degraded bool `json:"degraded,omitempty" doc:"The ranking was not ready: this page was drawn evenly"`
}

type policyView struct {
	ID      id.Policy `json:"id"`
	Name    string    `json:"name"`
	Version uint32    `json:"version"`
}

type feedItem struct {
	Impression  string    `json:"impression" doc:"The token of this showing: send it with what the viewer does"`
	Slot        int       `json:"slot" doc:"1 is the first; a number is left out where what was drawn could not be shown"`
	Video       videoView `json:"video"`
	Why         []string  `json:"why" nullable:"false" doc:"In plain words"`
	Exploration bool      `json:"exploration" doc:"Shown to find out more about it"`
}

func (a *API) getFeed(ctx context.Context, in *feedInput) (*Output[feedView], error) {
	surface, category, err := feed.SurfaceNamed(in.Surface)
	if err != nil {
		return nil, err
	}
	who := asker(ctx)
	page, err := a.deps.Feed.Page(ctx, who, feed.Query{Limit: in.Limit, Surface: surface, Category: category, Profiling: in.Profiling != "off", Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	view := feedView{Request: page.Request, Policy: policyView{page.Policy.ID, page.Policy.Name, page.Policy.Version}, Items: make([]feedItem, len(page.Items))}
	for i, item := range page.Items {
		view.Items[i] = feedItem{item.Impression, item.Slot, a.videoFor(who, item.Card), item.Why, item.Exploration}
	}
	if page.Next != "" {
		view.Next = &page.Next
	}
	view.Degraded = page.Degraded
	return ok(view), nil
}
