package reach

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/rank"
	"mezzo/internal/stream"
)

// Log is what an audit needs of the event log: *stream.Log.
type Log interface {
	Since(ctx context.Context, moment time.Time) (stream.Position, error)
	End(ctx context.Context) (stream.Position, error)
	Follow(ctx context.Context, from stream.Position, batch int, fn func([]stream.Record) error) error
}

// Snapshot opens the newest snapshot of the ranking at or before a place of the log, in a fold of its own, and
// says where it stands and by which build it was made; close lets go of it. An error says why there is none.
type Snapshot func(at stream.Position) (f *rank.Fold, from stream.Position, build string, close func() error, err error)

// Proof is one way a page was drawn again.
type Proof struct {
	Done    bool     `json:"done"`
	Why     string   `json:"why,omitempty" doc:"Why it could not be done"`
	From    string   `json:"from,omitempty" doc:"What it was drawn again from"`
	Differs []string `json:"differs" nullable:"false" doc:"What is not as it was logged; empty: the same to the byte"`
}

// Same reports whether the page was drawn again and is the same to the byte.
func (p Proof) Same() bool { return p.Done && len(p.Differs) == 0 }

// Audit is a served page held against how it would have been drawn.
type Audit struct {
	Request    id.Request `json:"request_id"`
	Policy     string     `json:"policy"`
	Version    uint32     `json:"policy_version"`
	Surface    string     `json:"surface"`
	Profiling  bool       `json:"profiling"`
	At         time.Time  `json:"at"`
	Position   string     `json:"position"`
	Candidates int        `json:"candidates"`
	Skipped    int        `json:"skipped"`
	Slots      []Place    `json:"slots" nullable:"false"`
	InFull     bool       `json:"in_full" doc:"Its record holds every prediction; on one page in a hundred"`
	Record     Proof      `json:"record" doc:"From the record of the page alone: candidates, predictions, seed"`
	Replay     Proof      `json:"replay" doc:"From a snapshot and the log before the page, without reading what was served"`
	Verdict    string     `json:"verdict"`
}

// Place is one slot of an audited page.
type Place struct {
	Video      id.Video `json:"video_id"`
	Kind       string   `json:"kind" enum:"sampled,explore,fixed,withheld"`
	Propensity float64  `json:"propensity"`
}

// Asked is a request for a page that can be audited.
type Asked struct {
	Request   id.Request
	At        time.Time // by its id
	Surface   string
	Category  string // slug, of a category's page
	Profiling bool
	Places    int
	InFull    bool // its record holds every prediction: no snapshot is needed to draw it again
}

// Lately returns the last pages that were asked for and are in the log, the newest first: up to most of them, and then
// those of the ranking's memory that are logged in full. None while the ranking does not run here. For the operator.
func (r *Reach) Lately(who account.Asker, most int) ([]Asked, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	f, err := r.ranking()
	if err != nil {
		return []Asked{}, nil // the page says that the ranking does not run
	}
	list, full := []Asked{}, []Asked{}
	for _, q := range f.Lately(math.MaxInt) {
		a := Asked{Request: id.Request("").From(q.ID), At: mintedAt(q.ID), Surface: q.Surface.String(), Category: q.Category, Profiling: q.Personal, Places: q.N, InFull: rank.InFull(q.ID)}
		switch {
		case len(list) < most:
			list = append(list, a)
		case a.InFull:
			full = append(full, a)
		}
	}
	return append(list, full...), nil
}

// mintedAt returns the time in an id of version 7, which begins with it.
func mintedAt(u [16]byte) time.Time {
	ms := int64(0)
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC()
}

var kindWords = map[event.SlotKind]string{event.SlotSampled: "sampled", event.SlotExplore: "explore", event.SlotFixed: "fixed", event.SlotWithheld: "withheld"}

// Times around a request's own time within which its record is looked for: clocks of nodes differ, and a page
// is logged when it is drawn.
const (
	lookBefore = 30 * time.Second
	lookAfter  = 2 * time.Minute
	// lookLeast is how many records are looked through at least: where a clock was turned, a page of a moment before
	// is logged behind the turn.
	lookLeast = 100_000
)

var errFound = errors.New("found")

// AuditPage finds a served page in the log and draws it again, from its record and, where replay is asked for, from
// a snapshot and the log. Missing: the log holds no such page any more. For the operator.
func (r *Reach) AuditPage(ctx context.Context, who account.Asker, request id.Request, replay bool) (Audit, error) {
	if err := who.IsOperator(); err != nil {
		return Audit{}, err
	}
	return r.Prove(ctx, request, replay)
}

// Prove is AuditPage for whoever holds the machine.
func (r *Reach) Prove(ctx context.Context, request id.Request, replay bool) (Audit, error) {
	s, err := r.find(ctx, request)
	if err != nil {
		return Audit{}, err
	}
	a := Audit{Request: request, Version: s.PolicyVersion, Surface: s.Surface.String(), Profiling: s.Profiling, At: s.At, Position: s.Position,
		Candidates: s.Count(), Skipped: len(s.Skipped), InFull: len(s.Detail) > 0, Slots: []Place{}}
	for _, slot := range s.Slots {
		a.Slots = append(a.Slots, Place{s.Video(slot), kindWords[slot.Kind], slot.Propensity})
	}
	v, err := r.policyOf(ctx, &s)
	if err != nil {
		return a, err
	}
	a.Policy = v.Name
	a.Record = fromRecord(&s, v)
	a.Replay = Proof{Why: notAsked, Differs: []string{}}
	if replay {
		if a.Replay, err = r.replay(ctx, &s); err != nil {
			return a, err
		}
	}
	a.Verdict = a.words()
	return a, nil
}

// find looks for a page's record around the time in its id.
func (r *Reach) find(ctx context.Context, request id.Request) (s event.Served, err error) {
	u, err := request.UUID()
	if err != nil {
		return s, fault.InvalidField("body.request_id", "A request is req_… as the feed's answer names it in request_id.")
	}
	gone := fault.New(fault.Missing, "The log holds no page of this request: it was never served, was empty, or the log has been trimmed since.")
	if r.o.Log == nil {
		return s, gone
	}
	at := mintedAt(u)
	from, err := r.o.Log.Since(ctx, at.Add(-lookBefore))
	if err != nil {
		return s, err
	}
	end, err := r.o.Log.End(ctx)
	if err != nil {
		return s, err
	}
	if !from.Before(end) {
		return s, gone
	}
	looked := 0
	err = r.o.Log.Follow(ctx, from, 1000, func(records []stream.Record) error {
		looked += len(records)
		for i := range records {
			rec := &records[i]
			if rec.Kind == event.KindServed && s.Decode(rec.Data) == nil && s.Request == request {
				return errFound
			}
			if rec.At.Sub(at) > lookAfter && looked > lookLeast || !rec.Pos.Before(end) {
				return gone
			}
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return s, err
}

// policyOf returns the version a page was drawn by; without weights for what is written in code.
func (r *Reach) policyOf(ctx context.Context, s *event.Served) (Version, error) {
	for _, p := range []feed.Policy{feed.Uniform(), feed.Newest()} {
		if p.ID == s.Policy {
			return Version{Policy: p.ID, Name: p.Name, Version: int64(p.Version)}, nil
		}
	}
	v := Version{Policy: s.Policy, Name: string(s.Policy)}
	err := r.db.Read(ctx, func(tx *db.Tx) error {
		found, err := scanVersion(tx.Row(`SELECT `+versionColumns+` WHERE p.policy_id = $1 AND p.version = $2`, s.Policy, int64(s.PolicyVersion)).Scan)
		if err == nil {
			v = found
		}
		return nil
	})
	if v.Weights.Name == "" {
		v.Weights = rank.Value()
		if v.Weights.Hash() != s.PolicyHash {
			v.Weights = rank.Policy{}
		}
	}
	return v, err
}

// fromRecord draws a page again from its record alone.
func fromRecord(s *event.Served, v Version) Proof {
	p := Proof{Differs: []string{}}
	switch v.Name {
	case "newest":
		p.Why = "it was not drawn: everything of those who are followed, the newest first"
		return p
	case rank.Uniform:
		p.Done, p.From = true, "its seed and how many candidates there were"
		var again []event.Slot
		for _, slot := range feed.Draw(s.Seed, len(s.Candidates), len(s.Slots)) {
			again = append(again, event.Slot{Candidate: uint16(slot.Candidate), Kind: event.SlotSampled, Propensity: slot.Propensity})
		}
		p.Differs = append(p.Differs, rank.SlotDifferences(s.Slots, again)...)
		return p
	}
	if len(s.Detail) == 0 {
		p.Why = "its record holds the hash of what was predicted, not the predictions: one page in a hundred holds them"
		return p
	}
	if v.Weights.Name == "" {
		p.Why = "its policy is not written down here"
		return p
	}
	p.Done, p.From = true, "the candidates, predictions, weights and seed in its record"
	if v.Weights.Hash() != s.PolicyHash {
		p.Differs = append(p.Differs, "policy")
	}
	drawn, err := rank.Redraw(s, &v.Weights)
	if err != nil {
		return Proof{Why: err.Error(), Differs: []string{}}
	}
	if !rank.TrueDetail(s) {
		p.Differs = append(p.Differs, "predictions")
	}
	p.Differs = append(p.Differs, rank.SlotDifferences(s.Slots, drawn)...)
	return p
}

// replay draws a page again from a snapshot and the log before it.
func (r *Reach) replay(ctx context.Context, s *event.Served) (Proof, error) {
	p := Proof{Differs: []string{}}
	at, err := stream.ParsePosition(s.Position)
	switch {
	case err != nil:
		p.Why = "its record names no place of the log"
		return p, nil
	case s.PolicyHash == 0:
		p.Why = "it was not drawn by the ranking: its seed says all there is"
		return p, nil
	case s.Among == 0 && len(s.Detail) == 0:
		p.Why = "its record was written by an earlier version of this program"
		return p, nil
	case r.o.Snapshot == nil:
		p.Why = "no snapshots of the ranking are kept here"
		return p, nil
	}
	if !r.auditing.TryLock() {
		return p, fault.New(fault.Unavailable, "Another page is being drawn again from a snapshot. Try again in a moment.").After(retryAfter)
	}
	defer r.auditing.Unlock()
	f, from, build, done, err := r.o.Snapshot(at)
	if err != nil {
		p.Why = err.Error()
		return p, nil
	}
	records := 0
	err = r.forward(ctx, f, from, at, &records)
	if err == nil {
		var again event.Served
		if again, err = f.Again(s); err == nil {
			p.Done, p.From = true, fmt.Sprintf("a snapshot at %s by build %s and %d records of the log after it", from, build, records)
			if from.IsZero() {
				p.From = fmt.Sprintf("the beginning of the log, %d records", records)
			}
			p.Differs = append(p.Differs, rank.Differences(s, &again)...)
		}
	}
	if err != nil {
		p.Why = err.Error()
	}
	return p, done()
}

// forward applies the log to a fold up to a place.
func (r *Reach) forward(ctx context.Context, f *rank.Fold, from, to stream.Position, records *int) error {
	if !from.Before(to) {
		return nil
	}
	err := r.o.Log.Follow(ctx, from, 1000, func(list []stream.Record) error {
		n := len(list)
		for n > 0 && to.Before(list[n-1].Pos) {
			n--
		}
		if err := f.Apply(list[:n]); err != nil {
			return err
		}
		*records += n
		if n < len(list) || !list[n-1].Pos.Before(to) {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return err
}

// notAsked is why an audit did not draw a page again from a snapshot and the log.
const notAsked = "it was not asked for"

// words says plainly what was proved.
func (a *Audit) words() string {
	var bad []string
	for _, p := range []Proof{a.Record, a.Replay} {
		bad = append(bad, p.Differs...)
	}
	switch {
	case len(bad) > 0:
		return fmt.Sprintf("It is NOT as it would have been drawn. What differs: %s.", joined(bad))
	case a.Record.Done && a.Replay.Done:
		return "The same to the byte, both from its record and from a snapshot and the log."
	case a.Replay.Done:
		return "The same to the byte, from a snapshot and the log."
	case a.Record.Done:
		return "The same to the byte, from its record."
	}
	if a.Replay.Why == notAsked {
		return "Not compared yet: " + a.Record.Why + ". Have it drawn again from a snapshot and the log too."
	}
	return "It could be drawn again in neither way: " + a.Record.Why + "; " + a.Replay.Why + "."
}

func joined(list []string) string {
	text, said := "", map[string]bool{}
	for _, what := range list {
		if !said[what] {
			if text != "" {
				text += ", "
			}
			text += what
			said[what] = true
		}
	}
	return text
}
