package ocsf

import "encoding/json"

// Version is the version of OCSF that events are of: https://schema.ocsf.io/1.3.0
const Version = "1.3.0"

// The classes, by their class_uid: https://schema.ocsf.io/1.3.0/classes
const (
	DetectionFinding     = 2004
	EntityManagement     = 3004
	UserAccessManagement = 3005
	GroupManagement      = 3006
)

// The activities of the classes, by their activity_id. What they mean is by class.
const (
	create = 1 // of Entity Management and Detection Finding
	update = 3 // of Entity Management

	assignPrivileges = 1 // of User Access Management
	revokePrivileges = 2

	addUser    = 3 // of Group Management
	removeUser = 4
)

// The outcomes, by their status_id.
const (
	unknown = 0
	success = 1
	failure = 2
	other   = 99
)

// Event is one row of the trail. Fields that do not apply are left out.
type Event struct {
	ActivityID   int          `json:"activity_id"`
	Actor        *Actor       `json:"actor,omitempty"`
	CategoryUID  int          `json:"category_uid"`
	ClassUID     int          `json:"class_uid"`
	Enrichments  []Enrichment `json:"enrichments,omitempty"`
	Entity       *Entity      `json:"entity,omitempty"`
	FindingInfo  *FindingInfo `json:"finding_info,omitempty"`
	Group        *Named       `json:"group,omitempty"`
	Message      string       `json:"message"`
	Metadata     Metadata     `json:"metadata"`
	Privileges   []string     `json:"privileges,omitempty"`
	RawData      string       `json:"raw_data"` // the row as audit export writes it, to the byte
	Resource     *Resource    `json:"resource,omitempty"`
	SeverityID   int          `json:"severity_id"`
	Status       string       `json:"status,omitempty"`
	StatusDetail string       `json:"status_detail,omitempty"`
	StatusID     int          `json:"status_id"`
	Time         int64        `json:"time"` // milliseconds since 1970
	TypeUID      int          `json:"type_uid"`
	Unmapped     Unmapped     `json:"unmapped"`
	User         *User        `json:"user,omitempty"`
}

// Metadata says of what version an event is, and which row it is.
type Metadata struct {
	CorrelationUID string  `json:"correlation_uid,omitempty"` // the plan
	EventCode      string  `json:"event_code"`                // the name of the row's event
	LogName        string  `json:"log_name"`
	Product        Product `json:"product"`
	Sequence       int64   `json:"sequence"`
	UID            string  `json:"uid"` // the name of the trail and the number of the row in it
	Version        string  `json:"version"`
}

// Product is the program that made the event.
type Product struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version,omitempty"` // that wrote the row
}

// Actor is who did it.
type Actor struct {
	AppName string `json:"app_name,omitempty"` // by which way: the command line, Slack
	User    *User  `json:"user,omitempty"`
}

// User is a principal by its id in Databricks.
type User struct {
	EmailAddr string `json:"email_addr,omitempty"`
	Name      string `json:"name,omitempty"`
	Type      string `json:"type,omitempty"`
	TypeID    int    `json:"type_id"` // 0 unknown, 1 user, 99 another kind: see Type
	UID       string `json:"uid,omitempty"`
}

// Named is a group.
type Named struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid"`
}

// Resource is what privileges are on.
type Resource struct {
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Entity is what was managed: a plan, a lease, an identity, the trail.
type Entity struct {
	Data map[string]string `json:"data,omitempty"` // of a plan: its digest
	Type string            `json:"type"`
	UID  string            `json:"uid"`
}

// FindingInfo is what a person was called for.
type FindingInfo struct {
	Title string `json:"title"`
	UID   string `json:"uid"`
}

// Enrichment is something that is known of the actor in Slack.
type Enrichment struct {
	Data  map[string]string `json:"data"`
	Name  string            `json:"name"`
	Value string            `json:"value"`
}

// Unmapped is what the schema has no place for.
type Unmapped struct {
	AccountID string          `json:"account_id"`
	Approvers []string        `json:"approvers,omitempty"` // who had approved the plan by then, by id in Databricks
	Event     json.RawMessage `json:"event"`               // what the row says
}
