package reach_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/money"
	"mezzo/internal/rank"
	"mezzo/internal/reach"
)

var operator = account.Asker{Account: "acc_00000000000000000000000000", Operator: true}

// weights are a policy's in JSON, with some changed.
func weights(t *testing.T, name string, change map[string]any) []byte {
	t.Helper()
	p := rank.Value()
	p.Name = name
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for k, v := range change {
		all[k] = v
	}
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	return text
}

// splits are the splits the log is told of.
func splits(t *testing.T, d *db.DB) (list []event.PolicySplit) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT body FROM outbox WHERE topic = $1 ORDER BY id`, event.TopicPolicySplit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var body string
			var s event.PolicySplit
			if err := rows.Scan(&body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &s); err != nil {
				return err
			}
			list = append(list, s)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// From nothing to an A/B test and back: every change is a row and a fact, none is ever rewritten.
func TestPoliciesAreWrittenDownAndSplit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		for range 3 {
			if err := reach.Declare(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		told := splits(t, d)
		if len(told) != 1 || told[0].Number != 1 || len(told[0].Policies) != 2 || told[0].Policies[0].Share != 9900 || told[0].Policies[1].Name != rank.Uniform || told[0].Policies[1].Weights != nil {
			t.Fatalf("at first the log is told %+v", told)
		}
		r := reach.New(d, reach.Options{})
		bold, err := r.CreateVersion(ctx, operator, 0, weights(t, "bold", map[string]any{"optimism": 2}), "Try more of what is little known")
		if err != nil || bold.Version != 1 || bold.Policy == "" || bold.Share != 0 {
			t.Fatalf("%+v, %v", bold, err)
		}
		if _, err := r.CreateVersion(ctx, operator, 0, weights(t, "bold", nil), "again"); !fault.Is(err, fault.Stale) {
			t.Errorf("a second first version: %v", err)
		}
		if v, err := r.CreateVersion(ctx, operator, 1, weights(t, "value", map[string]any{"watch": 3}), "Watching counts for more"); err != nil || v.Version != 2 {
			t.Errorf("%+v, %v", v, err)
		}
		split, err := r.Activate(ctx, operator, 1, []reach.Share{{Name: "value", Version: 2, Share: 4900}, {Name: "bold", Version: 1, Share: 5000}, {Name: "uniform", Version: 1, Share: 100}}, "Half and half")
		if err != nil || split.Number != 2 || split.Shares[1].Policy != bold.Policy {
			t.Fatalf("%+v, %v", split, err)
		}
		back, err := r.Rollback(ctx, operator, 2, 1, "It earned less")
		if err != nil || back.Number != 3 || back.RollsBack != 1 || len(back.Shares) != 2 {
			t.Fatalf("%+v, %v", back, err)
		}
		told = splits(t, d)
		if len(told) != 3 || told[1].Policies[0].Version != 2 || told[2].Policies[0].Version != 1 {
			t.Fatalf("the log is told %+v", told)
		}
		var watch struct{ Watch float64 }
		if err := json.Unmarshal(told[1].Policies[0].Weights, &watch); err != nil || watch.Watch != 3 {
			t.Errorf("with the weights %s, %v", told[1].Policies[0].Weights, err)
		}
		list, err := r.Policies(ctx, operator, "", 10)
		if err != nil || len(list) != 2 || list[0].Name != "bold" || list[1].Version != 2 || list[1].Share != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		versions, err := r.Versions(ctx, operator, "value", 0, 10)
		if err != nil || len(versions) != 2 || versions[1].Share != 9900 || versions[1].MadeBy != "platform" {
			t.Errorf("%+v, %v", versions, err)
		}
		if found := reach.Differences(versions[1].Weights, versions[0].Weights); len(found) != 1 || found[0].Name != "watch" || found[0].Before[0] != 2 || found[0].After[0] != 3 {
			t.Errorf("they differ in %+v", found)
		}
		public, control, err := r.Public(ctx)
		if err != nil || control != 100 || len(public) != 1 || public[0].Version != 1 {
			t.Errorf("public: %+v, %v, %v", public, control, err)
		}
		for _, q := range []string{`UPDATE policy_versions SET reason = ''`, `DELETE FROM policy_versions`, `UPDATE policy_splits SET reason = ''`, `DELETE FROM policy_splits`} {
			if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q); return err }); err == nil {
				t.Errorf("%s was let through", q)
			}
		}
	})
}

// What cannot be obeyed is refused with the field named, and changes nothing.
func TestSplitsAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		if err := reach.Declare(ctx, d); err != nil {
			t.Fatal(err)
		}
		r := reach.New(d, reach.Options{})
		control := reach.Share{Name: "uniform", Version: 1, Share: 100}
		value := func(version int64, share money.Bps) reach.Share {
			return reach.Share{Name: "value", Version: version, Share: share}
		}
		for what, x := range map[string]struct {
			shares []reach.Share
			field  string
		}{
			"none":            {nil, "body.shares"},
			"no control":      {[]reach.Share{value(1, 10_000)}, "body.shares"},
			"too much":        {[]reach.Share{value(1, 9_901), control}, "body.shares"},
			"too little":      {[]reach.Share{value(1, 9_899), control}, "body.shares"},
			"twice":           {[]reach.Share{value(1, 5_000), value(1, 4_900), control}, "body.shares[1].name"},
			"no such version": {[]reach.Share{value(7, 9_900), control}, "body.shares[0].version"},
			"no such policy":  {[]reach.Share{control, {Name: "nobody", Version: 1, Share: 9_900}}, "body.shares[1].version"},
			"below nothing":   {[]reach.Share{value(1, -100), control}, "body.shares[0].share_bps"},
		} {
			_, err := r.Activate(ctx, operator, 1, x.shares, "why not")
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprintf("%+v", fieldsOf(err)), x.field) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := r.Activate(ctx, operator, 9, []reach.Share{value(1, 9_900), control}, "late"); !fault.Is(err, fault.Stale) {
			t.Errorf("over a split nobody saw: %v", err)
		}
		if _, err := r.Activate(ctx, operator, 1, []reach.Share{value(1, 9_900), control}, "  "); !fault.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := r.Rollback(ctx, operator, 1, 40, "why"); !fault.Is(err, fault.Missing) {
			t.Errorf("to a split there never was: %v", err)
		}
		for what, change := range map[string]map[string]any{"watch": {"watch": -1}, "stop": {"stop": 0.9}, "speed": {"speed": 1}} {
			_, err := r.CreateVersion(ctx, operator, 0, weights(t, "other", change), "why")
			if !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprintf("%+v", fieldsOf(err)), "body.weights."+what) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, name := range []string{"uniform", "newest", "Ärger", "9lives"} {
			if _, err := r.CreateVersion(ctx, operator, 0, weights(t, name, nil), "why"); !fault.Is(err, fault.Invalid) {
				t.Errorf("the name %s: %v", name, err)
			}
		}
		person := account.Asker{Account: "acc_00000000000000000000000001"}
		if _, err := r.CreateVersion(ctx, person, 1, weights(t, "value", nil), "mine"); !fault.Is(err, fault.Missing) {
			t.Errorf("by anybody: %v", err)
		}
		if told := splits(t, d); len(told) != 1 {
			t.Errorf("%d splits were told of", len(told))
		}
		if p, err := r.Preview(ctx, operator, weights(t, "value", nil), 10); err != nil || p.Requests != 0 {
			t.Errorf("a preview without a ranking: %+v, %v", p, err)
		}
	})
}

func fieldsOf(err error) []string {
	var list []string
	if f, ok := err.(*fault.Fault); ok {
		for _, x := range f.Fields {
			list = append(list, x.Location)
		}
	}
	return list
}
