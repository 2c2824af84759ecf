package bench

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/client"
)

// Names of what a server tells of its folds at /metrics.
const (
	figureFolded  = "mezzo_fold_records_total"
	figureStored  = "mezzo_stream_records_total"
	figureLag     = "mezzo_fold_lag_seconds"
	figureVisible = `mezzo_fold_seconds_bucket{what="visible",le="`
	figureRanked  = `mezzo_rank_seconds_bucket{what="visible",le="`
	figureLearned = "mezzo_rank_learned_total"
)

// Bounds of waiting for the fold.
const (
	catchUpLimit = 2 * time.Minute
	askInterval  = 50 * time.Millisecond
	caughtUpLag  = 1.2 // seconds: with nothing new the log ticks once a second
	replayLimit  = 5 * time.Minute
)

// figures are what a server says of itself, by name and labels.
type figures struct {
	at     time.Time
	values map[string]float64
}

// figuresOf reads GET /metrics.
func figuresOf(ctx context.Context, c client.Client) (figures, error) {
	f := figures{values: map[string]float64{}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+"/metrics", nil)
	if err != nil {
		return f, err
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return f, err
	}
	defer resp.Body.Close()
	f.at = time.Now()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if cut := strings.LastIndexByte(lines.Text(), ' '); cut > 0 && lines.Text()[0] != '#' {
			f.values[lines.Text()[:cut]], _ = strconv.ParseFloat(lines.Text()[cut+1:], 64)
		}
	}
	return f, nil
}

// folds reports whether the server keeps numbers at all.
func (f figures) folds() bool { _, ok := f.values[figureFolded]; return ok }

// Folding is how the numbers kept up with a load.
type Folding struct {
	Rate    float64 `json:"rate"`             // records a second taken into the numbers while the load lasted
	Share   float64 `json:"share_of_stored"`  // of what was stored meanwhile: 1 keeps up
	CatchUp float64 `json:"catch_up_s"`       // until the rest was in the numbers, after the load
	Slowest float64 `json:"visible_p99_ms"`   // acknowledged until readable, of the events of the load
	Ranked  float64 `json:"next_page_p99_ms"` // acknowledged until the next page of feed knows it, the same
}

// keepingUp compares what was folded with what was stored between two looks, and waits for the rest.
func keepingUp(ctx context.Context, m *market, before, after figures) (*Folding, error) {
	if !before.folds() {
		return nil, nil
	}
	took := after.at.Sub(before.at).Seconds()
	folded := after.values[figureFolded] - before.values[figureFolded]
	stored := after.values[figureStored] - before.values[figureStored]
	f := &Folding{Rate: folded / took, Share: 1}
	if stored > 0 {
		f.Share = min(1, folded/stored)
	}
	for {
		now, err := figuresOf(ctx, m.nobody)
		if err != nil {
			return nil, err
		}
		f.CatchUp = now.at.Sub(after.at).Seconds()
		if now.values[figureFolded]-before.values[figureFolded] >= stored && now.values[figureLag] < caughtUpLag {
			f.Slowest, f.Ranked = quantile(before, now, figureVisible, 0.99), quantile(before, now, figureRanked, 0.99)
			return f, nil
		}
		if now.at.Sub(after.at) > catchUpLimit {
			return nil, fmt.Errorf("the numbers have not caught up within %v: %.0f of %.0f records", catchUpLimit, now.values[figureFolded]-before.values[figureFolded], stored)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askInterval):
		}
	}
}

// quantile reads off a histogram what came in between two looks, in milliseconds: within a bucket
// evenly spread, so that it is as exact as the buckets are fine.
func quantile(before, after figures, prefix string, q float64) float64 {
	type bucket struct{ most, count float64 }
	var buckets []bucket
	for name, value := range after.values {
		if bound, ok := strings.CutPrefix(name, prefix); ok {
			most, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"}`), 64)
			if err == nil {
				buckets = append(buckets, bucket{most, value - before.values[name]})
			}
		}
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return int(math.Copysign(1, a.most-b.most)) })
	if len(buckets) == 0 || buckets[len(buckets)-1].count == 0 {
		return 0
	}
	want, low, under := q*buckets[len(buckets)-1].count, 0.0, 0.0
	for _, b := range buckets {
		if b.count >= want {
			if math.IsInf(b.most, 1) {
				return low * 1000
			}
			return 1000 * (low + (b.most-low)*(want-under)/max(1, b.count-under))
		}
		low, under = b.most, b.count
	}
	return low * 1000
}

// Replayed is how fast the log is made into the same numbers again.
type Replayed struct {
	Records int     `json:"records"`
	Rate    float64 `json:"rate"`
	Same    bool    `json:"same"`
}

var replayLine = regexp.MustCompile(`records\s+(\d+) in .*, (\d+) a second`)

// replay runs `mezzo replay` from the first record on the folder of the bench's own server, which has ended.
func replay(ctx context.Context, o Options, r *Report) error {
	ctx, cancel := context.WithTimeout(ctx, replayLimit)
	defer cancel()
	args := []string{"replay", "--beginning", "--data", filepath.Join(o.Dir, "data")}
	if o.Database != "" {
		args = append(args, "--database", o.Database)
	}
	out, err := exec.CommandContext(ctx, o.Binary, args...).CombinedOutput()
	found := replayLine.FindSubmatch(out)
	if found == nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the log was not replayed: %v %s", err, out))
		return nil
	}
	r.Replay = &Replayed{Same: err == nil}
	r.Replay.Records, _ = strconv.Atoi(string(found[1]))
	r.Replay.Rate, _ = strconv.ParseFloat(string(found[2]), 64)
	return nil
}
