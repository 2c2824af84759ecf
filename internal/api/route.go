package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Who says who may call a route at all; the use behind it decides about the thing asked for.
type Who string

// The callers, from anybody to the operator.
const (
	Public   Who = "public"   // anybody
	Viewer   Who = "viewer"   // a shopper: a viewer the server minted, or an account
	Account  Who = "account"  // a signed-in person
	Creator  Who = "creator"  // a person with a creator profile
	Brand    Who = "brand"    // a member or token of a brand; of the one in /brands/{id}
	Operator Who = "operator" // who runs this Mezzo
)

// Idempotency says how a route treats the Idempotency-Key header.
type Idempotency int

// The zero value: POST accepts a key, other methods ignore it.
const (
	ByMethod Idempotency = iota
	Accepted             // a key is obeyed
	Required             // without a key the request is refused: marked ⓘ in API.md
	Ignored              // the key changes nothing: nothing lasting happens, or repeats are harmless
)

// Limits on request bodies.
const (
	// MaxBody is how many bytes a request body may have where the route names no other limit.
	MaxBody = 1 << 20
	// NoLimit is for routes that bound their own stream, such as uploads.
	NoLimit = -1
	// BodyTimeout is how long a client may take to send a body.
	BodyTimeout = 30 * time.Second
)

// Route is one operation of the contract: what it is called, who may call it, and its bounds.
type Route struct {
	Method      string
	Path        string // under Base: /brands/{id}/products
	Root        bool   // Path is the whole path: for contracts of others, such as /v1/batch
	Who         Who
	Scope       account.Scope // what an API token needs; "" refuses tokens unless AnyToken or Public
	AnyToken    bool          // any valid token may call it, whatever its scopes
	Summary     string
	Description string
	Tag         string // heading in the docs
	Status      int    // of success; 0: 200 with a body, 204 without
	Idempotency Idempotency
	MaxBody     int64 // bytes; 0: MaxBody
	Secret      bool  // the body holds a password: its idempotency hash is made slow to guess
	CORS        bool  // other sites' pages may call it, without credentials
	OwnAuth     bool  // the Authorization header is the handler's own business (stream keys, write keys)
	raw         bool
	Takes       any // of a raw route, for the document: a value of the type its JSON body has
	Gives       any // likewise, of its answer
}

// Pattern returns the path as the mux and the OpenAPI document spell it.
func (r Route) Pattern() string {
	if r.Root {
		return r.Path
	}
	return Base + r.Path
}

func (r Route) maxBody() int64 {
	if r.MaxBody == 0 {
		return MaxBody
	}
	return r.MaxBody
}

func (r Route) takesKey() bool {
	return r.Idempotency == Accepted || r.Idempotency == Required ||
		r.Idempotency == ByMethod && r.Method == http.MethodPost
}

// register adds an operation whose input and output are typed; its handler decodes nothing and
// returns errors as they come.
func register[I, O any](a *API, r Route, handler func(ctx context.Context, in *I) (*O, error)) {
	a.note(r)
	if t := reflect.TypeFor[I](); t.Kind() == reflect.Struct {
		for f := range t.Fields() {
			if f.Anonymous && !f.IsExported() { // huma would leave what it holds empty, without a word
				panic("api: the input of " + r.Method + " " + r.Path + " embeds the unexported " + f.Name)
			}
		}
	}
	huma.Register(a.huma, a.operation(r), func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// raw adds an operation that reads and writes HTTP itself: streams, uploads, other formats.
// An error it returns becomes a problem if nothing was written yet.
func (a *API) raw(r Route, handler func(w http.ResponseWriter, r *http.Request) error) {
	r.raw = true
	a.note(r)
	op := a.operation(r)
	a.describeRaw(&op, r)
	a.mux.HandleFunc(r.Method+" "+r.Pattern(), func(w http.ResponseWriter, q *http.Request) {
		a.gate(r, w, q, func(w http.ResponseWriter, q *http.Request) {
			if err := handler(w, q); err != nil {
				a.fail(w, q, err)
			}
		})
	})
}

func (a *API) note(r Route) {
	if r.Who == "" || r.Summary == "" {
		panic("api: " + r.Method + " " + r.Path + " says not who may call it, or not what it does")
	}
	a.routes = append(a.routes, r)
	a.byPath[r.Method+" "+r.Pattern()] = r
	if r.CORS {
		a.mux.HandleFunc("OPTIONS "+r.Pattern(), func(w http.ResponseWriter, q *http.Request) { preflight(r, w) })
	}
}

// adapter lets huma register on the mux with the gate in front of each operation.
type adapter struct{ a *API }

// Handle mounts an operation.
func (d adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	r := d.a.byPath[op.Method+" "+op.Path]
	d.a.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, q *http.Request) {
		d.a.gate(r, w, q, func(w http.ResponseWriter, q *http.Request) {
			handler(humago.NewContext(op, q, w))
		})
	})
}

// ServeHTTP answers with the whole API.
func (d adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.a.ServeHTTP(w, r) }

// asker returns who asks.
func asker(ctx context.Context) account.Asker { return account.From(ctx) }

// permit says whether the asker may call the route at all.
func permit(r Route, who account.Asker, q *http.Request) error {
	if who.Token != "" && r.Who != Public && !r.AnyToken {
		if r.Scope == "" {
			return fault.New(fault.Forbidden, "API tokens cannot do this: sign in.")
		}
		if err := who.May(r.Scope); err != nil {
			return err
		}
	}
	switch r.Who {
	case Viewer:
		if who.Viewer == "" && who.Account == "" {
			return fault.New(fault.Unauthorized, "Say who is shopping: POST /api/v1/viewers gives a viewer token.")
		}
	case Account:
		return who.SignedIn()
	case Creator:
		return who.IsCreator()
	case Operator:
		return who.IsOperator()
	case Brand:
		if strings.HasPrefix(r.Path, "/brands/{id}") {
			return who.OfBrand(id.Brand(q.PathValue("id")), r.Scope)
		}
		if who.TokenBrand == "" {
			return who.SignedIn()
		}
	}
	return nil
}
