package journey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// Every operation that takes an Idempotency-Key is called six times at once under one key, then once
// more: one effect and one answer. With another body the key is refused.
func TestRepeatsUnderOneKey(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		h := furnish(t, o)
		var table []operation
		for _, o := range h.contract() {
			if o.key {
				table = append(table, o)
			}
		}
		slices.SortStableFunc(table, func(a, b operation) int { return turn(a) - turn(b) })
		for _, o := range table {
			h.repeat(o)
		}
		if len(table) < 20 {
			t.Errorf("only %d operations take a key", len(table))
		}
		h.balanced()
		h.quiet()
	})
}

// repeat makes one call again and again.
func (h *house) repeat(o operation) {
	h.t.Helper()
	c, q := h.rightful(o), h.call(o)
	answers := make([]answer, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i], _ = try(h.t, c, q) })
	}
	all.Wait()
	again := ask(h.t, c, q)
	if again.status >= 300 {
		h.t.Errorf("%s, repeated: %d %.500s", o.name(), again.status, again.body)
		return
	}
	for _, a := range answers {
		if a.status == http.StatusConflict && a.header.Get("Retry-After") != "" {
			continue // the first was still at work
		}
		if a.status != again.status || !bytes.Equal(public(a.body), public(again.body)) {
			h.t.Errorf("%s: one key, two answers:\n%d %.700s\n%d %.700s", o.name(), a.status, public(a.body), again.status, public(again.body))
			break
		}
	}
	other := q
	other.body = append(bytes.Clone(q.body), ' ')
	if q.body == nil {
		other.body = []byte("{}")
	}
	var p client.Problem
	a := ask(h.t, c, other)
	if json.Unmarshal(a.body, &p); a.status != http.StatusUnprocessableEntity || !p.Of("idempotency_key_reused") {
		h.t.Errorf("%s, one key with another body: %d %.500s", o.name(), a.status, a.body)
	}
}

// public leaves out of an answer what is told once only: secrets and tokens.
func public(body []byte) []byte {
	var v map[string]any
	if json.Unmarshal(body, &v) != nil {
		return body
	}
	for _, secret := range []string{"token", "write_key", "secret", "impression"} {
		delete(v, secret)
	}
	b, _ := json.Marshal(v)
	return b
}

// Two shoppers want the last unit at the same moment, again and again: each time one has it, and the
// other hears which variant is sold out.
func TestLastUnitIsSoldOnce(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 0)
		for round := range 10 {
			product := must(m.owner.List(m.ctx, m.brand, client.Product{Title: fmt.Sprint("Single pan ", round), Category: "home.kitchen",
				Variants: []client.Variant{{SKU: fmt.Sprint("ONE", round), Title: "Only one", Price: client.Money{Amount: 1999, Currency: "USD"}, Stock: 1}}}))(t)
			errs := make([]error, 2)
			var both sync.WaitGroup
			for i := range errs {
				shopper := must(m.nobody.NewViewer(m.ctx))(t)
				both.Go(func() { _, errs[i] = buy(m.ctx, shopper, product.Variants[0].ID, "") })
			}
			both.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("round %d: %v and %v", round, errs[0], errs[1])
			}
			var p *client.Problem
			if !errors.As(errors.Join(errs...), &p) || p.Status != http.StatusConflict || !p.Of("out_of_stock") || !strings.Contains(p.Detail, "Only one") {
				t.Errorf("round %d: the other heard %v", round, p)
			}
		}
		m.balanced()
		m.quiet()
	})
}
