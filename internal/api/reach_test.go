package api

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/rank"
	"mezzo/internal/reach"
	"mezzo/internal/stream"
)

// reachWorld is a feed world in which a ranking reads the log, on request.
type reachWorld struct {
	*feedWorld
	fold     *rank.Fold
	position stream.Position
	operator []string // headers
}

func newReachWorld(t *testing.T, d *db.DB, c *clock.Turned) *reachWorld {
	t.Helper()
	if err := reach.Declare(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	fold, err := rank.New(rank.Options{Size: 12})
	if err != nil {
		t.Fatal(err)
	}
	w := &reachWorld{fold: fold}
	w.feedWorld = newFeedWorld(t, d, c, func(deps *Deps, _ *account.Options, _ *Options) {
		deps.Reach = reach.New(d, reach.Options{Ranking: func() (reach.Ranking, bool) { return fold, true }})
	})
	if err := w.accounts.EnsureOperator(t.Context(), "op@example.com", "correct horse"); err != nil {
		t.Fatal(err)
	}
	var got struct{ Token string }
	w.do("POST", "/api/v1/sessions", `{"email":"op@example.com","password":"correct horse"}`).want(201).read(&got)
	w.operator = []string{"Authorization", "Bearer " + got.Token}
	return w
}

// fact puts a fact into the log as the relay does.
func (w *reachWorld) fact(b event.Body) {
	w.t.Helper()
	body, err := json.Marshal(b)
	if err != nil {
		w.t.Fatal(err)
	}
	f := event.Fact{Topic: b.Topic(), Body: body, At: w.clock.Now()}
	data, err := f.AppendEncode(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.log.Append(w.t.Context(), event.KindFact, data); err != nil {
		w.t.Fatal(err)
	}
}

// catchUp lets the ranking read the log to its end.
func (w *reachWorld) catchUp() {
	w.t.Helper()
	ctx := context.Background()
	end, err := w.log.End(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if !w.position.Before(end) {
		return
	}
	err = w.log.Follow(ctx, w.position, 1000, func(records []stream.Record) error {
		if err := w.fold.Apply(records); err != nil {
			return err
		}
		if w.position = records[len(records)-1].Pos; !w.position.Before(end) {
			return errRead
		}
		return nil
	})
	if !errors.Is(err, errRead) {
		w.t.Fatal(err)
	}
}

// An operator writes a version, looks at what it would change, puts it beside the other, and takes it back;
// every write names what it was made from.
func TestOperatorsChangePolicies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newReachWorld(t, d, c)
		as := func(more ...string) []string { return append(append([]string{}, w.operator...), more...) }
		list := w.do("GET", "/api/v1/operator/policies", "", as()...).want(200).Body.String()
		if !strings.Contains(list, `"name":"value"`) || !strings.Contains(list, `"share_bps":9900`) {
			t.Errorf("policies: %s", list)
		}
		w.do("POST", "/api/v1/operator/policies", `{"weights":{"name":"bold","optimism":2},"reason":"Try more"}`, as()...).want(201)
		w.do("PUT", "/api/v1/operator/policies/bold", `{"weights":{"optimism":3},"reason":"more still"}`, as()...).problem(428, "precondition_required")
		w.do("PUT", "/api/v1/operator/policies/bold", `{"weights":{"optimism":3},"reason":"more still"}`, as("If-Match", `"1"`)...).want(200)
		w.do("PUT", "/api/v1/operator/policies/bold", `{"weights":{"optimism":3},"reason":"more still"}`, as("If-Match", `"1"`)...).problem(412, "stale")
		p := w.do("PUT", "/api/v1/operator/policies/bold", `{"weights":{"optimism":-3},"reason":"less"}`, as("If-Match", `"2"`)...).problem(422, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Location != "body.weights.optimism" {
			t.Errorf("%+v", p.Errors)
		}
		w.do("POST", "/api/v1/operator/policies", `{"weights":{"name":"mad","optimism":1e999},"reason":"no"}`, as()...).want(400)
		w.do("POST", "/api/v1/operator/policies/preview", `{"weights":{"name":"bold","optimism":3},"requests":20}`, as()...).want(200)
		split := w.do("GET", "/api/v1/operator/split", "", as()...).want(200)
		if got := split.Header().Get("ETag"); got != `"1"` {
			t.Errorf("the split is version %s", got)
		}
		both := `{"shares":[{"name":"value","version":1,"share_bps":4900},{"name":"bold","version":2,"share_bps":5000},{"name":"uniform","version":1,"share_bps":100}],"reason":"Half and half"}`
		w.do("PUT", "/api/v1/operator/split", both, as()...).problem(428, "precondition_required")
		w.do("PUT", "/api/v1/operator/split", both, as("If-Match", `"1"`)...).want(200)
		w.do("PUT", "/api/v1/operator/split", strings.Replace(both, "5000", "5001", 1), as("If-Match", `"2"`)...).problem(422, "invalid")
		w.do("POST", "/api/v1/operator/split/rollback", `{"to":1,"reason":"Sold less"}`, as("If-Match", `"1"`)...).problem(412, "stale")
		w.do("POST", "/api/v1/operator/split/rollback", `{"to":1,"reason":"Sold less"}`, as("If-Match", `"2"`)...).want(200)
		if told := w.facts(event.TopicPolicySplit); len(told) != 3 {
			t.Errorf("the log is told of %d splits", len(told))
		}
		history := w.do("GET", "/api/v1/operator/splits?limit=1", "", as()...).want(200).Body.String()
		if !strings.Contains(history, `"rolls_back":1`) || strings.Contains(history, `"next_cursor":null`) {
			t.Errorf("history: %s", history)
		}
		w.do("GET", "/api/v1/operator/policies/bold/versions", "", as()...).want(200)
		w.do("GET", "/api/v1/operator/policies/nobody/versions", "", as()...).problem(404, "missing")
		w.do("GET", "/api/v1/operator/ranking/quality", "", as()...).want(200)

		var schema map[string]any
		w.do("GET", SchemaPath, "").want(200).read(&schema)
		if schema["title"] != "Ranking policy" {
			t.Errorf("the schema: %v", schema)
		}
		public := w.do("GET", "/api/v1/ranking/parameters", "").want(200).Body.String()
		if !strings.Contains(public, `"name":"watch"`) || !strings.Contains(public, `"control_bps":100`) || !strings.Contains(public, "followers") {
			t.Errorf("parameters: %s", public)
		}
	})
}

// A creator reads how their video stands and may hold something against it; the operator also sees what it rests
// on, and answers; nobody else learns anything.
func TestDistributionIsItsCreators(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newReachWorld(t, d, c)
		maker := w.signUp("maker@example.com")
		var me struct {
			Creator struct{ ID id.Creator }
		}
		w.do("PUT", "/api/v1/me/creator", `{"handle":"maker","display_name":"Maker"}`, "Authorization", maker).want(200)
		w.do("GET", "/api/v1/me", "", "Authorization", maker).want(200).read(&me)
		stranger := w.signUp("stranger@example.com")
		w.do("PUT", "/api/v1/me/creator", `{"handle":"stranger","display_name":"Stranger"}`, "Authorization", stranger).want(200)
		goods := w.store("home.kitchen", 5)
		v := w.video(me.Creator.ID, "home.kitchen", goods)
		path := "/api/v1/videos/" + string(v) + "/distribution"
		var got reach.Distribution
		w.do("GET", path, "", "Authorization", maker).want(200).read(&got)
		if got.State != reach.NotYet || got.Words == "" {
			t.Errorf("before the ranking knows it: %+v", got)
		}
		w.fact(event.ProductCreated{ProductState: event.ProductState{Product: goods.product, Brand: goods.brand, Category: "home.kitchen", Available: true, Active: true}})
		w.fact(event.VideoReady{VideoState: event.VideoState{Video: v, Creator: me.Creator.ID, Products: []id.Product{goods.product}, Category: "home.kitchen", DurationMS: 15_000, CreatedAt: c.Now()}})
		w.catchUp()
		w.do("GET", path, "", "Authorization", maker).want(200).read(&got)
		if got.State != reach.Testing || got.Stage != 1 || got.Stages != 5 || got.Budget != 200 || got.Words != "Stage 1 of 5: 0 of 200 impressions; next decision at 200." || got.Features != nil || len(got.Next) == 0 {
			t.Errorf("in its first stage: %+v", got)
		}
		// A page that was dealt counts, seen or not.
		u, err := v.UUID()
		if err != nil {
			t.Fatal(err)
		}
		page := event.Served{Surface: id.SurfaceHome, Slots: []event.Slot{{Kind: event.SlotSampled, Propensity: 1}}, At: c.Now()}
		page.Candidates = append(page.Candidates, u)
		data, err := page.AppendEncode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.log.Append(t.Context(), event.KindServed, data, data, data); err != nil {
			t.Fatal(err)
		}
		w.catchUp()
		w.do("GET", path, "", "Authorization", maker).want(200).read(&got)
		if got.Impressions != 3 || !strings.HasPrefix(got.Words, "Stage 1 of 5: 3 of 200 impressions") {
			t.Errorf("after three places: %+v", got)
		}
		w.do("GET", path, "", w.operator...).want(200).read(&got)
		if got.Features == nil || got.Features.CategoryClick == 0 {
			t.Errorf("the operator sees %+v", got)
		}
		w.do("GET", path, "").problem(401, "unauthorized")
		w.do("GET", path, "", "Authorization", stranger).problem(404, "missing")
		w.do("GET", "/api/v1/videos/vid_00000000000000000000000000/distribution", "", "Authorization", maker).problem(404, "missing")

		w.contested(path, maker, stranger)
	})
}

// contested tries what a creator may hold against a video, and who answers.
func (w *reachWorld) contested(path, maker, stranger string) {
	w.t.Helper()
	var got reach.Distribution
	contest := path + "/disputes"
	w.do("POST", contest, `{"reason":"mine"}`, "Authorization", stranger).problem(404, "missing")
	w.do("POST", contest, `{"reason":"  "}`, "Authorization", maker).problem(422, "invalid")
	var dispute reach.Dispute
	w.do("POST", contest, `{"reason":"It was shown at night only"}`, "Authorization", maker).want(201).read(&dispute)
	w.do("POST", contest, `{"reason":"And again"}`, "Authorization", maker).problem(409, "wrong_state")
	if !strings.Contains(dispute.Stood, "Stage 1 of 5") {
		w.t.Errorf("it stood %q", dispute.Stood)
	}
	open := w.do("GET", "/api/v1/operator/distribution_disputes", "", w.operator...).want(200).Body.String()
	if !strings.Contains(open, dispute.ID) {
		w.t.Errorf("the operator is not told: %s", open)
	}
	answer := "/api/v1/operator/distribution_disputes/" + dispute.ID + "/answer"
	w.do("POST", answer, `{"answer":"Places are drawn by hour of asking"}`, "Authorization", maker).problem(404, "missing")
	w.do("POST", answer, `{"answer":"Places are drawn by hour of asking"}`, w.operator...).want(200)
	w.do("POST", answer, `{"answer":"no"}`, w.operator...).problem(409, "wrong_state")
	w.do("GET", path, "", "Authorization", maker).want(200).read(&got)
	if len(got.Disputes) != 1 || got.Disputes[0].Answer != "Places are drawn by hour of asking" || got.Disputes[0].Answered == nil {
		w.t.Errorf("the creator reads %+v", got.Disputes)
	}
}
