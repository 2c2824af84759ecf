package api

import (
	"time"

	"mezzo/internal/account"
	"mezzo/internal/content"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

type videoView struct {
	ID           id.Video             `json:"id"`
	Impression   string               `json:"impression,omitempty" doc:"The token of this showing: send it with what the viewer does; absent in the feed, where the item has it"`
	State        content.State        `json:"state" enum:"processing,ready,failed"`
	FailedReason string               `json:"failed_reason,omitempty"`
	Progress     int                  `json:"progress" doc:"0 to 100 while processing"`
	Caption      string               `json:"caption"`
	Hashtags     []string             `json:"hashtags" nullable:"false"`
	Disclosure   []content.Disclosure `json:"disclosure" nullable:"false" doc:"Shown in words during playback"`
	DurationMS   int64                `json:"duration_ms"`
	Width        int                  `json:"width"`
	Height       int                  `json:"height"`
	Poster       string               `json:"poster_url,omitempty"`
	Sources      []sourceView         `json:"sources" nullable:"false"`
	Creator      videoCreator         `json:"creator"`
	Products     []videoProduct       `json:"products" nullable:"false"`
	Counts       videoCounts          `json:"counts"`
	Liked        bool                 `json:"liked" doc:"By the asker"`
	Standing     string               `json:"standing" enum:"visible,limited,removed"`
	Reason       string               `json:"standing_reason,omitempty" doc:"For its creator and the operator"`
	CreatedAt    time.Time            `json:"created_at"`
	ReadyAt      *time.Time           `json:"ready_at,omitempty"`
}

type sourceView struct {
	URL     string `json:"url"`
	Type    string `json:"type"`
	Height  int    `json:"height"`
	Bitrate int64  `json:"bitrate"`
}

type videoCreator struct {
	ID        id.Creator `json:"id"`
	Handle    string     `json:"handle"`
	Name      string     `json:"display_name"`
	Avatar    string     `json:"avatar_url,omitempty"`
	Following bool       `json:"following" doc:"The asker follows them"`
}

type videoProduct struct {
	ID        id.Product   `json:"id"`
	Title     string       `json:"title"`
	Brand     brandName    `json:"brand"`
	Price     money.Amount `json:"price" doc:"Of the cheapest variant"`
	From      bool         `json:"from" doc:"Other variants cost more"`
	Image     string       `json:"image_url,omitempty"`
	Available int64        `json:"available"`
}

type brandName struct {
	ID   id.Brand `json:"id"`
	Name string   `json:"name"`
}

type videoCounts struct {
	Likes    int64 `json:"likes"`
	Comments int64 `json:"comments"`
}

// videoFor is a card as the asker may see it, without a token.
func (a *API) videoFor(who account.Asker, c content.Card) videoView {
	v := videoView{ID: c.ID, State: c.State, FailedReason: c.FailedReason, Progress: c.Progress, Caption: c.Caption, Hashtags: c.Hashtags, Disclosure: c.Disclosure,
		DurationMS: c.DurationMS, Width: c.Width, Height: c.Height, Poster: c.Poster, Sources: []sourceView{}, Products: []videoProduct{},
		Creator: videoCreator{c.Creator, c.Handle, c.CreatorName, c.Avatar, c.Following}, Counts: videoCounts{c.Likes, c.Comments}, Liked: c.Liked,
		Standing: c.Standing, CreatedAt: c.CreatedAt, ReadyAt: when(c.ReadyAt)}
	if who.Operator || (who.Account != "" && who.Account == c.Account) {
		v.Reason = c.Reason
	}
	if v.Hashtags == nil {
		v.Hashtags = []string{}
	}
	if v.Disclosure == nil {
		v.Disclosure = []content.Disclosure{}
	}
	for _, s := range c.Sources {
		v.Sources = append(v.Sources, sourceView{s.URL(), s.Type, s.Height, s.BitrateBPS})
	}
	for _, p := range c.Products {
		v.Products = append(v.Products, videoProduct{p.ID, p.Title, brandName{p.Brand, p.BrandName}, p.Price, p.From, p.Image, p.Available})
	}
	return v
}

// hand returns what signs the tokens of one answer that shows things outside the drawn feed.
func (a *API) hand(who account.Asker, surface id.Surface) *feed.Hand {
	return feed.NewHand(a.deps.Keys, who, surface, a.opts.Clock.Now())
}

// handOut is a card with the token of its showing, once it can be watched.
func (a *API) handOut(hand *feed.Hand, who account.Asker, c content.Card) videoView {
	v := a.videoFor(who, c)
	if c.State == content.Ready {
		v.Impression = hand.Video(c.ID)
	}
	return v
}
