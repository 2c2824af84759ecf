//go:build unix

package media

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a program started is ended with it when a job is stopped.
func TestStoppingEndsTheWholeGroup(t *testing.T) {
	folder := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		tool := &Tool{}
		ended <- tool.run(ctx, folder, &bytes.Buffer{}, "sh", "-c", "sleep 600 & echo $$ $! >began.new; mv began.new began; wait")
	}()
	var pids []string
	await(t, "the program to begin", func() bool {
		b, err := os.ReadFile(filepath.Join(folder, "began"))
		pids = strings.Fields(string(b))
		return err == nil
	})
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		await(t, "process "+text+" to end", func() bool { return gone(pid) })
	}
}

// gone reports whether a process has ended; one that nobody has waited for counts.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, after, _ := strings.Cut(string(stat), ") ")
	return err == nil && strings.HasPrefix(after, "Z")
}

func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-limit.C:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func TestToolKeepsTheEndOfComplaints(t *testing.T) {
	err := (&Tool{}).run(context.Background(), t.TempDir(), &bytes.Buffer{}, "sh", "-c", "head -c 20000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "the end") || len(err.Error()) > toolSays+100 {
		t.Errorf("%d bytes: %.80v", len(err.Error()), err)
	}
}

func TestRenditionsWanted(t *testing.T) {
	phone := Info{Container: "mp4", VideoCodec: "h264", AudioCodec: "aac", Width: 1080, Height: 1920, BitrateBPS: 4_000_000, Bytes: 20_000_000}
	for name, c := range map[string]struct {
		change func(*Info)
		small  bool
		want   string
	}{
		"phone":              {func(*Info) {}, false, "720p 480p"},
		"lying":              {func(i *Info) { i.Width, i.Height = 1920, 1080 }, false, "720p 480p"},
		"hd":                 {func(i *Info) { i.Width, i.Height = 720, 1280 }, false, "480p"},
		"hd, wasteful":       {func(i *Info) { i.Width, i.Height, i.BitrateBPS = 720, 1280, 9_000_000 }, false, "720p 480p"},
		"small":              {func(i *Info) { i.Width, i.Height, i.BitrateBPS = 480, 854, 900_000 }, false, ""},
		"hevc":               {func(i *Info) { i.VideoCodec = "hevc" }, false, "720p 480p"},
		"hevc, between":      {func(i *Info) { i.VideoCodec, i.Width, i.Height = "hevc", 540, 960 }, false, "720p 480p"},
		"hevc, small":        {func(i *Info) { i.VideoCodec, i.Width, i.Height = "hevc", 360, 640 }, false, "480p"},
		"clip of the demo":   {func(i *Info) { i.Width, i.Height, i.Faststart, i.Bytes = 540, 960, true, 250_000 }, true, ""},
		"not small":          {func(i *Info) { i.Faststart = true }, true, "720p 480p"},
		"its index is last":  {func(i *Info) { i.Width, i.Height, i.Bytes = 540, 960, 250_000 }, true, "480p"},
		"small but not kept": {func(i *Info) { i.Width, i.Height, i.Faststart, i.Bytes = 540, 960, true, 250_000 }, false, "480p"},
	} {
		info := phone
		c.change(&info)
		m := &Media{Options: Options{Tool: &Tool{}, KeepSmall: c.small}}
		var roles []string
		for _, s := range m.wanted(info) {
			roles = append(roles, s.role)
		}
		if got := strings.Join(roles, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := (&Media{}).wanted(phone); got != nil {
		t.Errorf("without a tool: %v", got)
	}
}
