package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of the server the bench starts.
const (
	readyLimit = 60 * time.Second
	stopLimit  = 30 * time.Second
	keptLines  = 60 // of what it says, for when it fails
)

// child is a server that is thrown away; the zero value is none.
type child struct {
	cmd    *exec.Cmd
	url    string
	engine string
	sign   Sign
	ended  chan error
}

// startChild starts the program on a folder of its own and returns when it is ready.
func startChild(ctx context.Context, o Options) (*child, error) {
	c := &child{engine: "sqlite", sign: Sign{"bench@example.com", rand.Text()}, ended: make(chan error, 1)}
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", filepath.Join(o.Dir, "data"), "--no-limits", "--log-format", "json"}
	if o.Database != "" {
		c.engine = "postgres"
		args = append(args, "--database", o.Database)
	}
	c.cmd = exec.Command(o.Binary, append(args, o.Args...)...)
	c.cmd.Env = append(os.Environ(), "MEZZO_OPERATOR_EMAIL="+c.sign.Email, "MEZZO_OPERATOR_PASSWORD="+c.sign.Password)
	said, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("no server could be started: %w", err)
	}
	ready, last := make(chan string, 1), make(chan string, 1)
	go func() {
		last <- listen(said, ready)
		c.ended <- c.cmd.Wait()
	}()
	select {
	case c.url = <-ready:
		return c, nil
	case said := <-last:
		return nil, fmt.Errorf("the server ended before it was ready (%v); it said:\n%s", <-c.ended, said)
	case <-time.After(readyLimit):
		err = fmt.Errorf("the server was not ready within %v", readyLimit)
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.stop()
	return nil, err
}

// listen reads what the server says to its end, tells when it is ready and where, and returns the last lines.
func listen(said io.Reader, ready chan<- string) string {
	var last []string
	told := false
	for lines := bufio.NewReaderSize(said, 64<<10); ; {
		line, err := lines.ReadBytes('\n')
		if !told {
			var l struct{ Msg, URL string }
			if json.Unmarshal(line, &l) == nil && l.Msg == "ready" {
				ready <- l.URL
				told = true
			}
			last = append(last, string(line))
			last = last[max(0, len(last)-keptLines):]
		}
		if err != nil {
			return strings.Join(last, "")
		}
	}
}

// pid returns the number of the server's process, 0 when it is not ours.
func (c *child) pid() int {
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// stop ends the server, once; an error says that it did not end well.
func (c *child) stop() error {
	if c.cmd == nil || c.cmd.ProcessState != nil {
		return nil
	}
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.cmd.Process.Kill()
	}
	select {
	case err := <-c.ended:
		if err != nil {
			return fmt.Errorf("the server did not end well: %w", err)
		}
		return nil
	case <-time.After(stopLimit):
		c.cmd.Process.Kill()
		<-c.ended
		return fmt.Errorf("the server did not end within %v", stopLimit)
	}
}

// versionOf asks a server what program it is, "" when it does not say.
func versionOf(ctx context.Context, base string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/version", nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var v struct{ Version, Go string }
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&v) != nil {
		return ""
	}
	return strings.TrimSpace(v.Version + " " + v.Go)
}
