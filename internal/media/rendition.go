package media

import (
	"database/sql"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

// The roles a rendition plays.
const (
	Original = "original" // the video as it was sent, repackaged
	Poster   = "poster"   // a frame of it
)

// Rendition is one form of a video, kept as a blob.
type Rendition struct {
	Role       string `json:"role"` // original, 720p, 480p: the shorter side; poster
	Name       string `json:"name"` // of the blob
	Type       string `json:"type"` // media type
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	BitrateBPS int64  `json:"bitrate_bps"` // 0 for a poster
	Bytes      int64  `json:"bytes"`
}

// URL returns where the rendition is served from.
func (r Rendition) URL() string { return URL(r.Name) }

// Result is what was made of a video: sources, the largest first, and a poster if there is one.
type Result struct {
	Sources    []Rendition `json:"sources"`
	Poster     string      `json:"poster"` // blob name; "" when nobody made one
	DurationMS int64       `json:"duration_ms"`
	Width      int         `json:"width"` // as a viewer sees it
	Height     int         `json:"height"`
}

// add notes a rendition of a video.
func add(tx *db.Tx, video id.Video, r Rendition) error {
	_, err := tx.Exec(`INSERT INTO renditions (video_id, role, name, type, width, height, bitrate_bps, bytes, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, video, r.Role, r.Name, r.Type, r.Width, r.Height, r.BitrateBPS, r.Bytes, db.Micros(tx.Now()))
	return err
}

// Sources returns the renditions of the videos that can be played, the largest first.
func Sources(tx *db.Tx, videos ...id.Video) (map[id.Video][]Rendition, error) {
	found := make(map[id.Video][]Rendition, len(videos))
	for len(videos) > 0 {
		some := videos[:min(len(videos), imageIDs)]
		videos = videos[len(some):]
		args := make([]any, len(some))
		for i, video := range some {
			args[i] = video
		}
		_, err := db.All(tx, func(rows *sql.Rows) (struct{}, error) {
			var video id.Video
			var r Rendition
			err := rows.Scan(&video, &r.Role, &r.Name, &r.Type, &r.Width, &r.Height, &r.BitrateBPS, &r.Bytes)
			found[video] = append(found[video], r)
			return struct{}{}, err
		}, `SELECT video_id, role, name, type, width, height, bitrate_bps, bytes FROM renditions
			WHERE role <> 'poster' AND video_id IN (`+marks(len(some))+`) ORDER BY video_id, bitrate_bps DESC, role`, args...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Forget drops what was made of a video, and stops what is being made. Its blobs go once nothing
// else names them.
func Forget(tx *db.Tx, video id.Video) error {
	if _, err := tx.Exec(`DELETE FROM renditions WHERE video_id = $1`, video); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE uploads SET state = 'done' WHERE video_id = $1 AND state = 'claimed'`, video)
	return err
}
