package query

import (
	"encoding/json"

	"databricks-access-audit/core/identity"
)

// MarshalJSON is the question as reports echo it.
func (q Principal) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode          string                   `json:"mode"`
		Who           string                   `json:"who"`
		Scan          []identity.SecurableType `json:"scan"`
		WorkspaceURLs []string                 `json:"workspace_urls"`
		Escalations   bool                     `json:"escalation_check,omitempty"`
		Objects       bool                     `json:"scan_workspace_objects,omitempty"`
		objectsEcho
		LocalGroups bool `json:"check_local_groups,omitempty"`
		lastUseEcho
	}{q.Mode(), q.Who, orEmpty(q.Scan), orEmpty(q.WorkspaceURLs), q.Escalations, q.Objects.Asked, q.Objects.echo(), q.LocalGroups, q.LastUse.echo()})
}

// MarshalJSON is the question as reports echo it.
func (q Group) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode    string                   `json:"mode"`
		Group   string                   `json:"group"`
		Scan    []identity.SecurableType `json:"scan"`
		Objects bool                     `json:"scan_workspace_objects"`
		objectsEcho
		LocalGroups   bool     `json:"check_local_groups"`
		RevokeScript  bool     `json:"revoke_script,omitempty"`
		Force         bool     `json:"force,omitempty"`
		WorkspaceURLs []string `json:"workspace_urls"`
		lastUseEcho
	}{q.Mode(), q.Name, orEmpty(q.Scan), q.Objects.Asked, q.Objects.echo(), q.LocalGroups, q.RevokeScript, q.Force, orEmpty(q.WorkspaceURLs), q.LastUse.echo()})
}

// MarshalJSON is the question as reports echo it.
func (q Roles) MarshalJSON() ([]byte, error) { return q.echo(q.Mode()) }

// MarshalJSON is the question as reports echo it.
func (q Escalations) MarshalJSON() ([]byte, error) { return q.echo(q.Mode()) }

func (s Survey) echo(mode string) ([]byte, error) {
	return json.Marshal(struct {
		Mode          string                   `json:"mode"`
		Who           string                   `json:"who"`
		Scan          []identity.SecurableType `json:"scan"`
		Objects       bool                     `json:"scan_workspace_objects"`
		WorkspaceURLs []string                 `json:"workspace_urls"`
	}{mode, s.Who, orEmpty(s.Scan), s.Objects, orEmpty(s.WorkspaceURLs)})
}

// MarshalJSON is the question as reports echo it.
func (q Can) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode     string `json:"mode"`
		Who      string `json:"who"`
		Action   Action `json:"action"`
		Resource string `json:"resource"`
		targetEcho
		WorkspaceURLs []string `json:"workspace_urls"`
		Exercisable   bool     `json:"exercisable"`
		Objects       bool     `json:"scan_workspace_objects,omitempty"`
		objectsEcho
		Why    bool `json:"why"`
		WhyNot bool `json:"why_not"`
	}{q.Mode(), q.Who, q.Action, q.Resource, q.Target.echo(), orEmpty(q.WorkspaceURLs), q.Exercisable, q.Objects.Asked, q.Objects.echo(), q.Why, q.WhyNot})
}

// MarshalJSON is the question as reports echo it.
func (q Compare) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode    string                   `json:"mode"`
		A       string                   `json:"a"`
		B       string                   `json:"b"`
		Scan    []identity.SecurableType `json:"scan"`
		Objects bool                     `json:"scan_workspace_objects,omitempty"`
		objectsEcho
		WorkspaceURLs []string `json:"workspace_urls"`
	}{q.Mode(), q.A, q.B, orEmpty(q.Scan), q.Objects.Asked, q.Objects.echo(), orEmpty(q.WorkspaceURLs)})
}

// targetEcho is what a question is about, as reports echo it.
type targetEcho struct {
	Type      string `json:"resource_type"`
	Metastore string `json:"metastore"`
}

func (t Target) echo() targetEcho {
	e := targetEcho{Type: string(t.Type), Metastore: t.Metastore}
	switch {
	case t.Workspace:
		e.Type = workspace
	case t.Object != "":
		e.Type = string(t.Object)
	}
	return e
}

// MarshalJSON is the question as reports echo it.
func (q Resource) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode string `json:"mode"`
		Name string `json:"resource"`
		targetEcho
		NoExpandGroups bool               `json:"no_expand_groups"`
		Privilege      identity.Privilege `json:"privilege"`
		WorkspaceURLs  []string           `json:"workspace_urls"`
	}{q.Mode(), q.Name, q.Target.echo(), q.Groups, q.Privilege, orEmpty(q.WorkspaceURLs)})
}

// MarshalJSON is the question as reports echo it.
func (q Doctor) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode string `json:"mode"`
	}{q.Mode()})
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
