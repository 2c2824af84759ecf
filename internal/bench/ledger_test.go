package bench

import (
	"bytes"
	"strings"
	"testing"
)

// TestLedgerLoadsABookAndProvesIt runs the load as short as it can be: the book must hold exactly what was
// acknowledged, and the report must say what was measured.
func TestLedgerLoadsABookAndProvesIt(t *testing.T) {
	t.Parallel()
	r, err := Ledger(t.Context(), Options{Dir: t.TempDir(), Seconds: 1, Clients: 3, Batch: 7, Shoppers: 1, Variants: 1, Fill: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.Done == 0 || r.Done%7 != 0 || r.Rate <= 0 || len(r.Errors) > 0 || len(r.Yardsticks) != 1 || r.Yardsticks[0].Rate <= 0 {
		t.Errorf("%+v", r)
	}
	var text bytes.Buffer
	if err := r.Text(&text); err != nil || !strings.Contains(text.String(), "in process, sqlite") || !strings.Contains(text.String(), "the book balances") {
		t.Errorf("%v\n%s", err, text.String())
	}
	if _, err := Ledger(t.Context(), Options{Seconds: 1, Clients: 1, Batch: MaxBatch + 1, Shoppers: 1, Variants: 1}); err == nil {
		t.Error("more at once than there may be was taken")
	}
}
