package api

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"mezzo/internal/fault"
)

//go:embed docs.html
var docsPage string

//go:embed problem.html
var problemPage string

const htmlPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// registerDocs serves the OpenAPI document, a page made of it without scripts, and a page for
// each kind of problem.
func (a *API) registerDocs() {
	spec := sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		b, err := spec()
		if err != nil {
			a.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Write(b)
	})
	docs := template.Must(template.New("docs").Parse(docsPage))
	a.mux.HandleFunc("GET /api/docs", func(w http.ResponseWriter, r *http.Request) {
		a.html(w, r, docs, a.contents())
	})
	problem := template.Must(template.New("problem").Parse(problemPage))
	a.mux.HandleFunc("GET /problems/{kind}", func(w http.ResponseWriter, r *http.Request) {
		for _, o := range outcomes {
			if string(o.kind) == r.PathValue("kind") {
				a.html(w, r, problem, map[string]any{"Title": o.title, "Status": o.status, "What": o.what, "Kind": o.kind})
				return
			}
		}
		if kind := r.PathValue("kind"); finerName(kind) {
			a.html(w, r, problem, map[string]any{"Title": strings.ReplaceAll(kind, "_", " "), "What": "The detail of the answer says what happened and what to do next.", "Kind": kind})
			return
		}
		a.fail(w, r, fault.New(fault.Missing, "There is no such kind of problem."))
	})
}

func finerName(s string) bool {
	return s != "" && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

func (a *API) html(w http.ResponseWriter, r *http.Request, t *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", htmlPolicy)
	if err := t.Execute(w, data); err != nil {
		a.fail(w, r, err)
	}
}

// chapter is the routes of one tag, for the docs page.
type chapter struct {
	Tag    string
	Routes []entry
}

type entry struct {
	Route
	Path, Anchor        string
	KeyTaken, KeyNeeded bool
	Input, Output       string
}

// contents lists the routes by tag, in the order they were registered.
func (a *API) contents() []chapter {
	var out []chapter
	for _, r := range a.routes {
		i := slices.IndexFunc(out, func(c chapter) bool { return c.Tag == r.Tag })
		if i < 0 {
			out = append(out, chapter{Tag: r.Tag})
			i = len(out) - 1
		}
		out[i].Routes = append(out[i].Routes, entry{
			Route: r, Path: r.Pattern(), Anchor: operationID(r), KeyTaken: r.takesKey(), KeyNeeded: r.Idempotency == Required,
			Input: a.bodyOf(r, true), Output: a.bodyOf(r, false),
		})
	}
	return out
}
