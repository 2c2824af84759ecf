package order_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// A guess at a code counts once, also when another body of its group fails and it is run again.
func TestAGuessCountsOnce(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w, ctx := newWorld(t, d, c, 1000), context.Background()
	who := w.shopper()
	cart, err := w.basket(who, 1)
	if err != nil {
		t.Fatal(err)
	}
	guess := func(i int, want fault.Kind) {
		if _, err := w.orders.AddCode(ctx, who, cart.ID, fmt.Sprint("GUESS", i)); !fault.Is(err, want) {
			t.Errorf("guess %d: %v", i, err)
		}
	}
	bad := errors.New("refused")
	alone := d.Stats().Alone
	w.together(func() { guess(0, fault.Invalid) }, func() {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE carts SET version = version + 1 WHERE id = $1`, cart.ID)
			return errors.Join(err, bad)
		}); !errors.Is(err, bad) {
			t.Error(err)
		}
	})
	if n := d.Stats().Alone - alone; n != 2 {
		t.Fatalf("%d bodies ran by themselves: the case tries nothing", n)
	}
	for i := 1; i < 10; i++ {
		guess(i, fault.Invalid)
	}
	guess(10, fault.Limited)
}

// together has calls that write wait for one another, so that their bodies are one group.
func (w *world) together(calls ...func()) {
	w.t.Helper()
	begun, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := w.d.Write(context.Background(), func(*db.Tx) error { close(begun); <-release; return nil }); err != nil {
			w.t.Error(err)
		}
	})
	<-begun
	for i, call := range calls {
		all.Go(call)
		for look := time.NewTicker(time.Millisecond); w.d.Stats().Waiting < int64(i+1); {
			<-look.C
		}
	}
	close(release)
	all.Wait()
}
