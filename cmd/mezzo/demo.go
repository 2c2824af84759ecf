package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// demoCommand serves a world that is thrown away with the program.
type demoCommand struct {
	Addr string `default:":8080" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one. Default: ${default}, every address of this machine."`
}

// Run serves from a temporary folder until a signal, then removes it.
func (c *demoCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	folder, err := os.MkdirTemp("", "mezzo-demo-")
	if err != nil {
		return fmt.Errorf("no temporary folder could be made for the demo: %w", err)
	}
	defer os.RemoveAll(folder)
	conf := serveFlags{
		storeFlags: storeFlags{Data: folder, StreamHours: 72, StreamGigabytes: 2},
		Addr:       c.Addr, SandboxClock: true, PlatformFeeBps: 600, HoldDays: 15, DrainSeconds: 2, NoLimits: true, demo: true,
	}
	if err := conf.Validate(); err != nil {
		return err
	}
	s, err := start(ctx, conf, log)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "\nThe demo runs at %s (Ctrl-C ends it; everything in it is made up and thrown away)\n\n", s.url); err != nil {
		return errors.Join(err, s.Close())
	}
	return s.wait(ctx)
}
