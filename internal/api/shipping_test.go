package api

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db/dbtest"
)

// Two people change one way to ship: the second hears that it has changed.
func TestShippingOptionsHaveVersions(t *testing.T) {
	shelved(t, func(t *testing.T, w *world) {
		owner, brand, _ := w.shop()
		at := "/api/v1/brands/" + brand + "/shipping_options/express"
		put := func(name, match string) answer {
			headers := []string{"Authorization", owner}
			if match != "" {
				headers = append(headers, "If-Match", match)
			}
			return w.do("PUT", at, `{"name":"`+name+`","price":{"amount":900,"currency":"EUR"},"days_min":1,"days_max":2}`, headers...)
		}
		w.do("GET", at, "").problem(404, "missing")
		put("Early", `"1"`).want(412)
		if tag := put("Express", "").want(200).Header().Get("ETag"); tag != `"1"` {
			t.Errorf("a new option is %s", tag)
		}
		if tag := put("Faster", `"1"`).want(200).Header().Get("ETag"); tag != `"2"` {
			t.Errorf("changed, it is %s", tag)
		}
		put("Slower", `"1"`).want(412)
		put("Slower", `nonsense`).want(412)
		var got struct {
			Name    string
			Version int64
		}
		read := w.do("GET", at, "").want(200)
		if read.read(&got); got.Name != "Faster" || got.Version != 2 || read.Header().Get("ETag") != `"2"` {
			t.Errorf("it is %+v with %s", got, read.Header().Get("ETag"))
		}
		w.do("DELETE", at, "", "Authorization", owner).want(204)
		put("Again", `"2"`).want(412)
		if tag := put("Again", "").want(200).Header().Get("ETag"); tag != `"3"` {
			t.Errorf("made again, it is %s", tag)
		}
	})
}

// What went well and fast is not in the log unless it is asked for; what was slow or broke is.
func TestOnlySlowAndBrokenRequestsAreLogged(t *testing.T) {
	d, c := dbtest.SQLite(t)
	for level, want := range map[slog.Level]int{slog.LevelInfo: 0, slog.LevelDebug: 1} {
		w := newWorld(t, d, c, func(_ *Deps, _ *account.Options, o *Options) {})
		w.api.log = slog.New(slog.NewTextHandler(w.logged, &slog.HandlerOptions{Level: level}))
		w.do("GET", "/api/v1/nothing", "").want(404)
		if got := strings.Count(w.logged.String(), "msg=request"); got != want {
			t.Errorf("at %s a fast answer is logged %d times, want %d: %s", level, got, want, w.logged)
		}
	}
	w := newWorld(t, d, c, func(_ *Deps, _ *account.Options, o *Options) { o.Clock = &slow{Clock: c} })
	w.do("GET", "/api/v1/nothing", "").want(404)
	if got := w.logged.String(); strings.Count(got, "msg=request") != 1 || !strings.Contains(got, "status=404") || !strings.Contains(got, "took=") {
		t.Errorf("a slow answer is logged as %q", got)
	}
}

// slow is a clock on which everything takes long.
type slow struct {
	clock.Clock
	asked int
}

func (s *slow) Now() time.Time {
	s.asked++
	return s.Clock.Now().Add(time.Duration(s.asked) * SlowRequest)
}
