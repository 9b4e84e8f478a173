package identity

import (
	"cmp"
	"slices"
	"strings"
)

// ObjectType is a type of workspace object that has a list of permissions.
type ObjectType string

// The types of object.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
const (
	ObjectJob             ObjectType = "jobs"
	ObjectCluster         ObjectType = "clusters"
	ObjectClusterPolicy   ObjectType = "cluster_policies"
	ObjectInstancePool    ObjectType = "instance_pools"
	ObjectPipeline        ObjectType = "pipelines"
	ObjectWarehouse       ObjectType = "sql_warehouses"
	ObjectQuery           ObjectType = "sql_queries"
	ObjectAlert           ObjectType = "sql_alerts"
	ObjectAlertV2         ObjectType = "alerts_v2"
	ObjectLegacyDashboard ObjectType = "legacy_dashboards"
	ObjectDashboard       ObjectType = "lakeview_dashboards"
	ObjectGenie           ObjectType = "genie_spaces"
	ObjectNotebook        ObjectType = "notebooks"
	ObjectFile            ObjectType = "files"
	ObjectDirectory       ObjectType = "directories"
	ObjectRepo            ObjectType = "repos"
	ObjectExperiment      ObjectType = "mlflow_experiments"
	ObjectRegisteredModel ObjectType = "registered_models"
	ObjectServing         ObjectType = "serving_endpoints"
	ObjectApp             ObjectType = "apps"
	ObjectVectorSearch    ObjectType = "vector_search_endpoints"
	ObjectDatabase        ObjectType = "database_instances"
	ObjectSecretScope     ObjectType = "secret_scopes"
	ObjectTokens          ObjectType = "tokens"    // who may use personal access tokens
	ObjectPasswords       ObjectType = "passwords" // who may log in with a password
)

// Level is a permission level of the permissions API, or one of a secret scope.
type Level string

// The levels. Which of them a type has, and which stands for which other, says Includes.
const (
	CanView       Level = "CAN_VIEW"
	CanRead       Level = "CAN_READ"
	CanUse        Level = "CAN_USE"
	CanQuery      Level = "CAN_QUERY"
	CanAttachTo   Level = "CAN_ATTACH_TO"
	CanRestart    Level = "CAN_RESTART"
	CanMonitor    Level = "CAN_MONITOR"
	CanRun        Level = "CAN_RUN"
	CanManageRun  Level = "CAN_MANAGE_RUN"
	CanEdit       Level = "CAN_EDIT"
	CanManage     Level = "CAN_MANAGE"
	IsOwner       Level = "IS_OWNER"
	SecretRead    Level = "READ"
	SecretWrite   Level = "WRITE"
	SecretManage  Level = "MANAGE"
	manageStaging Level = "CAN_MANAGE_STAGING_VERSIONS"
	manageProd    Level = "CAN_MANAGE_PRODUCTION_VERSIONS"
)

// objectKind is what there is to know of a type.
type objectKind struct {
	title string
	// levels are its levels from the lowest up. Levels in one step stand for each other's rank
	// without including one another, unless they are two spellings of one.
	levels [][]Level
	// equal are levels that give the same.
	equal []Level
	// entitlement lets its holder work with objects of the type; empty means that any that lets in
	// does.
	entitlement Entitlement
}

func ladder(levels ...Level) [][]Level {
	steps := make([][]Level, len(levels))
	for i, l := range levels {
		steps[i] = []Level{l}
	}
	return steps
}

var fileLevels = ladder(CanRead, CanRun, CanEdit, CanManage)

// objectKinds has the levels of each type in their order.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/ (read 2026-11)
var objectKinds = map[ObjectType]objectKind{
	ObjectCluster:         {title: "cluster", levels: ladder(CanAttachTo, CanRestart, CanManage), entitlement: WorkspaceAccess},
	ObjectClusterPolicy:   {title: "cluster policy", levels: ladder(CanUse), entitlement: WorkspaceAccess},
	ObjectInstancePool:    {title: "instance pool", levels: ladder(CanAttachTo, CanManage), entitlement: WorkspaceAccess},
	ObjectJob:             {title: "job", levels: ladder(CanView, CanManageRun, IsOwner, CanManage), entitlement: WorkspaceAccess},
	ObjectPipeline:        {title: "pipeline", levels: ladder(CanView, CanRun, CanManage, IsOwner), entitlement: WorkspaceAccess},
	ObjectNotebook:        {title: "notebook", levels: fileLevels, entitlement: WorkspaceAccess},
	ObjectFile:            {title: "file", levels: fileLevels, entitlement: WorkspaceAccess},
	ObjectRepo:            {title: "Git folder", levels: fileLevels, entitlement: WorkspaceAccess},
	ObjectDirectory:       {title: "directory", levels: fileLevels, entitlement: WorkspaceAccess},
	ObjectWarehouse:       {title: "SQL warehouse", levels: [][]Level{{CanView, CanUse}, {CanMonitor}, {IsOwner}, {CanManage}}, entitlement: SQLAccess},
	ObjectQuery:           {title: "query", levels: [][]Level{{CanView, CanRead}, {CanRun}, {CanEdit}, {CanManage}}, equal: []Level{CanView, CanRead}, entitlement: SQLAccess},
	ObjectAlert:           {title: "alert", levels: [][]Level{{CanView, CanRead}, {CanRun}, {CanEdit}, {CanManage}}, equal: []Level{CanView, CanRead}, entitlement: SQLAccess},
	ObjectAlertV2:         {title: "alert", levels: fileLevels, entitlement: SQLAccess},
	ObjectLegacyDashboard: {title: "legacy dashboard", levels: [][]Level{{CanView, CanRead}, {CanRun}, {CanEdit}, {CanManage}}, equal: []Level{CanView, CanRead}, entitlement: SQLAccess},
	ObjectDashboard:       {title: "dashboard", levels: [][]Level{{CanView, CanRead, CanRun}, {CanEdit}, {CanManage}}, equal: []Level{CanView, CanRead, CanRun}},
	ObjectGenie:           {title: "Genie space", levels: [][]Level{{CanView, CanRead, CanRun}, {CanEdit}, {CanManage}}, equal: []Level{CanView, CanRead, CanRun}},
	ObjectExperiment:      {title: "experiment", levels: ladder(CanRead, CanEdit, CanManage), entitlement: WorkspaceAccess},
	ObjectRegisteredModel: {title: "registered model", levels: ladder(CanRead, CanEdit, manageStaging, manageProd, CanManage), entitlement: WorkspaceAccess},
	ObjectServing:         {title: "serving endpoint", levels: ladder(CanView, CanQuery, CanManage), entitlement: WorkspaceAccess},
	ObjectApp:             {title: "app", levels: ladder(CanUse, CanManage)},
	ObjectVectorSearch:    {title: "vector search endpoint", levels: ladder(CanUse, CanManage), entitlement: WorkspaceAccess},
	ObjectDatabase:        {title: "database instance", levels: ladder(CanUse, CanManage), entitlement: WorkspaceAccess},
	ObjectSecretScope:     {title: "secret scope", levels: ladder(SecretRead, SecretWrite, SecretManage), entitlement: WorkspaceAccess},
	ObjectTokens:          {title: "token permissions", levels: ladder(CanUse, CanManage)},
	ObjectPasswords:       {title: "password permissions", levels: ladder(CanUse, CanManage)},
}

// ObjectTypes lists the types that this package knows, by name.
func ObjectTypes() []ObjectType {
	types := make([]ObjectType, 0, len(objectKinds))
	for t := range objectKinds {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// Known reports whether this package knows the type.
func (t ObjectType) Known() bool {
	_, ok := objectKinds[t]
	return ok
}

// Title is the spelling for people: "SQL warehouse".
func (t ObjectType) Title() string {
	if k, ok := objectKinds[t]; ok {
		return k.title
	}
	return strings.ReplaceAll(string(t), "_", " ")
}

// Levels are the levels of the type, from the lowest up.
func (t ObjectType) Levels() []Level { return slices.Concat(objectKinds[t].levels...) }

// Entitlement is what work with objects of the type takes; empty means that any entitlement that
// lets somebody in does.
func (t ObjectType) Entitlement() Entitlement { return objectKinds[t].entitlement }

// Has reports whether the type has the level. A type that is not known has any.
func (t ObjectType) Has(l Level) bool {
	k, ok := objectKinds[t]
	return !ok || slices.ContainsFunc(k.levels, func(step []Level) bool { return slices.Contains(step, l) })
}

// Includes reports whether holding one level of the type gives what the other does. A level or type
// that is not known includes itself alone.
func (t ObjectType) Includes(held, wanted Level) bool {
	if held == wanted {
		return true
	}
	k := objectKinds[t]
	if slices.Contains(k.equal, held) && slices.Contains(k.equal, wanted) {
		return true
	}
	rank := func(l Level) int {
		return slices.IndexFunc(k.levels, func(step []Level) bool { return slices.Contains(step, l) })
	}
	low, high := rank(wanted), rank(held)
	return low >= 0 && low < high
}

// Highest is the level that includes every other of the type, except that owning may be above it.
func (t ObjectType) Highest() Level {
	switch t {
	case ObjectSecretScope:
		return SecretManage
	case ObjectClusterPolicy:
		return CanUse
	default:
		return CanManage
	}
}

// Steering is the level from which somebody decides what an object runs, and so acts as whom it runs
// as; ok is false for types that run nothing as somebody.
//
// https://docs.databricks.com/aws/en/jobs/privileges, https://docs.databricks.com/aws/en/ldp/privileges,
// https://docs.databricks.com/aws/en/compute/dedicated-overview
func (t ObjectType) Steering() (l Level, ok bool) {
	switch t {
	case ObjectJob:
		return IsOwner, true
	case ObjectPipeline, ObjectCluster, ObjectApp, ObjectServing:
		return CanManage, true
	default:
		return "", false
	}
}

// InTree reports whether objects of the type lie in the workspace's tree of directories, whose
// permissions reach them.
func (t ObjectType) InTree() bool {
	switch t {
	case ObjectNotebook, ObjectFile, ObjectDirectory, ObjectRepo:
		return true
	default:
		return false
	}
}

// Object names one object of one workspace. ID is what the permissions API calls it.
type Object struct {
	Workspace WorkspaceID
	Type      ObjectType
	ID        string
}

// Compare orders objects by workspace, type and id; numeric ids in numeric order.
func (o Object) Compare(other Object) int {
	return cmp.Or(cmp.Compare(o.Workspace, other.Workspace), cmp.Compare(o.Type, other.Type),
		cmp.Compare(len(o.ID), len(other.ID)), strings.Compare(o.ID, other.ID))
}

// ObjectInfo is what is known of an object besides its name.
type ObjectInfo struct {
	Object
	Name string
	// Path is where it lies in the workspace's tree; empty for what lies in none.
	Path string
	// Creator is who made it or is shown as its owner: a user name or application id.
	Creator string
	// RunAs is the identity as which it runs, a user name or application id; empty where it was not
	// told, or where it runs as whoever starts it.
	RunAs string
	// BorrowsOwner says that whoever runs it reads with its owner's rights: queries that run as their
	// owner, dashboards published with their publisher's credentials.
	BorrowsOwner bool
	// SingleUser is who alone may use a dedicated cluster.
	SingleUser string
	// SecurityMode is a cluster's data security mode, in the API's spelling.
	SecurityMode string
	// InstanceProfile is the cloud role that compute carries.
	InstanceProfile string
	// Code are the paths of the notebooks and files that it runs.
	Code []string
	// Detailed says that the fields which listings leave out were read.
	Detailed bool
}

// ObjectGrant is one entry of an object's list of permissions.
type ObjectGrant struct {
	Holder PrincipalName
	Level  Level
	// From names the object that it is inherited from, as the API spells it: /directories/42. Empty
	// means that it was given on the object itself.
	From string
}
