package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// document is what the test reads of OpenAPI 3.1.
type document struct {
	OpenAPI    string
	Info       struct{ Title, Version string }
	Paths      map[string]map[string]operation
	Components struct {
		Schemas         map[string]json.RawMessage
		SecuritySchemes map[string]struct{ Type string }
	}
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Security    []map[string][]string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   json.RawMessage
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema json.RawMessage }
	}
}

func TestOpenAPIDocument(t *testing.T) {
	w := lite(t)
	a := w.do("GET", "/api/openapi.json", "").want(200)
	var doc document
	a.read(&doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title == "" || doc.Info.Version != "test" {
		t.Errorf("%s %+v", doc.OpenAPI, doc.Info)
	}
	if strings.Contains(a.Body.String(), "$schema") || strings.Contains(a.Body.String(), "ErrorModel") {
		t.Error("the library shows through")
	}
	for _, m := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(a.Body.String(), -1) {
		if doc.Components.Schemas[m[1]] == nil {
			t.Errorf("$ref to %s, which is not there", m[1])
		}
	}
	ids := map[string]bool{}
	described := 0
	for path, methods := range doc.Paths {
		if !strings.HasPrefix(path, "/") || strings.Contains(path, "...") || strings.Contains(path, "$") {
			t.Errorf("path %s", path)
		}
		for method, op := range methods {
			described++
			op.check(t, strings.ToUpper(method)+" "+path, path, doc)
			if ids[op.OperationID] {
				t.Errorf("operationId %s is there twice", op.OperationID)
			}
			ids[op.OperationID] = true
		}
	}
	if described != len(w.api.Routes()) {
		t.Errorf("%d operations described, %d routes", described, len(w.api.Routes()))
	}
	for _, r := range w.api.Routes() {
		if _, pattern := w.api.mux.Handler(&http.Request{Method: r.Method, URL: mustURL(t, r.Pattern())}); pattern != r.Method+" "+r.Pattern() {
			t.Errorf("%s %s is answered by %q", r.Method, r.Pattern(), pattern)
		}
	}
}

func (op operation) check(t *testing.T, name, path string, doc document) {
	t.Helper()
	if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
		t.Errorf("%s: %+v", name, op)
	}
	if op.Responses["default"].Content["application/problem+json"].Schema == nil {
		t.Errorf("%s does not describe its problems", name)
	}
	success := 0
	for status, r := range op.Responses {
		if r.Description == "" {
			t.Errorf("%s: %s has no description", name, status)
		}
		if status[0] == '2' {
			success++
		}
	}
	if success == 0 {
		t.Errorf("%s describes no success", name)
	}
	inPath := map[string]bool{}
	for _, p := range op.Parameters {
		if p.In == "path" {
			inPath[p.Name] = true
			if !p.Required {
				t.Errorf("%s: path parameter %s is optional", name, p.Name)
			}
		}
		if p.Schema == nil {
			t.Errorf("%s: %s has no schema", name, p.Name)
		}
	}
	for _, m := range regexp.MustCompile(`\{([^}]+)\}`).FindAllStringSubmatch(path, -1) {
		if !inPath[m[1]] {
			t.Errorf("%s does not describe {%s}", name, m[1])
		}
	}
	for _, s := range op.Security {
		for scheme := range s {
			if doc.Components.SecuritySchemes[scheme].Type == "" {
				t.Errorf("%s: no security scheme %s", name, scheme)
			}
		}
	}
}

func TestDocsPage(t *testing.T) {
	w := lite(t)
	a := w.do("GET", "/api/docs", "").want(200)
	page := a.Body.String()
	if strings.Contains(page, "<script") || strings.Contains(page, "http://") || strings.Contains(page, "https://") {
		t.Error("the page loads something")
	}
	for _, r := range w.api.Routes() {
		if !strings.Contains(page, `id="`+operationID(r)+`"`) {
			t.Errorf("%s %s is not in the docs", r.Method, r.Path)
		}
	}
	for _, want := range []string{`&#34;display_name&#34;: string ≤ 60`, "owner | staff"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
