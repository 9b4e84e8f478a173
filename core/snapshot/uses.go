package snapshot

import (
	"errors"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// uses writes those of one principal in one metastore together.
func (p *printer) uses(e *estate.Estate) {
	for _, l := range e.AuditLogs() {
		p.put(line{AuditLog: &auditLog{
			Metastore: l.Metastore, Workspace: l.Workspace, Warehouse: l.Warehouse.ID, Name: l.Warehouse.Name,
			State: l.Warehouse.State, Serverless: l.Warehouse.Serverless,
			Since: clock(l.Since), First: clock(l.First), Last: clock(l.Last),
		}})
	}
	var same uses
	flush := func() {
		if len(same.List) > 0 {
			p.put(line{Uses: &same})
		}
		same.List = same.List[:0]
	}
	for u := range e.AllUses() {
		if u.Metastore != same.Metastore || u.Who != same.Who || len(same.List) >= most {
			flush()
			same.Metastore, same.Who = u.Metastore, u.Who
		}
		same.List = append(same.List, use{u.Name, clock(u.At), u.Refused})
	}
	flush()
}

func (l *loader) auditLog(x auditLog) error {
	since, e1 := parseClock(x.Since)
	first, e2 := parseClock(x.First)
	last, e3 := parseClock(x.Last)
	l.b.AddAuditLog(identity.AuditLog{
		Metastore: x.Metastore, Workspace: x.Workspace, Since: since, First: first, Last: last,
		Warehouse: identity.Warehouse{ID: x.Warehouse, Name: x.Name, State: x.State, Serverless: x.Serverless},
	})
	return errors.Join(e1, e2, e3)
}

func (l *loader) uses(x uses) error {
	list := make([]identity.Use, len(x.List))
	for i, u := range x.List {
		at, err := parseClock(u.At)
		if err != nil {
			return err
		}
		list[i] = identity.Use{Metastore: x.Metastore, Who: x.Who, Name: u.Name, At: at, Refused: u.Refused}
	}
	l.b.AddUses(list)
	return nil
}
