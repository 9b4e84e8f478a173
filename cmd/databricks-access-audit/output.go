package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

const outputCategory = "OUTPUT"

// outputFlags are how an answer is shown that is neither a map nor a graph, and holds no plan.
func outputFlags() []cli.Flag { return answerFlags("") }

// answerFlags are how the report of a mode is shown.
func answerFlags(mode string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputCategory, Usage: "show the answer as `FORMAT`: " + formatNames(mode), Value: string(formatters.Text)},
		&cli.StringFlag{Name: "output-file", Category: outputCategory, Usage: "write the answer to `FILE`, or with -o csv one file for each table to FILE/"},
		&cli.BoolFlag{Name: "force", Category: outputCategory, Usage: "overwrite the output file"},
		&cli.BoolFlag{Name: "tree", Category: outputCategory, Usage: "the same as -o tree"},
		&cli.BoolFlag{Name: "summary", Category: outputCategory, Usage: "also show a short summary; on stderr when the answer is for programs"},
		&cli.BoolFlag{Name: "csv-raw", Category: outputCategory, Usage: "leave CSV cells as they are, even where a spreadsheet would take them for formulas"},
		&cli.BoolFlag{Name: "no-color", Category: outputCategory, Usage: "no colours", EnvVars: []string{"NO_COLOR"}},
		&cli.StringFlag{Name: "progress", Category: outputCategory, Usage: "show progress on stderr: `HOW` is auto, plain or off", Value: "auto"},
		&cli.BoolFlag{Name: "strict", Category: outputCategory, Usage: "exit 3 when something needed could not be read"},
		&cli.Float64Flag{Name: "require-coverage", Category: outputCategory, Usage: "exit 3 when less than `PERCENT` of the needed reads succeeded"},
	}
}

// formatNames are the formats in which reports of a mode can be written: help offers no other.
func formatNames(mode string) string {
	var names []string
	for _, f := range formatters.Formats() {
		if f.Fits(mode) == nil {
			names = append(names, string(f))
		}
	}
	return strings.Join(names, ", ")
}

// output is where an answer goes, and how.
type output struct {
	options formatters.Options
	summary bool
	path    string
	// snapshot is where the facts go that the answer rests on; empty for nowhere.
	snapshot string
	// plan is where the plan goes that was made; empty for nowhere.
	plan  string
	force bool
	s     streams
}

// newOutput decides where the report of a mode goes, before anything is read.
func newOutput(c *cli.Context, s streams, mode string) (*output, error) {
	format, err := formatters.ParseFormat(c.String("output"))
	if err == nil {
		err = format.Fits(mode)
	}
	if err != nil {
		return nil, &query.UsageError{Problem: err.Error()}
	}
	if c.Bool("tree") {
		if c.IsSet("output") && format != formatters.Tree {
			return nil, &query.UsageError{Problem: fmt.Sprintf("--tree and -o %s ask for two formats", format), Hint: "leave one out"}
		}
		format = formatters.Tree
	}
	o := &output{
		options: formatters.Options{Format: format, CSVRaw: c.Bool("csv-raw")},
		summary: c.Bool("summary"), path: c.String("output-file"), snapshot: c.String("save-snapshot"), plan: c.String(savePlanFlag), force: c.Bool("force"), s: s,
	}
	if format.Unreadable() && o.path == "" && s.outIsTerminal {
		return nil, &query.UsageError{Problem: fmt.Sprintf("-o %s is nothing for a terminal", format), Hint: "write it to a file with --output-file"}
	}
	if o.path == "" && s.outIsTerminal {
		o.options.Color = !c.Bool("no-color")
		o.options.Interactive = true
	}
	if p := c.Float64("require-coverage"); c.IsSet("require-coverage") && (p < 0 || p > 100) {
		return nil, &query.UsageError{Problem: fmt.Sprintf("--require-coverage %g is not a percentage", p), Hint: "write 0 to 100"}
	}
	if how := c.String("progress"); how != "auto" && how != "plain" && how != "off" {
		return nil, &query.UsageError{Problem: fmt.Sprintf("--progress %q is not known", how), Hint: "write auto, plain or off"}
	}
	return o, o.check()
}

// check finds out before any read whether the answer can be written.
func (o *output) check() error {
	if o.snapshot != "" {
		if err := o.checkFile(o.snapshot, "name a file for the snapshot"); err != nil {
			return err
		}
	}
	if o.plan != "" {
		if err := o.checkFile(o.plan, "name a file for the plan"); err != nil {
			return err
		}
	}
	switch {
	case o.path == "":
		return nil
	case o.inDirectory():
		return o.checkDirectory()
	default:
		return o.checkFile(o.path, "name a file; only -o csv writes into a directory")
	}
}

// checkFile refuses what cannot be a new file, or one to overwrite.
func (o *output) checkFile(path, hint string) error {
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no directory %s to write the output file to", filepath.Dir(path))
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the output file: %w", err)
	case info.IsDir():
		return &query.UsageError{Problem: fmt.Sprintf("%s is a directory", path), Hint: hint}
	case !o.force:
		return exists(path)
	default:
		return nil
	}
}

// checkDirectory refuses to mix new tables with old ones.
func (o *output) checkDirectory() error {
	entries, err := os.ReadDir(o.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at the output directory: %w", err)
	}
	for _, e := range entries {
		if !o.force && strings.HasSuffix(e.Name(), ".csv") {
			return exists(filepath.Join(o.path, e.Name()))
		}
	}
	return nil
}

func exists(path string) error {
	return &query.UsageError{Problem: path + " exists", Hint: "use --force to overwrite it"}
}

// inDirectory reports whether the answer goes into several files.
func (o *output) inDirectory() bool {
	if o.options.Format != formatters.CSV {
		return false
	}
	info, err := os.Stat(o.path)
	return strings.HasSuffix(o.path, "/") || err == nil && info.IsDir()
}

// forPrograms reports whether stdout must hold the answer and nothing else.
func (o *output) forPrograms() bool {
	return o.options.Format != formatters.Text && o.options.Format != formatters.Tree
}

func (o *output) write(r report.Report) error {
	if o.summary {
		to := o.s.out
		if o.forPrograms() || o.path != "" {
			to = o.s.err
		}
		if err := formatters.Summary(to, r, o.options); err != nil {
			return err
		}
		fmt.Fprintln(to)
	}
	switch {
	case o.path == "":
		return formatters.Write(o.s.out, r, o.options)
	case o.inDirectory():
		return o.writeTables(r)
	default:
		return o.writeFile(o.path, func(w io.Writer) error { return formatters.Write(w, r, o.options) })
	}
}

// save writes the facts that an answer rests on, if that was asked for.
func (o *output) save(s *core.Snapshot) error {
	if o.snapshot == "" || s == nil {
		return nil
	}
	return o.writeFile(o.snapshot, s.Write)
}

// savePlan writes the plan that was made, if that was asked for.
func (o *output) savePlan(file []byte) error {
	if o.plan == "" || file == nil {
		return nil
	}
	return o.writeFile(o.plan, func(w io.Writer) error {
		_, err := w.Write(file)
		return err
	})
}

// writeTables writes one file for each table of the report.
func (o *output) writeTables(r report.Report) error {
	if err := os.MkdirAll(o.path, 0o700); err != nil {
		return fmt.Errorf("make the output directory: %w", err)
	}
	for _, t := range formatters.Tables(r) {
		path := filepath.Join(o.path, t.Name+".csv")
		if err := o.writeFile(path, func(w io.Writer) error { return formatters.WriteCSV(w, t, o.options.CSVRaw) }); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a whole file or none: into a new file beside it that then takes its name. A symbolic
// link of that name is replaced, not followed. Reports hold personal data, so only the owner may read
// them.
func (o *output) writeFile(path string, render func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil && !o.force {
		return exists(path)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".audit-*")
	if err != nil {
		return fmt.Errorf("write the output file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	content := bufio.NewWriterSize(temp, 1<<20)
	if err = errors.Join(render(content), content.Flush(), temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("write the output file: %w", err)
	}
	return o.place(temp.Name(), path)
}

// place gives a finished file its name, and makes sure that it keeps it when the machine stops now.
// Without --force the name is taken only where nobody took it meanwhile.
func (o *output) place(temp, path string) error {
	if !o.force {
		switch err := os.Link(temp, path); {
		case errors.Is(err, fs.ErrExist):
			return exists(path)
		case err == nil:
			return errors.Join(os.Remove(temp), syncDirectory(filepath.Dir(path)))
		}
		// not every file system has links
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write the output file: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes names in a directory last. Some file systems cannot, and need not.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // it may be written to and not read
	}
	defer func() { _ = d.Close() }() // it was only read
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("write the output directory: %w", err)
	}
	return nil
}
