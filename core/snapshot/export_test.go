package snapshot

import (
	"bytes"
	"encoding/json"
	"testing"

	"databricks-access-audit/core/estate"
)

// Without copies an estate whose ledger lacks one entry.
func Without(t testing.TB, e *estate.Estate, k estate.ReadKey) *estate.Estate {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, e, About{}); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n"))
	l := &loader{b: estate.NewBuilder(e.AccountID())}
	for _, text := range lines[1 : len(lines)-1] {
		var x line
		if err := json.Unmarshal(text, &x); err != nil {
			t.Fatal(err)
		}
		if x.Reads != nil {
			all := x.Reads.List
			for _, r := range all {
				one := loader{b: estate.NewBuilder("")}
				x.Reads.List = []read{r}
				if err := one.reads(*x.Reads); err != nil {
					t.Fatal(err)
				}
				if one.b.Build().Reads()[0].Key == k {
					continue
				}
				if err := l.reads(*x.Reads); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		if err := l.add(x); err != nil {
			t.Fatal(err)
		}
	}
	return l.b.Build()
}
