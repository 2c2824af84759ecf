package lab

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mezzo/internal/clock"
)

func write(t *testing.T, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tastes writes likes of people who each love one of four kinds of things, and some things at random.
func tastes(r *rand.Rand) (train, valid, test []string) {
	at := 0
	for user := range 120 {
		for range 24 {
			item := r.IntN(200)
			if r.IntN(10) > 0 {
				item = 4*r.IntN(50) + user%4
			}
			at++
			line := fmt.Sprintf("u%d\ti%d\t5\t%d", user, item, at)
			switch r.IntN(10) {
			case 0:
				valid = append(valid, line)
			case 1:
				test = append(test, line)
			default:
				train = append(train, line)
			}
		}
	}
	return train, valid, test
}

func TestRankFindsTastes(t *testing.T) {
	train, valid, test := tastes(rand.New(rand.NewPCG(1, 2)))
	o := RankOptions{
		Train: write(t, "train", train...), Valid: write(t, "valid", valid...), Test: write(t, "test", test...),
		Separator: '\t', Columns: []string{"user", "item", "rating", "time"}, K: 10, Epochs: 20, Seed: 3,
		Clock: clock.System{}, Note: t.Logf,
	}
	r, err := Rank(o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Users < 60 || r.Items < 190 || len(r.Metrics) != 5 || len(r.OnePass) != 5 {
		t.Errorf("%+v", r)
	}
	for name, v := range r.Metrics {
		if v < 1.8*r.Popularity[name] || v > 1 {
			t.Errorf("%s: %.3f, popularity has %.3f", name, v, r.Popularity[name])
		}
	}
	again, err := Rank(o)
	if err != nil || fmt.Sprint(again.Metrics, again.OnePass) != fmt.Sprint(r.Metrics, r.OnePass) {
		t.Errorf("the same seed gave %v and %v: %v", again.Metrics, r.Metrics, err)
	}
}

// One list by hand: relevant at places 2 and 4 of four, three relevant in all.
func TestRankingIsTheTextbooks(t *testing.T) {
	r := rankingOf([]int{9, 1, 8, 2}, map[int]bool{1: true, 2: true, 3: true}, 4)
	gain, ideal := 1/math.Log2(3)+1/math.Log2(5), 1+1/math.Log2(3)+0.5
	for name, c := range map[string][2]float64{
		"recall": {r.Recall, 2.0 / 3}, "ndcg": {r.NDCG, gain / ideal}, "mrr": {r.MRR, 0.5}, "hit": {r.Hit, 1}, "precision": {r.Precision, 0.5},
	} {
		if math.Abs(c[0]-c[1]) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
}

func TestReportIsTheTextbooks(t *testing.T) {
	r := report([]prediction{{0.9, true}, {0.8, false}, {0.8, true}, {0.3, true}, {0.1, false}})
	// Pairs: 3 yeses × 2 noes; 0.9 beats both, 0.8 ties one and beats one, 0.3 beats one.
	logloss := -(math.Log(0.9) + math.Log(0.2) + math.Log(0.8) + math.Log(0.3) + math.Log(0.9)) / 5
	for name, c := range map[string][2]float64{
		"auc": {r.AUC, 4.5 / 6}, "pr_auc": {r.PRAUC, (1 + 2.0/3 + 3.0/4) / 3}, "logloss": {r.LogLoss, logloss},
		"f1": {r.F1, 2 * (2.0 / 3) * (2.0 / 3) / (4.0 / 3)}, "best": {r.BestF1, 2 * 0.75 / 1.75}, "at": {r.BestAt, 0.3}, "rate": {r.Rate, 0.6},
	} {
		if math.Abs(c[0]-c[1]) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
	if r := report(nil); r.N != 0 || math.IsNaN(r.LogLoss) {
		t.Errorf("of nothing: %+v", r)
	}
	if r := report([]prediction{{0.2, false}, {0.3, false}}); r.AUC != 0.5 || math.IsNaN(r.PRAUC) {
		t.Errorf("of noes alone: %+v", r)
	}
}

// logistic writes rows whose label is a known function of a number and two names.
func logistic(r *rand.Rand, n int) (lines []string, auc float64) {
	lines = []string{"label,age,city,color,empty"}
	var truth []prediction
	for range n {
		age, city, color := r.NormFloat64(), r.IntN(30), r.IntN(5)
		s := -1 + 1.2*age - 0.8*age*age*0.5 + 0.8*math.Sin(float64(7*city)) + 0.5*float64(color-2)
		p := 1 / (1 + math.Exp(-s))
		yes := r.Float64() < p
		truth = append(truth, prediction{p, yes})
		lines = append(lines, fmt.Sprintf("%v,%.4f,city %d,%d,", map[bool]string{true: "TRUE", false: "FALSE"}[yes], age, city, color))
	}
	return lines, report(truth).AUC
}

func TestHeadLearnsATable(t *testing.T) {
	lines, best := logistic(rand.New(rand.NewPCG(3, 4)), 20_000)
	o := HeadOptions{File: write(t, "table", lines...), Separator: ',', Label: "label", Positive: "TRUE", Numeric: []string{"age", "empty"}, Categorical: []string{"city", "color"}, Seed: 1}
	for _, progressive := range []bool{true, false} {
		o.Progressive, o.TestFraction = progressive, 0.2
		if progressive {
			o.TestFraction = 0
		}
		r, err := Head(o)
		if err != nil {
			t.Fatal(err)
		}
		n := 4_000
		if progressive {
			n = 20_000
		}
		if r.N != n || r.AUC < best-0.015 || r.ECE > 0.03 || r.BestF1 < r.F1 {
			t.Errorf("progressive %v: %+v; the truth has an AUC of %.4f", progressive, r, best)
		}
	}
}

func TestOPE(t *testing.T) {
	lines := []string{"who,reward,p,q,model,model_target"}
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 4_000 {
		reward := 0
		if r.Float64() < 0.3 {
			reward = 1
		}
		lines = append(lines, fmt.Sprintf("v%d,%d,0.5,%v,0.3,0.3", i/4, reward, []float64{0.4, 0.6}[i%2]))
	}
	o := OPEOptions{File: write(t, "log", lines...), Separator: ',', Reward: "reward", Propensity: "p", Target: "q", ModelReward: "model", ModelTarget: "model_target", Cluster: "who", Seed: 1}
	e, err := OPE(o)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Usable || e.Clusters != 1_000 || e.DR == nil || math.Abs(e.IPS.Value-0.3) > 0.03 || e.IPS.Low >= e.IPS.Value || e.IPS.High <= e.IPS.Value {
		t.Errorf("%+v", e)
	}
}

func TestBadFilesAreRefusedInWords(t *testing.T) {
	table := write(t, "table", "label,x,p,q", "1,2,0.5,0.5", "0,no,0,0.5")
	for name, c := range map[string]struct {
		run  func() error
		says string
	}{
		"no file": {func() error { _, err := OPE(OPEOptions{File: "nowhere.csv", Separator: ','}); return err }, "nowhere.csv"},
		"no column": {func() error {
			_, err := OPE(OPEOptions{File: table, Separator: ',', Reward: "reward", Propensity: "p", Target: "q"})
			return err
		}, `no column "reward"; it has label, x, p, q`},
		"no number": {func() error {
			_, err := OPE(OPEOptions{File: table, Separator: ',', Reward: "x", Propensity: "p", Target: "q"})
			return err
		}, `row 2, column "x": "no" is not a number`},
		"no propensity": {func() error {
			_, err := OPE(OPEOptions{File: table, Separator: ',', Reward: "label", Propensity: "p", Target: "q"})
			return err
		}, "row 2: the propensity 0"},
		"half a model": {func() error { _, err := OPE(OPEOptions{File: table, Separator: ',', ModelReward: "x"}); return err }, "go together"},
		"label as feature": {func() error {
			_, err := Head(HeadOptions{File: table, Separator: ',', Label: "label", Positive: "1", Numeric: []string{"label"}, Progressive: true})
			return err
		}, "is the label"},
		"nothing to predict": {func() error {
			_, err := Head(HeadOptions{File: table, Separator: ',', Label: "label", Positive: "YES", Numeric: []string{"p"}, Progressive: true})
			return err
		}, `has "YES" as its label`},
		"two ways at once": {func() error {
			_, err := Head(HeadOptions{File: table, Separator: ',', Label: "label", Progressive: true, TestFraction: 0.2})
			return err
		}, "--progressive or"},
		"wrong separator": {func() error { _, err := ReadTable(table, ';', []string{"a", "b"}, false); return err }, "is --sep right?"},
		"no k":            {func() error { _, err := Rank(RankOptions{}); return err }, "--k is 1 to 1000"},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]rune{`\t`: '\t', ",": ',', "|": '|', "": 0, "ab": 0, "\n": 0} {
		if got, err := Separator(text); got != want || (err == nil) == (want == 0) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
