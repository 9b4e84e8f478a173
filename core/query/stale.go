package query

import (
	"fmt"
	"strconv"
	"strings"
)

// LastUse asks which grants were not used lately. The zero value asks nothing.
type LastUse struct {
	// Days is how many days without a use make a grant stale.
	Days int
	// Warehouse is the id of the SQL warehouse that reads the audit log, and Workspace the address, name or id
	// of the workspace that it is in; empty leaves the choice to the engine.
	Warehouse, Workspace string
}

const (
	staleDays       = "stale-days"
	sqlWarehouseID  = "sql-warehouse-id"
	sqlWorkspaceURL = "sql-workspace-url"
	// maxStaleDays bounds the question: it is far more than any log keeps, and small enough to count with.
	maxStaleDays = 10000
)

var lastUseFlags = []Flag{
	{Name: staleDays, Value: "N", Usage: "list which grants were not used for that many days, by the audit log; reading that runs a SQL warehouse, which costs money"},
	{Name: sqlWarehouseID, Value: "ID", Usage: "read the audit log by this SQL warehouse"},
	{Name: sqlWorkspaceURL, Value: "URL", Usage: "read the audit log by a SQL warehouse of this workspace"},
}

func lastUse(v Values) (LastUse, error) {
	q := LastUse{Warehouse: strings.TrimSpace(v.String(sqlWarehouseID)), Workspace: strings.TrimSpace(v.String(sqlWorkspaceURL))}
	for name, value := range map[string]string{sqlWarehouseID: q.Warehouse, sqlWorkspaceURL: q.Workspace} {
		switch {
		case v.IsSet(name) && value == "":
			return LastUse{}, &UsageError{Problem: "--" + name + " is empty", Hint: "leave it out to let a warehouse be chosen"}
		case v.IsSet(name) && !v.IsSet(staleDays):
			return LastUse{}, &UsageError{Problem: "--" + name + " is for --" + staleDays, Hint: "add --" + staleDays + " 90"}
		}
	}
	if !v.IsSet(staleDays) {
		return LastUse{}, nil
	}
	text := strings.TrimSpace(v.String(staleDays))
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 || days > maxStaleDays {
		return LastUse{}, &UsageError{Problem: fmt.Sprintf("--%s %q is no number of days", staleDays, text), Hint: fmt.Sprintf("give a whole number from 1 to %d, such as 90", maxStaleDays)}
	}
	q.Days = days
	return q, nil
}

// lastUseEcho is what is asked of last uses, as reports echo it.
type lastUseEcho struct {
	Days      int    `json:"stale_days,omitempty"`
	Warehouse string `json:"sql_warehouse_id,omitempty"`
	Workspace string `json:"sql_workspace_url,omitempty"`
}

func (q LastUse) echo() lastUseEcho { return lastUseEcho(q) }
