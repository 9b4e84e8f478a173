package bot

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// tally counts what Config.Count hears.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) count(event string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[event]++
}

func (c *tally) of(event string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[event]
}

// endings are those of the files in each message to a person, "html csv png".
func (r *rig) endings(user string) (all []string) {
	s := r.slack.Snapshot()
	for _, m := range r.slack.DirectMessages(user) {
		var one []string
		for _, f := range s.Files {
			if slices.Contains(m.FileIDs, f.ID) {
				one = append(one, f.Name[strings.LastIndex(f.Name, ".")+1:])
			}
		}
		all = append(all, strings.Join(one, " "))
	}
	return all
}

// TestFilesThatSlackRefuses: whatever Slack refuses, the person has the answer, is told what is missing and why, and gets the
// files that Slack takes, in as few messages as can be.
func TestFilesThatSlackRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		faults []slackfake.Fault
		files  string // of each message, separated by commas
		want   []string
	}{
		"nothing": {nil, "html csv png", []string{"The whole report is in your direct messages with me: access-audit-"}},
		"everything but pictures, at once": {
			[]slackfake.Fault{{Method: "files.getUploadURLExternal", Error: "file_uploads_except_images_disabled", Times: 1}},
			"png", []string{".html (this workspace allows no files but pictures", ".csv (this workspace allows no files but pictures", ".png."},
		},
		"everything but pictures, in the end": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "file_uploads_except_images_disabled", Times: 1}},
			"png", []string{".html (this workspace allows no files but pictures", ".csv (this workspace allows no files but pictures"},
		},
		"everything": {
			[]slackfake.Fault{{Method: "files.getUploadURLExternal", Error: "file_uploads_disabled"}},
			"", []string{"this workspace does not allow files [file_uploads_disabled]", "is the whole answer"},
		},
		"the first file's type": {
			[]slackfake.Fault{{Method: "files.getUploadURLExternal", Error: "file_type_not_allowed", Times: 1}},
			"csv png", []string{".html (this workspace does not allow files of this type [file_type_not_allowed])"},
		},
		"one of the types, in the end": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "file_type_not_allowed", Times: 2}},
			"csv,png", []string{".html (this workspace does not allow files of this type"},
		},
		"the size": {
			[]slackfake.Fault{{Method: "files.getUploadURLExternal", Error: "file_upload_size_restricted", Times: 1}},
			"csv png", []string{"files of this size"},
		},
		"for want of room": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "storage_limit_reached"}},
			"", []string{"no room for more files [storage_limit_reached]"},
		},
		"the conversation": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "not_in_channel"}},
			"", []string{"I am not in the channel"},
		},
		"without saying whether it did": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "internal_error", Times: 1}},
			"", []string{"I do not know whether it is there [internal_error]"},
		},
		"the words with them": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "invalid_blocks", Times: 1}},
			"html csv png", []string{"The whole report is in your direct messages"},
		},
		"the way of one": {
			[]slackfake.Fault{{Method: "upload", Status: 500, Times: 3}},
			"csv png", []string{".html (Slack refused it [http_500])"},
		},
		"the way of all": {
			[]slackfake.Fault{{Method: "upload", Status: 500}},
			"", []string{"no file could be sent", "[http_500]"},
		},
		"the scope": {
			[]slackfake.Fault{{Method: "files.getUploadURLExternal", Error: "missing_scope"}},
			"", []string{"the app lacks a permission"},
		},
		"what nobody has heard of": {
			[]slackfake.Fault{{Method: "files.completeUploadExternal", Error: "new_error_of_2031"}},
			"", []string{"Slack refused it [new_error_of_2031]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := begin(t, smallReport, slackfake.Options{}, nil)
			for _, f := range c.faults {
				r.slack.AddFault(f)
			}
			r.ask(slackfake.Alice, "principal x")
			told := r.lastTold(slackfake.Alice)
			for _, want := range append(c.want, "CATALOG prod2", "Coverage: INCOMPLETE", "Facts: read from") {
				if !strings.Contains(told, want) {
					t.Errorf("no %q in %s", want, told)
				}
			}
			if got := strings.Join(r.endings(slackfake.Alice), ","); got != c.files {
				t.Errorf("messages with %q, want %q", got, c.files)
			}
			r.noMentions()
		})
	}
}

// TestFilesFailApart: a file that cannot be written, or is too large, is missing and named; the others are there.
func TestFilesFailApart(t *testing.T) {
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(smallReport)}), nil, "T1", newMetrics())
	defer b.stopWork()
	var events tally
	b.Count = events.count
	task := &task{id: "j0b", log: discard}

	r := principal("alice@acme.test", "prod", 3)
	files, left := b.render(task, r, "words")
	if len(files) != 3 || len(left) != 0 || files[2].AltText != "words" || files[0].AltText != "" {
		t.Fatalf("%+v, %+v", files, left)
	}
	b.maxFile = len(files[1].Content) // of the table, which is the smallest
	if files, left = b.render(task, r, ""); len(files) != 1 || leftOut(left) != "Left out: the page (it is larger than 0 MB); the picture (it is larger than 0 MB)." || events.of(CountFileLeftOut) != 2 {
		t.Errorf("%d files, %s", len(files), leftOut(left))
	}
	broken := attachment{"the page", "html", func(report.Report, int) ([]byte, string, error) { panic("xoxb-secret") }}
	if f, err := b.renderOne(task, broken, r); !errors.Is(err, errBroken) || len(f.Content) > 0 {
		t.Errorf("%+v, %v", f, err)
	}
	var none *report.PrincipalReport // every format panics
	if files, left = b.render(task, &unreadableReport{none}, ""); len(files) != 0 || len(left) != 2 {
		t.Errorf("%d files, %+v", len(files), left)
	}
	if err := b.drain(); err != nil {
		t.Error(err)
	}
}

// unreadableReport is a report that formatters do not know.
type unreadableReport struct{ *report.PrincipalReport }

func (*unreadableReport) Head() *report.Envelope { return &report.Envelope{Mode: "odd"} }

// TestLargeTablesAreArchived: a table that is too large for a grid comes as an archive that has all of it.
func TestLargeTablesAreArchived(t *testing.T) {
	r := principal("alice@acme.test", "prod", 5000)
	flat, ending, err := table(r, maxFile)
	if err != nil || ending != "csv" {
		t.Fatal(ending, err)
	}
	packed, ending, err := table(r, len(flat)-1)
	if err != nil || ending != "zip" || len(packed) >= len(flat)/2 {
		t.Fatalf("%s of %d bytes, %v", ending, len(packed), err)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, f := range archive.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		rows[f.Name] = len(all) - 1
	}
	if rows["grants.csv"] != 5000 || rows["coverage.csv"] == 0 || rows["gaps.csv"] != 1 {
		t.Errorf("rows %v", rows)
	}
}

// TestRefusedBlocksAreSaidPlainly: the answer comes once more without blocks, and that is counted.
func TestRefusedBlocksAreSaidPlainly(t *testing.T) {
	var events tally
	r := begin(t, func(_ context.Context, q query.Request, _ core.Progress) (report.Report, error) {
		return principal("<!channel>", "<!here> `http://evil.test`", 300), nil
	}, slackfake.Options{}, func(c *Config) { c.Count = events.count })
	r.slack.AddFault(slackfake.Fault{Method: "response_url", Status: 400, Times: 2}) // the note, and the answer
	r.ask(slackfake.Alice, "principal x")
	told := r.slack.EphemeralsFor(slackfake.Alice, slackfake.DataHelp)
	if len(told) != 1 || len(told[0].Blocks) != 0 || events.of(CountBlocksRefused) != 1 {
		t.Fatalf("told %+v, counted %d", told, events.of(CountBlocksRefused))
	}
	for _, want := range []string{"```\n&lt;!channel&gt; (user", "Coverage: INCOMPLETE", "Facts: read from", "The whole report is in your direct messages", "├─"} {
		if !strings.Contains(told[0].Text, want) {
			t.Errorf("no %q in %s", want, told[0].Text)
		}
	}
	r.noMentions()
}

// TestFilesOfLargeReports: a report of many rows has all its files.
func TestFilesOfLargeReports(t *testing.T) {
	b := newBot(t.Context(), mustComplete(t, Config{Engine: engine(smallReport)}), nil, "T1", newMetrics())
	defer b.stopWork()
	start := time.Now()
	files, left := b.render(&task{id: "j0b", log: discard}, principal("alice@acme.test", "prod", 5000), "")
	for _, f := range files {
		t.Logf("%s: %d bytes", f.Name, len(f.Content))
	}
	t.Logf("%d files in %s, left out: %+v", len(files), time.Since(start), left)
	if len(files) != 3 {
		t.Errorf("left out: %+v", left)
	}
	if err := b.drain(); err != nil {
		t.Error(err)
	}
}

var _ slackDoor = (*slackapi.Client)(nil)

func TestNames(t *testing.T) {
	for want, files := range map[string][]string{
		"": nil, "a.csv": {"a.csv"}, "a.html, .csv and .png": {"a.html", "a.csv", "a.png"}, "a.html and b.csv": {"a.html", "b.csv"}, "a.b.html and a.csv": {"a.b.html", "a.csv"},
	} {
		if got := names(files); got != want {
			t.Errorf("%q are %q, want %q", files, got, want)
		}
	}
}
