package ledger_test

import (
	"os"
	"strings"
	"testing"

	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// What a sample without its content costs, leg by leg.
func TestGoldenSamples(t *testing.T) {
	charge := ledger.SampleCharge{Sample: id.Sample("").From(raw(1)), Brand: brand, Creator: creator, Price: money.Of(4800, "USD")}
	var out strings.Builder
	for _, c := range []struct {
		name string
		has  int64
	}{{"the creator has 100.00", 10_000}, {"has 10.00: the rest is owed", 1000}, {"has nothing", 0}, {"has been paid out more than it keeps", -5}} {
		charge.Available = c.has
		posted, err := ledger.SampleCharged(charge)
		out.WriteString("# a sample of 48.00; " + c.name + "\n" + text(t, []ledger.Transfer{posted}, err) + "\n\n")
	}
	for _, c := range []struct {
		name string
		has  int64
	}{{"", 420}, {"; the brand has 1.00: the rest is owed", 100}, {"; it has nothing", 0}} {
		sent := ledger.SampleSent(charge.Sample, brand, ledger.Label{Carrier: "dhl", Price: 420}, "USD", c.has)
		out.WriteString("# sent with a label of 4.20" + c.name + "\n" + text(t, []ledger.Transfer{sent}, nil) + "\n\n")
	}
	const file = "testdata/samples.golden"
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
	for _, minor := range []int64{0, -1} {
		charge.Price.Minor = minor
		if _, err := ledger.SampleCharged(charge); err == nil {
			t.Errorf("%d is charged", minor)
		}
	}
}
