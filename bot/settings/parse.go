package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"

	"go.yaml.in/yaml/v3"

	"databricks-access-audit/core/secret"
)

// These are more than any configuration, and any secret, in bytes.
const (
	maxFile   = 256 << 10
	maxSecret = 8 << 10
)

// Read reads a configuration file. One that others than its owner may write to is refused: it says who may approve.
func Read(path string) (Settings, error) {
	text, err := readOwn(path)
	if err != nil {
		return Settings{}, fmt.Errorf("read the configuration: %w", err)
	}
	s, err := Parse(text)
	if err != nil {
		return Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// readOwn reads a file that everybody may not write to. The permissions are those of the open file, not of a name that may
// change hands in between.
func readOwn(path string) ([]byte, error) {
	return read(path, maxFile, func(info os.FileInfo) error {
		if mode := info.Mode().Perm(); mode&0o002 != 0 {
			return fmt.Errorf("everybody may write to it (mode %04o), and it says who may approve: run chmod o-w on it", mode)
		}
		return nil
	})
}

// Secret reads a file that holds one secret and that nobody else can read (secret.Exposed). The error
// does not quote it.
func Secret(path string) (string, error) {
	text, err := read(path, maxSecret, func(info os.FileInfo) error {
		if secret.Exposed(info) {
			return fmt.Errorf("others may read it (mode %04o): run chmod 600 on it", info.Mode().Perm())
		}
		return nil
	})
	value := strings.TrimSpace(string(text))
	if err == nil && (value == "" || strings.ContainsAny(value, " \t\r\n")) {
		return "", fmt.Errorf("%s is not a file with one secret in it", path)
	}
	return value, err
}

// read reads a small plain file whose permissions are in order.
func read(path string, most int64, allowed func(os.FileInfo) error) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s is no plain file of at most %d bytes", path, most)
	}
	if runtime.GOOS != "windows" { // where there are no such permissions
		if err := allowed(info); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return io.ReadAll(io.LimitReader(f, most+1))
}

// CheckFiles reads the files that the settings name and holds them against what they are to hold, and keeps nothing of it.
func (s Settings) CheckFiles() error {
	var wrong []error
	files := []struct{ key, path string }{{"ledger.url_file", s.Ledger.URLFile}, {"databricks.client_secret_file", s.Databricks.ClientSecretFile}}
	if s.Writer != nil {
		files = append(files, struct{ key, path string }{"writer.client_secret_file", s.Writer.ClientSecretFile})
	}
	for _, f := range files {
		if f.path == "" {
			continue
		}
		text, err := Secret(f.path)
		if err == nil && f.key == "ledger.url_file" && !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
			err = fmt.Errorf("%s holds no address such as postgres://user:password@host/database", f.path)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", f.key, err))
		}
	}
	return errors.Join(wrong...)
}

// Parse reads the text of a configuration file, and names all that is wrong with it.
func Parse(text []byte) (Settings, error) {
	s := Default()
	if len(text) > maxFile {
		return s, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	switch err := d.Decode(&s); {
	case errors.Is(err, io.EOF): // nothing but comments: all defaults
	case err != nil:
		return s, told(err)
	default:
		if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
			return s, errors.New("there is a second document after ---: write all of it in one")
		}
	}
	return s, s.check()
}

var wrongType = regexp.MustCompile("^line (\\d+): cannot unmarshal !!\\w+ (?:`(.*)` )?into (.*)$")

var unknownField = regexp.MustCompile(`^line (\d+): field (.*) not found in type settings\.(\w+)$`)

// told puts the parser's errors into words for who wrote the file.
func told(err error) error {
	e, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var list []error
	for _, text := range e.Errors {
		if m := unknownField.FindStringSubmatch(text); m != nil {
			where := ""
			if m[3] != "Settings" {
				where = " in " + strings.ToLower(m[3])
			}
			text = fmt.Sprintf("line %s: there is no key %q%s", m[1], m[2], where)
		}
		if m := wrongType.FindStringSubmatch(text); m != nil {
			text = fmt.Sprintf("line %s: %q cannot be read as %s", m[1], m[2], kindOf(m[3]))
		}
		list = append(list, errors.New(text))
	}
	return errors.Join(list...)
}

// kindOf says what a value of a Go type is written like.
func kindOf(goType string) string {
	switch {
	case goType == "time.Duration":
		return "a duration: write one such as 30s or 24h"
	case goType == "int":
		return "a whole number"
	case goType == "string":
		return "a text"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	default:
		return "keys and values"
	}
}
