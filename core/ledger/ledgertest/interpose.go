package ledgertest

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// What is between SQLite and the operating system is a table of functions, which may be replaced:
// https://www.sqlite.org/vfs.html. In the files of a Disk those that change something ask it first.

// disks are the *Disk by folder.
var disks sync.Map

// own is our table for files, by the one that it was made from, and what the files are that have it.
var own struct {
	sync.Mutex
	tables map[uintptr]uintptr
	files  map[uintptr]opened
}

type opened struct {
	disk *Disk
	name string
	was  *sqlite3.Tsqlite3_io_methods
}

var interposed = sync.OnceValue(func() error {
	own.tables, own.files = map[uintptr]uintptr{}, map[uintptr]opened{}
	tls := libc.NewTLS() // for as long as the process
	usual := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if usual == 0 {
		return fmt.Errorf("SQLite has no file system")
	}
	name, err := libc.CString("ledgertest")
	if err != nil {
		return err
	}
	system := *at[sqlite3.Tsqlite3_vfs](usual)
	usualOpen, usualDelete = system.FxOpen, system.FxDelete
	system.FzName, system.FpNext = name, 0
	system.FxOpen, system.FxDelete = pointer(openFile), pointer(deleteFile)
	ours, err := allocated(tls, system)
	if err != nil {
		return err
	}
	if code := sqlite3.Xsqlite3_vfs_register(tls, ours, 1); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("register a file system: code %d", code)
	}
	return nil
})

// interpose puts the table in its place, for the whole process. Files that are on no Disk do not notice.
func interpose(t testing.TB) {
	t.Helper()
	if err := interposed(); err != nil {
		t.Fatal(err)
	}
}

// usualOpen and usualDelete are the functions that were replaced.
var usualOpen, usualDelete uintptr

// at is what is at an address outside of Go's memory.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function is the Go function at an address, as the translated SQLite calls it.
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

// pointer is the address of a function that is no closure.
func pointer(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }

// allocated puts a value outside of Go's memory.
func allocated[T any](tls *libc.TLS, value T) (uintptr, error) {
	address := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(value)))
	if address == 0 {
		return 0, fmt.Errorf("out of memory")
	}
	*at[T](address) = value
	return address, nil
}

func openFile(tls *libc.TLS, system, path, file uintptr, flags int32, out uintptr) int32 {
	code := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](usualOpen)(tls, system, path, file, flags, out)
	if code != sqlite3.SQLITE_OK || path == 0 {
		return code
	}
	full := libc.GoString(path)
	disk, ok := disks.Load(filepath.Dir(full))
	if !ok {
		return code
	}
	own.Lock()
	defer own.Unlock()
	methods := &at[sqlite3.Tsqlite3_file](file).FpMethods
	was := at[sqlite3.Tsqlite3_io_methods](*methods)
	table, ok := own.tables[*methods]
	if !ok {
		ours := *was
		ours.FxClose, ours.FxWrite, ours.FxTruncate, ours.FxSync = pointer(closeFile), pointer(writeFile), pointer(truncateFile), pointer(syncFile)
		var err error
		if table, err = allocated(tls, ours); err != nil {
			return sqlite3.SQLITE_NOMEM
		}
		own.tables[*methods] = table
	}
	own.files[file] = opened{disk.(*Disk), filepath.Base(full), was}
	*methods = table
	return code
}

func deleteFile(tls *libc.TLS, system, path uintptr, sync int32) int32 {
	code := function[func(*libc.TLS, uintptr, uintptr, int32) int32](usualDelete)(tls, system, path, sync)
	full := libc.GoString(path)
	if disk, ok := disks.Load(filepath.Dir(full)); ok && code == sqlite3.SQLITE_OK {
		disk.(*Disk).remove(filepath.Base(full))
	}
	return code
}

func find(file uintptr) opened {
	own.Lock()
	defer own.Unlock()
	return own.files[file]
}

func closeFile(tls *libc.TLS, file uintptr) int32 {
	f := find(file)
	own.Lock()
	delete(own.files, file)
	own.Unlock()
	return function[func(*libc.TLS, uintptr) int32](f.was.FxClose)(tls, file)
}

func writeFile(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := find(file)
	copied := make([]byte, n)
	copy(copied, unsafe.Slice(at[byte](data), n))
	if code := f.disk.write(f.name, change{at: offset, data: copied}); code != 0 {
		return code
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.was.FxWrite)(tls, file, data, n, offset)
}

func truncateFile(tls *libc.TLS, file uintptr, size int64) int32 {
	f := find(file)
	if code := f.disk.write(f.name, change{at: size, cut: true}); code != 0 {
		return code
	}
	return function[func(*libc.TLS, uintptr, int64) int32](f.was.FxTruncate)(tls, file, size)
}

func syncFile(_ *libc.TLS, file uintptr, _ int32) int32 {
	f := find(file)
	return f.disk.sync(f.name) // and not the machine's: its power is not cut
}
