package sandbox

import (
	"maps"
	"strings"
)

// runAs tells users from application ids by the @.
func runAs(name string) map[string]string {
	if strings.Contains(name, "@") {
		return map[string]string{"user_name": name}
	}
	return map[string]string{"service_principal_name": name}
}

// jobSettings has run_as only if somebody set it.
func jobSettings(o *Object) map[string]any {
	m := map[string]any{"name": o.Name, "format": "MULTI_TASK"}
	maps.Copy(m, o.Settings)
	if o.RunAs != "" {
		m["run_as"] = runAs(o.RunAs)
	}
	return m
}

// wireJob is a row of the list: tasks and clusters come only with expand_tasks
// (https://docs.databricks.com/api/workspace/jobs/list).
func (c *call) wireJob(m map[string]any, o *Object) {
	settings := jobSettings(o)
	if c.query.Get("expand_tasks") != "true" {
		delete(settings, "tasks")
		delete(settings, "job_clusters")
	}
	m["settings"] = settings
}

// owner is who IS_OWNER names, or the creator.
func (o *Object) owner() string {
	for _, e := range o.ACL {
		if e.Level == "IS_OWNER" {
			return e.User + e.SP
		}
	}
	return o.Creator
}

// getJob gives the effective run-as identity, which the list does not: that of
// the settings, or else the owner. That there is no such job is an invalid
// parameter to this API
// (https://docs.databricks.com/api/workspace/jobs/get).
func (c *call) getJob() reply {
	id := c.query.Get("job_id")
	o := c.object("jobs", id)
	switch {
	case !isDecimal(id):
		return badRequest("job_id is required and must be a number")
	case o == nil:
		return badRequest("Job %s does not exist.", id)
	case !c.sees(o):
		return forbidden("User %s does not have View or Admin or Manage Run or Owner permissions on job %s", c.caller.name, id)
	}
	m := map[string]any{"job_id": number(o.ID), "settings": jobSettings(o), "run_as_user_name": either(o.RunAs, o.owner())}
	put(m, "creator_user_name", o.Creator)
	return ok(m)
}

// getPipeline shows the source code of a pipeline in spec.libraries
// (https://docs.databricks.com/api/workspace/pipelines/get).
func (c *call) getPipeline() reply {
	o := c.object("pipelines", c.params["id"])
	switch {
	case o == nil:
		return notFound("RESOURCE_DOES_NOT_EXIST", "The specified pipeline %s was not found.", c.params["id"])
	case !c.sees(o):
		return forbidden("%s does not have View permissions on pipeline %s.", c.caller.name, o.ID)
	}
	spec := map[string]any{"id": o.ID, "name": o.Name}
	maps.Copy(spec, o.Settings)
	m := c.row("pipelines", o)
	m["spec"] = spec
	return ok(m)
}
