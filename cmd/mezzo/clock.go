package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"mezzo/internal/clock"
)

// maxTurn bounds how far a sandbox clock may run ahead in all: ids and stamps stay readable dates.
const maxTurn = 10 * 365 * 24 * time.Hour

// sandbox is a clock an operator may turn. How far it is ahead is kept in the data folder before
// it takes effect, so that time never runs back after a restart.
type sandbox struct {
	*clock.Turned
	folder *folder
	mu     sync.Mutex
}

// openClock returns the machine's clock as it is given, or the folder's sandbox clock when that was asked for.
// A folder whose clock has been turned cannot go back to the machine's.
func openClock(f *folder, turnable bool, machine clock.Clock) (clock.Clock, error) {
	ahead, err := readAhead(f)
	if err != nil {
		return nil, err
	}
	if turnable {
		return &sandbox{Turned: clock.SandboxOf(machine, ahead), folder: f}, nil
	}
	if ahead != 0 {
		return nil, fmt.Errorf("the clock of the data folder %s is a sandbox's, %v ahead of the machine's: start with --sandbox-clock, or use another folder; without it time would run back", f.path, ahead)
	}
	return machine, nil
}

// beginInThePast lets the clock of a new folder start so far behind the machine's: a past can be made
// by turning it forward. A folder that has a clock keeps it, for time never runs back.
func beginInThePast(f *folder, past time.Duration) error {
	if _, err := os.Stat(f.file(clockName)); past <= 0 || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.write(clockName, (-past).String()+"\n")
}

func readAhead(f *folder) (time.Duration, error) {
	text, err := os.ReadFile(f.file(clockName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the sandbox clock cannot be read: %w", err)
	}
	ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s does not say how far the clock is ahead: restore it from a backup", f.file(clockName))
	}
	return ahead, nil
}

// Turn moves the clock forward by d for good. An error says that it has not moved.
func (s *sandbox) Turn(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := s.Offset() + d
	if d < 0 || d > 2*maxTurn || ahead > maxTurn {
		return fmt.Errorf("the sandbox clock turns forward only, %v ahead at most", maxTurn)
	}
	if err := s.folder.write(clockName, ahead.String()+"\n"); err != nil {
		return fmt.Errorf("the turned clock cannot be kept: %w", err)
	}
	s.Advance(d)
	return nil
}
