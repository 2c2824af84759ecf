// Package content owns videos and what people do with them in the open: likes, comments, follows, reports.
package content

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
	"mezzo/internal/money"
)

// Limits of content.
const (
	// MaxCaption is the longest caption, in characters.
	MaxCaption = 2200
	// MaxProducts is how many products one video may tag.
	MaxProducts = 6
	// MaxHashtags is how many hashtags one video may carry, each of at most MaxHashtag characters.
	MaxHashtags = 30
	MaxHashtag  = 50
	// MaxComment is the longest comment, in characters.
	MaxComment = 500
	// MaxReason is the longest reason of a report, in characters.
	MaxReason = 500
)

// Disclosure says how somebody is paid for what they show. It is visible in words during playback.
type Disclosure string

// The disclosures. The server adds those it knows of; people may add, never remove.
const (
	EarnsCommission Disclosure = "commission" // the creator earns when it is bought
	FreeSample      Disclosure = "sample"     // the creator was given it
	OwnBrand        Disclosure = "own_brand"  // the creator owns the brand, or works for it
)

// Words returns what the label says.
func (d Disclosure) Words() string {
	switch d {
	case EarnsCommission:
		return "Earns commission"
	case FreeSample:
		return "Free sample"
	case OwnBrand:
		return "Own brand"
	}
	return string(d)
}

// State is how far a video has come.
type State string

// The states of a video.
const (
	Processing State = "processing"
	Ready      State = "ready"
	Failed     State = "failed"
)

// Promotions says what a creator may show. affiliate keeps the shelf; it is above this room.
type Promotions interface {
	// MayPromote returns nil when every product is on the creator's shelf or of an own brand, and
	// which of them are of an own brand. Invalid names the first that is neither.
	MayPromote(tx *db.Tx, creator id.Creator, products []id.Product) (own map[id.Product]bool, err error)
}

// Gifts says what a creator was given. sample keeps it; it is above this room.
type Gifts interface {
	// Given returns of which of the products the creator was sent a free sample.
	Given(tx *db.Tx, creator id.Creator, products []id.Product) (map[id.Product]bool, error)
}

// Content is the room: its methods are what people do.
type Content struct {
	db         *db.DB
	media      *media.Media
	promotions Promotions
	gifts      Gifts // nil: nothing is given
}

// New returns the room. media may be joined later with Attach, for it needs this room as its sink.
func New(d *db.DB, promotions Promotions) *Content {
	return &Content{db: d, promotions: promotions}
}

// Attach joins the room that makes uploads playable.
func (c *Content) Attach(m *media.Media) { c.media = m }

// AttachGifts joins the room that knows of free samples. It is called before requests.
func (c *Content) AttachGifts(g Gifts) { c.gifts = g }

// Card is a video with all that a feed or a page shows of it.
type Card struct {
	ID           id.Video
	Creator      id.Creator
	Account      id.Account // of the creator
	Handle       string
	CreatorName  string
	Avatar       string // URL, "" for none
	Caption      string
	Hashtags     []string
	Disclosure   []Disclosure
	Category     string
	State        State
	FailedReason string
	Progress     int
	DurationMS   int64
	Width        int
	Height       int
	Poster       string // URL, "" for none
	Sources      []media.Rendition
	Products     []Tagged
	Likes        int64
	Comments     int64
	Liked        bool // by the asker
	Following    bool // the asker follows the creator
	Standing     string
	Reason       string // of a standing other than visible
	CreatedAt    time.Time
	ReadyAt      time.Time
	Version      int64
}

// Tagged is a product a video shows, as it is sold now.
type Tagged struct {
	ID        id.Product
	Brand     id.Brand
	BrandName string
	Title     string
	Image     string // URL of the small size, "" for none
	Price     money.Amount
	From      bool // other variants cost more
	Available int64
}

// NewVideo is what a creator posts.
type NewVideo struct {
	Upload     id.Upload
	Poster     id.Image // "" lets the server make one where it can
	Caption    string
	Products   []id.Product
	Hashtags   []string
	Disclosure []Disclosure
}

// clean checks what was typed and names every field that is wrong.
func (in NewVideo) clean() (NewVideo, error) {
	f := fault.New(fault.Invalid, "This video cannot be posted as it is.")
	in.Caption = strings.TrimSpace(in.Caption)
	if utf8.RuneCountInString(in.Caption) > MaxCaption || !utf8.ValidString(in.Caption) || strings.ContainsRune(in.Caption, 0) {
		f.WithField("body.caption", "A caption has at most %d characters.", MaxCaption)
	}
	if len(in.Products) > MaxProducts {
		f.WithField("body.product_ids", "A video tags at most %d products.", MaxProducts)
	}
	var seen []id.Product
	for _, p := range in.Products {
		if !slices.Contains(seen, p) {
			seen = append(seen, p)
		}
	}
	in.Products = seen
	tags, ok := cleanHashtags(in.Hashtags)
	if !ok {
		f.WithField("body.hashtags", "At most %d hashtags of letters, digits and _, each of at most %d.", MaxHashtags, MaxHashtag)
	}
	in.Hashtags = tags
	for _, d := range in.Disclosure {
		if d != EarnsCommission && d != FreeSample && d != OwnBrand {
			f.WithField("body.disclosure", "A disclosure is commission, sample or own_brand.")
			break
		}
	}
	if len(f.Fields) > 0 {
		return in, f
	}
	return in, nil
}

func cleanHashtags(tags []string) ([]string, bool) {
	if len(tags) > MaxHashtags {
		return nil, false
	}
	out := []string{}
	for _, t := range tags {
		t = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(t), "#"))
		if t == "" || utf8.RuneCountInString(t) > MaxHashtag || strings.ContainsFunc(t, notTag) {
			return nil, false
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, true
}

// notTag reports a character no hashtag has: what ASCII calls neither letter, digit nor _.
func notTag(r rune) bool {
	word := r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z'
	return !word && r < 0x80
}

// union returns the set of both, in the order of the disclosures.
func union(a, b []Disclosure) []Disclosure {
	out := []Disclosure{}
	for _, d := range []Disclosure{EarnsCommission, FreeSample, OwnBrand} {
		if slices.Contains(a, d) || slices.Contains(b, d) {
			out = append(out, d)
		}
	}
	return out
}

func missing(what string) error {
	return fault.New(fault.Missing, "There is no such %s.", what)
}
