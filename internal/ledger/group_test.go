package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

func brandNumber(n int) id.Brand { return id.Brand("").From([16]byte{14: 1, 15: byte(n)}) }

// TestGroupsPostEveryCallersOwn lets many callers post at once, each some transfers of its own, one that all
// bring, and some one that must be refused: everybody is told of their own, and the book has each once.
func TestGroupsPostEveryCallersOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		const callers, each = 24, 5
		g := ledger.NewGroups(d)
		var all sync.WaitGroup
		var mu sync.Mutex
		shared := 0
		for i := range callers {
			all.Go(func() {
				b := brandNumber(i % 3)
				for n := range each {
					key := fmt.Sprintf("group:%d:%d", i, n)
					switch {
					case i%8 == 7: // takes out more than there ever is: refused whole, the good one beside it too
						_, err := g.Post(t.Context(), paid(key, b, 10), released(key+":out", b, 1_000_000))
						var short *ledger.Overdraft
						if !fault.Is(err, fault.Conflict) || !errors.As(err, &short) || short.Account != ledger.BrandPending(b) {
							t.Errorf("%s: %v, want an overdraft", key, err)
						}
					default:
						got, err := g.Post(t.Context(), paid(key, b, 100), released(key+":out", b, 30), paid("group:shared", brandNumber(9), 7))
						if err != nil || got.New+got.Replayed != 3 || got.New < 2 {
							t.Errorf("%s: %+v, %v", key, got, err)
						}
						mu.Lock()
						shared += got.New - 2
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
		if shared != 1 {
			t.Errorf("what all brought was new to %d callers", shared)
		}
		report := mustBalance(t, d)
		const good = callers * 7 / 8 * each
		if report.CheckedTransfers != 2*good+1 {
			t.Errorf("%d transfers are in the book, want %d", report.CheckedTransfers, 2*good+1)
		}
		sum := int64(0)
		for n := range 3 {
			sum += balance(t, d, ledger.BrandPending(brandNumber(n)))
		}
		if sum != good*70 || balance(t, d, ledger.BrandPending(brandNumber(9))) != 7 {
			t.Errorf("%d is pending, want %d", sum, good*70)
		}
		again, err := g.Post(t.Context(), paid("group:0:0", brandNumber(0), 100))
		if err != nil || again != (ledger.Posted{Replayed: 1}) {
			t.Errorf("told again: %+v, %v", again, err)
		}
		if _, err := g.Post(t.Context(), paid("group:0:0", brandNumber(0), 101)); !errors.Is(err, ledger.ErrDifferent) {
			t.Errorf("told otherwise: %v", err)
		}
	})
}

func TestGroupsRefuseWhatPostRefuses(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	g := ledger.NewGroups(d)
	if got, err := g.Post(t.Context()); err != nil || got != (ledger.Posted{}) {
		t.Errorf("nothing: %+v, %v", got, err)
	}
	if _, err := g.Post(t.Context(), make([]ledger.Transfer, ledger.MaxTransfers+1)...); err == nil {
		t.Error("more than may be posted at once was taken")
	}
	if _, err := g.Post(t.Context(), ledger.Transfer{Key: "x", Kind: ledger.KindReversal}); err == nil {
		t.Error("a reversal was taken")
	}
	if _, err := g.Post(t.Context(), paid("", brandNumber(1), 1)); err == nil {
		t.Error("a transfer without a key was taken")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Post(ended, paid("late", brandNumber(1), 1)); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left was told %v", err)
	}
	if _, err := g.Post(t.Context(), paid("late", brandNumber(1), 1)); err != nil {
		t.Errorf("told again after leaving: %v", err)
	}
}
