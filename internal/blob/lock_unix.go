//go:build unix

package blob

import (
	"os"
	"syscall"
)

// lockAlone reports whether no other process has the folder open.
func lockAlone(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// lockShared tells other processes that this one has the folder open.
func lockShared(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_SH) }
