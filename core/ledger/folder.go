package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"databricks-access-audit/core/secret"
)

// KeyFile is the path of the keys of the ledger file at path, when no others are given: beside it, not in it, so
// that a copy of the ledger alone does not carry what proves it.
func KeyFile(path string) string { return path + ".key" }

// folder is where a ledger file is: its owner's alone, and held by one process that writes.
type folder struct {
	root *os.Root
	path string // of the ledger file
	lock *os.File
}

// openFolder makes the folder and the file if they are not there, refuses those that others can read or
// change, and takes the lock unless the ledger is only to be read.
func openFolder(path string, readOnly bool, now time.Time) (*folder, error) {
	dir, base := filepath.Split(path)
	if !readOnly {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("ledger %s: %w", path, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{What: "ledger", ID: path}
	}
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	f := &folder{root: root, path: path}
	if err := f.prepare(base, readOnly, now); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *folder) prepare(base string, readOnly bool, now time.Time) error {
	info, err := f.root.Stat(".")
	if err != nil {
		return fmt.Errorf("ledger %s: %w", f.path, err)
	}
	if exposed(info) {
		return &ExposedError{Path: filepath.Dir(f.path), Why: "others can enter this folder: give the ledger a folder of its own", Fix: "chmod 700 FOLDER, or choose another with --ledger"}
	}
	for _, name := range []string{base, base + "-wal", base + "-shm", base + ".lock"} {
		if err := f.own(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, err = f.root.Lstat(base)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && readOnly {
		return &NotFoundError{What: "ledger", ID: f.path}
	}
	if readOnly {
		return nil
	}
	if err := f.take(base+".lock", now); err != nil {
		return err
	}
	if missing {
		// SQLite would make it readable to others, by the usual mask.
		file, err := f.root.OpenFile(base, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return fmt.Errorf("make the ledger %s: %w", f.path, err)
		}
		return file.Close()
	}
	return nil
}

// own refuses a file that is a link, or that others can read or change.
func (f *folder) own(name string) error {
	info, err := f.root.Lstat(name)
	if err != nil {
		return err
	}
	path := filepath.Join(filepath.Dir(f.path), name)
	switch {
	case !info.Mode().IsRegular():
		return &ExposedError{Path: path, Why: "it is not a plain file", Fix: "ls -l " + path}
	case exposed(info):
		return &ExposedError{Path: path, Why: "others can read or change it", Fix: "chmod 600 " + path}
	}
	return nil
}

func exposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// take takes the lock that says that this process writes the ledger, and writes into it who that is.
func (f *folder) take(name string, now time.Time) error {
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the ledger %s: %w", f.path, err)
	}
	if err := flock(file); err != nil {
		who, _ := io.ReadAll(io.LimitReader(file, 300))
		_ = file.Close()
		if !errors.Is(err, errHeld) {
			return fmt.Errorf("lock the ledger %s: %w", f.path, err)
		}
		if len(who) == 0 {
			who = []byte("another process")
		}
		return &BusyError{What: "the ledger " + f.path, Holder: string(who)}
	}
	f.lock = file
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("lock the ledger %s: %w", f.path, err)
	}
	if _, err := file.WriteAt([]byte(holder(now)), 0); err != nil {
		return fmt.Errorf("lock the ledger %s: %w", f.path, err)
	}
	return nil
}

// keys reads the keys beside the ledger. They are made with a new ledger, and never for one that is there
// already: its rows could not be told from forged ones.
func (f *folder) keys(fresh bool) (Keys, error) {
	name := filepath.Base(KeyFile(f.path))
	err := f.own(name)
	if errors.Is(err, fs.ErrNotExist) {
		if !fresh {
			return Keys{}, &KeyError{Why: "the ledger is there, but its key is not: put back " + KeyFile(f.path) + ", or name the file of the key (--ledger-key-file)"}
		}
		return f.makeKeys(name)
	}
	return f.readKeys(name)
}

// readKeys reads the keys that lie in the folder of the ledger: a plain file of its owner alone.
func (f *folder) readKeys(name string) (Keys, error) {
	if err := f.own(name); err != nil {
		return Keys{}, err
	}
	file, err := f.root.Open(name)
	if err != nil {
		return Keys{}, fmt.Errorf("read the key of the ledger: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return parseKeyFile(file)
}

func (f *folder) makeKeys(name string) (Keys, error) {
	keys := NewKeys()
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Keys{}, fmt.Errorf("make the key of the ledger: %w", err)
	}
	_, err = file.WriteString(string(keys.Text()))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return Keys{}, fmt.Errorf("make the key of the ledger: %w", err)
	}
	return keys, nil
}

// Close gives the lock back.
func (f *folder) Close() error {
	var err error
	if f.lock != nil {
		err = f.lock.Close()
	}
	return errors.Join(err, f.root.Close())
}

// ReadKeys reads keys from a file of their own, which nobody else may read (secret.Exposed). It may be a
// link: files of Kubernetes are.
func ReadKeys(path string) (Keys, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Keys{}, &KeyError{Why: "there is no file " + path}
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read the key of the ledger: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return Keys{}, fmt.Errorf("read the key of the ledger: %w", err)
	case !info.Mode().IsRegular():
		return Keys{}, &ExposedError{Path: path, Why: "it is not a plain file", Fix: "ls -lL " + path}
	case secret.Exposed(info):
		return Keys{}, &ExposedError{Path: path, Why: "others can read or change it", Fix: "chmod 600 " + path}
	}
	return parseKeyFile(file)
}

func parseKeyFile(file io.Reader) (Keys, error) {
	text, err := io.ReadAll(io.LimitReader(file, 1<<16))
	if err != nil {
		return Keys{}, fmt.Errorf("read the key of the ledger: %w", err)
	}
	return ParseKeys(string(text))
}
