package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"mezzo/internal/bench"
	"mezzo/internal/demo"
)

// benchCommand holds the load generators.
type benchCommand struct {
	Events benchEvents `cmd:"" help:"Events taken in, each on disk before the answer."`
	Feed   benchFeed   `cmd:"" help:"Pages of feed, freshly scored, while events are learned beside."`
	Orders benchOrders `cmd:"" help:"Paid orders: cart, line, checkout, payment, attribution, book."`
	Ledger benchLedger `cmd:"" help:"Transfers into the book, in groups, beside one a transaction."`
}

// benchFlags are what every load can be told.
type benchFlags struct {
	URL              string `placeholder:"URL" help:"A running server on this machine to load, such as http://127.0.0.1:8080 (start it with --no-limits). It keeps what the bench makes. Without it the bench starts a server of its own and throws it away."`
	Database         string `placeholder:"URL" help:"PostgreSQL for the bench's own server, an empty database: postgres://user:password@host/name. Default: SQLite."`
	Dir              string `placeholder:"DIR" help:"Folder in which the bench's own server keeps its data, on the disk to be measured. Default: the system's temporary folder."`
	Seconds          int    `default:"10" help:"How long to load, after a warm-up of 1 s. Default: ${default}."`
	Shoppers         int    `default:"8" help:"How many shoppers' parts each client takes in turn. Default: ${default}."`
	JSON             bool   `name:"json" help:"Print the report as JSON."`
	OperatorEmail    string `placeholder:"EMAIL" help:"An operator of the server at --url, to prove the books after the load."`
	OperatorPassword string `placeholder:"PASSWORD" help:"Their password; better as MEZZO_OPERATOR_PASSWORD."`
}

type benchEvents struct {
	benchFlags
	Clients int   `default:"32" help:"Shoppers at once, each waiting for its answer. Default: ${default}."`
	Batch   int   `default:"50" help:"Events in one request, 1 to 100. Default: ${default}."`
	Singles int   `default:"64" help:"Shoppers at once who send one event a request, after the batches; 0 leaves that out. Default: ${default}."`
	Rate    []int `default:"3000,20000" placeholder:"N" help:"Events a second offered while it is measured how fresh the numbers and the next page of feed are, one after the other; 0 leaves that out. Default: ${default}."`
}

type benchOrders struct {
	benchFlags
	Clients  int `default:"64" help:"Shoppers at once, each waiting for its answer. Default: ${default}."`
	Variants int `default:"20" help:"How many variants the orders spread over: one makes every order contend for the same stock. Default: ${default}."`
}

type benchLedger struct {
	Database string `placeholder:"URL" help:"PostgreSQL, an empty database: postgres://user:password@host/name. Default: SQLite."`
	Dir      string `placeholder:"DIR" help:"Folder in which the bench keeps its data, on the disk to be measured. Default: the system's temporary folder."`
	Seconds  int    `default:"5" help:"How long to load, after a warm-up of 1 s. Default: ${default}."`
	Clients  int    `default:"16" help:"Callers at once, each waiting for its answer. Default: ${default}."`
	Batch    int    `default:"50" help:"Transfers each brings at once, 1 to 100. Default: ${default}."`
	Fill     int    `default:"0" help:"After the load, fill the book up to so many transfers, at most 5000000, before it is proved; 0 proves it as it is. Default: ${default}."`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
}

// options returns what the load generators are told.
func (f *benchFlags) options(clients, batch, variants int) (bench.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return bench.Options{}, fmt.Errorf("the bench cannot find its own program: %w", err)
	}
	film, err := demo.Film()
	if err != nil {
		return bench.Options{}, err
	}
	o := bench.Options{
		Film: film, URL: f.URL, Database: f.Database, Dir: f.Dir, Binary: self, Seconds: f.Seconds, Clients: clients, Shoppers: f.Shoppers, Batch: batch, Variants: variants,
		Command: append([]string{"mezzo"}, os.Args[1:]...),
		Sign:    bench.Sign{Email: f.OperatorEmail, Password: f.OperatorPassword},
		Note:    func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	}
	return o, o.Validate()
}

// print writes the report as it was asked for.
func (f *benchFlags) print(r *bench.Report, err error, out io.Writer) error {
	switch {
	case err != nil:
		return err
	case f.JSON:
		return r.JSON(out)
	default:
		return r.Text(out)
	}
}

// Run loads events.
func (c *benchEvents) Run(ctx context.Context, out io.Writer) error {
	o, err := c.options(c.Clients, c.Batch, 1)
	if err != nil {
		return err
	}
	if o.Singles, o.Rates = c.Singles, c.Rate; len(o.Rates) == 1 && o.Rates[0] == 0 {
		o.Rates = nil
	}
	if err := o.Validate(); err != nil {
		return err
	}
	r, err := bench.Events(ctx, o)
	return c.print(r, err, out)
}

// Run loads orders.
func (c *benchOrders) Run(ctx context.Context, out io.Writer) error {
	o, err := c.options(c.Clients, 1, c.Variants)
	if err != nil {
		return err
	}
	r, err := bench.Orders(ctx, o)
	return c.print(r, err, out)
}

// Run loads the book.
func (c *benchLedger) Run(ctx context.Context, out io.Writer) error {
	o := bench.Options{Database: c.Database, Dir: c.Dir, Seconds: c.Seconds, Clients: c.Clients, Batch: c.Batch, Fill: c.Fill, Shoppers: 1, Variants: 1,
		Command: append([]string{"mezzo"}, os.Args[1:]...),
		Note:    func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	r, err := bench.Ledger(ctx, o)
	flags := benchFlags{JSON: c.JSON}
	return flags.print(r, err, out)
}

type benchFeed struct {
	Videos  int  `default:"1000000" help:"Videos in memory. Default: ${default}."`
	Viewers int  `default:"1000000" help:"Viewers in memory. Default: ${default}."`
	Rate    int  `default:"3000" help:"Events a second that are learned meanwhile. Default: ${default}."`
	Clients int  `default:"2" help:"Pages drawn at once. Default: ${default}."`
	Seconds int  `default:"10" help:"How long to load, after a warm-up of 1 s. Default: ${default}."`
	JSON    bool `name:"json" help:"Print the report as JSON."`
}

// Run draws pages.
func (c *benchFeed) Run(ctx context.Context, out io.Writer) error {
	r, err := bench.Feed(ctx, bench.FeedOptions{Videos: c.Videos, Viewers: c.Viewers, Rate: c.Rate, Clients: c.Clients, Seconds: c.Seconds,
		Command: append([]string{"mezzo"}, os.Args[1:]...), Note: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
	return (&benchFlags{JSON: c.JSON}).print(r, err, out)
}
