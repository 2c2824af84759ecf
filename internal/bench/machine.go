package bench

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is where a figure was measured: without it a figure says nothing.
type Machine struct {
	Cores    int      `json:"cores"`
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	CPU      string   `json:"cpu,omitempty"`
	Fsyncs   []int    `json:"fsyncs_per_second"` // of 4 KiB appended to one file, before and after the load
	Load     []string `json:"load_average"`      // over 1, 5 and 15 minutes, before and after; empty where unknown
}

func thisMachine() Machine {
	return Machine{Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPU: processor()}
}

// note adds how busy the machine and its disk are at this moment.
func (m *Machine) note(dir string) {
	m.Fsyncs = append(m.Fsyncs, fsyncs(dir))
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = append(m.Load, strings.Join(strings.Fields(string(text))[:3], " "))
	}
}

// fsyncFor is how long the disk is asked.
const fsyncFor = 500 * time.Millisecond

// fsyncs returns how many 4 KiB appends a second reach the disk of dir, one after another; 0 where
// it cannot be told.
func fsyncs(dir string) int {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	n, begun := 0, time.Now()
	for ; time.Since(begun) < fsyncFor; n++ {
		if _, err := f.Write(page); err != nil {
			return 0
		}
		if f.Sync() != nil {
			return 0
		}
	}
	return int(float64(n) / time.Since(begun).Seconds())
}

// cpu is how much processor time a process had used at a moment.
type cpu struct {
	used time.Duration
	at   time.Time
}

// peak returns the most memory, in bytes, that this process has held so far; 0 where it cannot be told.
func peak() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// clockTick is the unit in which Linux counts the time of processes.
const clockTick = 10 * time.Millisecond

// processed returns the processor time a process has used so far; none where it cannot be told.
func processed(pid int) cpu {
	c := cpu{at: time.Now()}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil || pid == 0 {
		return c
	}
	// The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	for _, f := range fields[11:min(13, len(fields))] {
		ticks, err := strconv.Atoi(f)
		if err != nil {
			return cpu{at: c.at}
		}
		c.used += time.Duration(ticks) * clockTick
	}
	return c
}

// spending is the processor time of a server of our own and of this process, whose clients load it.
type spending struct{ server, clients cpu }

func (o *Options) spending() spending {
	return spending{server: processed(o.pid), clients: processed(os.Getpid())}
}

// each returns what was spent since before on each of all, in µs.
func (s spending) each(before spending, all int) (server, clients float64) {
	if all < 1 {
		return 0, 0
	}
	per := func(after, before cpu) float64 {
		return float64((after.used - before.used).Microseconds()) / float64(all)
	}
	return per(s.server, before.server), per(s.clients, before.clients)
}

// processor returns what the kernel calls the processor, "" where it does not say.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for _, line := range strings.Split(string(text), "\n") {
		if name, is, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(is)
		}
	}
	return ""
}
