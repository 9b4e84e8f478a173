package sandbox

import "strconv"

// publishedDashboard says whether viewers read with the publisher's rights; the
// list of dashboards does not
// (https://docs.databricks.com/api/workspace/lakeview/getpublished).
func (c *call) publishedDashboard() reply {
	id := c.params["id"]
	o := c.object("dashboards", id)
	switch {
	case o == nil:
		return notFound("RESOURCE_DOES_NOT_EXIST", "Dashboard %s does not exist.", id)
	case !c.sees(o):
		return forbidden("%s does not have Read permissions on dashboard %s.", c.caller.name, id)
	case o.Published == nil:
		return notFound("RESOURCE_DOES_NOT_EXIST", "Dashboard %s is not published.", id)
	}
	m := map[string]any{"display_name": o.Name, "embed_credentials": o.Published.EmbedCredentials}
	put(m, "warehouse_id", o.Published.WarehouseID)
	return ok(m)
}

// legacyPageSize is the page size of the legacy list, legacyPageLimit the largest.
const (
	legacyPageSize  = 25
	legacyPageLimit = 250
)

// legacyDashboards is the one list with page numbers, and a count of all rows; a
// page beyond the last is an error
// (https://docs.databricks.com/api/workspace/dashboards/list).
func (c *call) legacyDashboards() reply {
	size, number := legacyPageSize, 1
	for name, into := range map[string]*int{"page_size": &size, "page": &number} {
		if text := c.query.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return badRequest("%s must be a positive number", name)
			}
			*into = n
		}
	}
	size = min(size, legacyPageLimit)
	rows := []map[string]any{}
	for _, o := range c.ws.Objects {
		if o.Type == "dbsql-dashboards" && c.sees(o) {
			row := c.row(o.Type, o)
			row["user"] = c.legacyUser(o.Owner)
			rows = append(rows, row)
		}
	}
	from := (number - 1) * size
	if from > 0 && from >= len(rows) {
		return badRequest("Page is out of range.")
	}
	return ok(map[string]any{"count": len(rows), "page": number, "page_size": size, "results": rows[from:min(from+size, len(rows))]})
}

func (c *call) legacyUser(name string) map[string]any {
	m := map[string]any{"email": name}
	if p := c.idx.byName(name); p != nil {
		m["id"], m["name"] = p.number, p.display
	}
	return m
}
