package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"mezzo/internal/account"
)

// config sets huma up: OpenAPI 3.1, JSON only, unknown fields ignored, our own problems.
// Its documentation page and schema links are left out: the first loads a foreign script.
func (a *API) config() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	format := huma.Format{Marshal: writeJSON, Unmarshal: readJSON}
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Mezzo",
				Version:     a.opts.Version,
				Description: "The contract of a Mezzo marketplace. Money is in minor units with its ISO 4217 currency, rates are basis points, times are RFC 3339 in UTC, errors are RFC 9457 problem documents.",
			},
			Components: &huma.Components{Schemas: registry, SecuritySchemes: schemes()},
			Servers:    []*huma.Server{{URL: "/"}},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{ours},
	}
	c.AllowAdditionalPropertiesByDefault = true
	return c
}

func schemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		"bearer":    {Type: "http", Scheme: "bearer", Description: "An API token mzo_…, or the token that POST /accounts and POST /sessions answer with."},
		"session":   {Type: "apiKey", In: "cookie", Name: account.SessionCookie, Description: "The session cookie of a browser; unsafe calls must come from the site's own pages."},
		"write_key": {Type: "http", Scheme: "basic", Description: "A write key of POST /brands/{id}/write_keys as the user, without a password: what event SDKs send."},
		"viewer":    {Type: "apiKey", In: "header", Name: account.ViewerHeader, Description: "A shopper who has not signed in: the token of POST /viewers, or the cookie " + account.ViewerCookie + "."},
	}
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// readJSON reads a body and says in plain words where it does not fit.
func readJSON(data []byte, v any) error {
	if holdsNUL(data) {
		return errors.New("text may not hold the character U+0000")
	}
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: a JSON %s does not fit here", wrong.Field, wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d: %s", syntax.Offset, strings.TrimPrefix(syntax.Error(), "json: "))
	}
	return err
}

// holdsNUL reports whether a JSON text escapes U+0000, which PostgreSQL cannot keep.
func holdsNUL(data []byte) bool {
	escape := []byte(`\u0000`)
	for from := 0; ; {
		i := bytes.Index(data[from:], escape)
		if i < 0 {
			return false
		}
		i += from
		slashes := 0
		for j := i - 1; j >= 0 && data[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		from = i + len(escape)
	}
}

// schemaName names a type's schema: types of a use carry their room's name, so that two rooms
// may have a type of one name.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if strings.HasSuffix(t.PkgPath(), "mezzo/internal/api") || t.PkgPath() == "" {
		return generic(huma.DefaultSchemaNamer(t, hint), t)
	}
	room := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	name := huma.DefaultSchemaNamer(t, hint)
	if strings.HasPrefix(strings.ToLower(name), room) {
		return name
	}
	return strings.ToUpper(room[:1]) + room[1:] + name
}

// generic adds the room of a type argument: Page[content.Card] is PageContentCard.
func generic(name string, t reflect.Type) string {
	open := strings.IndexByte(t.Name(), '[')
	if open < 0 {
		return name
	}
	argument := strings.TrimSuffix(t.Name()[open+1:], "]")
	slash, dot := strings.LastIndexByte(argument, '/'), strings.LastIndexByte(argument, '.')
	if dot < 0 || slash > dot {
		return name
	}
	room := argument[slash+1 : dot]
	if room == "api" || !strings.HasPrefix(argument, "mezzo/") {
		return name
	}
	return t.Name()[:open] + strings.ToUpper(room[:1]) + room[1:] + argument[dot+1:]
}

// operation writes a route down as OpenAPI has it.
func (a *API) operation(r Route) huma.Operation {
	limit := r.maxBody()
	if limit > 0 {
		limit++ // huma refuses a body that reaches its limit; the gate refuses those beyond ours
	}
	op := huma.Operation{
		Method: r.Method, Path: r.Pattern(), OperationID: operationID(r),
		Summary: r.Summary, Description: r.Description,
		DefaultStatus: r.Status, MaxBodyBytes: limit, BodyReadTimeout: BodyTimeout,
		Security:   security(r),
		Extensions: map[string]any{"x-who": r.Who},
		Responses: map[string]*huma.Response{"default": {
			Description: "A problem",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: a.problemSchema()}},
		}},
	}
	if r.Tag != "" {
		op.Tags = []string{r.Tag}
	}
	if r.Scope != "" {
		op.Extensions["x-scope"] = r.Scope
	}
	if r.takesKey() {
		most := keyLimit
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Required: r.Idempotency == Required,
			Description: "Your own name for this call: repeating it gives the first answer.",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &most},
		})
	}
	return op
}

func (a *API) problemSchema() *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
}

// describeRaw adds an operation that huma does not serve to the document.
func (a *API) describeRaw(op *huma.Operation, r Route) {
	status := op.DefaultStatus
	if status == 0 {
		status = http.StatusOK
	}
	op.Responses[fmt.Sprint(status)] = &huma.Response{Description: http.StatusText(status), Content: a.jsonOf(r.Gives)}
	if r.Takes != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: a.jsonOf(r.Takes)}
	}
	for _, part := range strings.Split(op.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: strings.TrimRight(name, ".}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	op.Path = strings.NewReplacer("...}", "}", "{$}", "").Replace(op.Path)
	a.huma.OpenAPI().AddOperation(op)
}

// jsonOf describes JSON of the value's type, nil for none.
func (a *API) jsonOf(value any) map[string]*huma.MediaType {
	if value == nil {
		return nil
	}
	return map[string]*huma.MediaType{"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(value), true, "")}}
}

// operationID makes a stable name of method and path: get_brands_id_members.
func operationID(r Route) string {
	clean := strings.Map(func(c rune) rune {
		switch c {
		case '{', '}', '.', '$':
			return -1
		case '/', '-':
			return '_'
		}
		return c
	}, r.Path)
	return strings.ToLower(r.Method) + strings.TrimRight(clean, "_")
}

func security(r Route) []map[string][]string {
	if r.Root && r.OwnAuth {
		return []map[string][]string{{"write_key": {}}, {}} // the body may hold it instead
	}
	person := []map[string][]string{{"bearer": {}}, {"session": {}}}
	switch r.Who {
	case Public:
		return []map[string][]string{{}}
	case Viewer:
		return append(person, map[string][]string{"viewer": {}})
	}
	return person
}

// finishSpec drops huma's own error schema, which no answer has.
func (a *API) finishSpec() {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	delete(schemas, "HumaErrorModel")
	delete(schemas, "HumaErrorDetail")
	delete(schemas, "V2ErrorModel")
	delete(schemas, "V2ErrorDetail")
}
