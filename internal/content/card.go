package content

import (
	"context"
	"database/sql"
	"encoding/json"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/media"
	"mezzo/internal/money"
)

// Cards returns those of the videos that may be shown in a list now, in the order asked for: ready,
// visible, of an account that is visible. What is missing may not be shown. Three queries.
func (c *Content) Cards(ctx context.Context, who account.Asker, videos []id.Video) ([]Card, error) {
	return db.Get(ctx, c.db, func(tx *db.Tx) ([]Card, error) { return Cards(tx, who, videos) })
}

// Cards is the same in a caller's transaction.
func Cards(tx *db.Tx, who account.Asker, videos []id.Video) ([]Card, error) {
	if len(videos) == 0 {
		return nil, nil
	}
	in, args := db.In(1, videos)
	found, err := cardsWhere(tx, who, Listed+` AND v.id IN `+in, args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[id.Video]Card, len(found))
	for _, card := range found {
		byID[card.ID] = card
	}
	cards := make([]Card, 0, len(videos))
	for _, v := range videos {
		if card, ok := byID[v]; ok {
			cards = append(cards, card)
		}
	}
	return cards, nil
}

// Listed is what a video v of an account a must be to stand in a public list: for a WHERE.
const Listed = `v.state = 'ready' AND v.standing = 'visible' AND v.deleted_at = 0 AND a.standing = 'visible'`

// ByCreator returns a creator's videos, newest first, from after one: those in public lists, or all of
// them for the creator and the operator.
func (c *Content) ByCreator(ctx context.Context, who account.Asker, creator id.Creator, after id.Video, limit int) ([]Card, error) {
	return db.Get(ctx, c.db, func(tx *db.Tx) ([]Card, error) {
		where := Listed
		if who.Operator || (creator != "" && who.Creator == creator) {
			where = `v.deleted_at = 0`
		}
		return cardsWhere(tx, who, where+` AND v.creator_id = $1 AND (CAST($2 AS TEXT) = '' OR v.id < $2) ORDER BY v.id DESC LIMIT $3`,
			string(creator), string(after), int64(limit))
	})
}

// All returns every video, newest first, to the operator, with how it stands; standing "" is any.
func (c *Content) All(ctx context.Context, who account.Asker, standing string, after id.Video, limit int) ([]Card, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, c.db, func(tx *db.Tx) ([]Card, error) {
		return cardsWhere(tx, who, `v.deleted_at = 0 AND (CAST($1 AS TEXT) = '' OR v.standing = $1) AND (CAST($2 AS TEXT) = '' OR v.id < $2) ORDER BY v.id DESC LIMIT $3`,
			standing, string(after), int64(limit))
	})
}

const cardColumns = `SELECT v.id, v.creator_id, v.account_id, c.handle, c.display_name, c.avatar_image_id, v.caption, v.hashtags, v.disclosure, v.category, v.state,
	v.failed_reason, v.progress, v.duration_ms, v.width, v.height, v.poster, v.standing, v.standing_reason, v.created_at, v.ready_at, v.version,
	(SELECT COUNT(*) FROM likes l WHERE l.video_id = v.id), (SELECT COUNT(*) FROM comments m WHERE m.video_id = v.id AND m.standing = 'visible')
	FROM videos v JOIN creators c ON c.id = v.creator_id JOIN accounts a ON a.id = v.account_id WHERE `

// cardsWhere reads cards whole: the videos, their renditions and their products.
func cardsWhere(tx *db.Tx, who account.Asker, where string, args ...any) ([]Card, error) {
	avatars := map[id.Video]id.Image{}
	cards, err := db.All(tx, func(r *sql.Rows) (Card, error) {
		card, avatar, err := scanCard(r)
		if avatar != "" {
			avatars[card.ID] = avatar
		}
		return card, err
	}, cardColumns+where, args...)
	if err != nil || len(cards) == 0 {
		return nil, err
	}
	videos := make([]id.Video, len(cards))
	at := make(map[id.Video]*Card, len(cards))
	for i := range cards {
		videos[i], at[cards[i].ID] = cards[i].ID, &cards[i]
	}
	sources, err := media.Sources(tx, videos...)
	if err != nil {
		return nil, err
	}
	for v, card := range at {
		card.Sources = sources[v]
	}
	if err := addProducts(tx, videos, at, avatars); err != nil {
		return nil, err
	}
	return cards, addAsker(tx, who, videos, at)
}

func scanCard(r *sql.Rows) (Card, id.Image, error) {
	var card Card
	var hashtags, disclosure, poster string
	var avatar id.Image
	var created, ready int64
	err := r.Scan(&card.ID, &card.Creator, &card.Account, &card.Handle, &card.CreatorName, &avatar, &card.Caption, &hashtags, &disclosure, &card.Category, &card.State,
		&card.FailedReason, &card.Progress, &card.DurationMS, &card.Width, &card.Height, &poster, &card.Standing, &card.Reason, &created, &ready, &card.Version,
		&card.Likes, &card.Comments)
	if err != nil {
		return card, "", err
	}
	card.Poster, card.CreatedAt, card.ReadyAt = media.URL(poster), db.Time(created), db.Time(ready)
	if err := json.Unmarshal([]byte(hashtags), &card.Hashtags); err != nil {
		return card, "", err
	}
	return card, avatar, json.Unmarshal([]byte(disclosure), &card.Disclosure)
}

// addProducts adds what the videos show, at today's lowest price, with pictures. A removed or
// archived product is not shown.
func addProducts(tx *db.Tx, videos []id.Video, at map[id.Video]*Card, avatars map[id.Video]id.Image) error {
	type tag struct {
		video id.Video
		image id.Image
		Tagged
	}
	in, args := db.In(1, videos)
	tags, err := db.All(tx, func(r *sql.Rows) (tag, error) {
		var t tag
		var images string
		var low, high int64
		var c money.Currency
		err := r.Scan(&t.video, &t.ID, &t.Brand, &t.BrandName, &t.Title, &images, &c, &low, &high, &t.Available)
		if err != nil {
			return t, err
		}
		t.Price, t.From = money.Of(low, c), high > low
		var list []id.Image
		if err := json.Unmarshal([]byte(images), &list); err == nil && len(list) > 0 {
			t.image = list[0]
		}
		return t, nil
	}, `SELECT t.video_id, p.id, p.brand_id, b.name, p.title, p.images, p.currency,
		CAST(MIN(v.price_minor) AS BIGINT), CAST(MAX(v.price_minor) AS BIGINT), CAST(SUM(s.on_hand - s.reserved) AS BIGINT)
		FROM video_products t JOIN products p ON p.id = t.product_id JOIN brands b ON b.id = p.brand_id
		JOIN variants v ON v.product_id = p.id AND v.state = 'active' JOIN stock s ON s.variant_id = v.id
		WHERE p.state = 'active' AND p.standing = 'visible' AND t.video_id IN `+in+`
		GROUP BY t.video_id, t.position, p.id, p.brand_id, b.name, p.title, p.images, p.currency ORDER BY t.video_id, t.position`, args...)
	if err != nil {
		return err
	}
	var wanted []id.Image
	for _, t := range tags {
		if t.image != "" {
			wanted = append(wanted, t.image)
		}
	}
	for _, a := range avatars {
		wanted = append(wanted, a)
	}
	images, err := media.Images(tx, wanted...)
	if err != nil {
		return err
	}
	for _, t := range tags {
		if image, ok := images[t.image]; ok {
			t.Image = image.SmallURL()
		}
		at[t.video].Products = append(at[t.video].Products, t.Tagged)
	}
	for v, a := range avatars {
		if image, ok := images[a]; ok {
			at[v].Avatar = image.SmallURL()
		}
	}
	return nil
}

// addAsker adds what the asker has to do with the videos: nothing for nobody.
func addAsker(tx *db.Tx, who account.Asker, videos []id.Video, at map[id.Video]*Card) error {
	if who.Account == "" {
		return nil
	}
	in, args := db.In(2, videos)
	liked, err := db.All(tx, scanID[id.Video], `SELECT video_id FROM likes WHERE account_id = $1 AND video_id IN `+in, append([]any{string(who.Account)}, args...)...)
	if err != nil {
		return err
	}
	for _, v := range liked {
		at[v].Liked = true
	}
	follows, err := db.All(tx, scanID[id.Video], `SELECT v.id FROM videos v JOIN follows f ON f.creator_id = v.creator_id AND f.account_id = $1 WHERE v.id IN `+in,
		append([]any{string(who.Account)}, args...)...)
	for _, v := range follows {
		at[v].Following = true
	}
	return err
}

func scanID[T ~string](r *sql.Rows) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}
