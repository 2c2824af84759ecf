package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/demo"
)

// nearbyPorts is how many ports after the wanted one a demo tries when it is taken.
const nearbyPorts = 20

// demoCommand serves a world that is thrown away with the program.
type demoCommand struct {
	Addr string `default:":8080" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one, and so does a port that is taken. Default: ${default}, every address of this machine; 127.0.0.1:8080 keeps it to this machine."`

	limit time.Duration // of the filling; 0: the demo's own
}

// Run serves from a temporary folder until a signal, then removes it.
func (c *demoCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	folder, err := os.MkdirTemp("", "mezzo-demo-")
	if err != nil {
		return fmt.Errorf("no temporary folder could be made for the demo: %w", err)
	}
	defer os.RemoveAll(folder)
	addr, err := freeAddress(ctx, c.Addr)
	if err != nil {
		return err
	}
	d := &running{out: out, password: strings.ToLower(rand.Text()[:10])}
	operator := demo.SignIn{Role: "operator", Email: "operator@demo.example"}
	conf := serveFlags{
		storeFlags: storeFlags{Data: folder, StreamMaxAge: 72 * time.Hour, StreamMaxBytes: 2 << 30, past: demo.Days * 24 * time.Hour},
		Addr:       addr, SandboxClock: true, PlatformFeeBps: 600, HoldDays: 15, DrainSeconds: 2, Webhooks: "local",
		OperatorEmail: operator.Email, OperatorPassword: d.password, demo: true, status: d.status,
	}
	if err := conf.Validate(); err != nil {
		return err
	}
	s, err := start(ctx, conf, seldom(log))
	if err != nil {
		return err
	}
	world, err := demo.New(demo.Options{URL: s.local, Clock: clock.System{}, Operator: operator, Password: d.password, Past: conf.past, Limit: c.limit, Say: d.say})
	if err != nil {
		return errors.Join(err, s.Close())
	}
	d.world.Store(world)
	d.welcome(s, addr, c.Addr)
	s.tasks.run("demo", func(ctx context.Context) error { return d.play(ctx, world, log) })
	return s.wait(ctx)
}

// running is a demo as the person at the terminal sees it.
type running struct {
	out      io.Writer
	password string
	world    atomic.Pointer[demo.World]
	mu       sync.Mutex
	told     int // percent last told
}

// status answers GET /api/v1/demo.
func (d *running) status() any {
	if w := d.world.Load(); w != nil {
		return w.Status()
	}
	return demo.Status{}
}

// play fills the world, once, and lets it stir.
func (d *running) play(ctx context.Context, world *demo.World, log *slog.Logger) error {
	if !world.Status().Whole {
		begun := time.Now()
		if err := world.Fill(ctx); err != nil {
			if ctx.Err() == nil {
				fmt.Fprintf(d.out, "The demo could not be filled to its end (%v). What is there can be looked at; start it again for the rest.\n", err)
			}
			return nil
		}
		fmt.Fprintf(d.out, "\nWhole after %.0f s. Simulated shoppers go on, so that pages move; Ctrl-C ends it all.\n", time.Since(begun).Seconds())
	}
	err := world.Stir(ctx, func(err error) { log.Debug("somebody of the demo met an error", "error", err) })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// tellEvery is how many percent pass between two lines.
const tellEvery = 10

// say tells how far the filling has come.
func (d *running) say(s demo.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.Whole || s.Percent < d.told+tellEvery {
		return
	}
	d.told = s.Percent - s.Percent%tellEvery
	fmt.Fprintf(d.out, "filling %3d %%  %s\n", s.Percent, s.Stage)
}

// freeAddress returns the address, or one with a port close by when that is taken.
func freeAddress(ctx context.Context, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("--addr %q is not HOST:PORT, such as :8080 or 127.0.0.1:8080", addr)
	}
	first, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return "", fmt.Errorf("--addr %q: %q is not a port", addr, port)
	}
	if first == 0 {
		return addr, nil
	}
	for try := first; try < min(first+nearbyPorts, 1<<16); try++ {
		next := net.JoinHostPort(host, fmt.Sprint(try))
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", next)
		if err == nil {
			return next, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return "", fmt.Errorf("cannot listen on %s: %w; choose another address with --addr", next, err)
		}
	}
	return "", fmt.Errorf("the port of %s and the %d after it are taken; choose another with --addr, such as --addr :9090", addr, nearbyPorts-1)
}

// seldom keeps a demo's terminal readable: warnings and worse, unless more than the usual was asked for.
func seldom(log *slog.Logger) *slog.Logger {
	if log.Enabled(context.Background(), slog.LevelDebug) {
		return log
	}
	return slog.New(atLeast{log.Handler()})
}

// atLeast is a handler that lets warnings and worse through.
type atLeast struct{ slog.Handler }

// Enabled reports whether a record of the level is wanted.
func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the bound on derived loggers.
func (h atLeast) WithAttrs(a []slog.Attr) slog.Handler { return atLeast{h.Handler.WithAttrs(a)} }

// WithGroup keeps the bound on derived loggers.
func (h atLeast) WithGroup(name string) slog.Handler { return atLeast{h.Handler.WithGroup(name)} }
