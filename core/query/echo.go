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
	}{q.Mode(), q.Who, orEmpty(q.Scan), orEmpty(q.WorkspaceURLs)})
}

// MarshalJSON is the question as reports echo it.
func (q Can) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode          string                 `json:"mode"`
		Who           string                 `json:"who"`
		Action        string                 `json:"action"`
		Resource      string                 `json:"resource"`
		Type          identity.SecurableType `json:"resource_type"`
		Metastore     string                 `json:"metastore"`
		WorkspaceURLs []string               `json:"workspace_urls"`
	}{q.Mode(), q.Who, q.Action, q.Resource, q.Type, q.Metastore, orEmpty(q.WorkspaceURLs)})
}

// MarshalJSON is the question as reports echo it.
func (q Resource) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode           string                 `json:"mode"`
		Name           string                 `json:"resource"`
		Type           identity.SecurableType `json:"resource_type"`
		Metastore      string                 `json:"metastore"`
		NoExpandGroups bool                   `json:"no_expand_groups"`
		WorkspaceURLs  []string               `json:"workspace_urls"`
	}{q.Mode(), q.Name, q.Type, q.Metastore, q.Groups, orEmpty(q.WorkspaceURLs)})
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
