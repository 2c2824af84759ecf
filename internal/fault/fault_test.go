package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"mezzo/internal/fault"
)

func TestKindOf(t *testing.T) {
	missing := fault.New(fault.Missing, "There is no such video.")
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"nothing wrong":     {nil, ""},
		"a fault":           {missing, fault.Missing},
		"a wrapped fault":   {fmt.Errorf("reading: %w", missing), fault.Missing},
		"any other error":   {context.Canceled, fault.Internal},
		"the outermost":     {fault.Wrap(fault.Conflict, missing, "It has gone."), fault.Conflict},
		"among joined ones": {errors.Join(context.Canceled, missing), fault.Missing},
	} {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if c.want != "" && !fault.Is(c.err, c.want) {
			t.Errorf("%s: Is says no", name)
		}
	}
	if fault.Is(nil, "") || fault.Is(nil, fault.Internal) {
		t.Error("no error is of a kind")
	}
}

func TestCauseIsKeptForTheLogOnly(t *testing.T) {
	cause := errors.New("disk on fire")
	f := fault.Wrap(fault.Unavailable, cause, "Try again in a moment.").After(3 * time.Second)
	if f.Detail != "Try again in a moment." || f.RetryAfter != 3*time.Second {
		t.Errorf("the client is told %q, %v", f.Detail, f.RetryAfter)
	}
	if !errors.Is(f, cause) {
		t.Error("the cause is lost")
	}
	if got, want := f.Error(), "unavailable: Try again in a moment.: disk on fire"; got != want {
		t.Errorf("the log gets %q, want %q", got, want)
	}
	if named := fault.New(fault.Invalid, "cannot read: %w", cause); !errors.Is(named, cause) {
		t.Error("New loses what %w named")
	}
}

func TestFields(t *testing.T) {
	f := fault.InvalidField("body.quantity", "must be %d to %d", 1, 20).WithField("body.note", "is too long").WithType("cart_full")
	want := []fault.Field{{"body.quantity", "must be 1 to 20"}, {"body.note", "is too long"}}
	if f.Kind != fault.Invalid || f.Type != "cart_full" || f.Detail != "must be 1 to 20" || len(f.Fields) != 2 {
		t.Errorf("%+v", f)
	}
	for i, field := range f.Fields {
		if field != want[i] {
			t.Errorf("field %d is %+v, want %+v", i, field, want[i])
		}
	}
}
