package main

import (
	"bytes"
	"log/slog"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

func TestMemoryIsWhatMachineAndGroupHave(t *testing.T) {
	const machine = "MemTotal:       8000000 kB\nMemFree:  1 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
		by    string
	}{
		"a machine alone":                 {map[string]string{"proc/meminfo": machine}, 8_000_000 << 10, "the machine"},
		"in a group without a bound":      {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 8_000_000 << 10, "the machine"},
		"in a group":                      {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1000000000\n"}, 1e9, "the control group"},
		"in a group within a smaller":     {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "900000000\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 9e8, "the control group"},
		"in a container":                  {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/../outside\n", "sys/fs/cgroup/memory.max": "700000000\n"}, 7e8, "the control group"},
		"in a group larger than it":       {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99000000000\n"}, 8_000_000 << 10, "the machine"},
		"in a group of the older sort":    {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "5:cpu,memory:/c\n", "sys/fs/cgroup/memory/c/memory.limit_in_bytes": "600000000\n"}, 6e8, "the control group"},
		"in one of those without a bound": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "5:memory:/c\n", "sys/fs/cgroup/memory/c/memory.limit_in_bytes": "9223372036854771712\n"}, 8_000_000 << 10, "the machine"},
		"where nothing is said":           {nil, 0, ""},
		"where nonsense is":               {map[string]string{"proc/meminfo": "MemTotal: lots kB\n", "proc/self/cgroup": "nothing\n"}, 0, "the machine"},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got, by := memoryHad(root); got != c.want || by != c.by {
			t.Errorf("%s: %d bytes by %q, want %d by %q", name, got, by, c.want, c.by)
		}
	}
}

func TestMemoryIsBoundedByWhoSaysSo(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	bounded := func(asked byteSize) (int64, string) {
		var said bytes.Buffer
		boundMemory(asked, slog.New(slog.NewTextHandler(&said, nil)))
		return debug.SetMemoryLimit(-1), said.String()
	}
	t.Setenv("GOMEMLIMIT", "")
	if got, said := bounded(3 << 30); got != 3<<30 || !strings.Contains(said, "heap=3GiB by=--memory") {
		t.Errorf("asked for 3 GiB the limit is %d; it said %s", got, said)
	}
	debug.SetMemoryLimit(5 << 30)
	t.Setenv("GOMEMLIMIT", "5GiB")
	if got, said := bounded(0); got != 5<<30 || !strings.Contains(said, "heap=5GiB by=GOMEMLIMIT") {
		t.Errorf("with GOMEMLIMIT the limit is %d; it said %s", got, said)
	}
	if got, _ := bounded(4 << 30); got != 4<<30 {
		t.Errorf("asked for 4 GiB in spite of GOMEMLIMIT the limit is %d", got)
	}
	f := serveFlags{storeFlags: storeFlags{Data: "data", StreamMaxAge: minStreamAge, StreamMaxBytes: minStreamBytes}, Addr: ":0", Memory: minMemory - 1}
	if err := f.Validate(); err == nil || !strings.Contains(err.Error(), "--memory") {
		t.Errorf("next to nothing is accepted: %v", err)
	}
}
