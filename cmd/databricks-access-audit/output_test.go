package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"databricks-access-audit/core/query"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// only checks that a directory holds these files and no half ones.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Errorf("%v is there instead of %v", entries, names)
	}
	for _, n := range names {
		if _, err := os.Lstat(filepath.Join(dir, n)); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteFileIsForTheOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := (&output{}).writeFile(path, text("facts")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || content(t, path) != "facts" {
		t.Errorf("%v %v %q", info.Mode(), err, content(t, path))
	}
}

var errFull = errors.New("no space left on device")

// TestWriteFileLeavesNoHalfFile: what could not be written to the end is not there, and what was there
// before still is.
func TestWriteFileLeavesNoHalfFile(t *testing.T) {
	full := func(w io.Writer) error { return errors.Join(text("half")(w), errFull) }
	for _, force := range []bool{false, true} {
		dir := t.TempDir()
		if err := (&output{force: force}).writeFile(filepath.Join(dir, "a"), full); !errors.Is(err, errFull) {
			t.Errorf("error %v", err)
		}
		only(t, dir)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := errors.Join((&output{}).writeFile(path, text("old")), (&output{force: true}).writeFile(path, full)); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	only(t, dir, "a")
	if content(t, path) != "old" {
		t.Errorf("the old file holds %q", content(t, path))
	}
}

// TestT29_WriteFileDoesNotOverwrite: neither what was there nor what came while the answer was made.
func TestT29_WriteFileDoesNotOverwrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	late := func(w io.Writer) error {
		return errors.Join(os.WriteFile(path, []byte("another"), 0o600), text("facts")(w))
	}
	for range 2 {
		if err := (&output{}).writeFile(path, late); !is[*query.UsageError](err) {
			t.Errorf("error %v", err)
		}
		only(t, dir, "a")
		if content(t, path) != "another" {
			t.Errorf("it holds %q", content(t, path))
		}
	}
	if err := (&output{force: true}).writeFile(path, text("facts")); err != nil || content(t, path) != "facts" {
		t.Errorf("by force: %v, %q", err, content(t, path))
	}
}

// TestT29_WriteFileFollowsNoLink: a link is refused, and by force replaced; where it leads nothing changes.
func TestT29_WriteFileFollowsNoLink(t *testing.T) {
	for _, there := range []bool{true, false} {
		dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "target")
		path := filepath.Join(dir, "a")
		if err := os.Symlink(elsewhere, path); err != nil {
			t.Fatal(err)
		}
		if there {
			if err := os.WriteFile(elsewhere, []byte("theirs"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := (&output{}).writeFile(path, text("facts")); !is[*query.UsageError](err) {
			t.Errorf("error %v", err)
		}
		if err := (&output{force: true}).writeFile(path, text("facts")); err != nil || content(t, path) != "facts" {
			t.Errorf("by force: %v", err)
		}
		if _, err := os.Lstat(elsewhere); there && content(t, elsewhere) != "theirs" || !there && err == nil {
			t.Error("the link was followed")
		}
		only(t, dir, "a")
	}
}
