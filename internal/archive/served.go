package archive

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// served is a served page as the files say it, in the API's names. Numbers of 64 bits that are no counts are
// texts, since readers of JSON hold only 53 bits of a number.
type served struct {
	Policy        string          `json:"policy_id"`
	PolicyVersion uint32          `json:"policy_version"`
	PolicyHash    string          `json:"policy_hash,omitempty"` // of the weights, hexadecimal
	Surface       string          `json:"surface"`
	Profiling     bool            `json:"profiling"`
	Category      string          `json:"category,omitempty"`
	Device        uint8           `json:"device,omitempty"` // as agents are numbered
	Position      string          `json:"position"`         // of the log, at which the page was scored
	Seed          string          `json:"seed"`             // of the draw, hexadecimal
	Way           string          `json:"way,omitempty"`    // the viewer's way through the feed, hexadecimal
	Offset        uint32          `json:"offset,omitempty"` // places of the way before this page
	Wanted        uint16          `json:"wanted,omitempty"` // places asked for
	Candidates    []candidate     `json:"candidates"`
	Among         uint16          `json:"among,omitempty"` // how many candidates there were, where only the drawn ones are listed
	Slots         []slot          `json:"slots"`
	Skipped       []id.Video      `json:"skipped,omitempty"`
	Sum           string          `json:"sum,omitempty"`    // of what was predicted of every candidate
	Detail        json.RawMessage `json:"detail,omitempty"` // what was predicted, on one page in a hundred
	At            time.Time       `json:"at"`
}

type candidate struct {
	Video   id.Video `json:"video_id"`
	Sources uint16   `json:"sources,omitempty"` // a bit set of where it came from
}

type slot struct {
	Slot       int      `json:"slot"` // 1 is the first
	Video      id.Video `json:"video_id"`
	Kind       string   `json:"kind"`
	Propensity *float64 `json:"propensity"` // null where it was not drawn
}

var slotKinds = [...]string{event.SlotSampled: "sampled", event.SlotExplore: "explore", event.SlotFixed: "fixed", event.SlotWithheld: "withheld"}

// servedBody writes a served page as JSON.
func servedBody(s *event.Served) string {
	out := served{Policy: string(s.Policy), PolicyVersion: s.PolicyVersion, PolicyHash: hexOf(s.PolicyHash), Surface: s.Surface.String(), Profiling: s.Profiling,
		Category: s.Category, Device: s.Device, Position: s.Position, Seed: fmt.Sprintf("%016x", s.Seed), Way: hexOf(s.Way), Offset: s.Offset, Wanted: s.Wanted,
		Among: s.Among, Candidates: []candidate{}, Slots: []slot{}, At: s.At}
	for i, c := range s.Candidates {
		one := candidate{Video: id.Video("").From(c)}
		if i < len(s.Sources) {
			one.Sources = s.Sources[i]
		}
		out.Candidates = append(out.Candidates, one)
	}
	for i, one := range s.Slots {
		said := slot{Slot: i + 1, Video: s.Video(one)}
		if int(one.Kind) < len(slotKinds) {
			said.Kind = slotKinds[one.Kind]
		}
		if one.Kind != event.SlotFixed {
			said.Propensity = &s.Slots[i].Propensity
		}
		out.Slots = append(out.Slots, said)
	}
	for _, v := range s.Skipped {
		out.Skipped = append(out.Skipped, id.Video("").From(v))
	}
	if s.Sum != uuid.Nil {
		out.Sum = s.Sum.String()
	}
	switch {
	case json.Valid(s.Detail):
		out.Detail = s.Detail
	case len(s.Detail) > 0: // not JSON: in base64, as JSON holds bytes
		out.Detail, _ = json.Marshal(s.Detail)
	}
	body, err := json.Marshal(out)
	if err != nil {
		return "" // a propensity that is no number: the record itself is kept beside
	}
	return string(body)
}

// hexOf writes a number in hexadecimal, nothing for 0.
func hexOf(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", n)
}
