// Package core is the engine: it takes a question and gives a typed answer, for both fronts alike.
//
//	flags / slash command
//	        │  query.Parse: one grammar for both fronts
//	        ▼
//	  query.Request ── a value: which question, about whom, on what
//	        │
//	        ▼
//	  core.Engine ──► collect ──► collect.Source (databricks.Session over HTTP, rate-limited)
//	        │            │ pages, gaps, one read per fact
//	        │            ▼
//	        │      estate.Builder ──► *estate.Estate   immutable graph + what was and was not seen
//	        ▼                              │
//	     access ◄──────────────────────────┘   pure functions: (Estate, subject) → answer
//	     analysis (roles, escalations, redundancies, last uses) · proof (checked again) · diff (Estate × Estate)
//	     plan (Estate × wish → steps, and what would come of them)
//	     snapshot (the Estate as a file) · sqltext (statements for people to run)
//	     ledger (what was planned, consented to and done, with proof that nobody changed it)
//	        │
//	        ▼
//	  report.Report ── typed answer: paths, gaps, times, cost
//	        │
//	        ▼
//	  formatters: text │ tree │ json │ ndjson │ csv │ html │ opengraph │ dot ──► stdout, Slack
//
// Everything between the Estate and the Report is arithmetic on values: no clock, no network, no
// environment, no globals. That is what lets two fronts share it, tests run in milliseconds, and an
// answer be explained from the facts alone.
//
// The packages below core never import core; core joins them. imports_test.go holds the table of who
// may reach whom. They are exported because the program's folders are fixed, not because anything is
// promised to other programs: everything here may change.
package core
