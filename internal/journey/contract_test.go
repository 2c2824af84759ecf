package journey

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mezzo/internal/client"
)

// operation is one route of the contract, as the server publishes it.
type operation struct {
	method, path string
	who          string // x-who: public, viewer, account, creator, brand, operator
	scope        string // x-scope: what an API token needs, "" where tokens are refused or need none
	key          bool   // takes an Idempotency-Key
	keyed        bool   // requires one
	query        []string
	schema       map[string]any // of its JSON body, nil without one
}

// name is how tests speak of it: POST /carts/{id}/lines.
func (o operation) name() string { return o.method + " " + strings.TrimPrefix(o.path, "/api/v1") }

// sdk reports whether it is of the contract that event SDKs bring along: a write key opens it, and it
// passes over what it cannot read.
func (o operation) sdk() bool { return strings.HasPrefix(o.path, "/v1/") }

// reads reports whether it promises to change nothing.
func (o operation) reads() bool { return o.method == http.MethodGet || o.method == http.MethodHead }

// parameters lists the names in its path, in order.
func (o operation) parameters() []string {
	var names []string
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimRight(name, ".}"))
		}
	}
	return names
}

// document is as much of OpenAPI as is needed here.
type document struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Schemas map[string]map[string]any }
}

type described struct {
	Who        string `json:"x-who"`
	Scope      string `json:"x-scope"`
	Parameters []struct {
		Name, In string
		Required bool
	}
	RequestBody struct {
		Content map[string]struct{ Schema map[string]any }
	}
}

// contract reads the table of routes from the running server, in a fixed order.
func (m *market) contract() []operation {
	m.t.Helper()
	var d document
	m.ok(m.nobody.Call(m.ctx, http.MethodGet, "/api/openapi.json", nil, &d))
	var table []operation
	for path, methods := range d.Paths {
		for method, raw := range methods {
			method = strings.ToUpper(method)
			if method == "PARAMETERS" {
				continue
			}
			var said described
			m.ok(json.Unmarshal(raw, &said))
			o := operation{method: method, path: path, who: said.Who, scope: said.Scope}
			for _, p := range said.Parameters {
				switch {
				case p.Name == "Idempotency-Key":
					o.key, o.keyed = true, p.Required
				case p.In == "query":
					o.query = append(o.query, p.Name)
				}
			}
			if body, ok := said.RequestBody.Content["application/json"]; ok {
				o.schema = d.resolve(body.Schema)
			}
			table = append(table, o)
		}
	}
	slices.SortFunc(table, func(a, b operation) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	if len(table) < 80 {
		m.t.Fatalf("the contract has only %d operations", len(table))
	}
	return table
}

// resolve follows the references of a schema and of its properties.
func (d document) resolve(s map[string]any) map[string]any {
	if ref, ok := s["$ref"].(string); ok {
		return d.resolve(d.Components.Schemas[ref[strings.LastIndexByte(ref, '/')+1:]])
	}
	whole := map[string]any{}
	for k, v := range s {
		whole[k] = v
	}
	if items, ok := s["items"].(map[string]any); ok {
		whole["items"] = d.resolve(items)
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		all := map[string]any{}
		for name, p := range properties {
			all[name] = d.resolve(p.(map[string]any))
		}
		whole["properties"] = all
	}
	return whole
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call is one request as it goes over the wire.
type call struct {
	method, path string
	header       map[string]string
	body         []byte
	chunked      bool // the body comes without its length
}

// longest is as much of an answer as is read.
const longest = 8 << 20

// ask sends a call with a client's credentials and returns the answer, whatever it is.
func ask(t testing.TB, c client.Client, q call) answer {
	t.Helper()
	a, err := try(t, c, q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return a
}

func try(t testing.TB, c client.Client, q call) (answer, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	if q.chunked {
		body = io.MultiReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), q.method, c.Base+q.path, body)
	if err != nil {
		return answer{}, err
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range map[string]string{"X-Viewer-Token": c.Viewer, "X-Order-Token": c.Order} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	if res.Header.Get("Content-Type") == "text/event-stream" { // it never ends: its first event tells enough
		said, err := firstEvent(res.Body)
		return answer{res.StatusCode, res.Header, said}, err
	}
	said, err := io.ReadAll(io.LimitReader(res.Body, longest))
	return answer{res.StatusCode, res.Header, said}, err
}

// firstEvent reads a stream up to the end of its first event.
func firstEvent(r io.Reader) (said []byte, err error) {
	lines := bufio.NewReader(r)
	for len(said) < longest {
		line, err := lines.ReadBytes('\n')
		if said = append(said, line...); err != nil || len(line) == 1 {
			return said, err
		}
	}
	return said, nil
}

// inside lists what of a server's insides an answer must never show.
var inside = []string{"goroutine ", ".go:", "panic", "SQLSTATE", "sqlite", "SQL logic", "pgx", "runtime error", "json: cannot unmarshal"}

// sound checks what holds of every answer: it is not the server's fault, a refusal is a problem
// document, and nothing of the insides shows.
func (a answer) sound(t testing.TB, what string) {
	t.Helper()
	if a.status >= 500 {
		t.Errorf("%s: answered with %d: %s", what, a.status, a.body)
	}
	if a.status < 400 {
		return
	}
	for _, s := range inside {
		if bytes.Contains(a.body, []byte(s)) {
			t.Errorf("%s: the answer shows %q: %s", what, s, a.body)
		}
	}
	var p client.Problem
	if len(a.body) > 0 && (a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil || p.Status != a.status ||
		!strings.HasPrefix(p.Type, "/problems/") || p.Detail == "") {
		t.Errorf("%s: %d is not told as a problem: %s %s", what, a.status, a.header.Get("Content-Type"), a.body)
	}
}

// quiet checks that the program's log holds no error and no panic.
func (m *market) quiet() {
	m.t.Helper()
	for line := range strings.SplitSeq(m.program.Log(), "\n") {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") || strings.Contains(line, "goroutine ") {
			m.t.Errorf("the program's log says: %.2000s", line)
		}
	}
}
