package sim

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	scale, _ := strconv.ParseFloat(os.Getenv("SCALE"), 64)
	days, _ := strconv.Atoi(os.Getenv("DAYS"))
	if scale == 0 {
		t.Skip()
	}
	begun := time.Now()
	w, err := NewWorld(Options{Seed: 1, Scale: scale, Days: days, TrustFollowers: -0.15})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("world %v: %d items %d viewers %d creators, %v imps, %d follows", time.Since(begun), len(w.items), len(w.viewers), len(w.creators), w.Impressions(), len(w.prologue))
	for _, p := range strings.Fields(os.Getenv("POL")) {
		begun := time.Now()
		r, err := newRun(w, runOptions{policy: p, from: days / 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Go(context.Background()); err != nil {
			t.Fatal(err)
		}
		m := r.Measures()
		t.Logf("%s %v imps %d", p, time.Since(begun), r.Tally.Impressions)
		for _, k := range []string{GMV, GMVHappened, Utility, UtilWatch, UtilSurplus, UtilAnnoyed, Gini, Top, Middle, Living, Followers, FollowRaw, Merit, ClickRate, OrderRate, RefundRate, "calibration_watch", "calibration_click", "calibration_buy", "calibration_engage", "calibration_negative"} {
			t.Logf("   %-28s %.4g", k, m[k])
		}
	}
}

func TestTryRace(t *testing.T) {
	seeds, _ := strconv.Atoi(os.Getenv("RACE"))
	if seeds == 0 {
		t.Skip()
	}
	viewers, _ := strconv.Atoi(os.Getenv("VIEWERS"))
	for _, p := range strings.Fields(os.Getenv("POL")) {
		var runs []RaceRun
		for seed := range uint64(seeds) {
			begun := time.Now()
			w, err := raceWorld(2000+seed, racers(), viewers)
			if err != nil {
				t.Fatal(err)
			}
			one, err := race(context.Background(), w, p)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v %v %+v", p, time.Since(begun), one)
			runs = append(runs, one)
		}
		j := judge(p, runs)
		j.Runs = nil
		t.Logf("%+v", j)
	}
}
