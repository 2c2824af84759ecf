package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// What the book's load is made of.
const (
	bookBrands    = 200 // whose pending balances are moved
	singleSeconds = 3   // how long the yardstick posts at most, a transaction for each transfer
	singleClients = 64
)

// Ledger measures how many transfers a second enter the book, in this process: callers bring some at
// a time, groups of them share a transaction. Each is on disk before its caller is answered.
func Ledger(ctx context.Context, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	r := &Report{Bench: "ledger", Command: strings.Join(o.Command, " "), Clients: o.Clients, Batch: o.Batch, Errors: map[string]int{}}
	scratch, err := os.MkdirTemp(o.Dir, "mezzo-bench-")
	if err != nil {
		return nil, fmt.Errorf("no folder for the bench could be made: %w; name one with --dir", err)
	}
	defer os.RemoveAll(scratch)
	r.Machine = thisMachine()
	r.Machine.note(scratch)
	d, err := db.Open(ctx, db.Options{URL: o.Database, Dir: filepath.Join(scratch, "data"), Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r.Server = Server{Own: true, Engine: string(d.Engine())}
	if err := loadBook(ctx, d, o, r); err != nil {
		return nil, err
	}
	r.Machine.note(scratch)
	return r, nil
}

// loadBook posts grouped, then one transfer a transaction as the yardstick, seals and proves the book.
func loadBook(ctx context.Context, d *db.DB, o Options, r *Report) error {
	o.Note("posting to the book with %d callers of %d transfers each for %d s", o.Clients, o.Batch, o.Seconds)
	groups := ledger.NewGroups(d)
	before := o.spending()
	total, took := postAll(ctx, o, func(ctx context.Context, transfers []ledger.Transfer) error {
		_, err := groups.Post(ctx, transfers...)
		return err
	})
	_, each := o.spending().each(before, total.all)
	r.fill("transfers", total, took.Seconds(), "post")
	r.Server.CPUMicros = each

	o.Clients, o.Batch, o.Seconds = singleClients, 1, min(o.Seconds, singleSeconds)
	o.Note("posting one transfer a transaction with %d callers for %d s", o.Clients, o.Seconds)
	single, alone := postAll(ctx, o, func(ctx context.Context, transfers []ledger.Transfer) error {
		return d.Write(ctx, func(tx *db.Tx) error {
			_, err := ledger.Post(tx, transfers...)
			return err
		})
	})
	r.beside(fmt.Sprintf("a transaction for each transfer, by %d callers", o.Clients), "transfers", float64(single.done)/alone.Seconds())
	if err := ctx.Err(); err != nil {
		return err
	}
	posted, err := fillBook(ctx, groups, o, single.all+total.all)
	if err != nil {
		return err
	}
	begun := time.Now()
	sealed, err := ledger.Seal(ctx, d)
	if err != nil {
		return err
	}
	r.Notes = append(r.Notes, fmt.Sprintf("a transfer moves one of %d brands' balances; %d transfers sealed into the chain in %.1f s", bookBrands, sealed, time.Since(begun).Seconds()))
	held := peak()
	begun, before = time.Now(), o.spending()
	check, err := ledger.Check(ctx, d)
	if err != nil {
		return err
	}
	if !check.Balanced || check.CheckedTransfers != int64(posted) {
		return fmt.Errorf("THE BOOK IS WRONG: %d transfers of the %d acknowledged are in it; %q", check.CheckedTransfers, posted, check.Problems)
	}
	took = time.Since(begun)
	_, own := o.spending().each(before, 1)
	r.Notes = append(r.Notes, fmt.Sprintf("the book balances: %d transfers, all that were acknowledged, checked in %.1f s, of which %.1f s of this process's processor time; resident at most %d MB before and %d MB after",
		check.CheckedTransfers, took.Seconds(), own/1e6, held>>20, peak()>>20))
	return nil
}

// fillBook posts until the book holds as many transfers as asked for, and returns how many it holds.
func fillBook(ctx context.Context, groups *ledger.Groups, o Options, posted int) (int, error) {
	if o.Fill <= posted {
		return posted, nil
	}
	o.Note("filling the book up to %d transfers", o.Fill)
	mark, left := uuid.NewString()[:8], make(chan int)
	var callers sync.WaitGroup
	errs := make([]error, singleClients)
	for i := range errs {
		callers.Go(func() {
			for n := range left {
				if errs[i] == nil { // and otherwise reads on, so that nobody waits for it
					_, errs[i] = groups.Post(ctx, some(mark, n, min(MaxBatch, o.Fill-n))...)
				}
			}
		})
	}
	for n := posted; n < o.Fill; n += MaxBatch {
		left <- n
	}
	close(left)
	callers.Wait()
	return o.Fill, errors.Join(errs...)
}

// some are count transfers of a fill, from a number on.
func some(mark string, from, count int) []ledger.Transfer {
	transfers := make([]ledger.Transfer, count)
	for i := range transfers {
		transfers[i] = captured(fmt.Sprintf("bench:%s:%d", mark, from+i), from+i)
	}
	return transfers
}

// postAll lets each client post batches of its own until the time is over.
func postAll(ctx context.Context, o Options, post func(context.Context, []ledger.Transfer) error) (*tally, time.Duration) {
	mark, rounds := uuid.NewString()[:8], make([]int, o.Clients)
	return run(ctx, o, func(ctx context.Context, i int, t *tally) error {
		rounds[i]++
		transfers := make([]ledger.Transfer, o.Batch)
		for n := range transfers {
			transfers[n] = captured(fmt.Sprintf("bench:%s:%d:%d:%d", mark, i, rounds[i], n), i*o.Batch+rounds[i]+n)
		}
		begun := time.Now()
		if err := post(ctx, transfers); err != nil {
			return err
		}
		t.took("post", time.Since(begun))
		t.count(len(transfers))
		t.all += len(transfers)
		return nil
	})
}

// captured is a payment of a dollar that is owed to a brand: one account with a limit and one without.
func captured(key string, n int) ledger.Transfer {
	n %= bookBrands
	brand := id.Brand("").From([16]byte{14: byte(n >> 8), 15: byte(n)})
	return ledger.Transfer{Key: key, Kind: ledger.KindPaid, Currency: "USD",
		Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), 100), ledger.Credit(ledger.BrandPending(brand), 100)}}
}
