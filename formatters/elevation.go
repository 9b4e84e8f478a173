package formatters

import (
	"strconv"

	"databricks-access-audit/core/report"
)

// elevationNodes say what rights the program gave itself to read, and what became of them.
func (c coverage) elevationNodes() []node {
	var nodes []node
	for _, e := range c.Elevations {
		nodes = append(nodes, elevationNode(e))
	}
	return nodes
}

func elevationNode(e report.Elevation) node {
	n := node{text: "elevation in workspace " + name(e.Workspace) + ": " + name(e.Principal) + " "}
	switch e.State {
	case report.ElevationPlanned:
		n.text += "would be made " + right(e.During) + " to read, and " + right(e.Before) + " again afterwards; nothing was changed"
	case report.ElevationRefused:
		n.text += "was left as it is (" + right(e.Before) + ")"
	case report.ElevationRestored:
		n.text += "was " + right(e.During) + " to read, and is " + right(e.Before) + " again, as before"
	case report.ElevationShared:
		n.text += "was " + right(e.During) + " to read, and " + right(e.Before) + " before"
	case report.ElevationForeign:
		n.text += "was " + right(e.During) + " to read"
	default:
		n.text += "WAS NOT PUT BACK: it was made " + right(e.During) + " to read, and was " + right(e.Before) + " before"
		n.tone = alarm
	}
	if e.Note != "" {
		n.text += "; " + EscapeLine(e.Note)
	}
	return n
}

// right is a workspace permission in words.
func right(permission string) string {
	if permission == "NONE" {
		return "not assigned"
	}
	return name(permission)
}

// elevationTable is nil where the program gave itself no rights: tables then look as ever.
func (c coverage) elevationTable() []section {
	if len(c.Elevations) == 0 {
		return nil
	}
	columns := []string{"workspace", "workspace_id", "principal", "before", "during", "restored", "state", "note"}
	return []section{listed("elevation", "elevations", columns, c.Elevations, one(func(e report.Elevation) []string {
		restored := ""
		if e.Restored != nil {
			restored = strconv.FormatBool(*e.Restored)
		}
		return []string{e.Workspace, e.WorkspaceID, e.Principal, e.Before, e.During, restored, e.State, e.Note}
	}))}
}
