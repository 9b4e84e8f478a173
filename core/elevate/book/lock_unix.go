//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package book

import (
	"os"
	"syscall"
)

// lock takes the lock of a file, which ends with the process or when the file is closed. If it is not to wait, it
// gives an error where another has it.
func lock(file *os.File, wait bool) error {
	kind := syscall.LOCK_EX
	if !wait {
		kind |= syscall.LOCK_NB
	}
	return syscall.Flock(int(file.Fd()), kind)
}
