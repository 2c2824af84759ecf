package ledger_test

import (
	"os"
	"strings"
	"testing"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// An exchange is two postings, each in one currency.
func TestGoldenExchange(t *testing.T) {
	x := ledger.Exchanging{Ref: id.Exchange("").From(raw(1)), Bank: "main", Out: money.Of(2000, "USD"), In: money.Of(1821, "EUR")}
	posted, err := ledger.Exchanged(x)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, one := range posted {
		out.WriteString("# " + string(one.Kind) + ", " + string(one.Currency) + "\n" + text(t, []ledger.Transfer{one}, nil) + "\n\n")
	}
	const file = "testdata/exchange.golden"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("posted\n%s\nwant\n%s", out.String(), want)
	}
	for _, wrong := range []ledger.Exchanging{{Ref: x.Ref, Bank: "main", Out: x.Out, In: x.Out}, {Ref: x.Ref, Bank: "main", Out: money.Of(0, "USD"), In: x.In}, {Ref: x.Ref, Bank: "main", Out: x.Out, In: money.Of(-1, "EUR")}} {
		if _, err := ledger.Exchanged(wrong); err == nil {
			t.Errorf("%+v is an exchange", wrong)
		}
	}
}
