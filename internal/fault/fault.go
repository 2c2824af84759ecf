// Package fault names the kinds of failure and what a client is told of each.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is; the face turns it into an HTTP status.
type Kind string

// The kinds, with the status each becomes. Anything that is not a Fault is Internal.
const (
	Malformed    Kind = "malformed"    // 400: the request cannot be read
	Unauthorized Kind = "unauthorized" // 401: who asks is not known
	Declined     Kind = "declined"     // 402: the payment was refused
	Forbidden    Kind = "forbidden"    // 403: known, and may not
	Missing      Kind = "missing"      // 404: not there, or somebody else's
	Conflict     Kind = "conflict"     // 409: the state has moved on
	Stale        Kind = "stale"        // 412: If-Match names an older version
	TooLarge     Kind = "too_large"    // 413: over a named limit
	Invalid      Kind = "invalid"      // 422: readable, and not acceptable
	Limited      Kind = "limited"      // 429: too often; see RetryAfter
	Unavailable  Kind = "unavailable"  // 503: not now; see RetryAfter
	Internal     Kind = "internal"     // 500: our fault; the client is told nothing more
)

// Field is one thing wrong with the input: where it is and what to do about it.
type Field struct {
	Location string `json:"location"` // a path such as body.lines[0].quantity
	Message  string `json:"message"`
}

// Fault is a failure meant for a client. Detail is a sentence that says what happened
// and what to do next; it never holds another tenant's ids. The cause is for the log only.
type Fault struct {
	Kind       Kind
	Type       string // problem type when it is finer than the kind, e.g. payment_declined
	Detail     string
	Fields     []Field
	RetryAfter time.Duration // for Limited, Unavailable and a running Conflict
	cause      error
}

// Error returns the detail and, for the log, the cause.
func (f *Fault) Error() string {
	if f.cause != nil {
		return string(f.Kind) + ": " + f.Detail + ": " + f.cause.Error()
	}
	return string(f.Kind) + ": " + f.Detail
}

// Unwrap returns the cause, if any.
func (f *Fault) Unwrap() error { return f.cause }

// New returns a fault of the kind with a formatted detail; %w keeps a cause for errors.Is.
func New(kind Kind, format string, args ...any) *Fault {
	err := fmt.Errorf(format, args...)
	return &Fault{Kind: kind, Detail: err.Error(), cause: errors.Unwrap(err)}
}

// Wrap returns a fault that tells the client detail and keeps cause for the log.
func Wrap(kind Kind, cause error, detail string) *Fault {
	return &Fault{Kind: kind, Detail: detail, cause: cause}
}

// InvalidField returns an Invalid fault about one place of the input.
func InvalidField(location, format string, args ...any) *Fault {
	message := fmt.Sprintf(format, args...)
	return &Fault{Kind: Invalid, Detail: message, Fields: []Field{{location, message}}}
}

// WithType returns the same fault with a finer problem type.
func (f *Fault) WithType(t string) *Fault { f.Type = t; return f }

// WithField adds one thing wrong and returns the same fault.
func (f *Fault) WithField(location, format string, args ...any) *Fault {
	f.Fields = append(f.Fields, Field{location, fmt.Sprintf(format, args...)})
	return f
}

// After sets when to try again and returns the same fault.
func (f *Fault) After(d time.Duration) *Fault { f.RetryAfter = d; return f }

// KindOf returns the kind of err: Internal for anything that is not a Fault, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Is reports whether err is a fault of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
