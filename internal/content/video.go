package content

import (
	"context"
	"encoding/json"
	"slices"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
)

// Post makes a video of a finished upload. Its products must be on the creator's shelf or of an own
// brand; the server adds the disclosures it knows. It answers at once, in state processing.
func (c *Content) Post(ctx context.Context, who account.Asker, in NewVideo) (Card, error) {
	if err := who.IsCreator(); err != nil {
		return Card{}, err
	}
	if err := who.May(account.ContentWrite); err != nil {
		return Card{}, err
	}
	in, err := in.clean()
	if err != nil {
		return Card{}, err
	}
	return db.Do(ctx, c.db, func(tx *db.Tx) (Card, error) {
		var v id.Video
		v = v.Next(tx.Now())
		known, category, err := c.tag(tx, who.Creator, v, in.Products)
		if err != nil {
			return Card{}, err
		}
		_, err = tx.Exec(`INSERT INTO videos(id, creator_id, account_id, upload_id, poster_image_id, caption, hashtags, disclosure, category, state, created_at)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,'processing',$10)`,
			v, who.Creator, who.Account, in.Upload, in.Poster, in.Caption, list(in.Hashtags), list(union(in.Disclosure, known)), category, db.Micros(tx.Now()))
		if err != nil {
			return Card{}, err
		}
		if err := c.storeTags(tx, v, in.Products); err != nil {
			return Card{}, err
		}
		if err := c.media.Process(tx, who.Account, v, in.Upload, in.Poster); err != nil {
			return Card{}, err
		}
		return own(tx, who, v)
	})
}

// tag checks the products a video shows and returns what the server must disclose of them, and the
// category of the first.
func (c *Content) tag(tx *db.Tx, creator id.Creator, v id.Video, products []id.Product) (known []Disclosure, category string, err error) {
	if len(products) == 0 {
		return nil, "", nil
	}
	own, err := c.promotions.MayPromote(tx, creator, products)
	if err != nil {
		return nil, "", err
	}
	for _, p := range products {
		if own[p] {
			known = union(known, []Disclosure{OwnBrand})
		} else {
			known = union(known, []Disclosure{EarnsCommission})
		}
	}
	if c.gifts != nil {
		given, err := c.gifts.Given(tx, creator, products)
		if err != nil {
			return nil, "", err
		}
		if len(given) > 0 {
			known = union(known, []Disclosure{FreeSample})
		}
	}
	err = tx.Row(`SELECT category FROM products WHERE id = $1`, products[0]).Scan(&category)
	return known, category, err
}

func (c *Content) storeTags(tx *db.Tx, v id.Video, products []id.Product) error {
	if _, err := tx.Exec(`DELETE FROM video_products WHERE video_id = $1`, v); err != nil {
		return err
	}
	for i, p := range products {
		if _, err := tx.Exec(`INSERT INTO video_products(video_id, product_id, brand_id, position) SELECT $1, id, brand_id, $2 FROM products WHERE id = $3`, v, int64(i), p); err != nil {
			return err
		}
	}
	return nil
}

// Change is what a creator may change of a video; nil leaves it.
type Change struct {
	Caption    *string
	Hashtags   *[]string
	Products   *[]id.Product
	Disclosure *[]Disclosure // added to what is there; nothing is ever taken away
}

// Update changes an own video. match is the version If-Match names, 0 for any.
func (c *Content) Update(ctx context.Context, who account.Asker, v id.Video, match int64, in Change) (Card, error) {
	if err := who.IsCreator(); err != nil {
		return Card{}, err
	}
	if err := who.May(account.ContentWrite); err != nil {
		return Card{}, err
	}
	return db.Do(ctx, c.db, func(tx *db.Tx) (Card, error) {
		card, err := own(tx, who, v)
		if err != nil {
			return Card{}, err
		}
		if match != 0 && match != card.Version {
			return Card{}, fault.New(fault.Stale, "This video has changed since you read it. Read it again.")
		}
		next := NewVideo{Caption: card.Caption, Hashtags: card.Hashtags, Disclosure: card.Disclosure}
		for _, t := range card.Products {
			next.Products = append(next.Products, t.ID)
		}
		if in.Caption != nil {
			next.Caption = *in.Caption
		}
		if in.Hashtags != nil {
			next.Hashtags = *in.Hashtags
		}
		if in.Products != nil {
			next.Products = *in.Products
		}
		if in.Disclosure != nil {
			next.Disclosure = slices.Concat(card.Disclosure, *in.Disclosure)
		}
		if next, err = next.clean(); err != nil {
			return Card{}, err
		}
		next.Disclosure = union(next.Disclosure, nil)
		return c.store(tx, who, v, card, next, in.Products != nil)
	})
}

func (c *Content) store(tx *db.Tx, who account.Asker, v id.Video, card Card, next NewVideo, retag bool) (Card, error) {
	category := card.Category
	if retag {
		known, of, err := c.tag(tx, who.Creator, v, next.Products)
		if err != nil {
			return Card{}, err
		}
		if err := c.storeTags(tx, v, next.Products); err != nil {
			return Card{}, err
		}
		category, next.Disclosure = of, union(next.Disclosure, known)
	}
	_, err := tx.Exec(`UPDATE videos SET caption = $1, hashtags = $2, disclosure = $3, category = $4, version = version + 1 WHERE id = $5`,
		next.Caption, list(next.Hashtags), list(next.Disclosure), category, v)
	if err != nil {
		return Card{}, err
	}
	if card, err = own(tx, who, v); err != nil || card.State != Ready {
		return card, err
	}
	return card, event.Emit(tx, event.VideoUpdated{VideoState: card.fact()})
}

// Delete takes an own video away for good; what was sold by it stays sold.
func (c *Content) Delete(ctx context.Context, who account.Asker, v id.Video) error {
	if err := who.May(account.ContentWrite); err != nil {
		return err
	}
	_, err := db.Do(ctx, c.db, func(tx *db.Tx) (struct{}, error) {
		card, err := own(tx, who, v)
		if err != nil {
			return struct{}{}, err
		}
		if _, err := tx.Exec(`UPDATE videos SET deleted_at = $1, version = version + 1 WHERE id = $2`, db.Micros(tx.Now()), v); err != nil {
			return struct{}{}, err
		}
		if err := media.Forget(tx, v); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, event.Emit(tx, event.VideoDeleted{Video: v, Creator: card.Creator})
	})
	return err
}

// Video returns a video as the asker may see it: a ready one that is not removed, or an own one
// however it stands; the operator sees all.
func (c *Content) Video(ctx context.Context, who account.Asker, v id.Video) (Card, error) {
	return db.Get(ctx, c.db, func(tx *db.Tx) (Card, error) {
		cards, err := cardsWhere(tx, who, `v.id = $1 AND v.deleted_at = 0`, v)
		if err != nil {
			return Card{}, err
		}
		if len(cards) == 0 || !cards[0].seenBy(who) {
			return Card{}, missing("video")
		}
		return cards[0], nil
	})
}

// seenBy reports whether the asker may open the card by its address.
func (c Card) seenBy(who account.Asker) bool {
	if who.Operator || (who.Account != "" && who.Account == c.Account) {
		return true
	}
	return c.State == Ready && c.Standing != "removed"
}

// own returns an own video in any state; Missing when it is not the asker's.
func own(tx *db.Tx, who account.Asker, v id.Video) (Card, error) {
	cards, err := cardsWhere(tx, who, `v.id = $1 AND v.deleted_at = 0`, v)
	if err == nil && (len(cards) == 0 || who.Account == "" || cards[0].Account != who.Account) {
		return Card{}, missing("video of yours")
	}
	if err != nil {
		return Card{}, err
	}
	return cards[0], nil
}

func (c Card) fact() event.VideoState {
	s := event.VideoState{Video: c.ID, Creator: c.Creator, Category: c.Category, DurationMS: c.DurationMS, CreatedAt: c.CreatedAt, Products: []id.Product{}}
	for _, t := range c.Products {
		s.Products, s.Brands = append(s.Products, t.ID), append(s.Brands, t.Brand)
	}
	return s
}

// MediaReady implements media.Sink: the video can be played, and the log is told.
func (c *Content) MediaReady(tx *db.Tx, v id.Video, r media.Result) error {
	n, err := tx.Exec(`UPDATE videos SET state = 'ready', progress = 100, duration_ms = $1, width = $2, height = $3, poster = $4, ready_at = $5, version = version + 1
		WHERE id = $6 AND state = 'processing' AND deleted_at = 0`, r.DurationMS, int64(r.Width), int64(r.Height), r.Poster, db.Micros(tx.Now()), v)
	if err != nil || n == 0 {
		return err
	}
	cards, err := cardsWhere(tx, account.Asker{}, `v.id = $1`, v)
	if err != nil || len(cards) == 0 {
		return err
	}
	return event.Emit(tx, event.VideoReady{VideoState: cards[0].fact()})
}

// MediaFailed implements media.Sink.
func (c *Content) MediaFailed(tx *db.Tx, v id.Video, reason string) error {
	_, err := tx.Exec(`UPDATE videos SET state = 'failed', failed_reason = $1, version = version + 1 WHERE id = $2 AND state = 'processing'`, reason, v)
	return err
}

// MediaProgress implements media.Sink.
func (c *Content) MediaProgress(tx *db.Tx, v id.Video, percent int) error {
	_, err := tx.Exec(`UPDATE videos SET progress = $1 WHERE id = $2 AND state = 'processing'`, int64(percent), v)
	return err
}

// list encodes a list for its column.
func list[T any](items []T) string {
	if len(items) == 0 {
		return "[]"
	}
	b, err := json.Marshal(items)
	if err != nil {
		return "[]"
	}
	return string(b)
}
