package feed

import (
	"context"

	"mezzo/internal/account"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

// followed reads the newest videos of the creators an account follows, complete: sold out or not.
const followed = `SELECT v.id FROM follows f JOIN videos v ON v.creator_id = f.creator_id JOIN accounts a ON a.id = v.account_id
	WHERE f.account_id = $1 AND ` + content.Listed + ` AND (CAST($2 AS TEXT) = '' OR v.id < $2) ORDER BY v.id DESC LIMIT $3`

// following returns the newest videos of those the asker follows, without draw or odds. Nobody
// who has not signed in follows anybody.
func (f *Feed) following(ctx context.Context, who account.Asker, q Query, served *event.Served) (Page, error) {
	page := Page{Policy: Newest(), Items: []Item{}}
	var after id.Video
	if q.Cursor != "" {
		last, err := f.keys.Unseal(cursorPurpose, q.Cursor)
		if after = id.Video(last); err != nil || !after.Valid() {
			return Page{}, badCursor()
		}
	}
	if who.Account == "" {
		return page, nil
	}
	more := true
	err := f.db.Read(ctx, func(tx *db.Tx) error {
		hidden, err := hiddenFrom(tx, who)
		if err != nil {
			return err
		}
		for more && len(page.Items) < q.Limit {
			var cards []content.Card
			if cards, more, err = followedCards(tx, who, &after, q.Limit-len(page.Items), hidden); err != nil {
				return err
			}
			for _, card := range cards {
				page.add(card, served)
			}
		}
		return nil
	})
	if err == nil && more {
		page.Next = f.keys.Seal(cursorPurpose, []byte(after))
	}
	return page, err
}

// add puts a card on a page that is not drawn.
func (p *Page) add(card content.Card, served *event.Served) {
	u, err := card.ID.UUID()
	if err != nil {
		return
	}
	served.Candidates = append(served.Candidates, u)
	served.Slots = append(served.Slots, event.Slot{Candidate: uint16(len(served.Slots)), Kind: event.SlotFixed})
	p.Items = append(p.Items, Item{Slot: len(served.Slots), Card: card, Why: []string{whyFollowing, whyNewest}})
}

// followedCards reads up to limit cards that come after one, moves after on, and says whether
// there are more.
func followedCards(tx *db.Tx, who account.Asker, after *id.Video, limit int, hidden map[[16]byte]struct{}) ([]content.Card, bool, error) {
	videos, err := db.All(tx, scanVideo, followed, string(who.Account), string(*after), int64(limit+1))
	if err != nil {
		return nil, false, err
	}
	more := len(videos) > limit
	videos = videos[:min(len(videos), limit)]
	if len(videos) == 0 {
		return nil, false, nil
	}
	*after = videos[len(videos)-1]
	show := videos[:0]
	for _, v := range videos {
		u, err := v.UUID()
		if err != nil {
			continue
		}
		if _, hide := hidden[u]; !hide {
			show = append(show, v)
		}
	}
	cards, err := content.Cards(tx, who, show)
	return cards, more, err
}
