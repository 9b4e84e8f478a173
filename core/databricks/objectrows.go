package databricks

import (
	"strings"

	"databricks-access-audit/core/identity"
)

// The rows of the lists of objects, as far as they say who may do what. The id of each is what the
// permissions API calls the object.

func objectInfo(id, name, creator string) identity.ObjectInfo {
	return identity.ObjectInfo{Object: identity.Object{ID: id}, Name: name, Creator: creator}
}

// runAs is an identity that something runs as, in the two fields of jobs and alerts.
type runAs struct {
	User             string `json:"user_name"`
	ServicePrincipal string `json:"service_principal_name"`
}

func (r runAs) name() string { return firstNonEmpty(r.ServicePrincipal, r.User) }

// jobRow has the identity as which a job runs only where it was set; otherwise it is the owner, whom
// the list does not name.
//
// https://docs.databricks.com/api/workspace/jobs/list
type jobRow struct {
	ID       scalar `json:"job_id"`
	Creator  string `json:"creator_user_name"`
	Settings struct {
		Name  string `json:"name"`
		RunAs runAs  `json:"run_as"`
	} `json:"settings"`
}

func (r jobRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Settings.Name, r.Creator)
	o.RunAs = r.Settings.RunAs.name()
	return o
}

// clusterRow is a cluster. Those that jobs start for themselves end with them, and are reached through
// the jobs.
//
// https://docs.databricks.com/api/workspace/clusters/list
type clusterRow struct {
	ID           scalar `json:"cluster_id"`
	Name         string `json:"cluster_name"`
	Creator      string `json:"creator_user_name"`
	Source       string `json:"cluster_source"`
	SecurityMode string `json:"data_security_mode"`
	SingleUser   string `json:"single_user_name"`
	AWS          struct {
		InstanceProfile string `json:"instance_profile_arn"`
	} `json:"aws_attributes"`
	GCP struct {
		ServiceAccount string `json:"google_service_account"`
	} `json:"gcp_attributes"`
}

func (r clusterRow) leftOut() bool { return r.Source == "JOB" }

func (r clusterRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, r.Creator)
	o.SecurityMode, o.SingleUser = r.SecurityMode, r.SingleUser
	o.InstanceProfile = firstNonEmpty(r.AWS.InstanceProfile, r.GCP.ServiceAccount)
	return o
}

// policyObjectRow is a cluster policy.
//
// https://docs.databricks.com/api/workspace/clusterpolicies/list
type policyObjectRow struct {
	ID      scalar `json:"policy_id"`
	Name    string `json:"name"`
	Creator string `json:"creator_user_name"`
}

func (r policyObjectRow) object() identity.ObjectInfo {
	return objectInfo(string(r.ID), r.Name, r.Creator)
}

// poolRow is an instance pool.
//
// https://docs.databricks.com/api/workspace/instancepools/list
type poolRow struct {
	ID   scalar `json:"instance_pool_id"`
	Name string `json:"instance_pool_name"`
}

func (r poolRow) object() identity.ObjectInfo { return objectInfo(string(r.ID), r.Name, "") }

// pipelineRow is a pipeline.
//
// https://docs.databricks.com/api/workspace/pipelines/listpipelines
type pipelineRow struct {
	ID      scalar `json:"pipeline_id"`
	Name    string `json:"name"`
	Creator string `json:"creator_user_name"`
	RunAs   string `json:"run_as_user_name"`
}

func (r pipelineRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, r.Creator)
	o.RunAs = r.RunAs
	return o
}

// warehouseRow is a SQL warehouse, with the instance profile of those that run in the customer's cloud.
//
// https://docs.databricks.com/api/workspace/warehouses/list
type warehouseRow struct {
	ID              scalar `json:"id"`
	Name            string `json:"name"`
	Creator         string `json:"creator_name"`
	InstanceProfile string `json:"instance_profile_arn"`
	State           string `json:"state"`
	Serverless      bool   `json:"enable_serverless_compute"`
}

func (r warehouseRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, r.Creator)
	o.InstanceProfile = r.InstanceProfile
	return o
}

// sqlRow is a query or an alert of the first kind. What runs as its owner lends the owner's rights to
// whoever runs it.
//
// https://docs.databricks.com/api/workspace/queries/list,
// https://docs.databricks.com/api/workspace/alertslegacy/list has the older spelling of the mode
type sqlRow struct {
	ID      scalar `json:"id"`
	Name    string `json:"display_name"`
	Owner   string `json:"owner_user_name"`
	RunMode string `json:"run_as_mode"`
	RunRole string `json:"run_as_role"`
}

func (r sqlRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, r.Owner)
	o.BorrowsOwner = asOwner(r.RunMode, r.RunRole)
	return o
}

func asOwner(modes ...string) bool { return strings.EqualFold(firstNonEmpty(modes...), "OWNER") }

// alertRow is an alert of the second kind.
//
// https://docs.databricks.com/api/workspace/alertsv2/listalerts
type alertRow struct {
	ID        scalar `json:"id"`
	Name      string `json:"display_name"`
	Owner     string `json:"owner_user_name"`
	Effective runAs  `json:"effective_run_as"`
}

func (r alertRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, r.Owner)
	o.RunAs = r.Effective.name()
	return o
}

// legacyDashboardRow is a dashboard of Databricks SQL.
//
// https://docs.databricks.com/api/workspace/dashboards/list
type legacyDashboardRow struct {
	ID   scalar `json:"id"`
	Name string `json:"name"`
	User struct {
		Email string `json:"email"`
	} `json:"user"`
	RunRole string `json:"run_as_role"`
}

func (r legacyDashboardRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, r.User.Email)
	o.BorrowsOwner = asOwner(r.RunRole)
	return o
}

// dashboardRow is an AI/BI dashboard. Whether it was published with its publisher's rights says
// another endpoint.
//
// https://docs.databricks.com/api/workspace/lakeview/list
type dashboardRow struct {
	ID   scalar `json:"dashboard_id"`
	Name string `json:"display_name"`
	Path string `json:"path"`
}

func (r dashboardRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, "")
	o.Path = r.Path
	return o
}

// genieRow is a Genie space.
//
// https://docs.databricks.com/api/workspace/genie/listspaces
type genieRow struct {
	ID   scalar `json:"space_id"`
	Name string `json:"title"`
}

func (r genieRow) object() identity.ObjectInfo { return objectInfo(string(r.ID), r.Name, "") }

// experimentRow is an experiment, which is named by its path in the workspace's tree.
//
// https://docs.databricks.com/api/experiments/v1/list-experiments
type experimentRow struct {
	ID   scalar `json:"experiment_id"`
	Name string `json:"name"`
	Tags []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"tags"`
}

func (r experimentRow) object() identity.ObjectInfo {
	o := objectInfo(string(r.ID), r.Name, "")
	if strings.HasPrefix(r.Name, "/") {
		o.Path = r.Name
	}
	for _, t := range r.Tags {
		if t.Key == "mlflow.ownerEmail" {
			o.Creator = t.Value
		}
	}
	return o
}

// modelRow is a registered model of a workspace. Its name stands in for the id, which the list lacks,
// until that is read.
//
// https://docs.databricks.com/api/workspace/modelregistry/searchmodels
type modelRow struct {
	Name string `json:"name"`
	User string `json:"user_id"`
}

func (r modelRow) object() identity.ObjectInfo {
	o := objectInfo(r.Name, r.Name, "")
	// The documentation does not say which of a user's names this is; a number names nobody.
	if strings.Contains(r.User, "@") || uuid.MatchString(r.User) {
		o.Creator = r.User
	}
	return o
}

// servingRow is a serving endpoint. Those that Databricks keeps for its own models have no id, and no
// permissions.
//
// https://docs.databricks.com/api/workspace/servingendpoints/list
type servingRow struct {
	ID      scalar `json:"id"`
	Name    string `json:"name"`
	Creator string `json:"creator"`
}

func (r servingRow) leftOut() bool { return r.ID == "" && r.Name != "" }

func (r servingRow) object() identity.ObjectInfo { return objectInfo(string(r.ID), r.Name, r.Creator) }

// appRow is an app, which the permissions API calls by its name. Its code runs as a service principal
// of its own.
//
// https://docs.databricks.com/api/workspace/apps/list
type appRow struct {
	Name             string `json:"name"`
	Creator          string `json:"creator"`
	ServicePrincipal string `json:"service_principal_client_id"`
}

func (r appRow) object() identity.ObjectInfo {
	o := objectInfo(r.Name, r.Name, r.Creator)
	o.RunAs = r.ServicePrincipal
	return o
}

// vectorSearchRow is a vector search endpoint.
//
// https://docs.databricks.com/api/workspace/vectorsearchendpoints/listendpoints
type vectorSearchRow struct {
	ID      scalar `json:"id"`
	Name    string `json:"name"`
	Creator string `json:"creator"`
}

func (r vectorSearchRow) object() identity.ObjectInfo {
	return objectInfo(string(r.ID), r.Name, r.Creator)
}

// databaseRow is a database instance, which the permissions API calls by its name.
//
// https://docs.databricks.com/api/workspace/database/listdatabaseinstances
type databaseRow struct {
	Name    string `json:"name"`
	Creator string `json:"creator"`
}

func (r databaseRow) object() identity.ObjectInfo { return objectInfo(r.Name, r.Name, r.Creator) }

// scopeRow is a secret scope.
//
// https://docs.databricks.com/api/workspace/secrets/listscopes
type scopeRow struct {
	Name string `json:"name"`
}

func (r scopeRow) object() identity.ObjectInfo { return objectInfo(r.Name, r.Name, "") }
