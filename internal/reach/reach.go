// Package reach owns what people see and decide of the ranking: the operator's policies, how each video's
// reach came about and what its creator holds against it, and the audit of served pages.
package reach

import (
	"strings"
	"sync"
	"unicode/utf8"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/rank"
)

// Ranking is what the room needs of the ranking that runs here: *rank.Fold.
type Ranking interface {
	Preview(p rank.Policy, most int) rank.Preview
	Distribution(video [16]byte) (rank.Distribution, bool)
	Quality() ([rank.Heads]rank.Report, uint64)
	Lately(most int) []rank.Request
}

// Options of the room.
type Options struct {
	// Ranking returns the ranking that runs here, false while it is not ready. nil: none runs.
	Ranking func() (Ranking, bool)
	// Log is where served pages are found again. nil: none can be.
	Log Log
	// Snapshot opens the newest snapshot of the ranking at or before a place of the log. nil: none are kept.
	Snapshot Snapshot
}

// Reach is the room.
type Reach struct {
	db       *db.DB
	o        Options
	auditing sync.Mutex // an audit from a snapshot holds a second ranking in memory: one at a time
}

// New returns the room.
func New(d *db.DB, o Options) *Reach { return &Reach{db: d, o: o} }

// ranking returns the ranking, or Unavailable while there is none to ask.
func (r *Reach) ranking() (Ranking, error) {
	if r.o.Ranking != nil {
		if f, ready := r.o.Ranking(); ready {
			return f, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "The ranking is still being read from the log. Try again in a moment.").After(retryAfter)
}

// Runs reports whether the ranking chooses here now. Until it does, feeds are drawn evenly.
func (r *Reach) Runs() bool {
	_, err := r.ranking()
	return err == nil
}

// MaxReason is the longest reason, dispute or answer, in characters.
const MaxReason = 1000

// reasonOf reads a sentence somebody will read later.
func reasonOf(text, field, why string) (string, error) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n == 0 || n > MaxReason || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", fault.InvalidField("body."+field, "%s, in at most %d characters.", why, MaxReason)
	}
	return text, nil
}

// Never lists what has no part in the feed, in words for everybody.
func Never() []string {
	return []string{
		"how many followers anybody has, or who they are",
		"how often a creator was watched, or what they sold, over their life",
		"anybody's age, sex, place, language or contacts",
		"anything bought from others, and anything written in messages or comments",
		"what a brand or a creator pays: nothing here can be paid for",
	}
}
