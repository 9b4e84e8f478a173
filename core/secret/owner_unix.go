//go:build unix

package secret

import (
	"os"
	"syscall"
)

// isOurs reports whether a file belongs to the user that this process runs as.
func isOurs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}
