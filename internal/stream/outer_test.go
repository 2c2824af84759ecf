package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"mezzo/internal/clock"
	"mezzo/internal/stream"
)

// An outer server that may be asked: the account of the log imports the system's answer.
const asked = `
listen: "127.0.0.1:-1"
server_name: "outer"
jetstream { store_dir: %q, sync_interval: %s, max_file_store: 1TB }
system_account: SYS
accounts {
  SYS { users: [{user: s, password: s}], exports: [{service: "$SYS.REQ.SERVER.PING.VARZ", response: stream}] }
  APP { jetstream: enabled, users: [{user: a, password: a}], imports: [{service: {account: SYS, subject: "$SYS.REQ.SERVER.PING.VARZ"}}] }
}`

func configured(t *testing.T, sync string) (url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, asked, t.TempDir(), sync), 0o600); err != nil {
		t.Fatal(err)
	}
	opt, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	opt.NoSigs, opt.NoLog = true, true
	s, err := server.NewServer(opt)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the outer NATS did not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return strings.Replace(s.ClientURL(), "nats://", "nats://a:a@", 1)
}

// opened opens the log and returns what it logged.
func opened(t *testing.T, url string) (log string, err error) {
	t.Helper()
	var out bytes.Buffer
	l, err := stream.Open(t.Context(), stream.Options{URL: url, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err == nil {
		l.Close()
	}
	return out.String(), err
}

func TestOuterNATSMustSync(t *testing.T) {
	if log, err := opened(t, configured(t, "always")); err != nil || strings.Contains(log, "sync_interval") {
		t.Errorf("one that is seen to sync: %v\n%s", err, log)
	}
	if _, err := opened(t, configured(t, `"2m"`)); err == nil || !strings.Contains(err.Error(), "sync_interval: always") {
		t.Errorf("one that is seen not to sync: %v", err)
	}
	if log, err := opened(t, outer(t)); err != nil || !strings.Contains(log, "sync_interval: always") {
		t.Errorf("one that cannot be asked: %v\n%s", err, log)
	}
}

func TestAsyncPersistModeIsRefused(t *testing.T) {
	url := outer(t)
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(context.Background(), jetstream.StreamConfig{
		Name: "MEZZO_0", Subjects: []string{"mezzo.0.>"}, PersistMode: jetstream.AsyncPersistMode, Discard: jetstream.DiscardNew,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, url); err == nil {
		t.Error("a stream that acknowledges before it writes is used")
	}
}
