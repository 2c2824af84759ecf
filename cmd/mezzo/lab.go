package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"mezzo/internal/clock"
	"mezzo/internal/lab"
)

// labCommand holds the judges of ranking on data files. Each writes one JSON object to standard
// output and tells its progress on standard error.
type labCommand struct {
	Rank labRank `cmd:"" help:"Judge what is retrieved for whom: factors fitted to a train file, ranked over all items for the users of a test file."`
	Head labHead `cmd:"" help:"Judge a prediction: the online head on any table with a label."`
	OPE  labOPE  `cmd:"" name:"ope" help:"Judge a policy from another's log: what it would have earned, and whether that can be told."`
}

type labRank struct {
	Train   string `required:"" placeholder:"FILE" help:"Rows to learn from; every row is a positive."`
	Valid   string `placeholder:"FILE" help:"Rows by which the best pass is chosen."`
	Test    string `required:"" placeholder:"FILE" help:"Rows to be found, among all items that are not in the other files."`
	Sep     string `default:"\\t" help:"What separates columns; \\t is a tab. Default: \\t."`
	Columns string `default:"user,item,rating,time" help:"The columns' names in order; user and item are used, and time by the one-pass run. Default: ${default}."`
	Header  bool   `help:"The first line is no row."`
	K       int    `name:"k" default:"10" help:"Length of the list. Default: ${default}."`
	Epochs  int    `default:"100" help:"Passes over the train file. Default: ${default}."`
	Seed    uint64 `default:"1" help:"The same seed gives the same figures. Default: ${default}."`
}

type labHead struct {
	File         string  `required:"" placeholder:"FILE" help:"A table whose first line names its columns."`
	Sep          string  `default:"," help:"What separates columns; \\t is a tab. Default: a comma."`
	Label        string  `required:"" placeholder:"COLUMN" help:"What is predicted."`
	Positive     string  `required:"" placeholder:"VALUE" help:"The label that counts as a yes; every other is a no."`
	Numeric      string  `placeholder:"A,B" help:"Columns of numbers."`
	Categorical  string  `placeholder:"C,D" help:"Columns of names."`
	TestFraction float64 `default:"0.2" help:"Part of the rows that is held back and judged. Default: ${default}."`
	Progressive  bool    `help:"Judge every row before it is learned, in the order of the file, instead."`
	Seed         uint64  `default:"1" help:"Draws the rows held back. Default: ${default}."`
}

type labOPE struct {
	File        string `required:"" placeholder:"FILE" help:"A log whose first line names its columns."`
	Sep         string `default:"," help:"What separates columns; \\t is a tab. Default: a comma."`
	Reward      string `required:"" placeholder:"COLUMN" help:"What came of the logged action."`
	Propensity  string `required:"" placeholder:"COLUMN" help:"How likely it was, in (0, 1]."`
	Target      string `required:"" placeholder:"COLUMN" help:"How likely the judged policy would have made it, in [0, 1]."`
	ModelReward string `placeholder:"COLUMN" help:"A model's value of the logged action, for the doubly robust estimate."`
	ModelTarget string `placeholder:"COLUMN" help:"The model's value of what the judged policy would do."`
	Cluster     string `placeholder:"COLUMN" help:"Rows that share a value are not independent, such as a viewer's. Default: every row is."`
	Seed        uint64 `default:"1" help:"Draws the resamples of the intervals. Default: ${default}."`
}

// printJSON writes a report.
func printJSON(out io.Writer, report any, err error) error {
	if err != nil {
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

// list returns the parts of a list written with commas.
func list(text string) []string {
	var parts []string
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Run judges a ranking.
func (c *labRank) Run(out io.Writer) error {
	separator, err := lab.Separator(c.Sep)
	if err != nil {
		return err
	}
	report, err := lab.Rank(lab.RankOptions{
		Train: c.Train, Valid: c.Valid, Test: c.Test, Separator: separator, Columns: list(c.Columns), Header: c.Header,
		K: c.K, Epochs: c.Epochs, Seed: c.Seed, Clock: clock.System{},
		Note: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	})
	return printJSON(out, report, err)
}

// Run judges a head.
func (c *labHead) Run(out io.Writer) error {
	separator, err := lab.Separator(c.Sep)
	if err != nil {
		return err
	}
	if c.Progressive {
		c.TestFraction = 0
	}
	report, err := lab.Head(lab.HeadOptions{
		File: c.File, Separator: separator, Label: c.Label, Positive: c.Positive, Numeric: list(c.Numeric),
		Categorical: list(c.Categorical), TestFraction: c.TestFraction, Progressive: c.Progressive, Seed: c.Seed,
	})
	return printJSON(out, report, err)
}

// Run judges a policy.
func (c *labOPE) Run(out io.Writer) error {
	separator, err := lab.Separator(c.Sep)
	if err != nil {
		return err
	}
	report, err := lab.OPE(lab.OPEOptions{
		File: c.File, Separator: separator, Reward: c.Reward, Propensity: c.Propensity, Target: c.Target,
		ModelReward: c.ModelReward, ModelTarget: c.ModelTarget, Cluster: c.Cluster, Seed: c.Seed,
	})
	return printJSON(out, report, err)
}
