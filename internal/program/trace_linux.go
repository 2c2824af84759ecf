package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

const traces = true

// What ptrace(2) names and package syscall does not.
const (
	ptraceSeize     = 0x4206
	ptraceInterrupt = 0x4207
	ptraceCallInfo  = 0x420e
	sysGood         = 0x1
	traceClone      = 0x8
	callEntry       = 1
	callExit        = 2
	waitAll         = 0x40000000 // threads too
)

// callInfo is struct ptrace_syscall_info.
type callInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	_    [2]uint64    // where in the program
	nr   uint64       // at the entry; at the exit what was returned
	args [6]uint64    // at the entry; at the exit the first byte says whether it failed
	_    [2 * 8]uint8 // of others
}

// calls are the numbers of the system calls by what they do.
func calls(what string) []uint64 {
	switch what {
	case "write":
		return []uint64{syscall.SYS_WRITE, syscall.SYS_PWRITE64, syscall.SYS_SENDTO}
	case "read":
		return []uint64{syscall.SYS_READ, syscall.SYS_RECVFROM}
	case "sync":
		return []uint64{syscall.SYS_FSYNC, syscall.SYS_FDATASYNC}
	case "rename":
		return []uint64{syscall.SYS_RENAMEAT}
	}
	return nil
}

// tracer looks at the system calls of a process.
type tracer struct {
	pid     int
	moments []Moment
	at      int // which is waited for
	file    uint64
	under   map[int]uint64 // threads in a call after which a moment comes: the file
}

// trace looks at every system call of the process until the moments have come, and kills it at the last.
func trace(pid int, moments []Moment, say func(string)) error {
	runtime.LockOSThread() // which the kernel takes for the tracer
	t := &tracer{pid: pid, moments: moments, under: map[int]uint64{}}
	if err := t.attach(); err != nil {
		if errors.Is(err, syscall.EPERM) {
			say("refused")
			return nil
		}
		return err
	}
	say("looking")
	for {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, waitAll, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("it ended before its moment came: %w", err)
		}
		if !status.Stopped() {
			continue
		}
		signal := int(status.StopSignal())
		switch event := int(status) >> 16; {
		case signal == int(syscall.SIGTRAP)|0x80:
			over, err := t.call(thread)
			if err != nil {
				return err
			}
			if over {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					return err
				}
				say("killed")
				return nil
			}
			signal = 0
		case event != 0 || signal == int(syscall.SIGTRAP):
			signal = 0 // a thread begins, or was asked to stop
		}
		if err := syscall.PtraceSyscall(thread, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
}

// attach begins to look at every thread there is; those that begin later are looked at as they do.
func (t *tracer) attach() error {
	seen := map[int]bool{}
	for more := true; more; {
		more = false
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", t.pid))
		if err != nil {
			return err
		}
		for _, task := range tasks {
			thread, err := strconv.Atoi(task.Name())
			if err != nil || seen[thread] {
				continue
			}
			seen[thread], more = true, true
			if err := ptrace(ptraceSeize, thread, 0, sysGood|traceClone); errors.Is(err, syscall.EPERM) && len(seen) > 1 {
				continue // it was born of one that is looked at already
			} else if err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
			if err := ptrace(ptraceInterrupt, thread, 0, 0); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
	}
	return nil
}

func ptrace(request, thread int, address, data uintptr) error {
	if _, _, failed := syscall.Syscall6(syscall.SYS_PTRACE, uintptr(request), uintptr(thread), address, data, 0, 0); failed != 0 {
		return failed
	}
	return nil
}

// call looks at a thread that enters or leaves a system call, and reports whether the last moment has come.
func (t *tracer) call(thread int) (over bool, err error) {
	var info callInfo
	if err := ptrace(ptraceCallInfo, thread, unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info))); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return false, nil
		}
		return false, err
	}
	m := &t.moments[t.at]
	switch info.op {
	case callEntry:
		if !t.meets(m, &info) {
			return false, nil
		}
		if m.After {
			t.under[thread] = info.args[0]
			return false, nil
		}
		return t.came(info.args[0]), nil
	case callExit:
		file, waited := t.under[thread]
		if !waited {
			return false, nil
		}
		delete(t.under, thread)
		failed := int64(info.nr) < 0 || m.Call == "read" && info.nr == 0
		return !failed && t.came(file), nil
	}
	return false, nil
}

func (t *tracer) came(file uint64) (over bool) {
	t.file = file
	t.at++
	clear(t.under)
	return t.at == len(t.moments)
}

// meets reports whether the call that begins is that of the moment.
func (t *tracer) meets(m *Moment, info *callInfo) bool {
	if !slices.Contains(calls(m.Call), info.nr) || m.Same && info.args[0] != t.file {
		return false
	}
	if m.Path != "" && !strings.Contains(t.name(m, info), m.Path) {
		return false
	}
	if len(m.Texts) == 0 {
		return true
	}
	text := t.memory(info.args[1], int(info.args[2]))
	return !slices.ContainsFunc(m.Texts, func(part []byte) bool { return !bytes.Contains(text, part) })
}

// name returns what the file of a call is called; of a rename, what it will be.
func (t *tracer) name(m *Moment, info *callInfo) string {
	if m.Call == "rename" {
		name, _, _ := bytes.Cut(t.memory(info.args[3], 4096), []byte{0})
		return string(name)
	}
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, info.args[0]))
	return name
}

// memory reads what the process holds at an address: as much as can be read of it.
func (t *tracer) memory(at uint64, n int) []byte {
	file, err := os.Open(fmt.Sprintf("/proc/%d/mem", t.pid))
	if err != nil {
		return nil
	}
	defer file.Close()
	b := make([]byte, min(max(n, 0), 1<<20))
	n, _ = file.ReadAt(b, int64(at))
	return b[:n]
}
