package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/id"
	"mezzo/internal/reach"
)

type auditCommand struct {
	Rank auditRankCommand `cmd:"" help:"Draw a served page of feed again, from its record and from a snapshot and the log, and compare it to the byte; exit 1 and name what differs."`
}

type auditRankCommand struct {
	storeFlags
	Request string `required:"" placeholder:"REQUEST" help:"Of the page: req_…, as the feed's answer names it in request_id."`
	Server  string `placeholder:"URL" help:"Ask a running Mezzo, such as https://shop.example, instead of reading the data of a stopped one."`
	Token   string `placeholder:"TOKEN" help:"An operator's API token with metrics:read, for --server."`
}

// Validate reads the flags.
func (c *auditRankCommand) Validate() error {
	if !id.Request(c.Request).Valid() {
		return fmt.Errorf("--request %q is not one such as req_01jb2c…, as the feed's answer names it in request_id", c.Request)
	}
	if c.Server != "" && c.Token == "" {
		return errors.New("--server takes --token too: an operator's API token with metrics:read")
	}
	return c.storeFlags.Validate()
}

// auditLimit bounds how long a server may take to draw a page again.
const auditLimit = 10 * time.Minute

// Run draws the page again and says what differs; a difference, or that nothing could be proved, is an error.
func (c *auditRankCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	a, err := c.audit(ctx, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "page     %s, %s, drawn %s by %s %d at %s of the log\n", a.Request, a.Surface, a.At.Format(time.RFC3339Nano), a.Policy, a.Version, a.Position)
	fmt.Fprintf(out, "among    %d candidates, %d left out by filters\n", a.Candidates, a.Skipped)
	for k, slot := range a.Slots {
		fmt.Fprintf(out, "slot %-3d %s %-8s %v\n", k+1, slot.Video, slot.Kind, slot.Propensity)
	}
	said := func(name string, p reach.Proof) {
		switch {
		case !p.Done:
			fmt.Fprintf(out, "%-8s not drawn again: %s\n", name, p.Why)
		case p.Same():
			fmt.Fprintf(out, "%-8s the same to the byte, from %s\n", name, p.From)
		default:
			fmt.Fprintf(out, "%-8s DIFFERS in %s, drawn again from %s\n", name, strings.Join(p.Differs, ", "), p.From)
		}
	}
	said("record", a.Record)
	said("replay", a.Replay)
	switch {
	case len(a.Record.Differs)+len(a.Replay.Differs) > 0:
		return errors.New("the page is not as it would have been drawn")
	case !a.Record.Done && !a.Replay.Done:
		return errors.New("the page could not be drawn again in either way")
	}
	return nil
}

func (c *auditRankCommand) audit(ctx context.Context, log *slog.Logger) (a reach.Audit, err error) {
	if c.Server != "" {
		ctx, cancel := context.WithTimeout(ctx, auditLimit)
		defer cancel()
		asks := client.Client{Base: strings.TrimRight(c.Server, "/"), Token: c.Token}
		err = asks.Call(ctx, http.MethodPost, "/api/v1/operator/ranking/audits", map[string]any{"request_id": c.Request, "replay": true}, &a)
		return a, err
	}
	s, err := openKept(ctx, c.storeFlags, log)
	if err != nil {
		return a, err
	}
	room := reach.New(s.db, reach.Options{Log: s.log, Snapshot: s.rankedBefore})
	a, err = room.Prove(ctx, id.Request(c.Request), true)
	return a, errors.Join(err, s.Close())
}
