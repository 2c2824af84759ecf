package journey

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mezzo/internal/program"
)

// Every operation of the contract is sent what no honest client sends, by the person who may make the
// call: each time it is refused or does what it can, never breaks, and shows nothing of its insides.
func TestEveryRouteBearsAbsurdInput(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		h := furnish(t, o)
		sent := 0
		for _, o := range h.contract() {
			for _, q := range slices.Concat(h.badBodies(o), h.badValues(o), h.badPaths(o), h.badQueries(o), h.badHeaders(o)) {
				sent++
				h.bear(o, q)
			}
		}
		if sent < 2000 {
			t.Errorf("only %d absurd calls were made", sent)
		}
		t.Logf("%d absurd calls", sent)
		h.balanced()
		h.quiet()
	})
}

// absurd is a call that is wrong in one way, and the statuses it may be answered with (none: any but
// the server's fault).
type absurd struct {
	call
	how  string
	want []int
}

func (h *house) bear(o operation, q absurd) {
	h.t.Helper()
	c := h.rightful(o)
	if q.header == nil {
		q.header = map[string]string{}
	}
	for name, value := range h.call(o).header {
		if _, set := q.header[name]; !set {
			q.header[name] = value
		}
	}
	if _, ok := q.header["Idempotency-Key"]; ok && !strings.Contains(q.how, "Idempotency-Key") {
		delete(q.header, "Idempotency-Key")
		if o.keyed {
			h.keys++
			q.header["Idempotency-Key"] = fmt.Sprint("absurd ", h.keys)
		}
	}
	a, err := try(h.t, c, q.call)
	for range 3 {
		if err == nil {
			break
		}
		a, err = try(h.t, c, q.call) // the connection was closed on a body nobody wanted
	}
	what := o.name() + ", " + q.how
	if err != nil {
		h.t.Errorf("%s: %v", what, err)
		return
	}
	a.sound(h.t, what)
	if len(q.want) > 0 && !slices.Contains(q.want, a.status) {
		h.t.Errorf("%s: %d, want %v: %.500s", what, a.status, q.want, a.body)
	}
}

// badBodies are bodies that are no JSON, not an object, too deep or too long.
func (h *house) badBodies(o operation) []absurd {
	if o.schema == nil {
		return nil
	}
	q := h.call(o)
	body := func(how, text string, want ...int) absurd {
		return absurd{call{method: q.method, path: q.path, body: []byte(text)}, how, want}
	}
	limit := 1 << 20
	if o.name() == "POST /events" || o.sdk() {
		limit = 500 << 10
	}
	long := `{"x":"` + strings.Repeat("a", limit) + `"}`
	list := []absurd{body("a body over the limit", long, 413), body("a body over the limit, in chunks", long, 413)}
	list[1].chunked = true
	for _, text := range []string{`{`, `{"a":}`, `nul`, `[1,`, `{"a":1`, "\xff\xfe{}", `{"a":"` + "\x01" + `"}`, `{"a":1}}`, `{'a':1}`, `{"a":1}{"b":2}`} {
		list = append(list, body("not JSON: "+text, text, 400))
	}
	for _, text := range []string{`[]`, `"text"`, `1`, `true`, `null`} {
		list = append(list, body("JSON of another sort: "+text, text, 400, 422))
	}
	list = append(list, body("a list too deep", strings.Repeat("[", 50_000), 400, 422))
	list = append(list, body("an object too deep", strings.Repeat(`{"a":`, 50_000)+"1"+strings.Repeat("}", 50_000), 400, 422))
	return list
}

// Values that no property wants. Numbers are written as JSON has them.
var (
	absurdTexts = []string{"", " ", "\x00", "a\x00b", "\a\b\x1b[31m", "\u202egnp.exe", "\u2028", "é̂̂̂̂", "👩‍👩‍👧‍👦", "<script>alert(1)</script>",
		"'; DROP TABLE orders; --", `" OR ""="`, "../../../etc/passwd", "%00", "{{.}}", "${jndi:ldap://x}", strings.Repeat("a", 70_000), "-1", "null", "NaN"}
	absurdNumbers = []string{"-1", "0", "-9223372036854775808", "9223372036854775807", "92233720368547758070", "1e400", "1e18", "1.5", "-0.0"}
	otherSorts    = []string{`"text"`, "true", "7", "[]", "{}", `[[[]]]`, `{"a":{"b":[1]}}`, "null"}
)

// badValues puts an absurd value in the place of each property of a valid body, one at a time.
func (h *house) badValues(o operation) []absurd {
	properties, _ := o.schema["properties"].(map[string]any)
	valid, _ := h.bodies[o.name()].(fields)
	q := h.call(o)
	var list []absurd
	for name, schema := range properties {
		schema := schema.(map[string]any)
		with := func(value string, want ...int) {
			body := fields{}
			for k, v := range valid {
				body[k] = v
			}
			body[name] = json.RawMessage(value)
			if o.sdk() {
				want = nil
			}
			list = append(list, absurd{call{method: q.method, path: q.path, body: encode(h.t, body)}, fmt.Sprintf("%s: %.60s", name, value), want})
		}
		sort := sortOf(schema)
		for _, value := range otherSorts {
			switch own := sortOf(map[string]any{"type": jsonSort(value)}); {
			case sort == "" || own == sort || sort == "number" && own == "integer" || value == "null":
				with(value)
			default:
				with(value, 400, 422)
			}
		}
		switch sort {
		case "string":
			for _, text := range absurdTexts {
				with(string(encode(h.t, text)))
			}
			with(`"a\u0000b"`, 400, 422)
			with(`"\ud800"`)
		case "integer":
			for _, n := range absurdNumbers {
				with(n, unlikely[name]...)
			}
		case "array":
			with("["+strings.Repeat(`"a",`, 20_000)+`"a"]`, 400, 413, 422)
			for _, text := range absurdTexts {
				with("[" + string(encode(h.t, text)) + "]")
			}
		case "object":
			list = append(list, h.badParts(o, name, schema, valid)...)
		}
	}
	return list
}

// badParts does the same one level down: amounts of money, addresses.
func (h *house) badParts(o operation, name string, schema map[string]any, valid fields) []absurd {
	properties, _ := schema["properties"].(map[string]any)
	q := h.call(o)
	var whole map[string]any
	if v, ok := valid[name]; ok {
		h.ok(json.Unmarshal(encode(h.t, v), &whole))
	} else if _, ok := properties["amount"]; ok {
		whole = fields{"amount": 100, "currency": "USD"}
	}
	var list []absurd
	for part, s := range properties {
		values := []string{`"` + strings.Repeat("a", 70_000) + `"`, `"\u0000"`, `"\ud800"`, `""`, "null", "[]"}
		if sortOf(s.(map[string]any)) == "integer" {
			values = absurdNumbers
		}
		for _, value := range values {
			body, inner := fields{}, fields{}
			for k, v := range valid {
				body[k] = v
			}
			for k, v := range whole {
				inner[k] = v
			}
			inner[part] = json.RawMessage(value)
			body[name] = inner
			list = append(list, absurd{call{method: q.method, path: q.path, body: encode(h.t, body)}, fmt.Sprintf("%s.%s: %.60s", name, part, value), nil})
		}
	}
	return list
}

// unlikely names numbers of which none of the absurd ones is acceptable.
var unlikely = map[string][]int{"quantity": {400, 422}, "commission_bps": {400, 422}, "window_hours": {400, 422}}

// sortOf returns the JSON type a schema asks for, "" when it may be several.
func sortOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if one != "null" {
				s, _ := one.(string)
				return s
			}
		}
	}
	return ""
}

func jsonSort(value string) string {
	switch value[0] {
	case '"':
		return "string"
	case '[':
		return "array"
	case '{':
		return "object"
	case 't':
		return "boolean"
	case 'n':
		return "null"
	}
	return "integer"
}

// absurdIDs are in no table; as they stand in a path.
var absurdIDs = []string{"0", "-1", "x", "..%2F..%2Fetc%2Fpasswd", "%00", "a%00b", "%ff%fe", "%27%20OR%201=1--", "%F0%9F%91%BB", "ord_", "ord_00000000000000000000000000", "ORD_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", strings.Repeat("9", 3000), "%25%30%30", "null", "+", "%20"}

// badPaths puts an id that nobody has in the place of each path parameter.
func (h *house) badPaths(o operation) []absurd {
	valid := h.call(o)
	var list []absurd
	for i, part := range strings.Split(o.path, "/") {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		for _, wrong := range absurdIDs {
			if part == "{code}" && o.method == http.MethodPut {
				continue // a code is whatever the brand says
			}
			parts := strings.Split(valid.path, "/")
			parts[i] = wrong
			q := absurd{call{method: valid.method, path: strings.Join(parts, "/"), body: valid.body}, fmt.Sprintf("%s is %.60s", part, wrong), []int{400, 404, 422}}
			if part == "{name}" || part == "{subject}" {
				q.want = nil // a book or history with nothing in it is empty
			}
			list = append(list, q)
		}
	}
	return list
}

// badQueries puts absurd text into each query parameter.
func (h *house) badQueries(o operation) []absurd {
	valid := h.call(o)
	var list []absurd
	for _, name := range o.query {
		add := func(value string, want ...int) {
			path := valid.path + "?" + name + "=" + value
			list = append(list, absurd{call{method: valid.method, path: path, body: valid.body}, fmt.Sprintf("?%s=%.60s", name, value), want})
		}
		for _, text := range absurdTexts {
			add(url.QueryEscape(text[:min(len(text), 3000)]))
		}
		add("%00", 400, 422)
		add("%ff", 400)
		add("%zz", 400)
		switch name {
		case "limit":
			for _, n := range []string{"-1", "0", "101", "9223372036854775808", "1e3", "ten"} {
				add(n, 400, 422)
			}
		case "cursor":
			for _, text := range []string{"x", "====", "AAAAAAAAAAAAAAAA", "eyJhIjoxfQ"} {
				add(text, 400, 422)
			}
		}
	}
	return list
}

// badHeaders sends headers that are wrong or absurd.
func (h *house) badHeaders(o operation) []absurd {
	valid := h.call(o)
	var list []absurd
	add := func(name, value string, want ...int) {
		list = append(list, absurd{call{method: valid.method, path: valid.path, body: valid.body, header: map[string]string{name: value}}, fmt.Sprintf("%s: %.60s", name, value), want})
	}
	if o.reads() || o.schema != nil {
		add("Authorization", "Bearer", 401)
		add("Authorization", "Bearer "+strings.Repeat("x", 5000), 401)
		add("X-Viewer-Token", strings.Repeat("x", 5000))
		add("Cookie", "mezzo_viewer=x; mezzo_session=y")
	}
	if o.key {
		add("Idempotency-Key", strings.Repeat("k", 300), 400)
		add("Idempotency-Key", "schlüssel", 400)
	}
	if o.schema != nil {
		if o.method != http.MethodPost {
			add("If-Match", `"absurd"`)
			add("If-Match", strings.Repeat(`"1",`, 2000))
		}
		if !o.sdk() {
			add("Content-Type", "text/xml", 400, 415, 422)
		}
		add("Content-Type", "application/json; charset=koi8-r")
		add("Content-Encoding", "br")
	}
	return list
}
