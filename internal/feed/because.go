package feed

import (
	"database/sql"
	"strings"
	"unicode/utf8"

	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/rank"
)

// nameMost is how much of a caption names a video in a reason, in characters.
const nameMost = 40

// namesOf returns what the videos are called by which others came onto a page: the viewer's own deeds, as long
// as they may still be shown.
func namesOf(tx *db.Tx, drew *rank.Page, items []shown) (map[[16]byte]string, error) {
	var videos []id.Video
	for _, s := range items {
		if by := drew.Candidates[drew.Slots[s.slot-1].Candidate].Because; by != ([16]byte{}) {
			videos = append(videos, id.Video("").From(by))
		}
	}
	if len(videos) == 0 {
		return nil, nil
	}
	in, args := db.In(1, videos)
	names := map[[16]byte]string{}
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var v id.Video
		var caption, by string
		err := r.Scan(&v, &caption, &by)
		if u, wrong := v.UUID(); err == nil && wrong == nil {
			names[u] = nameOf(caption, by)
		}
		return struct{}{}, err
	}, `SELECT v.id, v.caption, c.display_name FROM videos v JOIN accounts a ON a.id = v.account_id JOIN creators c ON c.id = v.creator_id WHERE `+content.Listed+` AND v.id IN `+in, args...)
	return names, err
}

// nameOf is a caption's first words, or whose video it is where it has none.
func nameOf(caption, by string) string {
	caption = strings.Join(strings.Fields(caption), " ")
	if caption == "" {
		return "a video by " + by
	}
	if utf8.RuneCountInString(caption) <= nameMost {
		return caption
	}
	cut := string([]rune(caption)[:nameMost])
	if at := strings.LastIndexByte(cut, ' '); at > nameMost/2 {
		cut = cut[:at]
	}
	return cut + "…"
}
