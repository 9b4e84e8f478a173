package book

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Runs tells which of the runs that hold leases are alive: each holds the lock of a file of its own in a folder, and
// the system lets go of it with the process, however that ends. Runs of other folders (on other machines, say) cannot
// be looked at and count as alive until their time is over.
type Runs struct {
	dir, id string
	name    string
	file    *os.File
}

// OpenRuns enters this run into a folder, which is made if it is not there.
func OpenRuns(dir string) (*Runs, error) {
	r, err := openRuns(dir)
	if err != nil {
		return nil, fmt.Errorf("note that this run is alive: %w", err)
	}
	return r, nil
}

func openRuns(dir string) (*Runs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r := &Runs{dir: dir, name: rand.Text()}
	var err error
	if r.id, err = folderID(filepath.Join(dir, "id")); err != nil {
		return nil, err
	}
	if r.file, err = os.OpenFile(r.path(r.name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := lock(r.file, true); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// LookAtRuns is for whoever only wants to know who is alive. It changes nothing; of a folder that is not there nobody
// is.
func LookAtRuns(dir string) (*Runs, error) {
	id, err := os.ReadFile(filepath.Join(dir, "id"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &Runs{dir: dir, id: string(id)}, nil
}

// folderID reads what names a folder, and names it first if that was not done. The name appears whole or not at all.
func folderID(path string) (string, error) {
	id, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(id), err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "id-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(rand.Text())
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	id, err = os.ReadFile(path)
	return string(id), err
}

func (r *Runs) path(name string) string { return filepath.Join(r.dir, "run-"+name) }

// Holder names this run in leases.
func (r *Runs) Holder() string { return r.id + "/" + r.name }

// allGone reports whether none of the holders can be alive. Nobody is not "all gone": whoever leaves last says so.
func (r *Runs) allGone(holders []string) bool {
	for _, h := range holders {
		if h != landed && !r.gone(h) {
			return false
		}
	}
	return len(holders) > 0
}

// gone reports whether a holder is a run of this folder that is no more.
func (r *Runs) gone(holder string) bool {
	folder, name, ok := strings.Cut(holder, "/")
	if !ok || folder != r.id || name == r.name || name != filepath.Base(name) {
		return false
	}
	file, err := os.OpenFile(r.path(name), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	if lock(file, false) != nil {
		return false
	}
	if r.file != nil {
		_ = os.Remove(file.Name()) // nobody needs it any more
	}
	return true
}

// Close says that this run is over.
func (r *Runs) Close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(os.Remove(r.file.Name()), r.file.Close())
}
