package archive

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/stream"
)

// A served page is said in the API's names, whatever the program calls its fields.
func TestServedPagesAreSaidInTheAPIsNames(t *testing.T) {
	s := event.Served{Request: id.Request("").From(uuid.UUID{1}), Viewer: id.Viewer("").From(uuid.UUID{2}), Policy: id.Policy("").From(uuid.UUID{3}), PolicyVersion: 4,
		Surface: id.SurfaceHome, At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Position: "1.2.3", Seed: 1 << 63, Candidates: []uuid.UUID{{5}, {6}}, Sources: []uint16{1, 6},
		Slots: []event.Slot{{Candidate: 1, Kind: event.SlotSampled, Propensity: 0.25}, {Candidate: 0, Kind: event.SlotFixed}}, Detail: []byte{1, 0, 255}, Sum: uuid.UUID{7}}
	data, err := s.AppendEncode(nil)
	if err != nil {
		t.Fatal(err)
	}
	body := rowOf(stream.Record{Kind: event.KindServed, Data: data, At: s.At}).Body
	if upper := regexp.MustCompile(`"[A-Za-z_]*[A-Z][A-Za-z_]*":`).FindString(body); upper != "" {
		t.Errorf("the field %s in %s", upper, body)
	}
	var got struct {
		Policy string `json:"policy_id"`
		Seed   string `json:"seed"`
		Slots  []struct {
			Video      id.Video `json:"video_id"`
			Kind       string   `json:"kind"`
			Propensity *float64 `json:"propensity"`
		} `json:"slots"`
		Candidates []struct {
			Sources uint16 `json:"sources"`
		} `json:"candidates"`
		Detail []byte `json:"detail"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.Policy != string(s.Policy) || got.Seed != "8000000000000000" || len(got.Slots) != 2 || got.Slots[0].Video != id.Video("").From(uuid.UUID{6}) || got.Slots[0].Kind != "sampled" ||
		*got.Slots[0].Propensity != 0.25 || got.Slots[1].Kind != "fixed" || got.Slots[1].Propensity != nil || got.Candidates[1].Sources != 6 || len(got.Detail) != 3 {
		t.Errorf("it says %s", body)
	}
}
