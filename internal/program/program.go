// Package program builds and runs the true mezzo as a child process, for tests that start it, stop
// it, kill it and start it again on the same data.
package program

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of what a child may take before its test fails.
const (
	ReadyLimit = 60 * time.Second
	StopLimit  = 60 * time.Second
)

// BinaryEnv names the environment variable with a mezzo built already; `make test` sets it.
const BinaryEnv = "MEZZO_BINARY"

// folderEnv hands the folder of this process's own build from Main to Binary.
const folderEnv = "MEZZO_BINARY_FOLDER"

// Main is the TestMain of a package that starts the program: func TestMain(m *testing.M) { program.Main(m) }.
// It keeps one build for all the package's tests and removes it at the end.
func Main(m *testing.M) {
	if tracing() {
		return
	}
	os.Exit(func() int {
		if os.Getenv(BinaryEnv) == "" {
			folder, err := os.MkdirTemp("", "mezzo-program-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(folder)
			os.Setenv(folderEnv, folder)
		}
		return m.Run()
	}())
}

var built = sync.OnceValues(func() (string, error) {
	folder := os.Getenv(folderEnv)
	if folder == "" {
		return "", errors.New("the package that starts the program needs func TestMain(m *testing.M) { program.Main(m) }")
	}
	name := filepath.Join(folder, "mezzo")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", name, "mezzo/cmd/mezzo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return name, nil
})

// Binary returns the path of the program, built once for all tests of the package.
func Binary(t testing.TB) string {
	t.Helper()
	if name := os.Getenv(BinaryEnv); name != "" {
		return name
	}
	name, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Run runs one command to its end and returns what it printed and its exit code.
func Run(t testing.TB, args ...string) (output string, exit int) {
	t.Helper()
	out, err := exec.Command(Binary(t), args...).CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return string(out), exitCode(err)
}

func exitCode(err error) int {
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.ExitCode()
	}
	return 0
}

// Options say how to start a server. The zero value is an embedded one on a fresh folder.
type Options struct {
	Data     string   // folder; "": one of the test's own
	Database string   // postgres://…; "": SQLite in the folder
	Args     []string // more flags of `mezzo serve`
	Env      []string // more environment, "MEZZO_X=y"
	Address  string   // "": a free port of the loopback
}

// Program is a running server. Its fields stay the same over Kill, Stop and Restart.
type Program struct {
	URL  string // http://127.0.0.1:port
	Data string

	t       testing.TB
	options Options
	child   *exec.Cmd
	ended   chan error // the child's end, once
	log     *output
}

// Start starts `mezzo serve` and returns when it is ready. The test's end kills it.
func Start(t testing.TB, o Options) *Program {
	t.Helper()
	if o.Data == "" {
		o.Data = filepath.Join(t.TempDir(), "data")
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	p := &Program{t: t, Data: o.Data, options: o, log: &output{}}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the program said:\n%s", p.Log())
		}
	})
	if err := p.start(); err != nil {
		t.Fatalf("%v; it said:\n%s", err, p.Log())
	}
	return p
}

// Restart starts it again, on the same data and the same address, and returns when it is ready.
func (p *Program) Restart() {
	p.t.Helper()
	if p.child != nil {
		p.t.Fatal("Restart: it still runs; Stop or Kill it first")
	}
	if err := p.start(); err != nil {
		p.t.Fatalf("%v; it said:\n%s", err, p.Log())
	}
}

func (p *Program) start() error {
	args := append([]string{"serve", "--log-format", "json", "--addr", p.options.Address, "--data", p.Data}, p.options.Args...)
	if p.options.Database != "" {
		args = append(args, "--database", p.options.Database)
	}
	child := exec.Command(Binary(p.t), args...)
	child.Env = append(os.Environ(), p.options.Env...)
	said, err := child.StderrPipe()
	if err != nil {
		return err
	}
	child.Stdout = p.log
	if err := child.Start(); err != nil {
		return err
	}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		p.log.read(said, ready)
		ended <- child.Wait()
	}()
	p.child, p.ended = child, ended
	select {
	case p.URL = <-ready:
	case err := <-ended:
		p.child = nil
		return fmt.Errorf("it ended before it was ready: %w", errors.Join(errors.New("exit"), err))
	case <-time.After(ReadyLimit):
		p.Kill()
		return fmt.Errorf("it was not ready within %v", ReadyLimit)
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return err
	}
	p.options.Address = u.Host // the same again after a restart
	return nil
}

// Kill ends it as a power cut would (kill -9) and returns when it is gone. It does nothing to one
// that has ended.
func (p *Program) Kill() {
	if p.child == nil {
		return
	}
	p.child.Process.Kill()
	<-p.ended
	p.child = nil
}

// Stop asks it to end (SIGTERM) and returns its exit code.
func (p *Program) Stop() int {
	p.t.Helper()
	if p.child == nil {
		p.t.Fatal("Stop: it does not run")
	}
	p.Ask()
	select {
	case err := <-p.ended:
		p.child = nil
		return exitCode(err)
	case <-time.After(StopLimit):
		p.Kill()
		p.t.Fatalf("it did not stop within %v", StopLimit)
		return -1
	}
}

// Ask asks it to end (SIGTERM) and does not wait for that.
func (p *Program) Ask() {
	p.t.Helper()
	if err := p.child.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// Log returns what the program has said, over all its starts.
func (p *Program) Log() string { return p.log.String() }

// output gathers what a child says and watches for the line that says it is ready.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write keeps what is printed.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String returns all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) read(from io.Reader, ready chan<- string) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		o.Write(line)
		var said struct{ Msg, URL string }
		if json.Unmarshal(line, &said) == nil && said.Msg == "ready" {
			select {
			case ready <- said.URL:
			default:
			}
		}
		if err != nil {
			return
		}
	}
}
