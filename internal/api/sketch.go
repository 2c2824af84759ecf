package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// sketchDepth is how deep the docs page writes a body out.
const sketchDepth = 4

// bodyOf writes the JSON of a route's input or output as the docs page shows it; "" when it has none.
func (a *API) bodyOf(r Route, input bool) string {
	item := a.huma.OpenAPI().Paths[r.Pattern()]
	if item == nil {
		return ""
	}
	op := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[r.Method]
	if op == nil {
		return ""
	}
	var content map[string]*huma.MediaType
	if input && op.RequestBody != nil {
		content = op.RequestBody.Content
	}
	for status, response := range op.Responses {
		if !input && status != "default" {
			content = response.Content
		}
	}
	if m := content["application/json"]; m != nil && m.Schema != nil {
		return a.sketch(m.Schema, "", 0)
	}
	return ""
}

// sketch writes a schema as JSON with types in place of values.
func (a *API) sketch(s *huma.Schema, indent string, depth int) string {
	for s.Ref != "" {
		s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case s.Type == huma.TypeArray && s.Items != nil:
		return "[" + a.sketch(s.Items, indent, depth) + ", …]"
	case s.Type != huma.TypeObject:
		return typeName(s)
	case len(s.Properties) == 0 || depth >= sketchDepth:
		return "{…}"
	}
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range properties(s) {
		optional := "?"
		if required[name] {
			optional = ""
		}
		fmt.Fprintf(&b, "%s  %q%s: %s\n", indent, name, optional, a.sketch(s.Properties[name], indent+"  ", depth+1))
	}
	b.WriteString(indent + "}")
	return b.String()
}

// properties returns the names of a schema's properties: the needed ones first, as written.
func properties(s *huma.Schema) []string {
	names := append([]string(nil), s.Required...)
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	rest := make([]string, 0, len(s.Properties))
	for n := range s.Properties {
		if !seen[n] {
			rest = append(rest, n)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

func typeName(s *huma.Schema) string {
	name := s.Type
	if s.Format != "" && s.Type == huma.TypeString {
		name = s.Format
	}
	if len(s.Enum) > 0 {
		values := make([]string, 0, len(s.Enum))
		for _, v := range s.Enum {
			values = append(values, fmt.Sprint(v))
		}
		name = strings.Join(values, " | ")
	}
	if s.MaxLength != nil {
		name += fmt.Sprintf(" ≤ %d", *s.MaxLength)
	}
	if s.Minimum != nil && s.Maximum != nil {
		name += fmt.Sprintf(" %v to %v", *s.Minimum, *s.Maximum)
	}
	return name
}
