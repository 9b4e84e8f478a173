package formatters

import (
	"strconv"

	"databricks-access-audit/core/report"
)

// The groups of one workspace alone, in every report that lists them.

const localHeading = "Groups of one workspace alone (legacy)"

func localGroupSection(groups []report.LocalGroup) section {
	return listed("local_group", "local_groups", []string{"workspace", "local_group", "local_group_id", "members", "same_name_account_group"}, groups, one(localGroupRow))
}

func localGroupRow(g report.LocalGroup) []string {
	members := ""
	if g.Members != nil {
		members = strconv.Itoa(*g.Members)
	}
	return []string{g.Workspace, g.Group, g.ID, members, known(g.SameName)}
}

func localGroupNodes(groups []report.LocalGroup) []node {
	var nodes []node
	for _, g := range groups {
		s := name(g.Group) + " in workspace " + name(g.Workspace) + " (id " + name(g.ID) + "): "
		switch {
		case g.Members == nil:
			s += "members not read"
		default:
			s += count(*g.Members, "direct member")
		}
		n := line(s)
		switch {
		case g.SameName == nil:
			n.text += "; whether the account has a group of that name is not known"
		case *g.SameName:
			n.text += "; the account has another group of that name"
			n.tone = alarm
		}
		nodes = append(nodes, n)
	}
	return nodes
}
