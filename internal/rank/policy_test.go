package rank

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"mezzo/internal/fault"
)

func TestPolicyRefusesWithTheFieldNamed(t *testing.T) {
	for text, field := range map[string]string{
		`{"name":"a","watch":NaN}`:                   "watch",
		`{"name":"a","sale":1,"watch": Infinity}`:    "watch",
		`{"name":"a","watch":"2"}`:                   "watch",
		`{"name":"a","watch":-1}`:                    "watch",
		`{"name":"a","watch":1e400}`:                 "watch",
		`{"name":"a","popularity":1}`:                "popularity",
		`{"name":"a","floor":0}`:                     "floor",
		`{"name":"a","stop":0.4}`:                    "stop",
		`{"name":"a","watch":0,"engage":0,"sale":0}`: "sale",
		`{"name":"a","sale":0}`:                      "return_cost",
		`{"name":"a","explore_every":1}`:             "explore_every",
		`{"name":"a","explore_every":2.5}`:           "explore_every",
		`{"name":"a","stages":[200,200,5000,25000]}`: "stages[1]",
		`{"name":"a","stages":[200]}`:                "quantiles",
		`{"name":"a","stages":[]}`:                   "stages",
		`{"name":"a","quantiles":[0.5,0.6,1.7,0.8]}`: "quantiles[2]",
		`{"name":"a","followed_share":0.3}`:          "followed_share",
		`{"name":""}`:                                "name",
		`{}`:                                         "name",
		`[]`:                                         "",
		`{"name":"a"} {}`:                            "",
	} {
		_, err := ParsePolicy([]byte(text))
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want := strings.TrimSuffix("body.weights."+field, ".")
		if f.Fields[0].Location != want || f.Fields[0].Message == "" {
			t.Errorf("%s: names %s (%s), want %s", text, f.Fields[0].Location, f.Fields[0].Message, want)
		}
	}
}

func TestPolicyKeepsItsWord(t *testing.T) {
	p := Value()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePolicy(text)
	if err != nil || again.Hash() != p.Hash() {
		t.Errorf("read back: %v", err)
	}
	less := p
	less.Watch = 1.9
	if less.Hash() == p.Hash() {
		t.Error("two policies share a hash")
	}
	p.Temperature = math.NaN()
	if p.Validate() == nil {
		t.Error("NaN was put in force")
	}
}

// The schema and the parameters tell of every weight the policy has, and of nothing else.
func TestSchemaTellsEveryWeight(t *testing.T) {
	var schema struct {
		Properties map[string]struct {
			Description string `json:"description"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(Value())
	var weights map[string]any
	if err := json.Unmarshal(text, &weights); err != nil {
		t.Fatal(err)
	}
	for name := range weights {
		if _, ok := schema.Properties[name]; !ok {
			t.Errorf("the schema does not know %s", name)
		}
	}
	for name, q := range schema.Properties {
		if _, ok := weights[name]; !ok || (name != "name" && len(q.Description) < 20) {
			t.Errorf("the schema tells of %s: %q", name, q.Description)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(`{"name":"a","watch":NaN}`))
	text, _ := json.Marshal(Value())
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err == nil && p.Validate() != nil {
			t.Fatal("taken and not valid")
		}
	})
}

func TestWorth(t *testing.T) {
	p := Value()
	of := Predictions{Watch: {Mean: 0}, Click: {Mean: logit(0.04)}, Buy: {Mean: logit(0.03)}, Engage: {Mean: logit(0.02)}, Negative: {Mean: logit(0.01)}}
	w := p.Worth(30, &of, Goods{Order: 6_000, Return: 0.1})
	for name, c := range map[string][2]float64{
		"watch": {w.Watch, 2}, "sale": {w.Sale, 0.0012 * (5_400 - 60)}, "engage": {w.Engage, 0.2}, "negative": {w.Negative, -0.5},
		"total": {w.Total, 2 + 0.0012*5_340 + 0.2 - 0.5}, "sd": {w.SD, 0},
	} {
		if math.Abs(c[0]-c[1]) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
	of[Click].Variance = 0.25
	if got, want := p.Worth(30, &of, Goods{Order: 6_000, Return: 0.1}).SD, 0.5*0.96*w.Sale; math.Abs(got-want) > 1e-9 {
		t.Errorf("the standard deviation is %v, want %v", got, want)
	}
}

// Everything a policy says has a unit and belongs somewhere; a part of something is 1 at most.
func TestParametersHaveUnits(t *testing.T) {
	about := map[string]int{}
	for _, q := range Parameters() {
		about[q.About]++
		if q.Unit == "" || q.Means == "" {
			t.Errorf("%s has the unit %q and means %q", q.Name, q.Unit, q.Means)
		}
		if q.Unit == UnitPart && q.Most > 1 && q.Name != "sale" && q.Name != "temperature" { // these may count for more than all of it
			t.Errorf("%s is a part of something, and at most %v", q.Name, q.Most)
		}
	}
	if len(about) != 3 || about[AboutWorth] == 0 || about[AboutDraw] == 0 || about[AboutTests] == 0 {
		t.Errorf("parameters are about %v", about)
	}
}
