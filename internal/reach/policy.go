package reach

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/rank"
)

// Limits and floors of policies and their splits.
const (
	retryAfter = 2 * time.Second
	// PoliciesMost is how many policies may run side by side, the control included.
	PoliciesMost = 8
	// ControlLeast is the control's part of the viewers, always: without it nothing can be measured.
	ControlLeast money.Bps = 100
	// PreviewMost is how many of the last requests a preview goes by.
	PreviewMost = 256
)

// Version is one version of a policy: never changed, only followed.
type Version struct {
	Policy  id.Policy   `json:"policy_id"`
	Name    string      `json:"name"`
	Version int64       `json:"version"`
	Weights rank.Policy `json:"weights"`
	Reason  string      `json:"reason"`
	MadeBy  string      `json:"made_by"` // by name where it is a person
	MadeAt  time.Time   `json:"made_at"`
	Share   money.Bps   `json:"share_bps"` // of viewers, now; 0: not in force
}

// Share is one version's part of the viewers.
type Share struct {
	Name    string    `json:"name" maxLength:"40" doc:"uniform is the control"`
	Version int64     `json:"version" minimum:"1"`
	Share   money.Bps `json:"share_bps" minimum:"1" maximum:"10000"`
	Policy  id.Policy `json:"policy_id,omitempty" required:"false" maxLength:"40" readOnly:"true"`
}

// Split is which viewers have which policy: the newest is in force.
type Split struct {
	Number    int64     `json:"number"`
	Shares    []Share   `json:"shares" nullable:"false"`
	RollsBack int64     `json:"rolls_back,omitempty"` // the split whose shares these are again
	Reason    string    `json:"reason"`
	MadeBy    string    `json:"made_by"`
	MadeAt    time.Time `json:"made_at"`
}

// The control stands in every split; its rule is written in code and has no weights.
var controlID = id.Policy("").From([16]byte{15: 1})

// valueID is the policy that every Mezzo begins with.
var valueID = id.Policy("").From([16]byte{15: 3})

// Declare writes down the policy a new Mezzo begins with and puts it in force beside the control, once. Every
// node may call it at its start.
func Declare(ctx context.Context, d *db.DB) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		begin := "What a new Mezzo begins with"
		v := Version{Policy: valueID, Name: "value", Version: 1, Weights: rank.Value(), Reason: begin, MadeBy: "platform", MadeAt: tx.Now()}
		if _, err := insertVersion(tx, v); err != nil {
			return err
		}
		s := Split{Number: 1, Reason: begin, MadeBy: "platform", MadeAt: tx.Now(), Shares: []Share{
			{Name: v.Name, Version: 1, Share: money.Whole - ControlLeast, Policy: valueID}, {Name: rank.Uniform, Version: 1, Share: ControlLeast, Policy: controlID}}}
		if made, err := insertSplit(tx, s); err != nil || !made {
			return err
		}
		return tell(tx, s)
	})
}

// tell emits a split as the log's folds read it.
func tell(tx *db.Tx, s Split) error {
	fact := event.PolicySplit{Number: s.Number}
	for _, share := range s.Shares {
		p := event.PolicyShare{Policy: share.Policy, Name: share.Name, Version: share.Version, Share: share.Share}
		if share.Name != rank.Uniform {
			v, err := versionOf(tx, share.Name, share.Version)
			if err != nil {
				return err
			}
			if p.Weights, err = json.Marshal(v.Weights); err != nil {
				return err
			}
		}
		fact.Policies = append(fact.Policies, p)
	}
	return event.Emit(tx, fact)
}

// nameForm is what policies may be called.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// CreateVersion writes down the next version of the policy that the weights name, or the first of a new
// one. match is the newest version the asker has seen, 0 for a new policy. It changes nobody's
// feed: that is Activate's. Invalid names the bad weight; Stale: somebody else wrote another version.
func (r *Reach) CreateVersion(ctx context.Context, who account.Asker, match int64, weights []byte, reason string) (Version, error) {
	if err := who.IsOperator(); err != nil {
		return Version{}, err
	}
	p, err := rank.ParsePolicy(weights)
	if err != nil {
		return Version{}, err
	}
	if !nameForm.MatchString(p.Name) || p.Name == rank.Uniform || p.Name == "newest" {
		return Version{}, fault.InvalidField("body.weights.name", "A name is of small letters, digits, - and _, begins with a letter, and is not uniform or newest.")
	}
	if reason, err = reasonOf(reason, "reason", "Say why: it stands in the history"); err != nil {
		return Version{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Version, error) {
		last, err := newest(tx, p.Name)
		if err != nil {
			return Version{}, err
		}
		if last.Version != match {
			return Version{}, fault.New(fault.Stale, "The newest version of %s is %d, not %d. Look at it before you write the next.", p.Name, last.Version, match)
		}
		v := Version{Policy: last.Policy, Name: p.Name, Version: last.Version + 1, Weights: p, Reason: reason, MadeBy: who.Actor(), MadeAt: tx.Now()}
		if v.Policy == "" {
			v.Policy = v.Policy.Next(tx.Now())
		}
		made, err := insertVersion(tx, v)
		if err == nil && !made {
			err = fault.New(fault.Stale, "Somebody wrote a version of %s a moment ago. Look at it before you write the next.", p.Name)
		}
		if err != nil {
			return Version{}, err
		}
		return versionOf(tx, v.Name, v.Version)
	})
}

// Activate puts versions in force side by side, in the place of all that were, in one transaction with the fact
// that folds obey. match is the number of the split the asker has seen. Invalid names the bad share.
func (r *Reach) Activate(ctx context.Context, who account.Asker, match int64, shares []Share, reason string) (Split, error) {
	if err := who.IsOperator(); err != nil {
		return Split{}, err
	}
	reason, err := reasonOf(reason, "reason", "Say why: it stands in the history")
	if err != nil {
		return Split{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Split, error) {
		return activate(tx, match, Split{Shares: shares, Reason: reason, MadeBy: who.Actor()})
	})
}

// Rollback puts an earlier split in force again.
func (r *Reach) Rollback(ctx context.Context, who account.Asker, match, to int64, reason string) (Split, error) {
	if err := who.IsOperator(); err != nil {
		return Split{}, err
	}
	reason, err := reasonOf(reason, "reason", "Say why: it stands in the history")
	if err != nil {
		return Split{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Split, error) {
		before, err := splitOf(tx, to)
		if err != nil {
			return Split{}, err
		}
		return activate(tx, match, Split{Shares: before.Shares, RollsBack: to, Reason: reason, MadeBy: who.Actor()})
	})
}

func activate(tx *db.Tx, match int64, s Split) (Split, error) {
	now, err := inForce(tx)
	if err != nil {
		return Split{}, err
	}
	stale := fault.New(fault.Stale, "Split %d is in force, not the one you saw. Look at it before you change it.", now.Number)
	if now.Number != match {
		return Split{}, stale
	}
	if err := s.check(tx); err != nil {
		return Split{}, err
	}
	s.Number, s.MadeAt = now.Number+1, tx.Now()
	if made, err := insertSplit(tx, s); err != nil || !made {
		if err == nil {
			err = stale
		}
		return Split{}, err
	}
	if err := tell(tx, s); err != nil {
		return Split{}, err
	}
	return splitOf(tx, s.Number)
}

// check refuses a split that cannot be obeyed, with the share named, and fills in the policies' ids.
func (s *Split) check(tx *db.Tx) error {
	if len(s.Shares) == 0 || len(s.Shares) > PoliciesMost {
		return fault.InvalidField("body.shares", "A split has 1 to %d policies.", PoliciesMost)
	}
	whole, control, seen := int64(0), money.Bps(0), map[string]bool{}
	list := make([]Share, len(s.Shares))
	for i, share := range s.Shares {
		where := "body.shares[" + string(rune('0'+i)) + "]"
		switch {
		case seen[share.Name]:
			return fault.InvalidField(where+".name", "%s stands in the split twice: two versions of one policy cannot be told apart later.", share.Name)
		case share.Share < 1 || share.Share > money.Whole:
			return fault.InvalidField(where+".share_bps", "A share is 1 to 10000 basis points.")
		}
		seen[share.Name] = true
		whole += int64(share.Share)
		if share.Name == rank.Uniform {
			share.Policy, share.Version, control = controlID, 1, share.Share
		} else {
			v, err := versionOf(tx, share.Name, share.Version)
			if fault.Is(err, fault.Missing) {
				return fault.InvalidField(where+".version", "%s has no version %d.", share.Name, share.Version)
			}
			if err != nil {
				return err
			}
			share.Policy = v.Policy
		}
		list[i] = share
	}
	switch {
	case control < ControlLeast:
		return fault.InvalidField("body.shares", "The control, uniform, has at least %d basis points: all others are measured against it.", ControlLeast)
	case whole != int64(money.Whole):
		return fault.InvalidField("body.shares", "The shares add up to %d basis points, not 10000.", whole)
	}
	s.Shares = list
	return nil
}

// Preview tells what weights would have changed on the last requests, without changing anything; of none while the
// ranking is not ready.
func (r *Reach) Preview(_ context.Context, who account.Asker, weights []byte, requests int) (rank.Preview, error) {
	if err := who.IsOperator(); err != nil {
		return rank.Preview{}, err
	}
	p, err := rank.ParsePolicy(weights)
	if err != nil {
		return rank.Preview{}, err
	}
	if requests < 1 || requests > PreviewMost {
		return rank.Preview{}, fault.InvalidField("body.requests", "A preview goes by 1 to %d of the last requests.", PreviewMost)
	}
	f, err := r.ranking()
	if err != nil { // nothing is known yet: a preview of no requests
		none := rank.Exposure{Stages: []rank.Part{}, Categories: []rank.Part{}}
		return rank.Preview{Now: none, Then: none}, nil
	}
	return f.Preview(p, requests), nil
}

// Quality is how good one head's predictions are, each judged before it was learned from.
type Quality struct {
	Head  string `json:"head"`
	Means string `json:"means"`
	rank.Report
}

// headWords say what each head predicts.
var headWords = [rank.Heads]string{
	rank.Watch: "how long somebody watches, among videos of that length", rank.Click: "that a product is opened", rank.Buy: "that an opened product is bought",
	rank.Engage: "a like, comment, share or follow", rank.Negative: "a hide or a report; a skip within two seconds is a fifth of one",
}

// Qualities returns how good the predictions are, to the operator, with how many impressions were settled.
func (r *Reach) Qualities(_ context.Context, who account.Asker) ([]Quality, uint64, error) {
	if err := who.IsOperator(); err != nil {
		return nil, 0, err
	}
	f, err := r.ranking()
	if err != nil { // nothing is known yet
		return []Quality{}, 0, nil
	}
	reports, settled := f.Quality()
	list := make([]Quality, rank.Heads)
	for h := range rank.Heads {
		list[h] = Quality{h.String(), headWords[h], reports[h]}
	}
	return list, settled, nil
}

// Difference is one weight that differs between two versions.
type Difference struct {
	Name   string    `json:"name"`
	Before []float64 `json:"before"`
	After  []float64 `json:"after"`
}

// Differences returns which weights of two policies differ, in the order people read them.
func Differences(before, after rank.Policy) []Difference {
	var list []Difference
	for _, q := range rank.Parameters() {
		a, b := q.Values(&before), q.Values(&after)
		same := len(a) == len(b)
		for i := range a {
			same = same && a[i] == b[i]
		}
		if !same {
			list = append(list, Difference{q.Name, a, b})
		}
	}
	return list
}
