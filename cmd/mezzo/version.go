package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is set by the build (make build); a plain `go build` leaves it.
var version = "unversioned"

// build says what program this is, as GET /version answers it.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, where the build knew it
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}

type versionCommand struct{}

// Run prints one line.
func (versionCommand) Run(out io.Writer) error {
	b := thisBuild()
	_, err := fmt.Fprintf(out, "mezzo %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	return err
}
