package databricks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"databricks-access-audit/core/identity"
)

// objectList is how the objects of one type are listed.
type objectList struct {
	route route
	query url.Values
	field string // the field that holds the list in an answer
	// numbered says that pages have numbers in place of tokens.
	numbered bool
	// read turns a row into what is known of the object. A row without an id is malformed; one that
	// is to be left out is not there.
	read func(json.RawMessage) (info identity.ObjectInfo, there bool, err error)
}

// rowsOf makes a list whose rows are of one Go type. query is of the form "key=value".
func rowsOf[T interface{ object() identity.ObjectInfo }](c class, path, field string, query ...string) objectList {
	l := objectList{route: get(c, path), field: field, query: url.Values{}}
	for _, q := range query {
		k, v, _ := strings.Cut(q, "=")
		l.query.Set(k, v)
	}
	l.read = func(raw json.RawMessage) (identity.ObjectInfo, bool, error) {
		var row T
		if err := json.Unmarshal(raw, &row); err != nil {
			return identity.ObjectInfo{}, false, err
		}
		if out, ok := any(row).(interface{ leftOut() bool }); ok && out.leftOut() {
			return identity.ObjectInfo{}, false, nil
		}
		return row.object(), true, nil
	}
	return l
}

// objectLists are the lists by type. What lies in the workspace's tree alone has no list, and of Git
// folders there is one of those only that the caller manages, under three of the tree's folders. Where
// the largest page is not documented none is asked for.
//
// Page sizes: https://docs.databricks.com/api/workspace/jobs/list,
// https://docs.databricks.com/api/workspace/pipelines/listpipelines,
// https://docs.databricks.com/api/workspace/lakeview/list,
// https://docs.databricks.com/api/experiments/v1/list-experiments,
// https://docs.databricks.com/api/workspace/modelregistry/searchmodels; 100 for queries and alerts is
// what https://github.com/databricks/terraform-provider-databricks asks for. Git folders:
// https://docs.databricks.com/api/workspace/repos/list
var objectLists = map[identity.ObjectType]objectList{
	identity.ObjectJob:             rowsOf[jobRow](classOther, "/api/2.2/jobs/list", "jobs", "limit=100"),
	identity.ObjectCluster:         rowsOf[clusterRow](classOther, "/api/2.1/clusters/list", "clusters", "page_size=100"),
	identity.ObjectClusterPolicy:   rowsOf[policyObjectRow](classOther, "/api/2.0/policies/clusters/list", "policies"),
	identity.ObjectInstancePool:    rowsOf[poolRow](classOther, "/api/2.0/instance-pools/list", "instance_pools"),
	identity.ObjectPipeline:        rowsOf[pipelineRow](classOther, "/api/2.0/pipelines", "statuses", "max_results=100"),
	identity.ObjectWarehouse:       rowsOf[warehouseRow](classOther, "/api/2.0/sql/warehouses", "warehouses"),
	identity.ObjectQuery:           rowsOf[sqlRow](classOther, "/api/2.0/sql/queries", "results", "page_size=100"),
	identity.ObjectAlert:           rowsOf[sqlRow](classOther, "/api/2.0/sql/alerts", "results", "page_size=100"),
	identity.ObjectAlertV2:         rowsOf[alertRow](classOther, "/api/2.0/alerts", "alerts"),
	identity.ObjectLegacyDashboard: rowsOf[legacyDashboardRow](classOther, "/api/2.0/preview/sql/dashboards", "results", "page_size=100").pagesByNumber(),
	identity.ObjectDashboard:       rowsOf[dashboardRow](classOther, "/api/2.0/lakeview/dashboards", "dashboards", "page_size=1000"),
	identity.ObjectGenie:           rowsOf[genieRow](classOther, "/api/2.0/genie/spaces", "spaces"),
	identity.ObjectExperiment:      rowsOf[experimentRow](classExperiments, "/api/2.0/mlflow/experiments/list", "experiments", "max_results=1000"),
	identity.ObjectRegisteredModel: rowsOf[modelRow](classMLflow, "/api/2.0/mlflow/registered-models/search", "registered_models", "max_results=1000"),
	identity.ObjectServing:         rowsOf[servingRow](classOther, "/api/2.0/serving-endpoints", "endpoints"),
	identity.ObjectApp:             rowsOf[appRow](classOther, "/api/2.0/apps", "apps"),
	identity.ObjectVectorSearch:    rowsOf[vectorSearchRow](classOther, "/api/2.0/vector-search/endpoints", "endpoints"),
	identity.ObjectDatabase:        rowsOf[databaseRow](classOther, "/api/2.0/database/instances", "database_instances", "page_size=100"),
	identity.ObjectSecretScope:     rowsOf[scopeRow](classSecrets, "/api/2.0/secrets/scopes/list", "scopes"),
}

func (l objectList) pagesByNumber() objectList { l.numbered = true; return l }

// objectRows is a page of any of the lists: the field that holds the list is named after it.
type objectRows map[string]json.RawMessage

// page reads one page. Rows that are left out are counted nevertheless.
func (w objectRows) page(l objectList) (p page[identity.ObjectInfo], rows int, err error) {
	var raws []json.RawMessage
	if raw, ok := w[l.field]; ok {
		if err := json.Unmarshal(raw, &raws); err != nil {
			return p, 0, err
		}
	}
	for _, raw := range raws {
		info, there, err := l.read(raw)
		if err != nil {
			return p, 0, err
		}
		if there {
			p.items = append(p.items, info)
		}
	}
	if raw, ok := w["next_page_token"]; ok {
		var next scalar
		if err := json.Unmarshal(raw, &next); err != nil {
			return p, 0, err
		}
		p.next = string(next)
	}
	return p, len(raws), nil
}

// Objects lists the objects of one type.
func (s *Session) Objects(ctx context.Context, at identity.Workspace, t identity.ObjectType) ([]identity.ObjectInfo, error) {
	l, ok := objectLists[t]
	if !ok {
		return nil, unsupported(fmt.Sprintf("objects of type %s cannot be listed", t))
	}
	r, err := s.at(at, l.route)
	if err != nil {
		return nil, err
	}
	r.query = l.query
	read := s.objectPages
	if l.numbered {
		read = s.numberedObjects
	}
	found, err := read(ctx, r, l)
	for i := range found {
		found[i].Workspace, found[i].Type = at.ID, t
	}
	if t == identity.ObjectRegisteredModel {
		return s.modelIDs(ctx, at, found, err)
	}
	return found, err
}

func objectID(o identity.ObjectInfo) string { return o.ID }

func (s *Session) objectPages(ctx context.Context, r request, l objectList) ([]identity.ObjectInfo, error) {
	var malformed error
	found, err := tokenPages(ctx, s, r, objectID, func(w objectRows) page[identity.ObjectInfo] {
		p, _, err := w.page(l)
		if err != nil {
			malformed = err
			return page[identity.ObjectInfo]{}
		}
		return p
	})
	if err == nil && malformed != nil {
		err = s.unreadable(r, malformed)
	}
	return found, err
}

func (s *Session) unreadable(r request, err error) *identity.Failure {
	return incomplete("%s", s.account.scrub.line(fmt.Sprintf("%s: the answer cannot be read: %v", r.route, err)))
}

// numberedObjects follows a list whose pages have numbers. The count in each answer says when it is
// complete; a list that moved meanwhile is not.
//
// https://docs.databricks.com/api/workspace/dashboards/list
func (s *Session) numberedObjects(ctx context.Context, r request, l objectList) ([]identity.ObjectInfo, error) {
	var found listing[identity.ObjectInfo]
	for n, received := 1, 0; n <= maxPages; n++ {
		var wire objectRows
		if _, err := s.fetch(ctx, r.with("page", strconv.Itoa(n)), &wire); err != nil {
			return found.items, partly(found.items, err)
		}
		p, rows, err := wire.page(l)
		var count *int
		if raw, ok := wire["count"]; ok && err == nil {
			err = json.Unmarshal(raw, &count)
		}
		if err != nil {
			return found.items, s.unreadable(r, err)
		}
		fresh := false
		for _, item := range p.items {
			if item.ID == "" {
				return found.items, incomplete("%s: an entry has no id or name", r.route)
			}
			fresh = found.add(item.ID, item) || fresh
		}
		received += rows
		switch done := rows == 0 || count != nil && received >= *count; {
		case done && count != nil && len(found.items) < *count:
			return found.items, incomplete("%s: the list changed while it was read", r.route)
		case done:
			return found.items, nil
		case !fresh:
			return found.items, incomplete("%s: the list goes round in circles after %d pages", r.route, n)
		}
	}
	return found.items, incomplete("%s: the list has no end after %d pages", r.route, maxPages)
}

var routeModel = get(classMLflow, "/api/2.0/mlflow/databricks/registered-models/get")

// modelID is the id of a registered model, which no list has and permissions go by.
//
// https://docs.databricks.com/api/workspace/modelregistry/getmodel
type modelID struct {
	Model struct {
		ID   scalar `json:"id"`
		Name string `json:"name"`
	} `json:"registered_model_databricks"`
}

// modelRequests bounds the single reads of models in flight.
const modelRequests = 8

// modelIDs completes a list of registered models, read with err, by their ids. A model that is gone by
// now is left out.
func (s *Session) modelIDs(ctx context.Context, at identity.Workspace, models []identity.ObjectInfo, err error) ([]identity.ObjectInfo, error) {
	failures := make([]error, len(models))
	var g errgroup.Group
	g.SetLimit(modelRequests)
	for i := range models {
		g.Go(func() error {
			models[i].ID, failures[i] = s.modelID(ctx, at, models[i].Name)
			return nil
		})
	}
	_ = g.Wait()
	var found []identity.ObjectInfo
	for i, m := range models {
		switch {
		case failures[i] == nil:
			found = append(found, m)
		case !identity.IsKind(failures[i], identity.NotFound) && err == nil:
			err = failures[i]
		}
	}
	return found, partly(found, err)
}

func (s *Session) modelID(ctx context.Context, at identity.Workspace, name string) (string, error) {
	r, err := s.at(at, routeModel)
	if err != nil {
		return "", err
	}
	r.query = url.Values{"name": {name}}
	var answer modelID
	if _, err := s.fetch(ctx, r, &answer); err != nil {
		return "", err
	}
	if answer.Model.ID == "" || answer.Model.Name != name {
		return "", s.failed(fmt.Errorf("%s: asked for %q, the answer is about %q with the id %q", r.route, name, answer.Model.Name, answer.Model.ID))
	}
	return string(answer.Model.ID), nil
}
