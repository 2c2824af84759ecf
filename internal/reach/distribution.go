package reach

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/rank"
)

// State is where a video is on its way.
type State string

// The states of a video's distribution.
const (
	NotYet  State = "not_yet" // the ranking has not heard of it
	Testing State = "testing" // it has tested impressions left
	Waiting State = "waiting" // its budget is used up, and those who saw it last have their ten minutes
	Open    State = "open"    // it has passed every stage and competes with everything
	Stopped State = "stopped" // no tested impressions any more; it may still win places
	Hidden  State = "hidden"  // it cannot be shown: sold out, limited, removed
)

// Distribution is how a video's reach came about, for its creator.
type Distribution struct {
	Video       id.Video    `json:"video_id"`
	Caption     string      `json:"-"`
	State       State       `json:"state" enum:"not_yet,testing,waiting,open,stopped,hidden"`
	Stage       int         `json:"stage" doc:"1 is the first; the last is open"`
	Stages      int         `json:"stages" doc:"How many there are, open included"`
	Impressions int         `json:"impressions" doc:"Places it was given, seen or not: what budgets count"`
	Budget      int         `json:"budget" doc:"Places before the next decision, those of earlier stages included"`
	Category    string      `json:"category"`
	Standing    *Standing   `json:"standing,omitempty" doc:"How it does, against the videos of its category; absent before anybody has seen it"`
	Words       string      `json:"words"`
	Next        []string    `json:"next" nullable:"false" doc:"What to try"`
	Steps       []StepTaken `json:"steps" nullable:"false" doc:"Every decision, the oldest first"`
	Policy      string      `json:"policy"`
	Version     uint32      `json:"policy_version"`
	Disputes    []Dispute   `json:"disputes" nullable:"false" doc:"What its creator held against it, with the answers, the newest first"`
	Features    *Features   `json:"features,omitempty" doc:"For the operator: what the decisions rest on"`
}

// Standing is what is believed of a video: what few impressions say is filled up with what its category and its
// creator's record say, which is worth 200 impressions at most.
type Standing struct {
	Click   float64 `json:"click_rate"`
	Better  float64 `json:"clicks_better_than" doc:"The part of the category whose click rate lies below"`
	Watch   float64 `json:"watch_percentile" doc:"Watched longer than this part of videos of its length"`
	Orders  int     `json:"orders"`
	Bar     float64 `json:"bar" doc:"The part of the category it has to beat at the next decision"`
	Chance  float64 `json:"chance" doc:"That it does, by what is known now"`
	Promote float64 `json:"promote_from"`
	Stop    float64 `json:"stop_below"`
}

// StepTaken is a decision with its reason.
type StepTaken struct {
	rank.Step
	Words string `json:"words"`
}

// Features is what the decisions rest on. It holds nobody's followers, and no sum over a creator's life.
type Features struct {
	Seen          float64            `json:"impressions_believed" doc:"Impressions, each by how much its viewer is believed"`
	Clicks        float64            `json:"clicks_believed"`
	Matured       float64            `json:"clicks_old_enough_to_buy"`
	Orders        float64            `json:"orders"`
	CategoryWatch float64            `json:"category_watch"`
	CategoryClick float64            `json:"category_click_rate"`
	CategoryBuy   float64            `json:"category_buy_rate"`
	Margin        float64            `json:"category_order_worth_minor"`
	RecordN       float64            `json:"creator_record_impressions" doc:"Of their newest other videos"`
	RecordClick   float64            `json:"creator_record_click_rate"`
	RecordMost    float64            `json:"creator_record_counts_as_at_most"`
	Exposure      float64            `json:"creator_shown_lately" doc:"Can only lift"`
	Price         float64            `json:"price_minor"`
	Order         float64            `json:"expected_order_minor"`
	Return        float64            `json:"expected_return_rate"`
	Weights       map[string]float64 `json:"weights" doc:"The video's own weight in each prediction, in logits"`
	Doubts        map[string]float64 `json:"doubts" doc:"Their standard deviations"`
}

// video is whose a video is.
type video struct {
	creator  id.Creator
	account  id.Account
	caption  string
	category string
}

func videoOf(tx *db.Tx, v id.Video) (found video, err error) {
	err = tx.Row(`SELECT creator_id, account_id, caption, category FROM videos WHERE id = $1 AND deleted_at = 0`, v).Scan(&found.creator, &found.account, &found.caption, &found.category)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.New(fault.Missing, "There is no such video.")
	}
	return found, err
}

// own returns the video if it is the asker's or they run the house; Missing for everybody else.
func own(tx *db.Tx, who account.Asker, v id.Video) (video, error) {
	found, err := videoOf(tx, v)
	if err == nil && !who.Operator && (who.Creator == "" || found.creator != who.Creator) {
		err = fault.New(fault.Missing, "There is no such video.")
	}
	return found, err
}

// Distribution returns how a video's reach came about: to its creator, and with what it rests on to the
// operator. Missing for everybody else.
func (r *Reach) Distribution(ctx context.Context, who account.Asker, v id.Video) (Distribution, error) {
	if err := who.SignedIn(); err != nil {
		return Distribution{}, err
	}
	d := Distribution{Video: v, Next: []string{}, Steps: []StepTaken{}, Disputes: []Dispute{}}
	var mine video
	err := r.db.Read(ctx, func(tx *db.Tx) (err error) {
		if mine, err = own(tx, who, v); err != nil {
			return err
		}
		list, err := disputes(tx, `d.video_id = $1 ORDER BY d.id DESC LIMIT 20`, string(v))
		if len(list) > 0 {
			d.Disputes = list
		}
		return err
	})
	if err != nil {
		return d, err
	}
	d.Caption = mine.caption
	r.stands(&d, mine.category, who.Operator)
	return d, nil
}

// stands fills in where the video stands, in figures and in words.
func (r *Reach) stands(d *Distribution, category string, operator bool) {
	d.Category = categoryWords(category)
	f, err := r.ranking()
	if err != nil {
		d.State, d.Words = NotYet, "The ranking is being read from the log. Where this video stands is known again in a moment."
		return
	}
	u, err := d.Video.UUID()
	from, known := f.Distribution(u)
	if err != nil || !known {
		d.State, d.Words = NotYet, "It is not in the feed yet. Once it is ready, it gets its first tested impressions like every other video."
		return
	}
	if from.Category != "" {
		d.Category = categoryWords(from.Category)
	}
	d.Stage, d.Stages, d.Impressions, d.Budget = min(from.Stage, from.Stages+1), from.Stages+1, from.Served, from.Budget
	d.Policy, d.Version = from.Policy, from.Version
	switch {
	case !from.Active:
		d.State = Hidden
	case from.Stopped:
		d.State = Stopped
	case from.Stage > from.Stages:
		d.State = Open
	case from.Waiting:
		d.State = Waiting
	default:
		d.State = Testing
	}
	if from.Seen > 0 {
		n := from.Now
		d.Standing = &Standing{Click: n.Click, Better: n.Better, Watch: n.Watch, Orders: n.Orders, Bar: n.Bar, Chance: n.Chance, Promote: n.Promote, Stop: n.Stop}
	}
	for _, s := range from.Steps {
		d.Steps = append(d.Steps, StepTaken{s, s.Words(d.Category, from.Stages)})
	}
	d.Words, d.Next = d.words(), append(d.Next, d.try(from.Viewpoint.Evidence)...)
	if operator {
		d.Features = features(&from)
	}
}

func features(from *rank.Distribution) *Features {
	v := &from.Viewpoint
	x := &Features{Seen: from.Seen, Clicks: v.Evidence.Clicks, Matured: v.Evidence.Clicked, Orders: v.Evidence.Orders,
		CategoryWatch: v.Known.Watch.Mean(), CategoryClick: v.Known.Click.Mean(), CategoryBuy: v.Known.Buy.Mean(), Margin: v.Known.Margin,
		RecordN: v.Record.Click.N, RecordMost: v.Most, Exposure: v.Exposure, Price: v.Price, Order: v.Goods.Order, Return: v.Goods.Return,
		Weights: map[string]float64{}, Doubts: map[string]float64{}}
	if v.Record.Click.N > 0 {
		x.RecordClick = v.Record.Click.Y / v.Record.Click.N
	}
	for h := range rank.Heads {
		x.Weights[h.String()], x.Doubts[h.String()] = v.Weights[h], v.Doubts[h]
	}
	return x
}

// categoryWords is what people call a category.
func categoryWords(slug string) string {
	if name, known := catalog.CategoryName(slug); known {
		return name
	}
	return "all videos"
}

// count writes a number as people read it: 1,000.
func count(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// words says in one sentence where the video stands.
func (d *Distribution) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Stage %d of %d: ", d.Stage, d.Stages)
	if d.Stage < d.Stages {
		fmt.Fprintf(&b, "%s of %s impressions", count(min(d.Impressions, d.Budget)), count(d.Budget))
	} else {
		fmt.Fprintf(&b, "%s impressions", count(d.Impressions))
	}
	if s := d.Standing; s != nil {
		fmt.Fprintf(&b, "; clicks %.1f %%, better than %.0f %% of %s", 100*s.Click, 100*s.Better, d.Category)
	}
	switch d.State {
	case Testing:
		fmt.Fprintf(&b, "; next decision at %s.", count(d.Budget))
	case Waiting:
		b.WriteString("; the decision comes within ten minutes, when those who saw it last had their time.")
	case Open:
		b.WriteString("; it passed every test and competes with all videos.")
	case Stopped:
		b.WriteString("; its tested impressions ended, it can still win places by itself.")
	case Hidden:
		b.WriteString("; it is not shown now, because what it shows cannot be bought or it is not visible.")
	}
	return b.String()
}

// Bounds of the advice: below them a video has something to gain there.
const (
	weakWatch   = 0.4
	weakClick   = 0.4
	clicksAsked = 30 // clicks old enough to have become orders, before their absence says something
	seenEnough  = 50 // impressions before any advice is more than a guess
)

// try says what is likely to help, from what is weak.
func (d *Distribution) try(e rank.Evidence) []string {
	s := d.Standing
	switch {
	case d.State == Hidden:
		return []string{"Put what it shows back in stock, or show something else in it: it goes on where it was."}
	case s == nil || e.Impressions < seenEnough:
		return []string{"Wait: it is too early to say anything of it. The first " + count(max(d.Budget, 0)) + " impressions come without anybody's doing."}
	}
	var list []string
	if s.Watch < weakWatch {
		list = append(list, "Show the product in the first second: people leave earlier than from other videos of its length.")
	}
	if s.Better < weakClick {
		list = append(list, "Say what it costs and what it is good for: fewer people open the product than from others of "+d.Category+".")
	}
	if e.Clicked >= clicksAsked && e.Orders == 0 {
		list = append(list, "Look at the product's page: people open it and do not buy. Price, shipping and pictures decide there.")
	}
	if d.State == Stopped {
		list = append(list, "Post another one: it gets its own tested impressions, whatever became of this one.")
	}
	if len(list) == 0 {
		list = append(list, "Make another like it: this one does what it can.")
	}
	return list
}

// Dispute is what a creator holds against how their video was distributed.
type Dispute struct {
	ID       string     `json:"id"`
	Video    id.Video   `json:"video_id"`
	Caption  string     `json:"caption"`
	Creator  id.Creator `json:"creator_id"`
	By       string     `json:"by"`
	Reason   string     `json:"reason"`
	Stood    string     `json:"stood" doc:"How it stood when the dispute was made"`
	MadeAt   time.Time  `json:"made_at"`
	Answer   string     `json:"answer,omitempty"`
	Answered *time.Time `json:"answered_at,omitempty"`
}
