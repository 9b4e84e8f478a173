// Package formatters turns a report into bytes: text and tree for people, JSON, NDJSON and CSV for
// programs, HTML as a page to hand on, OpenGraph and Graphviz' language for reports that hold a graph. Write is the entry;
// Summary is the short form of any report.
//
// Each report has one view (principal.go, can.go, resource.go, roles.go, escalations.go, doctor.go)
// that walks it once into sections of items and says how it reads in words; the formats (text.go,
// tree.go, json.go, ndjson.go, csv.go, html.go, opengraph.go, dot.go) draw sections, nodes and graphs and
// know no report. How a report looks as a map is said in maps.go. Two rules hold in every format. What was not read is never
// drawn as "nothing": a null list, an empty list over complete facts and an empty list over
// incomplete facts read differently, and every gap is named. And text from outside cannot act: it
// passes Escape before a terminal and a formula guard before a spreadsheet sees it.
//
// The package decides nothing about access, reads no clock, no file and no environment, and keeps
// no state: its functions may be called concurrently, and equal reports give equal bytes.
package formatters
