package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestReadiness(t *testing.T) {
	var broken error
	h := &health{log: quiet()}
	h.add("database", func(context.Context) error { return nil })
	h.add("folds", func(context.Context) error { return broken })
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		h.ready(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code, w.Body.String()
	}
	if status, body := ask(); status != 200 || !strings.Contains(body, `{"name":"folds","ok":true}`) {
		t.Errorf("all well: %d %s", status, body)
	}
	broken = errors.New("secret host is 9 s behind")
	if status, body := ask(); status != 503 || !strings.Contains(body, `{"name":"folds","ok":false}`) || strings.Contains(body, "secret") {
		t.Errorf("a fold behind: %d %s", status, body)
	}
	broken = nil
	h.stop()
	if status, _ := ask(); status != 503 {
		t.Errorf("while stopping: %d", status)
	}
}

func TestReadinessWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{log: quiet()}
		h.add("hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		begun := time.Now()
		if _, ready := h.ask(t.Context()); ready || time.Since(begun) != checkLimit {
			t.Errorf("ready %v after %v", ready, time.Since(begun))
		}
	})
}

func TestFailingTaskIsBegunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, tries := newTasks(quiet()), 0
		begun := time.Now()
		tasks.run("relay", func(ctx context.Context) error {
			if tries++; tries < 4 {
				return errors.New("no luck")
			}
			<-ctx.Done()
			return ctx.Err()
		})
		synctest.Wait()
		for range 3 {
			time.Sleep(maxPause)
			synctest.Wait()
		}
		if tries != 4 {
			t.Errorf("it was begun %d times in %v", tries, time.Since(begun))
		}
		if err := tasks.stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, release := newTasks(quiet()), make(chan struct{})
		tasks.run("deaf", func(context.Context) error { <-release; return nil })
		ctx, cancel := context.WithTimeout(t.Context(), closeLimit)
		defer cancel()
		if err := tasks.stop(ctx); err == nil {
			t.Error("a task that does not end was not noticed")
		}
		close(release)
	})
}

func testServer(t *testing.T) *server {
	t.Helper()
	conf := serveFlags{storeFlags: storeFlags{Data: t.TempDir(), StreamMaxAge: time.Hour, StreamMaxBytes: 1 << 30}, Addr: "127.0.0.1:0", DrainSeconds: 5}
	s, err := start(t.Context(), conf, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRequestsUnderWayFinish(t *testing.T) {
	s := testServer(t)
	mux := http.NewServeMux()
	entered, release := make(chan struct{}, 2), make(chan struct{})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-release
		io.WriteString(w, "done")
	})
	mux.HandleFunc("GET /stream", func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-s.stopping
	})
	s.http.Handler = s.recovered(s.meters.count(mux))
	type result struct {
		body string
		err  error
	}
	slow, streamed := make(chan result, 1), make(chan result, 1)
	fetch := func(path string, to chan result) {
		res, err := http.Get(s.local + path)
		if err != nil {
			to <- result{err: err}
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		to <- result{string(body), err}
	}
	go fetch("/slow", slow)
	go fetch("/stream", streamed)
	<-entered
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	if got := <-streamed; got.err != nil {
		t.Errorf("a stream was cut: %v", got.err)
	}
	close(release)
	if got := <-slow; got.err != nil || got.body != "done" {
		t.Errorf("a request under way got %q, %v", got.body, got.err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.local + "/healthz"); err == nil {
		t.Error("it answers after it was closed")
	}
}

func TestPanicIsAnsweredAndNotTold(t *testing.T) {
	s := &server{log: quiet()}
	w := httptest.NewRecorder()
	s.recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") })).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestEveryStartEnds(t *testing.T) {
	s := testServer(t)
	occupied := serveFlags{storeFlags: storeFlags{Data: t.TempDir(), StreamMaxAge: time.Hour, StreamMaxBytes: 1 << 30}, Addr: strings.TrimPrefix(s.local, "http://")}
	if _, err := start(t.Context(), occupied, quiet()); err == nil || !strings.Contains(err.Error(), "--addr") {
		t.Errorf("two servers on one address: %v", err)
	}
	// What failed to start has let go of its folder.
	f, err := openFolder(occupied.Data)
	if err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestBodiesMustCome(t *testing.T) {
	read := make(chan error, 1)
	server := httptest.NewServer(impatient(50*time.Millisecond, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})))
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-read:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the body was read with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a body that does not come holds its connection for ever")
	}
}
