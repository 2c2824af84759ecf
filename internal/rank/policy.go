package rank

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"mezzo/internal/fault"
)

// Policy is a named set of weights: what an impression is worth and how a slate is drawn. A version
// of it is never changed, only followed by another. Amounts are minor units of the operator's
// currency for one impression; each parameter's meaning and bounds stand in Parameters.
type Policy struct {
	Name string `json:"name"`

	Watch      float64 `json:"watch"`
	Engage     float64 `json:"engage"`
	Sale       float64 `json:"sale"`
	Negative   float64 `json:"negative"`
	ReturnCost float64 `json:"return_cost"`

	Optimism     float64 `json:"optimism"`
	Temperature  float64 `json:"temperature"`
	Floor        float64 `json:"floor"`
	ExploreEvery float64 `json:"explore_every"`
	Control      float64 `json:"control"`

	RepeatFade    float64 `json:"repeat_fade"`
	RepeatFloor   float64 `json:"repeat_floor"`
	CreatorMost   float64 `json:"creator_most"`
	ProductMost   float64 `json:"product_most"`
	CategoryThird float64 `json:"category_third"`
	Lift          float64 `json:"lift"`
	FollowedShare float64 `json:"followed_share"`

	Record    float64   `json:"record"`
	Stages    []float64 `json:"stages"`
	Quantiles []float64 `json:"quantiles"`
	Promote   float64   `json:"promote"`
	Stop      float64   `json:"stop"`
}

// Value returns the policy a new Mezzo begins with. Its watch, engagement and negative weights are set so that
// watching and buying are worth about as much on an average impression (4 % clicks × 3 % buys × 60.00
// ≈ 6.5 minor units; half a percentile of a 30 s video ≈ 2).
func Value() Policy {
	return Policy{
		Name:  "value",
		Watch: 2, Engage: 10, Sale: 1, Negative: 50, ReturnCost: 600,
		Optimism: 0.5, Temperature: 0.08, Floor: 0.02, ExploreEvery: 8,
		RepeatFade: 0.5, RepeatFloor: 0.25, CreatorMost: 2, ProductMost: 1, CategoryThird: 0.7, Lift: 0.1, FollowedShare: 0.2,
		Record: 200, Stages: []float64{200, 1_000, 5_000, 25_000}, Quantiles: []float64{0.5, 0.6, 0.7, 0.8}, Promote: 0.3, Stop: 0.05,
	}
}

// What the parameters of a policy are about, in the order they are read.
const (
	AboutWorth = "What an impression is worth"
	AboutDraw  = "How a place is drawn"
	AboutTests = "How a new video is tested"
)

// UnitPart is the unit of what is a part of something: 1 is all of it.
const UnitPart = "part"

// Parameter is one weight of a policy in plain words.
type Parameter struct {
	Name     string
	Means    string
	About    string // what it belongs to: AboutWorth, AboutDraw or AboutTests
	Unit     string // of its numbers; UnitPart of those that are a part of something, 1 being all of it
	Least    float64
	Most     float64
	Whole    bool // no fractions
	of       func(*Policy) *float64
	sequence func(*Policy) []float64
}

// Parameters returns every weight of a policy in the order people should read them.
func Parameters() []Parameter {
	return []Parameter{
		{Name: "watch", About: AboutWorth, Unit: "minor units", Means: "What it is worth that somebody watches a video of 15 s to its end as no other does, in minor units; longer videos in proportion, up to 60 s.", Most: 1000, of: func(p *Policy) *float64 { return &p.Watch }},
		{Name: "engage", About: AboutWorth, Unit: "minor units", Means: "What a like, a comment, a share or a follow from the video is worth, in minor units.", Most: 10_000, of: func(p *Policy) *float64 { return &p.Engage }},
		{Name: "sale", About: AboutWorth, Unit: UnitPart, Means: "How much of a sale's expected value counts: 1 is all of it.", Most: 10, of: func(p *Policy) *float64 { return &p.Sale }},
		{Name: "negative", About: AboutWorth, Unit: "minor units", Means: "What it costs that somebody hides or reports the video, in minor units; a skip within two seconds costs a fifth.", Most: 100_000, of: func(p *Policy) *float64 { return &p.Negative }},
		{Name: "return_cost", About: AboutWorth, Unit: "minor units", Means: "What a returned order costs beyond its lost value, in minor units.", Most: 1_000_000, of: func(p *Policy) *float64 { return &p.ReturnCost }},
		{Name: "optimism", About: AboutDraw, Unit: "standard deviations", Means: "How many standard deviations of doubt are added to a value, so that what is little known is tried.", Most: 5, of: func(p *Policy) *float64 { return &p.Optimism }},
		{Name: "temperature", About: AboutDraw, Unit: UnitPart, Means: "How freely a slate is drawn: the part of the spread of values that is taken for equal.", Least: 1e-3, Most: 10, of: func(p *Policy) *float64 { return &p.Temperature }},
		{Name: "floor", About: AboutDraw, Unit: UnitPart, Means: "The part of every draw that goes by chance alone, so that every candidate can be shown.", Least: 1e-3, Most: 1, of: func(p *Policy) *float64 { return &p.Floor }},
		{Name: "explore_every", About: AboutDraw, Unit: "places", Means: "One slot in so many is reserved for videos that are being tested; 0 reserves none.", Most: 100, Whole: true, of: func(p *Policy) *float64 { return &p.ExploreEvery }},
		{Name: "control", About: AboutDraw, Unit: UnitPart, Means: "The part of this policy's own pages that is drawn by chance alone. The viewers of the control, at least one in a hundred, are drawn so always; 0 adds nothing to them.", Most: 0.5, of: func(p *Policy) *float64 { return &p.Control }},
		{Name: "repeat_fade", About: AboutDraw, Unit: UnitPart, Means: "What is left of a value for each further video of a creator on the page.", Most: 1, of: func(p *Policy) *float64 { return &p.RepeatFade }},
		{Name: "repeat_floor", About: AboutDraw, Unit: UnitPart, Means: "What is left of it at least.", Most: 1, of: func(p *Policy) *float64 { return &p.RepeatFloor }},
		{Name: "creator_most", About: AboutDraw, Unit: "videos", Means: "Videos of one creator among ten.", Least: 1, Most: 10, Whole: true, of: func(p *Policy) *float64 { return &p.CreatorMost }},
		{Name: "product_most", About: AboutDraw, Unit: "videos", Means: "Videos of one product among ten.", Least: 1, Most: 10, Whole: true, of: func(p *Policy) *float64 { return &p.ProductMost }},
		{Name: "category_third", About: AboutDraw, Unit: UnitPart, Means: "What is left of a value for the third video of one category in a row.", Least: 0.05, Most: 1, of: func(p *Policy) *float64 { return &p.CategoryThird }},
		{Name: "lift", About: AboutDraw, Unit: UnitPart, Means: "How far a creator who was shown less than their videos deserve is lifted, as a part of the mean value; nobody is pushed down.", Most: 0.1, of: func(p *Policy) *float64 { return &p.Lift }},
		{Name: "followed_share", About: AboutDraw, Unit: UnitPart, Means: "The part of a home page that may come from followed creators; they have no other advantage.", Most: 0.2, of: func(p *Policy) *float64 { return &p.FollowedShare }},
		{Name: "record", About: AboutTests, Unit: "impressions", Means: "How many impressions a creator's record is worth to a new video at most.", Most: 1000, of: func(p *Policy) *float64 { return &p.Record }},
		{Name: "stages", About: AboutTests, Unit: "impressions", Means: "Impressions with which a video is tested before each decision.", Least: 10, Most: 10_000_000, Whole: true, sequence: func(p *Policy) []float64 { return p.Stages }},
		{Name: "quantiles", About: AboutTests, Unit: UnitPart, Means: "The part of its category that a video must be better than at each decision.", Least: 0.01, Most: 0.99, sequence: func(p *Policy) []float64 { return p.Quantiles }},
		{Name: "promote", About: AboutTests, Unit: UnitPart, Means: "How likely it must be that a video is that good, to be tested further.", Least: 0.01, Most: 0.99, of: func(p *Policy) *float64 { return &p.Promote }},
		{Name: "stop", About: AboutTests, Unit: UnitPart, Means: "How unlikely it must be, to end the test.", Least: 0, Most: 0.9, of: func(p *Policy) *float64 { return &p.Stop }},
	}
}

// Values returns what a policy says of the parameter: one number, or one for each stage.
func (q Parameter) Values(p *Policy) []float64 {
	if q.of != nil {
		return []float64{*q.of(p)}
	}
	return append([]float64(nil), q.sequence(p)...)
}

// Set writes what a policy says of the parameter.
func (q Parameter) Set(p *Policy, values []float64) {
	switch {
	case q.of == nil && q.Name == "stages":
		p.Stages = values
	case q.of == nil:
		p.Quantiles = values
	case len(values) == 1:
		*q.of(p) = values[0]
	}
}

// Many reports whether the parameter has a number for each stage.
func (q Parameter) Many() bool { return q.of == nil }

// ParsePolicy reads a policy in JSON; what it leaves out is as in Value. A fault of kind invalid names
// each bad field as body.weights.<name>: NaN, out of bounds, unknown, or in contradiction to another.
func ParsePolicy(text []byte) (Policy, error) {
	p := Value()
	p.Name = ""
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, unreadable(text, err)
	}
	if d.More() {
		return Policy{}, fault.InvalidField("body.weights", "A policy is one JSON object; something follows it.")
	}
	return p, p.Validate()
}

// keyForm is the beginning of a member of an object.
var keyForm = regexp.MustCompile(`"([a-z_]+)"\s*:`)

// unreadable says which field of a policy cannot be read.
func unreadable(text []byte, err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fault.InvalidField("body.weights."+kind.Field, "This is a %s; it takes a number.", kind.Value)
	case errors.As(err, &syntax):
		before := text[:min(max(int(syntax.Offset), 0), len(text))]
		if keys := keyForm.FindAllSubmatch(before, -1); len(keys) > 0 {
			return fault.InvalidField("body.weights."+string(keys[len(keys)-1][1]), "This is not JSON here: %s. Numbers are written in digits; NaN and Infinity are none.", syntax.Error())
		}
	default:
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return fault.InvalidField("body.weights."+strings.Trim(name, `"`), "A policy has no such weight.")
		}
	}
	return fault.InvalidField("body.weights", "This is not a policy in JSON: %v.", err)
}

// Validate returns a fault of kind invalid that names the first bad field, nil when the policy can be
// put in force.
func (p *Policy) Validate() error {
	if p.Name == "" || len(p.Name) > 40 {
		return fault.InvalidField("body.weights.name", "A policy has a name of 1 to 40 letters.")
	}
	for _, q := range Parameters() {
		values, where := []float64(nil), func(int) string { return "body.weights." + q.Name }
		if q.of != nil {
			values = []float64{*q.of(p)}
		} else {
			values, where = q.sequence(p), func(i int) string { return fmt.Sprintf("body.weights.%s[%d]", q.Name, i) }
		}
		for i, v := range values {
			switch {
			case math.IsNaN(v) || math.IsInf(v, 0):
				return fault.InvalidField(where(i), "This is not a number.")
			case v < q.Least || v > q.Most:
				return fault.InvalidField(where(i), "It must be within %v and %v.", q.Least, q.Most)
			case q.Whole && v != math.Trunc(v):
				return fault.InvalidField(where(i), "It must be a whole number.")
			case i > 0 && q.Name == "stages" && v <= values[i-1], i > 0 && v < values[i-1]:
				return fault.InvalidField(where(i), "It must be more than the one before it.")
			}
		}
	}
	return p.contradiction()
}

// contradiction finds weights that are fine alone and make no sense together.
func (p *Policy) contradiction() error {
	switch {
	case len(p.Stages) == 0 || len(p.Stages) > MaxStages:
		return fault.InvalidField("body.weights.stages", "There are 1 to %d stages.", MaxStages)
	case len(p.Quantiles) != len(p.Stages):
		return fault.InvalidField("body.weights.quantiles", "There is one for each of the %d stages.", len(p.Stages))
	case p.Stop >= p.Promote:
		return fault.InvalidField("body.weights.stop", "It must be less than promote, or a video would be promoted and stopped at once.")
	case p.Watch == 0 && p.Engage == 0 && p.Sale == 0:
		return fault.InvalidField("body.weights.sale", "With watch, engage and sale all 0 nothing is worth showing.")
	case p.ExploreEvery == 1:
		return fault.InvalidField("body.weights.explore_every", "With every slot reserved for tests nothing that passed them would be shown.")
	case p.Sale == 0 && p.ReturnCost > 0:
		return fault.InvalidField("body.weights.return_cost", "With sale 0 a return cannot cost anything.")
	}
	return nil
}

// Hash names exactly these weights: it seeds draws and stands in the log beside what was drawn.
func (p *Policy) Hash() uint64 {
	text, err := json.Marshal(p)
	if err != nil {
		return 0 // only NaN or infinity cannot be written, and Validate refuses them
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// Schema returns the JSON schema (2020-12) of a policy, made of Parameters.
func Schema() []byte {
	properties := map[string]any{"name": map[string]any{"type": "string", "minLength": 1, "maxLength": 40}}
	for _, q := range Parameters() {
		number := map[string]any{"type": "number", "minimum": q.Least, "maximum": q.Most}
		if q.Whole {
			number["type"] = "integer"
		}
		if q.sequence != nil {
			number = map[string]any{"type": "array", "items": number, "minItems": 1, "maxItems": MaxStages}
		}
		number["description"] = q.Means
		properties[q.Name] = number
	}
	text, _ := json.MarshalIndent(map[string]any{ // maps of plain values: it cannot fail
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Ranking policy", "type": "object",
		"required": []string{"name"}, "additionalProperties": false, "properties": properties,
	}, "", "  ")
	return text
}
