package event

import (
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Topics about people and brands. People are in the log by random viewer ids alone: no fact
// holds both a viewer and an account, nor a name, an address or free text.
const (
	TopicAccountCreated    = "account.created"
	TopicAccountErased     = "account.erased"
	TopicViewerJoined      = "viewer.joined"
	TopicViewerErased      = "viewer.erased"
	TopicViewerReset       = "viewer.reset"
	TopicCreatorCreated    = "creator.created"
	TopicCreatorFollowed   = "creator.followed"
	TopicCreatorUnfollowed = "creator.unfollowed"
	TopicBrandCreated      = "brand.created"
)

// AccountCreated says that a person signed up.
type AccountCreated struct {
	Account id.Account `json:"account"`
}

// Topic implements Body.
func (AccountCreated) Topic() string { return TopicAccountCreated }

// AccountErased tells rooms that keep rows by account which one is gone, and its creator profile.
type AccountErased struct {
	Account id.Account `json:"account"`
	Creator id.Creator `json:"creator,omitempty"`
}

// Topic implements Body.
func (AccountErased) Topic() string { return TopicAccountErased }

// ViewerJoined says that two viewers are one person: what Viewer did counts as Into's from here.
type ViewerJoined struct {
	Viewer id.Viewer `json:"viewer"`
	Into   id.Viewer `json:"into"` // the first viewer of that person
}

// Topic implements Body.
func (ViewerJoined) Topic() string { return TopicViewerJoined }

// ViewerErased tells every fold to forget a viewer.
type ViewerErased struct {
	Viewer id.Viewer `json:"viewer"`
}

// Topic implements Body.
func (ViewerErased) Topic() string { return TopicViewerErased }

// ViewerReset says that a viewer wants a feed as if they were new: what they did before has no part in it.
// Whom they follow and what they hid stays.
type ViewerReset struct {
	Viewer id.Viewer `json:"viewer"`
}

// Topic implements Body.
func (ViewerReset) Topic() string { return TopicViewerReset }

// CreatorCreated says that somebody became a creator. What they call themselves is theirs to take
// back, and stays out of the log.
type CreatorCreated struct {
	Creator id.Creator `json:"creator"`
}

// Topic implements Body.
func (CreatorCreated) Topic() string { return TopicCreatorCreated }

// CreatorFollowed says that a viewer follows a creator. It feeds one candidate source and is
// never counted into reach.
type CreatorFollowed struct {
	Creator id.Creator `json:"creator"`
	Viewer  id.Viewer  `json:"viewer"`
}

// Topic implements Body.
func (CreatorFollowed) Topic() string { return TopicCreatorFollowed }

// CreatorUnfollowed takes a CreatorFollowed back.
type CreatorUnfollowed struct {
	Creator id.Creator `json:"creator"`
	Viewer  id.Viewer  `json:"viewer"`
}

// Topic implements Body.
func (CreatorUnfollowed) Topic() string { return TopicCreatorUnfollowed }

// BrandCreated says that a brand opened.
type BrandCreated struct {
	Brand    id.Brand       `json:"brand"`
	Country  string         `json:"country"`
	Currency money.Currency `json:"currency"`
}

// Topic implements Body.
func (BrandCreated) Topic() string { return TopicBrandCreated }
