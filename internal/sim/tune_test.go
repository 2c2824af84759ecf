package sim

import (
	"context"
	"encoding/json"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"mezzo/internal/rank"
)

func TestTune(t *testing.T) {
	spec := os.Getenv("TUNE") // name:policy:json;...
	if spec == "" {
		t.Skip()
	}
	debug.SetGCPercent(400)
	scale, _ := strconv.ParseFloat(os.Getenv("SCALE"), 64)
	days, _ := strconv.Atoi(os.Getenv("DAYS"))
	seeds, _ := strconv.Atoi(os.Getenv("SEEDS"))
	tf := -0.15
	if s := os.Getenv("TF"); s != "" {
		tf, _ = strconv.ParseFloat(s, 64)
	}
	sums := map[string]Measures{}
	keys := []string{GMV, Utility, UtilWatch, UtilSurplus, UtilAnnoyed, Gini, Top, Middle, Living, Followers, Merit, ClickRate, OrderRate, "calibration_watch", "calibration_click", "calibration_buy", "calibration_engage", "calibration_negative"}
	for seed := range uint64(seeds) {
		w, err := NewWorld(Options{Seed: 1000 + seed, Scale: scale, Days: days, TrustFollowers: tf})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Split(spec, ";") {
			parts := strings.SplitN(one, ":", 3)
			in := weights(w.Budgets)
			if len(parts) > 2 {
				if err := json.Unmarshal([]byte(parts[2]), &in); err != nil {
					t.Fatal(err)
				}
			}
			r, err := newRun(w, runOptions{policy: parts[1], from: days / 2, weights: &in})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Go(context.Background()); err != nil {
				t.Fatal(err)
			}
			m := r.Measures()
			if sums[parts[0]] == nil {
				sums[parts[0]] = Measures{}
			}
			for k, v := range m {
				sums[parts[0]][k] += v / float64(seeds)
			}
		}
	}
	for _, k := range keys {
		line := ""
		for _, one := range strings.Split(spec, ";") {
			name := strings.SplitN(one, ":", 2)[0]
			line += "  " + name + "=" + strconv.FormatFloat(sums[name][k], 'g', 4, 64)
		}
		t.Logf("%-24s%s", k, line)
	}
	_ = rank.Value
}
