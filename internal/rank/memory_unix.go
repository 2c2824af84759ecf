//go:build unix

package rank

import "syscall"

// reserve returns zeroed memory that the garbage collector knows nothing of; pages of it that are never
// touched cost nothing.
func reserve(n int) ([]byte, error) {
	return syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}

func release(b []byte) { _ = syscall.Munmap(b) } // it can only fail for what reserve did not return
