package formatters

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

// The script and the style of the report, made from html/src by `make assets`.
var (
	//go:embed html/dist/report.js
	htmlScript string
	//go:embed html/dist/report.css
	htmlStyle string
	//go:embed html/page.tmpl
	htmlPage string
)

// htmlEarly runs before anything is drawn: what only a script can use is shown, and long tables start
// with their first rows.
const htmlEarly = `document.documentElement.className="js"`

// htmlTemplates are the parts of the page between the style and the script. Those are the program's own
// bytes and stand in the file as they were built, so that no text has to be declared safe to pass a
// template.
var htmlTemplates = template.Must(template.New("page").Parse(htmlPage))

// htmlHead is what the browser is told before it meets any text from outside: nothing may be fetched,
// sent or framed, and nothing may run but the two scripts of this program.
//
// https://www.w3.org/TR/CSP3/#grammardef-hash-source
var htmlHead = fmt.Sprintf(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src %s %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'">
<script>%s</script>
<style>%s</style>
`, hashSource(htmlEarly), hashSource(htmlScript), hashSource(htmlStyle), htmlEarly, htmlStyle)

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// writeHTML writes one file that needs no other: it opens from a mail attachment without a network.
// Without its script it still shows the answer, the figures, the coverage and every row.
func writeHTML(out *bytes.Buffer, v view) error {
	p := newPage(v)
	out.WriteString(htmlHead)
	if err := htmlTemplates.ExecuteTemplate(out, "body", p); err != nil {
		return fmt.Errorf("write report as HTML: %w", err)
	}
	out.WriteString("<script>" + htmlScript + "</script>\n</body>\n</html>\n")
	return nil
}
