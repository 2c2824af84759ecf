// Command mezzo is a marketplace where selling is done by people: one program that serves the
// shop, its API and its live numbers from one machine or many.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// What the program says to the shell that started it.
const (
	exitDone   = 0
	exitFailed = 1 // it ran, and the reason is on standard error
	exitUsage  = 2 // the command line was not understood
)

// secondSignal is how long after the first signal another one is taken for impatience.
const secondSignal = time.Second

// commands is the whole command line. Only what works is listed.
type commands struct {
	LogFormat string `enum:"auto,text,json" default:"auto" help:"How to log: text, json, or auto: text on a terminal and json elsewhere."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" help:"Least severity to log: debug, info, warn or error."`

	Serve    serveCommand    `cmd:"" help:"Serve the shop, its API and its pages."`
	Demo     demoCommand     `cmd:"" help:"Serve a made-up shop from a temporary folder, to look around."`
	Check    checkCommand    `cmd:"" help:"Prove the books, the log, the numbers and the archive of a stopped shop; exit 1 and name each break."`
	Replay   replayCommand   `cmd:"" help:"Make the numbers of a stopped shop again from a snapshot and the log; exit 1 when they differ."`
	Audit    auditCommand    `cmd:"" help:"Draw what was served again, and compare it to the byte."`
	Export   exportCommand   `cmd:"" help:"Write out what a stopped shop holds."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database's schema up to date, then stop."`
	Keys     keysCommands    `cmd:"" help:"The keys that sign viewers, impressions and guests' orders."`
	Bench    benchCommand    `cmd:"" help:"Load a server on this machine and say how fast it answers."`
	Lab      labCommand      `cmd:"" help:"Judge ranking on data files: production code, JSON on standard output."`
	Simulate simulateCommand `cmd:"" help:"Let policies compete in a seeded world and write a report with plots: a check of the mechanism."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run does what the arguments say and returns the exit code.
func run(args []string, stdout, stderr *os.File) int {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("mezzo"),
		kong.Description("A marketplace where selling is done by people. Every flag can also be given as the environment variable beside it."),
		kong.DefaultEnvars("MEZZO"),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		fmt.Fprintln(stderr, "mezzo:", err)
		return exitUsage
	}
	chosen, err := parser.Parse(meant(args))
	if err != nil {
		fmt.Fprintf(stderr, "mezzo: %v (mezzo --help lists what there is)\n", err)
		return exitUsage
	}
	// The first signal asks for a graceful stop; one that comes later ends the program at once.
	// Not one right behind it: timeout(1) and some supervisors send theirs twice.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(secondSignal, stop) })
	chosen.BindTo(ctx, (*context.Context)(nil))
	chosen.Bind(newLog(c.LogFormat, c.LogLevel, stderr))
	if err := chosen.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "mezzo:", err)
		return exitFailed
	}
	return exitDone
}

// meant returns what people mean who ask as they would ask other programs: `mezzo help serve` and
// `mezzo --version`.
func meant(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// newLog returns the logger of the whole program.
func newLog(format, level string, to *os.File) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: least}
	if format == "text" || format == "auto" && onTerminal(to) {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}

func onTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
