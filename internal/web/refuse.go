package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/fault"
)

// refusal is what a kind of fault becomes on a page.
type refusal struct {
	kind   fault.Kind
	status int
	head   string
	way    Link // the one to take
}

var goHome = Link{Text: "To the market", URL: "/"}

// refusals is the one table from faults to pages.
var refusals = [...]refusal{
	{fault.Malformed, http.StatusBadRequest, "That could not be read", goHome},
	{fault.Unauthorized, http.StatusUnauthorized, "Who is asking?", Link{Text: "Sign in", URL: "/sign-in"}},
	{fault.Declined, http.StatusPaymentRequired, "The payment was declined", Link{Text: "To your bag", URL: "/bag"}},
	{fault.Forbidden, http.StatusForbidden, "This is not yours to do", goHome},
	{fault.Missing, http.StatusNotFound, "This page is not here", goHome},
	{fault.Conflict, http.StatusConflict, "It has changed meanwhile", goHome},
	{fault.Stale, http.StatusPreconditionFailed, "Somebody changed it before you", goHome},
	{fault.TooLarge, http.StatusRequestEntityTooLarge, "That is too much at once", goHome},
	{fault.Invalid, http.StatusUnprocessableEntity, "Something in it does not fit", goHome},
	{fault.Limited, http.StatusTooManyRequests, "A little slower, please", goHome},
	{fault.Internal, http.StatusInternalServerError, "Something broke on our side", goHome},
	{fault.Unavailable, http.StatusServiceUnavailable, "Not at this moment", goHome},
}

func refusalOf(kind fault.Kind) refusal {
	for _, r := range refusals {
		if r.kind == kind {
			return r
		}
	}
	return refusalOf(fault.Internal)
}

// refuse answers with the page of an error. Who is not known is sent to the sign-in and back.
func (v *visit) refuse(err error) {
	f := faultOf(err)
	if f.Kind == fault.Unauthorized && !v.sheet() {
		_ = v.to("/sign-in?next=" + url.QueryEscape(v.afterSignIn())) // writes a header only
		return
	}
	r := refusalOf(f.Kind)
	text := f.Detail
	if r.status >= http.StatusInternalServerError && v.ctx().Err() == nil {
		v.site.log.Error("page failed", "request", v.w.Header().Get("X-Request-Id"), "route", v.r.Pattern, "err", err)
	}
	page := ProblemPage{Status: r.status, Head: r.head, Text: text, Ways: []Link{r.way}}
	if r.status >= http.StatusInternalServerError {
		page.Trace = v.w.Header().Get("X-Request-Id")
	}
	if came := v.came(); came != "" && came != v.r.URL.RequestURI() {
		page.Ways = append(page.Ways, Link{Text: "Back", URL: came})
	}
	after(v.w, f)
	page.Chrome = v.chrome(r.head, Market, "")
	if err := v.show(r.status, Problem(page)); err != nil {
		http.Error(v.w, text, r.status)
	}
}

// afterSignIn is the page to come back to: this one, or the one its form stood on.
func (v *visit) afterSignIn() string {
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		return v.r.URL.RequestURI()
	}
	if came := v.came(); came != "" {
		return came
	}
	return "/"
}

func after(w http.ResponseWriter, f *fault.Fault) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
}

// faultOf returns what a person is told of an error; whatever is not meant for them says nothing.
func faultOf(err error) *fault.Fault {
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind == fault.Internal {
		return fault.Wrap(fault.Internal, err, "It was noted. Nothing was taken or changed that this page had not said before; please try again.")
	}
	return f
}

// amiss is what was wrong with a form: said under its fields, and above them.
type amiss struct {
	status int
	detail string
	fields []fault.Field
}

// amissOf returns what a form can say of an error; ok is false when the whole page must say it.
func (v *visit) amissOf(err error) (a amiss, ok bool) {
	f := faultOf(err)
	switch f.Kind {
	case fault.Invalid, fault.Conflict, fault.Stale, fault.Limited, fault.TooLarge, fault.Malformed, fault.Declined:
		after(v.w, f)
		return amiss{refusalOf(f.Kind).status, f.Detail, f.Fields}, true
	}
	return amiss{}, false
}

// says is what is wrong, in one sentence.
func (a *amiss) says() string {
	if len(a.fields) > 0 {
		return a.fields[0].Message
	}
	return a.detail
}

// mark writes what is wrong under the fields that have the names the use calls them by.
func (a *amiss) mark(fields ...*Field) {
	for _, f := range fields {
		a.under(f, f.Name)
	}
}

// under writes what is wrong with any of the use's places under one field.
func (a *amiss) under(f *Field, places ...string) {
	kept := a.fields[:0:0]
	for _, wrong := range a.fields {
		path := placeOf(wrong.Location)
		hit := false
		for _, place := range places {
			hit = hit || path == place || strings.HasPrefix(path, place+".")
		}
		if hit && f.Wrong == "" {
			f.Wrong = wrong.Message
		}
		if !hit {
			kept = append(kept, wrong)
		}
	}
	a.fields = kept
}

// placeOf is a fault's location without where it was sent and without numbers:
// "body.variants[0].price.amount" is "variants.price.amount".
func placeOf(location string) string {
	var b strings.Builder
	_, path, _ := strings.Cut(location, ".")
	inside := false
	for _, c := range path {
		switch {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// notes says above the form what no field says.
func (a *amiss) notes(head string) []Note {
	text := a.detail
	for _, f := range a.fields {
		if !strings.Contains(text, f.Message) {
			text += " " + f.Message
		}
	}
	return []Note{{Tone: "bad", Head: head, Text: text}}
}
