package secret

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestExposed(t *testing.T) {
	for mode, want := range map[fs.FileMode]struct{ ours, given bool }{
		0o400: {false, false}, 0o600: {false, false}, 0o700: {false, false},
		0o440: {true, false}, 0o640: {true, false},
		0o460: {true, true}, 0o450: {true, true}, 0o620: {true, true},
		0o444: {true, true}, 0o604: {true, true}, 0o602: {true, true}, 0o601: {true, true},
	} {
		if got := exposed(mode, true); got != want.ours {
			t.Errorf("%04o, our own: exposed %v", mode, got)
		}
		if got := exposed(mode, false); got != want.given {
			t.Errorf("%04o, somebody else's: exposed %v", mode, got)
		}
	}
}

// TestExposedFiles is about files as they are.
func TestExposedFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(mode fs.FileMode) bool {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return Exposed(info)
	}
	if look(0o600) || !look(0o440) {
		t.Error("our own file is for us alone")
	}
	if os.Geteuid() != 0 {
		return // only root can give files away
	}
	if err := os.Chown(path, 1, os.Getegid()); err != nil {
		t.Fatal(err)
	}
	if look(0o440) || !look(0o444) {
		t.Error("a file that somebody gave to our group is for the group")
	}
}
