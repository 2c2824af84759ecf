// Package bench loads a Mezzo on this machine the way its clients do, and says how fast it answers beside what the machine itself can do.
package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// The most one run may ask for: a load generator left running by mistake ends.
const (
	MaxSeconds = 300
	MaxClients = 1024
	MaxBatch   = 100 // events in one request, by the contract
	MaxRate    = 1_000_000
	MaxFill    = 5_000_000 // transfers in the book
)

// warmUp is the part of a load that is not counted: connections open, caches fill.
const warmUp = time.Second

// Options say what to load and how hard.
type Options struct {
	URL      string // of a running server on this machine; "": start one that is thrown away
	Database string // postgres://… of the thrown-away server; "": SQLite
	Dir      string // where its folder is made; "": the system's temporary folder
	Binary   string // the program to start it with
	Args     []string
	Seconds  int
	Clients  int
	Shoppers int      // for each client: it takes their parts in turn
	Batch    int      // events in one request
	Singles  int      // clients that send one event a request; 0: none
	Rates    []int    // events a second offered while freshness is measured, one after the other
	Variants int      // how many variants the orders spread over
	Fill     int      // transfers the book is filled up to before it is proved; 0: as many as the load posted
	Command  []string // as typed, for the report
	Film     []byte   // a short MP4, so that there is something to see; none: no tokens
	Sign     Sign     // in of an operator at URL, to prove the books afterwards; may be empty
	Note     func(format string, args ...any)

	pid int // of the server, where it is the bench's own
}

// Sign is a sign-in.
type Sign struct{ Email, Password string }

// Validate refuses what is not on this machine, and what has no bound.
func (o *Options) Validate() error {
	if o.URL != "" {
		if err := loopback(o.URL); err != nil {
			return err
		}
		if o.Database != "" {
			return errors.New("--database is for a server of the bench's own: leave it out beside --url")
		}
	}
	for _, b := range []struct {
		name     string
		is, most int
	}{{"seconds", o.Seconds, MaxSeconds}, {"clients", o.Clients, MaxClients}, {"batch", o.Batch, MaxBatch}, {"shoppers", o.Shoppers, maxShoppers}, {"variants", o.Variants, maxVariants}, {"singles", o.Singles + 1, MaxClients + 1}, {"fill", o.Fill + 1, MaxFill + 1}} {
		if b.is < 1 || b.is > b.most {
			return fmt.Errorf("--%s must be 1 to %d", b.name, b.most)
		}
	}
	for _, rate := range o.Rates {
		if rate < 1 || rate > MaxRate {
			return fmt.Errorf("--rate must be 1 to %d, or 0 alone", MaxRate)
		}
	}
	return nil
}

// loopback refuses an address that others answer at: load tests of other people's machines are not ours to run.
func loopback(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("--url %q is not a web address without a path, such as http://127.0.0.1:8080", address)
	}
	if host := u.Hostname(); host != "localhost" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("--url %q is not on this machine: the bench loads loopback addresses only", address)
		}
	}
	return nil
}

// Events measures how many events are taken in, each on disk before the answer.
func Events(ctx context.Context, o Options) (*Report, error) {
	return measure(ctx, "events", o, func(ctx context.Context, o Options, m *market, r *Report) error {
		if err := loadEvents(ctx, m, o, r); err != nil {
			return err
		}
		if o.Singles > 0 {
			if err := loadSingles(ctx, m, o, r); err != nil {
				return err
			}
		}
		for _, rate := range o.Rates {
			if err := freshness(ctx, m, o, rate, r); err != nil {
				return err
			}
		}
		return plainLog(ctx, o, r)
	}, replay)
}

// Orders measures how many orders are paid: cart, line, checkout, payment, attribution, book.
func Orders(ctx context.Context, o Options) (*Report, error) {
	return measure(ctx, "orders", o, func(ctx context.Context, o Options, m *market, r *Report) error {
		return loadOrders(ctx, m, o, r)
	}, nil)
}

// measure finds or starts a server, furnishes it, runs the load and proves the books; after it has ended its
// own server, afterwards looks at what that left.
func measure(ctx context.Context, name string, o Options, load func(context.Context, Options, *market, *Report) error, afterwards func(context.Context, Options, *Report) error) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	r := &Report{Bench: name, Command: strings.Join(o.Command, " "), Clients: o.Clients, Errors: map[string]int{}}
	scratch, err := os.MkdirTemp(o.Dir, "mezzo-bench-")
	if err != nil {
		return nil, fmt.Errorf("no folder for the bench could be made: %w; name one with --dir", err)
	}
	defer os.RemoveAll(scratch)
	r.Machine = thisMachine()
	r.Machine.note(scratch)
	o.Dir = scratch
	own, err := o.server(ctx, r)
	if err != nil {
		return nil, err
	}
	defer own.stop()
	m, err := furnish(ctx, &o)
	if err != nil {
		return nil, fmt.Errorf("the server could not be furnished: %w", err)
	}
	o.Note("loading %s with %d clients for %d s", o.URL, o.Clients, o.Seconds)
	if err := load(ctx, o, m, r); err != nil {
		return nil, err
	}
	m.prove(ctx, r)
	if err := own.stop(); err != nil {
		return nil, err
	}
	if own.cmd != nil && afterwards != nil {
		if err := afterwards(ctx, o, r); err != nil {
			return nil, err
		}
	}
	r.Machine.note(scratch)
	return r, nil
}

// server starts a server of the bench's own unless one was named, and notes what it is.
func (o *Options) server(ctx context.Context, r *Report) (*child, error) {
	own := &child{}
	if o.URL == "" {
		o.Note("starting a server of my own; server and clients share this machine")
		var err error
		if own, err = startChild(ctx, *o); err != nil {
			return nil, err
		}
		o.URL, o.Sign, o.pid = own.url, own.sign, own.pid()
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	r.Server = Server{URL: o.URL, Own: own.cmd != nil, Engine: own.engine}
	r.Server.Version = versionOf(ctx, o.URL)
	return own, nil
}
