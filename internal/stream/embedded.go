package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// storeBudget is what the embedded server believes it may use. The stream's own MaxBytes is the
// bound that counts; the server's guess from free disk would refuse to start on a small disk.
const storeBudget = 1 << 50

// embedded is a NATS server in this process: no port, files in one folder, every write synced.
type embedded struct {
	dir  string
	log  *slog.Logger
	lock *os.File

	mu  sync.Mutex
	run *server.Server
}

// startEmbedded starts the server on dir, which it locks against a second process.
func startEmbedded(dir string, log *slog.Logger) (*embedded, error) {
	if dir == "" {
		return nil, errors.New("stream: neither a folder nor a NATS address was given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("stream: the folder of the log cannot be made: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("stream: the folder of the log cannot be written: %w", err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("stream: another process has the log in %s open; stop it first: %w", dir, err)
	}
	e := &embedded{dir: dir, log: log, lock: lock}
	if e.run, err = e.start(); err != nil {
		lock.Close()
		return nil, err
	}
	return e, nil
}

func (e *embedded) start() (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "mezzo", DontListen: true, NoSigs: true, MaxPayload: MaxMessage + 8<<10,
		JetStream: true, StoreDir: e.dir, JetStreamMaxStore: storeBudget,
		SyncAlways: true,
	})
	if err != nil {
		return nil, fmt.Errorf("stream: embedded NATS: %w", err)
	}
	s.SetLoggerV2(serverLog{e.log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(openWait) || !s.JetStreamEnabled() {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("stream: the log in %s did not open; see the messages before this one", e.dir)
	}
	return s, nil
}

// InProcessConn dials the running server; the client calls it again when it reconnects.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil {
		return nil, net.ErrClosed
	}
	return e.run.InProcessConn()
}

// repair restarts the server when it no longer writes the stream: after a failed write or sync
// JetStream refuses everything until it has read its files again. It reports whether there was
// something to repair. A nil server is an outer one, which looks after itself.
func (e *embedded) repair(stream string, cause error) bool {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run != nil {
		health := e.run.Healthz(&server.HealthzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Stream: stream})
		if health.Error == "" {
			return false
		}
		e.log.Error("the log could not be written; it is opened again", "err", cause, "nats", health.Error)
		e.down()
	}
	run, err := e.start()
	if err != nil {
		e.log.Error("the log could not be opened again", "err", err)
		return true
	}
	e.run = run
	return true
}

// stop ends the server and lets go of the folder.
func (e *embedded) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down()
	e.lock.Close()
}

// down ends the running server. The caller holds mu.
func (e *embedded) down() {
	if e.run == nil {
		return
	}
	e.run.Shutdown()
	e.run.WaitForShutdown()
	e.run = nil
}

// serverLog passes the server's messages on; its notices are of no interest to an operator.
type serverLog struct{ log *slog.Logger }

func (s serverLog) Noticef(f string, a ...any) { s.log.Debug("nats: " + fmt.Sprintf(f, a...)) }
func (s serverLog) Debugf(f string, a ...any)  { s.log.Debug("nats: " + fmt.Sprintf(f, a...)) }
func (s serverLog) Tracef(f string, a ...any)  { s.log.Debug("nats: " + fmt.Sprintf(f, a...)) }
func (s serverLog) Warnf(f string, a ...any)   { s.log.Warn("nats: " + fmt.Sprintf(f, a...)) }
func (s serverLog) Errorf(f string, a ...any)  { s.log.Error("nats: " + fmt.Sprintf(f, a...)) }
func (s serverLog) Fatalf(f string, a ...any)  { s.log.Error("nats: " + fmt.Sprintf(f, a...)) }
