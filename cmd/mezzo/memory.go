package main

import (
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// memoryShare is how many percent of the memory there is the program's own heap may take unless somebody says
	// otherwise. The rest is the ranking's arrays, which lie beside it, the database's and the system's.
	memoryShare = 70
	// minMemory is the least that may be asked for: below it the collector would do little but run.
	minMemory = byteSize(128 << 20)
	// noLimit is what control groups say of memory that is not bounded: anything from here on.
	noLimit = 1 << 50
)

// boundMemory tells the collector what the heap may take, so that garbage does not grow to the size of what is
// held: what was asked for, else what GOMEMLIMIT says, else a share of what machine and control group have.
func boundMemory(asked byteSize, log *slog.Logger) {
	limit, by := int64(asked), "--memory"
	switch {
	case asked > 0:
	case os.Getenv("GOMEMLIMIT") != "":
		limit, by = debug.SetMemoryLimit(-1), "GOMEMLIMIT"
	default:
		have, where := memoryHad(os.DirFS("/"))
		if have == 0 {
			log.Info("the memory of this machine is not known: garbage is collected without a bound; set one with --memory")
			return
		}
		limit, by = have/100*memoryShare, where
	}
	debug.SetMemoryLimit(limit)
	log.Info("memory is bounded", "heap", byteSize(limit>>20<<20).String(), "by", by)
}

// memoryHad returns how many bytes there are for this process, and who says so: the machine, or a control group
// that allows less; 0 when nobody does. root is the root of the file system.
func memoryHad(root fs.FS) (have int64, by string) {
	for _, line := range linesOf(root, "proc/meminfo") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			have, by = bytesIn(f[1])<<10, "the machine"
		}
	}
	bound := func(name string) {
		for _, line := range linesOf(root, name) {
			if n := bytesIn(strings.TrimSpace(line)); n > 0 && n < noLimit && (have == 0 || n < have) {
				have, by = n, "the control group"
			}
		}
	}
	for _, line := range linesOf(root, "proc/self/cgroup") {
		part := strings.SplitN(line, ":", 3)
		if len(part) != 3 {
			continue
		}
		folder, file := "sys/fs/cgroup", "memory.max" // the second version's only hierarchy
		switch {
		case part[0] == "0" && part[1] == "":
		case strings.Contains(","+part[1]+",", ",memory,"):
			folder, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// A group is bounded by those it lies in too. Within a container its own path may not be there, only the root.
		for at := path.Clean("/" + part[2]); ; at = path.Dir(at) {
			bound(path.Join(folder, at, file))
			if at == "/" {
				break
			}
		}
	}
	return have, by
}

func linesOf(root fs.FS, name string) []string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// bytesIn reads a number; 0 when it is none, as "max" is.
func bytesIn(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
