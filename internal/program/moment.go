package program

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Moment is one point of what a program does: just before a system call, or just after it succeeded.
type Moment struct {
	Call  string   // write, read, sync or rename
	Path  string   // the name of the file, socket or new name contains it
	Same  bool     // it is the same open file as that of the moment before
	Texts [][]byte // what is written contains each
	After bool
}

// Variables that make a test binary the tracer of a program.
const (
	traceProcess = "MEZZO_TRACE_PROCESS"
	traceMoments = "MEZZO_TRACE_MOMENTS"
	// traceLimit is how long it may take until the moment comes.
	traceLimit = 60 * time.Second
)

// Death is a program's that is to come.
type Death struct {
	p      *Program
	tracer *exec.Cmd
	said   *bufio.Scanner
}

// DieAt has the running program die (kill -9) at the last of the moments, once the others have come, in order. The
// program itself knows nothing of it: another process looks at each of its system calls, which the kernel holds
// until it is told to go on. The test is skipped where that is not allowed.
func (p *Program) DieAt(moments ...Moment) *Death {
	p.t.Helper()
	wanted, err := json.Marshal(moments)
	if err != nil {
		p.t.Fatal(err)
	}
	d := &Death{p: p, tracer: exec.Command(os.Args[0])}
	d.tracer.Env = append(os.Environ(), traceProcess+"="+strconv.Itoa(p.child.Process.Pid), traceMoments+"="+string(wanted))
	d.tracer.Stderr = p.log
	out, err := d.tracer.StdoutPipe()
	if err == nil {
		err = d.tracer.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { d.tracer.Process.Kill() })
	d.said = bufio.NewScanner(out)
	switch said := d.next(); {
	case said == "refused":
		p.t.Skip("no process may look at another's system calls here")
	case said != "looking":
		p.t.Fatalf("the tracer said %q", said)
	}
	return d
}

func (d *Death) next() string {
	if d.said.Scan() {
		return d.said.Text()
	}
	return fmt.Sprint("nothing more: ", d.said.Err())
}

// Wait returns when the program has died at its moment.
func (d *Death) Wait() {
	t := d.p.t
	t.Helper()
	late := time.AfterFunc(traceLimit, func() { d.tracer.Process.Kill() })
	defer late.Stop()
	if said := d.next(); said != "killed" {
		t.Fatalf("the program did not die at its moment: the tracer said %q", said)
	}
	_ = d.tracer.Wait() // it has said all there was to say
	<-d.p.ended
	d.p.child = nil
}

// tracing makes this process a tracer if it was started as one.
func tracing() bool {
	process := os.Getenv(traceProcess)
	if process == "" {
		return false
	}
	pid, err := strconv.Atoi(process)
	var moments []Moment
	if err == nil {
		err = json.Unmarshal([]byte(os.Getenv(traceMoments)), &moments)
	}
	if err == nil {
		err = trace(pid, moments, func(said string) { fmt.Println(said) })
	}
	if err != nil {
		fmt.Println("failed:", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return true
}

// Traceable skips the test where no program can be held at its system calls.
func Traceable(t testing.TB) {
	t.Helper()
	if !traces {
		t.Skip("system calls are looked at on Linux alone")
	}
}
