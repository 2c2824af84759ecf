package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
)

// serveProfiles answers at --pprof, apart from everything else, until the server stops.
func (s *server) serveProfiles(ctx context.Context) error {
	if s.conf.Pprof == "" {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.conf.Pprof)
	if err != nil {
		return fmt.Errorf("cannot listen on %s for profiles: %w; choose another address with --pprof", s.conf.Pprof, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	served := &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout}
	s.tasks.run("profiles", func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { served.Close() })()
		if err := served.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}
