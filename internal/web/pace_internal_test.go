package web

import (
	"testing"

	"mezzo/internal/content"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/money"
)

// Best and worst are told apart by what a thousand views sell, among videos that were seen enough, and only where there are two.
func TestBestAndWorst(t *testing.T) {
	seen := func(name string, views, gpm int64) ranked {
		r := ranked{content.Card{}, insight.Figures{Views: views}}
		r.ID, r.Caption = id.Video(name), name
		if gpm > 0 {
			r.GPM = &money.Amount{Minor: gpm, Currency: "USD"}
		}
		return r
	}
	got := bestAndWorst([]ranked{seen("lucky", 3, 90_000), seen("good", 2000, 4100), seen("middling", 150, 900), seen("idle", 400, 0), seen("unseen", 0, 0)})
	if len(got) != 2 || got[0].Head != "Best" || got[0].Title != "good" || got[1].Head != "Worst" || got[1].Title != "idle" {
		t.Errorf("best and worst are %+v", got)
	}
	if got := bestAndWorst([]ranked{seen("only", 2000, 4100), seen("lucky", rankViews-1, 90_000)}); len(got) != 0 {
		t.Errorf("one video is compared with itself: %+v", got)
	}
}
