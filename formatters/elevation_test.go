package formatters

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// elevated is a report of each state in which an elevation can end.
func elevated() *report.EscalationsReport {
	e := func(workspace, before, during, state string, restored *bool, note string) report.Elevation {
		return report.Elevation{Workspace: workspace, WorkspaceID: "1", Principal: "auditor", Before: before, During: during, State: state, Restored: restored, Note: note}
	}
	r := &report.EscalationsReport{Envelope: envelope("escalations")}
	r.Elevations = []report.Elevation{
		e("ws-planned", "NONE", "ADMIN", report.ElevationPlanned, nil, ""),
		e("ws-refused", "USER", "USER", report.ElevationRefused, nil, "why-refused"),
		e("ws-restored", "NONE", "ADMIN", report.ElevationRestored, ptr(true), ""),
		e("ws-shared", "USER", "ADMIN", report.ElevationShared, ptr(false), "why-shared"),
		e("ws-foreign", "USER", "ADMIN", report.ElevationForeign, ptr(false), "why-foreign"),
		e("ws-open", "NONE", "ADMIN", report.ElevationOpen, ptr(false), "why-open"),
	}
	return r
}

// What the program did to read is said in every format, the summary included.
func TestElevationsInEveryFormat(t *testing.T) {
	r := elevated()
	wants := []string{"why-refused", "why-shared", "why-foreign", "why-open"}
	for _, e := range r.Elevations {
		wants = append(wants, e.Workspace)
	}
	look := func(t *testing.T, out string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s is not in it", want)
			}
		}
	}
	for _, f := range formatsOf(r) {
		t.Run(string(f), func(t *testing.T) {
			out := write(t, r, Options{Format: f})
			if f == XLSX {
				out = unzipped(t, out)
			}
			look(t, out)
		})
	}
	t.Run("summary", func(t *testing.T) { look(t, summary(t, r, Options{})) })
	t.Run("an open one is no small print", func(t *testing.T) {
		out := write(t, r, Options{Format: Text, Color: true})
		if !strings.Contains(out, "\x1b[1;31melevation in workspace ws-open: auditor WAS NOT PUT BACK: it was made ADMIN to read, and was not assigned before; why-open") {
			t.Error(out)
		}
	})
	root := readSchema(t, "escalations")
	var doc any
	if err := json.Unmarshal([]byte(write(t, r, Options{Format: JSON})), &doc); err != nil {
		t.Fatal(err)
	}
	for _, problem := range root.check("", doc, root) {
		t.Error(problem)
	}
}

func unzipped(t *testing.T, out string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader([]byte(out)), int64(len(out)))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	return all.String()
}
