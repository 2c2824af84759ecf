package lab

import (
	"errors"
	"fmt"

	"mezzo/internal/counterfactual"
)

// OPEOptions says what a policy is judged on. Columns are named by the file's first line; the model's two
// and the cluster may be "".
type OPEOptions struct {
	File                       string
	Separator                  rune
	Reward, Propensity, Target string
	ModelReward, ModelTarget   string
	Cluster                    string
	Seed                       uint64
}

// OPE returns what the target policy would have earned, by the production estimators.
func OPE(o OPEOptions) (*counterfactual.Result, error) {
	if (o.ModelReward == "") != (o.ModelTarget == "") {
		return nil, errors.New("--model-reward and --model-target go together: the model's value of the logged and of the target's action")
	}
	t, err := ReadTable(o.File, o.Separator, nil, true)
	if err != nil {
		return nil, err
	}
	samples := make([]counterfactual.Sample, len(t.Rows))
	for _, c := range []struct {
		name string
		into func(*counterfactual.Sample) *float64
	}{
		{o.Reward, func(s *counterfactual.Sample) *float64 { return &s.Reward }},
		{o.Propensity, func(s *counterfactual.Sample) *float64 { return &s.Propensity }},
		{o.Target, func(s *counterfactual.Sample) *float64 { return &s.Target }},
		{o.ModelReward, func(s *counterfactual.Sample) *float64 { return &s.Modelled }},
		{o.ModelTarget, func(s *counterfactual.Sample) *float64 { return &s.ModelTarget }},
	} {
		if c.name == "" {
			continue
		}
		column, err := t.Column(c.name)
		if err != nil {
			return nil, err
		}
		for row := range t.Rows {
			v, err := t.Number(row, column)
			if err != nil {
				return nil, err
			}
			*c.into(&samples[row]) = v
		}
	}
	if err := clusters(t, o.Cluster, samples); err != nil {
		return nil, err
	}
	for row := range samples {
		if err := samples[row].Check(); err != nil {
			return nil, fmt.Errorf("%s: row %d: %w", t.Name, row+1, err)
		}
	}
	r := counterfactual.Evaluate(samples, o.ModelReward != "", o.Seed)
	return &r, nil
}

// clusters numbers the samples' clusters; without a column every row is its own.
func clusters(t *Table, column string, samples []counterfactual.Sample) error {
	if column == "" {
		for row := range samples {
			samples[row].Cluster = row
		}
		return nil
	}
	at, err := t.Column(column)
	if err != nil {
		return err
	}
	names := map[string]int{}
	for row, fields := range t.Rows {
		samples[row].Cluster = number(names, fields[at])
	}
	return nil
}
