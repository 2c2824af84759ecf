package media_test

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"mezzo/internal/media"
)

// The demo's clips are posted through the front door: they must pass it as they are, never transcoded.
func TestClipsOfTheDemoNeedNothingDone(t *testing.T) {
	folder := filepath.Join("..", "demo")
	text, err := os.ReadFile(filepath.Join(folder, "clips", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Width, Height int
		Clips         []struct {
			Clip, Poster, Alt string
			Goods, Captions   []string
		}
		Goods []struct{ ID, Picture, Title string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	known, total := map[string]bool{}, 0
	for _, good := range manifest.Goods {
		known[good.ID] = true
		picture, err := os.ReadFile(filepath.Join(folder, "pictures", good.Picture))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width != 800 || c.Height != 800 || len(picture) > 60_000 {
			t.Errorf("%s: %d × %d in %d bytes (%v)", good.Picture, c.Width, c.Height, len(picture), err)
		}
	}
	for _, clip := range manifest.Clips {
		content, err := os.ReadFile(filepath.Join(folder, "clips", clip.Clip))
		if err != nil {
			t.Fatal(err)
		}
		total += len(content)
		info, err := media.Probe(bytes.NewReader(content))
		if err != nil || !info.PlaysAsIs() || !info.Faststart || !info.Clean || info.AudioCodec != "aac" || info.DurationMS != 8000 ||
			info.Width != manifest.Width || info.Height != manifest.Height || len(content) > 250_000 {
			t.Errorf("%s: %+v (%v)", clip.Clip, info, err)
		}
		poster, err := os.ReadFile(filepath.Join(folder, "clips", clip.Poster))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(poster)); err != nil || c.Width != info.Width || c.Height != info.Height || len(poster) > 40_000 {
			t.Errorf("%s: %d × %d in %d bytes (%v)", clip.Poster, c.Width, c.Height, len(poster), err)
		}
		if len(clip.Goods) == 0 || len(clip.Captions) == 0 || clip.Alt == "" {
			t.Errorf("%s: lacks goods, captions or words", clip.Clip)
		}
		for _, id := range clip.Goods {
			if !known[id] {
				t.Errorf("%s shows %q, which the manifest does not name", clip.Clip, id)
			}
		}
	}
	if len(manifest.Clips) < 12 || len(manifest.Goods) < 16 || total > 3_000_000 {
		t.Errorf("%d clips of %d bytes, %d goods", len(manifest.Clips), total, len(manifest.Goods))
	}
}
