package api

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"mezzo/internal/fault"
)

// List is embedded in the input of every list.
type List struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"400" doc:"next_cursor of the page before"`
}

// Page is the answer of every list.
type Page[T any] struct {
	Items []T     `json:"items" nullable:"false"`
	Next  *string `json:"next_cursor" doc:"Where the next page begins; null on the last"`
}

// PageOutput is the output of a list operation.
type PageOutput[T any] struct{ Body Page[T] }

// Output is the output of an operation that answers with one body and nothing else.
type Output[T any] struct{ Body T }

// None is the output of an operation without a body, and the input of one without input.
type None struct{}

// ok wraps a body in the output of an operation.
func ok[T any](body T) *Output[T] { return &Output[T]{body} }

// answered is ok for a use's answer that may be an error.
func answered[T any](body T, err error) (*Output[T], error) {
	if err != nil {
		return nil, err
	}
	return &Output[T]{body}, nil
}

// whole answers with a list that is short enough for one page.
func whole[T any](items []T) *PageOutput[T] { return page(items, len(items), nil) }

// page answers with items. A use is asked for limit+1 of them: the one too many says that there is
// a next page, and the cursor is made of the last one given.
func page[T any](items []T, limit int, last func(T) string) *PageOutput[T] {
	out := &PageOutput[T]{Page[T]{Items: items}}
	if len(items) > limit {
		out.Body.Items = items[:limit]
		next := cursor(last(items[limit-1]))
		out.Body.Next = &next
	}
	if out.Body.Items == nil {
		out.Body.Items = []T{}
	}
	return out
}

// cursor makes an opaque cursor of the sort keys of the last item.
func cursor(parts ...string) string {
	b, _ := json.Marshal(parts)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parts reads a cursor of n sort keys; an empty cursor gives n empty strings.
func (l List) parts(n int) ([]string, error) {
	if l.Cursor == "" {
		return make([]string, n), nil
	}
	var parts []string
	b, err := base64.RawURLEncoding.DecodeString(l.Cursor)
	if err == nil {
		err = json.Unmarshal(b, &parts)
	}
	if err != nil || len(parts) != n {
		return nil, badCursor()
	}
	return parts, nil
}

func badCursor() error {
	return fault.InvalidField("query.cursor", "This cursor was not given out by this list. Leave it out to begin again.")
}

// after reads a cursor that is the id of the last item; "" for the first page.
func after[T anyID](l List) (T, error) {
	parts, err := l.parts(1)
	if err != nil || parts[0] == "" {
		return "", err
	}
	if last := T(parts[0]); last.Valid() {
		return last, nil
	}
	return "", badCursor()
}

// anyID is an id of some kind: id.Order, id.Video.
type anyID interface {
	~string
	Valid() bool
}

// Match is embedded in the input of PUT and PATCH operations on versioned things.
type Match struct {
	IfMatch string `header:"If-Match" doc:"ETag of the version this change was made from"`
}

// Tagged is the output of an operation on a versioned thing.
type Tagged[T any] struct {
	ETag string `header:"ETag" doc:"The version, for If-Match"`
	Body T
}

// tagged answers with a body and its version.
func tagged[T any](version int64, body T) *Tagged[T] { return &Tagged[T]{etag(version), body} }

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// version returns the version If-Match names; 0 when the header is absent or "*": any.
func (m Match) version() (int64, error) {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return 0, nil
	}
	inner, quoted := strings.CutPrefix(m.IfMatch, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	v, err := strconv.ParseInt(inner, 10, 64)
	if !quoted || !closed || err != nil || v <= 0 {
		return 0, fault.New(fault.Stale, "If-Match holds no ETag of this resource. Read it again and repeat your change.")
	}
	return v, nil
}

// required is version for operations that must name the one they change.
func (m Match) required() (int64, error) {
	if m.IfMatch == "" {
		return 0, fault.New(kindNoCondition, "Send the ETag of what you read as If-Match, so that nobody's change is lost.")
	}
	return m.version()
}
