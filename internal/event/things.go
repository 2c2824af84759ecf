package event

import (
	"encoding/json"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Topics about what is shown and sold.
const (
	TopicProductCreated  = "product.created"
	TopicProductUpdated  = "product.updated"
	TopicVideoReady      = "video.ready"
	TopicVideoUpdated    = "video.updated"
	TopicVideoDeleted    = "video.deleted"
	TopicVideoLiked      = "video.liked"
	TopicVideoUnliked    = "video.unliked"
	TopicVideoReported   = "video.reported"
	TopicCommentCreated  = "comment.created"
	TopicVideoStanding   = "video.standing"
	TopicProductStanding = "product.standing"
	TopicCommentStanding = "comment.standing"
	TopicAccountStanding = "account.standing"
	TopicProgramCreated  = "program.created"
	TopicProgramChanged  = "program.changed"
	TopicProgramClosed   = "program.budget_closed"
	TopicShowcaseAdded   = "showcase.added"
	TopicShowcaseRemoved = "showcase.removed"
	TopicPolicyChanged   = "policy.changed"
	TopicPolicySplit     = "policy.split"
)

// ProductState is what folds may know of a product: no text.
type ProductState struct {
	Product   id.Product   `json:"product"`
	Brand     id.Brand     `json:"brand"`
	Category  string       `json:"category"`
	PriceFrom money.Amount `json:"price_from"` // of its cheapest variant
	Available bool         `json:"available"`  // some variant has stock
	Active    bool         `json:"active"`
}

// ProductCreated says that a product was listed.
type ProductCreated struct{ ProductState }

// Topic implements Body.
func (ProductCreated) Topic() string { return TopicProductCreated }

// ProductUpdated says what a product is after a change of it, its variants or its stock's end.
type ProductUpdated struct{ ProductState }

// Topic implements Body.
func (ProductUpdated) Topic() string { return TopicProductUpdated }

// VideoState is what folds may know of a video: no text.
type VideoState struct {
	Video      id.Video     `json:"video"`
	Creator    id.Creator   `json:"creator"`
	Products   []id.Product `json:"products"`
	Brands     []id.Brand   `json:"brands,omitempty"` // of the products, in their order
	Category   string       `json:"category,omitempty"`
	DurationMS int64        `json:"duration_ms"`
	CreatedAt  time.Time    `json:"created_at"`
}

// VideoReady says that a video may be shown.
type VideoReady struct{ VideoState }

// Topic implements Body.
func (VideoReady) Topic() string { return TopicVideoReady }

// VideoUpdated says what a ready video is after a change of its products.
type VideoUpdated struct{ VideoState }

// Topic implements Body.
func (VideoUpdated) Topic() string { return TopicVideoUpdated }

// VideoDeleted says that its creator took a video away.
type VideoDeleted struct {
	Video   id.Video   `json:"video"`
	Creator id.Creator `json:"creator"`
}

// Topic implements Body.
func (VideoDeleted) Topic() string { return TopicVideoDeleted }

// VideoLiked says that a viewer likes a video.
type VideoLiked struct {
	Video   id.Video   `json:"video"`
	Creator id.Creator `json:"creator"`
	Viewer  id.Viewer  `json:"viewer"`
}

// Topic implements Body.
func (VideoLiked) Topic() string { return TopicVideoLiked }

// VideoUnliked takes a VideoLiked back.
type VideoUnliked struct {
	Video   id.Video   `json:"video"`
	Creator id.Creator `json:"creator"`
	Viewer  id.Viewer  `json:"viewer"`
}

// Topic implements Body.
func (VideoUnliked) Topic() string { return TopicVideoUnliked }

// VideoReported says that a viewer reported a video; the reason stays in SQL.
type VideoReported struct {
	Video  id.Video  `json:"video"`
	Viewer id.Viewer `json:"viewer"`
	Report id.Report `json:"report"`
}

// Topic implements Body.
func (VideoReported) Topic() string { return TopicVideoReported }

// CommentCreated says that a viewer commented; the text stays in SQL.
type CommentCreated struct {
	Comment id.Comment `json:"comment"`
	Video   id.Video   `json:"video"`
	Creator id.Creator `json:"creator"`
	Viewer  id.Viewer  `json:"viewer"`
}

// Topic implements Body.
func (CommentCreated) Topic() string { return TopicCommentCreated }

// StandingChanged says that a video, product, comment or account is now visible, limited or
// removed. The reason and the actor stay in SQL.
type StandingChanged struct {
	Kind     string `json:"kind"` // video, product, comment or account
	Subject  string `json:"subject"`
	Standing string `json:"standing"`
	Before   string `json:"before"`
}

// Topic implements Body: "<kind>.standing".
func (s StandingChanged) Topic() string { return s.Kind + ".standing" }

// ProgramState is a program's terms.
type ProgramState struct {
	Program     id.Program   `json:"program"`
	Brand       id.Brand     `json:"brand"`
	Kind        string       `json:"kind"` // open or targeted
	Rate        money.Bps    `json:"commission_bps"`
	WindowHours int64        `json:"window_hours"`
	HoldDays    int64        `json:"hold_days"`
	AllProducts bool         `json:"all_products"`
	Products    []id.Product `json:"products,omitempty"`
	StartsAt    time.Time    `json:"starts_at,omitzero"`
	EndsAt      time.Time    `json:"ends_at,omitzero"`
}

// ProgramCreated says that a brand opened a program.
type ProgramCreated struct{ ProgramState }

// Topic implements Body.
func (ProgramCreated) Topic() string { return TopicProgramCreated }

// ProgramChanged says what a program's terms are now.
type ProgramChanged struct{ ProgramState }

// Topic implements Body.
func (ProgramChanged) Topic() string { return TopicProgramChanged }

// ProgramClosed says that a program's budget could not pay a commission whole: it takes no new clicks from then
// on. What clicks made before earn is paid from its reserve.
type ProgramClosed struct {
	Program id.Program   `json:"program"`
	Brand   id.Brand     `json:"brand"`
	Name    string       `json:"name"`
	Budget  money.Amount `json:"budget"` // promised in all
	Left    money.Amount `json:"left"`   // for clicks made before
	At      time.Time    `json:"at"`
}

// Topic implements Body.
func (ProgramClosed) Topic() string { return TopicProgramClosed }

// ShowcaseAdded says that a creator began to promote a product.
type ShowcaseAdded struct {
	Creator id.Creator `json:"creator"`
	Product id.Product `json:"product"`
	Brand   id.Brand   `json:"brand"`
}

// Topic implements Body.
func (ShowcaseAdded) Topic() string { return TopicShowcaseAdded }

// ShowcaseRemoved says that a creator stopped promoting a product.
type ShowcaseRemoved struct {
	Creator id.Creator `json:"creator"`
	Product id.Product `json:"product"`
	Brand   id.Brand   `json:"brand"`
}

// Topic implements Body.
func (ShowcaseRemoved) Topic() string { return TopicShowcaseRemoved }

// PolicyChanged puts a version of a ranking policy in force: folds know policies only by it.
type PolicyChanged struct {
	Policy  id.Policy       `json:"policy"`
	Name    string          `json:"name"`
	Version int64           `json:"version"`
	Share   money.Bps       `json:"share_bps"` // of viewers
	Weights json.RawMessage `json:"weights,omitempty"`
}

// Topic implements Body.
func (PolicyChanged) Topic() string { return TopicPolicyChanged }

// PolicySplit puts policies in force side by side, in the place of all that were: one fact, so that no
// page is drawn between two parts of a change. The shares add up to the whole.
type PolicySplit struct {
	Number   int64         `json:"number"`
	Policies []PolicyShare `json:"policies"`
}

// PolicyShare is one policy of a split with its part of the viewers.
type PolicyShare struct {
	Policy  id.Policy       `json:"policy"`
	Name    string          `json:"name"`
	Version int64           `json:"version"`
	Share   money.Bps       `json:"share_bps"`
	Weights json.RawMessage `json:"weights,omitempty"` // none of the control, which is written in code
}

// Topic implements Body.
func (PolicySplit) Topic() string { return TopicPolicySplit }
