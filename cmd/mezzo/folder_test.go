package main

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mezzo/internal/clock"
)

func TestFolderIsTakenByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "data")
	first, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(path); err == nil || !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("a second one got the folder: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openFolder(path)
	if err != nil {
		t.Fatalf("after it was let go: %v", err)
	}
	again.Close()
}

func TestFolderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		says       string
	}{
		"of a newer program":   {formatName, formatSaid + "2\n", "start the newer program"},
		"with a broken format": {formatName, "1", "backup"},
		"with a negative one":  {formatName, formatSaid + "-1", "backup"},
		"of somebody else":     {"thesis.odt", "", "thesis.odt"},
	} {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := openFolder(path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("a folder %s: %v, %v", name, f, err)
		}
		if text, err := os.ReadFile(filepath.Join(path, c.file)); err != nil || string(text) != c.text {
			t.Errorf("a folder %s was changed: %q, %v", name, text, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(file); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a file instead of a folder: %v", err)
	}
}

func TestFolderOfACutShortStartIsTaken(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{lockName, ".new-123"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("99999\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := os.ReadFile(f.file(formatName)); err != nil || string(text) != formatSaid+"1\n" {
		t.Errorf("its format is %q, %v", text, err)
	}
}

func TestNodeKeepsItsName(t *testing.T) {
	names := map[string]bool{}
	for range 2 {
		path := t.TempDir()
		var first string
		for range 3 {
			f, err := openFolder(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := f.node()
			if err != nil || len(name) < 20 || first != "" && name != first {
				t.Errorf("the name was %q and is %q, %v", first, name, err)
			}
			first = name
			f.Close()
		}
		names[first] = true
	}
	if len(names) != 2 {
		t.Error("two folders have one name")
	}
}

func TestTurnedClockIsKept(t *testing.T) {
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := openClock(f, true, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	turned := c.(*sandbox)
	timer := turned.NewTimer(15 * 24 * time.Hour)
	if err := turned.Turn(15 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	select {
	case <-timer.C():
	default:
		t.Error("a timer that was due did not fire")
	}
	for _, d := range []time.Duration{-time.Second, maxTurn, 1<<63 - 1} {
		if err := turned.Turn(d); err == nil {
			t.Errorf("turned by %v", d)
		}
	}
	again, err := openClock(f, true, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	if ahead := again.(*sandbox).Offset(); ahead != 15*24*time.Hour {
		t.Errorf("after a restart it is %v ahead", ahead)
	}
	if _, err := openClock(f, false, clock.System{}); err == nil || !strings.Contains(err.Error(), "--sandbox-clock") {
		t.Errorf("time ran back: %v", err)
	}
	if err := f.write(clockName, "yesterday"); err != nil {
		t.Fatal(err)
	}
	if _, err := openClock(f, true, clock.System{}); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("a broken clock was taken: %v", err)
	}
}

func TestClockIsTheMachinesByDefault(t *testing.T) {
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, err := openClock(f, false, clock.System{}); err != nil || c != (clock.System{}) {
		t.Errorf("%T, %v", c, err)
	}
}

func TestClockOfANewFolderMayBeginInThePast(t *testing.T) {
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const past = 21 * 24 * time.Hour
	if err := beginInThePast(f, past); err != nil {
		t.Fatal(err)
	}
	c, err := openClock(f, true, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	turned := c.(*sandbox)
	if turned.Offset() != -past {
		t.Fatalf("it begins %v ahead", turned.Offset())
	}
	if err := turned.Turn(past - time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := turned.Turn(1<<63 - 1); err == nil {
		t.Error("it was turned beyond all dates")
	}
	if err := beginInThePast(f, past); err != nil { // a second start changes nothing
		t.Fatal(err)
	}
	if again, err := openClock(f, true, clock.System{}); err != nil || again.(*sandbox).Offset() != -time.Hour {
		t.Errorf("after a restart: %v, %v", again, err)
	}
	if _, err := openClock(f, false, clock.System{}); err == nil {
		t.Error("a folder whose clock is behind opened on the machine's")
	}
}

// What looks at a shop refuses a folder without one and leaves no folder behind.
func TestCommandsRefuseAFolderWithoutAShop(t *testing.T) {
	at := filepath.Join(t.TempDir(), "mistyped")
	flags, quiet := storeFlags{Data: at}, slog.New(slog.DiscardHandler)
	for name, run := range map[string]func() error{
		"check":  func() error { return (&checkCommand{storeFlags: flags}).Run(t.Context(), quiet, io.Discard) },
		"replay": func() error { return (&replayCommand{storeFlags: flags}).Run(t.Context(), quiet, io.Discard) },
		"keys":   func() error { return (&rotateCommand{storeFlags: flags}).Run(t.Context(), quiet, io.Discard) },
	} {
		if err := run(); err == nil || !strings.Contains(err.Error(), "there is no shop") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s left a folder: %v", name, err)
		}
	}
}
