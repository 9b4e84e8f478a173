package query

import (
	"encoding/json"
	"fmt"
	"strings"

	"databricks-access-audit/core/identity"
)

// WhatIf asks who would gain and lose what if some things were otherwise.
type WhatIf struct {
	Changes []Hypothesis
	// SQL and Terraform are scripts of changes, and the files say where they come from. Whoever asks reads
	// the files.
	SQL, SQLFile             string
	Terraform, TerraformFile string
	// Metastore chooses among several that hold a catalog of the same name.
	Metastore string
	// Scan and WorkspaceURLs are as in Principal.
	Scan          []identity.SecurableType
	WorkspaceURLs []string
}

// Hypothesis is one change that is thought through.
type Hypothesis struct {
	Verb string `json:"verb"`
	Who  string `json:"who"`
	// Group is that of add-member and remove-member.
	Group string `json:"group,omitempty"`
	// Privilege and On are those of grant and revoke.
	Privilege identity.Privilege `json:"privilege,omitempty"`
	On        string             `json:"on,omitempty"`
}

// The verbs of a Hypothesis.
const (
	AddMember    = "add-member"
	RemoveMember = "remove-member"
	GrantVerb    = "grant"
	RevokeVerb   = "revoke"
	DeleteUser   = "delete-user"
)

// hypotheses are the words of changes with what follows each.
var hypotheses = []struct {
	verb string
	args []string
}{
	{AddMember, []string{"WHO", "GROUP"}}, {RemoveMember, []string{"WHO", "GROUP"}},
	{GrantVerb, []string{"WHO", "PRIVILEGE", "SECURABLE"}}, {RevokeVerb, []string{"WHO", "PRIVILEGE", "SECURABLE"}},
	{DeleteUser, []string{"WHO"}},
}

// Mode is "what-if".
func (WhatIf) Mode() string { return "what-if" }

// MarshalJSON is the question as reports echo it.
func (q WhatIf) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode          string                   `json:"mode"`
		Changes       []Hypothesis             `json:"changes"`
		SQL           string                   `json:"sql,omitempty"`
		Terraform     string                   `json:"terraform,omitempty"`
		Metastore     string                   `json:"metastore"`
		Scan          []identity.SecurableType `json:"scan"`
		WorkspaceURLs []string                 `json:"workspace_urls"`
	}{q.Mode(), orEmpty(q.Changes), q.SQLFile, q.TerraformFile, q.Metastore, orEmpty(q.Scan), orEmpty(q.WorkspaceURLs)})
}

var whatIfForm = Form{
	Mode:  "what-if",
	About: "who would gain and lose what if members, grants or users were otherwise",
	Args:  []string{"[CHANGE…]"},
	Flags: append([]Flag{
		{Name: "sql", Value: "FILE", Usage: "the GRANT and REVOKE statements of a script"},
		{Name: "terraform", Value: "FILE", Usage: "the changes of a Terraform plan, as terraform show -json writes it"},
		{Name: "metastore", Value: "NAME", Usage: "the metastore of the securables, by name or id"},
	}, depthFlags()...),
	build: buildWhatIf,
}

func buildWhatIf(args []string, v Values) (Request, error) {
	q := WhatIf{
		SQLFile: v.String("sql"), TerraformFile: v.String("terraform"), Metastore: v.String("metastore"),
		Scan: scan(v), WorkspaceURLs: list(v.String(workspaceURLs)),
	}
	if v.IsSet(workspaceURLs) && len(q.WorkspaceURLs) == 0 {
		return nil, noWorkspace
	}
	for len(args) > 0 {
		h, n, err := hypothesis(args)
		if err != nil {
			return nil, err
		}
		q.Changes, args = append(q.Changes, h), args[n:]
	}
	if len(q.Changes) == 0 && q.SQLFile == "" && q.TerraformFile == "" {
		return nil, &UsageError{Problem: "what-if needs a change", Hint: "write what-if " + strings.Join(verbForms(), ", or what-if ") + "; or give --sql FILE or --terraform FILE"}
	}
	return q, nil
}

func hypothesis(args []string) (h Hypothesis, n int, err error) {
	i := 0
	for i < len(hypotheses) && !strings.EqualFold(hypotheses[i].verb, args[0]) {
		i++
	}
	if i == len(hypotheses) {
		return h, 0, &UsageError{Problem: fmt.Sprintf("%q is not a change", args[0]), Hint: "there are " + strings.Join(verbForms(), ", ")}
	}
	v := hypotheses[i]
	if len(args) < 1+len(v.args) {
		return h, 0, &UsageError{Problem: v.verb + " needs " + strings.Join(v.args[len(args)-1:], " and "), Hint: "write what-if " + v.verb + " " + strings.Join(v.args, " ")}
	}
	h = Hypothesis{Verb: v.verb, Who: args[1]}
	switch v.verb {
	case AddMember, RemoveMember:
		h.Group = args[2]
	case GrantVerb, RevokeVerb:
		h.Privilege, h.On = identity.ParsePrivilege(args[2]), args[3]
		if !h.Privilege.Known() {
			return h, 0, &UsageError{Problem: fmt.Sprintf("%q is not a privilege that this program knows", args[2]), Hint: "write it as SELECT, USE_CATALOG or \"USE CATALOG\""}
		}
		if _, err := identity.ParseFullName(h.On); err != nil {
			return h, 0, &UsageError{Problem: err.Error(), Hint: "write the name as catalog.schema.table, with backticks round parts that hold dots"}
		}
	}
	return h, 1 + len(v.args), nil
}

func verbForms() []string {
	forms := make([]string, 0, len(hypotheses))
	for _, v := range hypotheses {
		forms = append(forms, v.verb+" "+strings.Join(v.args, " "))
	}
	return forms
}
