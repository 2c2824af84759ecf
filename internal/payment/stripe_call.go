package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// answerMost is how much of an answer is read: a page of a hundred movements with what caused them.
const answerMost = 16 << 20

// form is a request's parameters in Stripe's own encoding: a[b]=c, lists as a[0].
type form struct{ url.Values }

func newForm(pairs ...string) form {
	f := form{url.Values{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

func (f form) number(name string, n int64) form {
	f.Set(name, strconv.FormatInt(n, 10))
	return f
}

// stripeError is what Stripe says of a request that it refused.
type stripeError struct {
	Status  int    `json:"-"`
	Request string `json:"-"` // Stripe's name of the request, for its support
	Type    string `json:"type"`
	Code    string `json:"code"`
	Param   string `json:"param"`
	Message string `json:"message"`
}

// Error returns what Stripe said, without the request's contents.
func (e *stripeError) Error() string {
	return fmt.Sprintf("stripe answered %d %s %s %s: %.300s (%s)", e.Status, e.Type, e.Code, e.Param, e.Message, e.Request)
}

// refused returns what Stripe said when it surely did nothing; nil when that is not known. A key used for another
// request, a busy object, missing rights and a balance too low are not refusals: what was asked stands, and is asked again.
func refused(err error) *stripeError {
	var e *stripeError
	if !errors.As(err, &e) || e.Type == "idempotency_error" || e.Code == "balance_insufficient" || e.Code == "lock_timeout" || e.Code == "rate_limit" {
		return nil
	}
	if e.Status == http.StatusBadRequest || e.Status == http.StatusPaymentRequired || e.Status == http.StatusNotFound {
		return e
	}
	return nil
}

// short returns what Stripe said when a balance there was too low for what was asked, nil otherwise: surely it did nothing.
// Under the same key it says so for a day, whatever there is by then.
func short(err error) *stripeError {
	var e *stripeError
	if errors.As(err, &e) && e.Code == "balance_insufficient" {
		return e
	}
	return nil
}

// again is the key of what was surely refused so many times: another one each time, and no other thing's.
func again(key string, tries int64) string {
	if tries == 0 {
		return key
	}
	return fmt.Sprintf("%s:again%d", key, tries)
}

// rekey counts a refusal, so that the next asking has another key; one that was counted by somebody else is not again.
func (s *Stripe) rekey(ctx context.Context, count, key string, tries int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(count, db.Micros(tx.Now()), key, tries)
		return err
	})
}

// unknown wraps an error after which nobody knows what happened.
func unknown(err error) error {
	return fault.Wrap(fault.Unavailable, err, "The payment provider did not answer. Nothing is done twice: it is asked again.")
}

// call asks Stripe once. idem is the idempotency key of a POST. An error that refused says nothing of leaves it open
// whether the request was carried out.
func (s *Stripe) call(ctx context.Context, method, path, idem string, in form, out any) error {
	var body io.Reader
	target := s.base + path
	switch {
	case method == http.MethodPost:
		body = strings.NewReader(in.Encode())
	case len(in.Values) > 0:
		target += "?" + in.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Stripe-Version", StripeVersion)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", idem)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return unknown(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerMost+1))
	if err != nil || len(text) > answerMost {
		return unknown(errors.Join(err, fmt.Errorf("an answer of %d bytes", len(text))))
	}
	if answer.StatusCode/100 != 2 {
		var e struct{ Error stripeError }
		_ = json.Unmarshal(text, &e) // a proxy between says it in its own words
		e.Error.Status, e.Error.Request = answer.StatusCode, answer.Header.Get("Request-Id")
		if refused(&e.Error) != nil {
			return &e.Error
		}
		return unknown(&e.Error)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return unknown(fmt.Errorf("stripe's answer to %s cannot be read: %w", path, err))
	}
	return nil
}

func (s *Stripe) get(ctx context.Context, path string, in form, out any) error {
	return s.call(ctx, http.MethodGet, path, "", in, out)
}

func (s *Stripe) post(ctx context.Context, path, idem string, in form, out any) error {
	return s.call(ctx, http.MethodPost, path, "mezzo:"+idem, in, out)
}

// listMost is how many pages of a hundred a list has at most.
const listMost = 2000

// each asks for a list page by page, newest first, until take has had enough. Every thing says its id.
func each[T any](ctx context.Context, s *Stripe, path string, in form, take func(T) (id string, enough bool)) error {
	in.Set("limit", "100")
	for range listMost {
		var page struct {
			Data []T
			More bool `json:"has_more"`
		}
		if err := s.get(ctx, path, in, &page); err != nil {
			return unknown(err)
		}
		for _, x := range page.Data {
			id, enough := take(x)
			if enough {
				return nil
			}
			in.Set("starting_after", id)
		}
		if !page.More || len(page.Data) == 0 {
			return nil
		}
	}
	return fmt.Errorf("stripe's list %s has more than %d pages", path, listMost)
}

// find returns the first thing of a list that is the one.
func find[T any](ctx context.Context, s *Stripe, path string, in form, is func(T) (id string, it bool)) (found T, ok bool, err error) {
	err = each(ctx, s, path, in, func(x T) (string, bool) {
		id, it := is(x)
		if it {
			found, ok = x, true
		}
		return id, it
	})
	return found, ok, err
}

// link is a field that holds an object or only its id, as asked for.
type link struct{ ID string }

// UnmarshalJSON reads either.
func (l *link) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &l.ID)
	}
	var o struct{ ID string }
	err := json.Unmarshal(b, &o)
	l.ID = o.ID
	return err
}
