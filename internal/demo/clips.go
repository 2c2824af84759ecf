package demo

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed clips/*.mp4 clips/*.jpg clips/manifest.json pictures/*.jpg
var files embed.FS

// manifest says what the clips show and what the goods are.
type manifest struct {
	Currency string
	Clips    []clip
	Goods    []goods
}

// clip is a short film, with captions to post it under.
type clip struct {
	Clip, Poster string
	Goods        []string // ids of what it shows
	Captions     []string
}

// goods is something to sell.
type goods struct {
	ID, Picture, Title, Category, Description string
	Price                                     int64 `json:"price_minor"`
	Weight                                    int64 `json:"weight_grams"`
}

// readManifest returns what the clips' folder says of itself.
func readManifest() (manifest, error) {
	var m manifest
	text, err := files.ReadFile("clips/manifest.json")
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("the manifest of the demo's clips cannot be read: %w", err)
	}
	return m, nil
}

// Film returns a short H.264 MP4, for loads that need something to see.
func Film() ([]byte, error) { return files.ReadFile("clips/evening.mp4") }
