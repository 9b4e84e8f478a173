//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package ledger

import (
	"errors"
	"os"
)

// errHeld says that another process has the lock.
var errHeld = errors.New("held by another process")

// flock refuses: without a lock that ends with its process two could write.
func flock(*os.File) error {
	return errors.New("files cannot be locked on this system: use PostgreSQL, with --ledger postgres://…")
}
