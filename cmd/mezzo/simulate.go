package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"mezzo/internal/clock"
	"mezzo/internal/sim"
)

// simulateCommand runs the seeded world.
type simulateCommand struct {
	Policy  string  `default:"value,engagement,follower-weighted,uniform" placeholder:"A,B" help:"Policies to compare, the same world and dice for each. Default: ${default}."`
	Seeds   int     `default:"20" help:"Seeds of worlds and dice; what is reported is a mean over them with its interval. Default: ${default}."`
	Worlds  int     `default:"3" help:"Worlds of every seed and policy; a seed's figure is their mean. Default: ${default}."`
	Scale   float64 `default:"0.05" help:"Size of the world: 1 is 50,000 viewers, 5,000 creators and 40 impressions a viewer and day; stage budgets shrink alike. Time grows with its square. Default: ${default}."`
	Days    int     `default:"20" help:"Days of the world; the second half counts. Default: ${default}."`
	Race    bool    `default:"true" negatable:"" help:"Let a small trusted creator race a large passive one as well. Default: ${default}."`
	Workers int     `default:"0" help:"Worlds at once; 0: as many as there are processors. The figures do not depend on it. Default: ${default}."`
	Out     string  `required:"" placeholder:"DIR" help:"Folder for the report: simulation.json, simulation.csv and simulation.html."`
}

// Run simulates and writes the report; what it claims, and whether that came out, goes to standard output.
func (c *simulateCommand) Run(ctx context.Context, out io.Writer) error {
	debug.SetGCPercent(400) // pages are short-lived, and the world is small
	workers := c.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	report, err := sim.Simulate(ctx, sim.Plan{
		Policies: list(c.Policy), Seeds: c.Seeds, Worlds: c.Worlds, Scale: c.Scale, Days: c.Days, Workers: workers, Races: c.Race, Clock: clock.System{},
		Note: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	})
	if err != nil {
		return err
	}
	if err := report.Write(c.Out); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "written to", filepath.Join(c.Out, sim.FileHTML))
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Says   string      `json:"says"`
		Claims []sim.Claim `json:"claims"`
	}{report.Says, report.Claims})
}
