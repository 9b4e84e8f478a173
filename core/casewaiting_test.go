package core_test

import (
	"databricks-access-audit/core/identity"
)

// The lines that wait for answers that there are not yet. Their words are checked all the same.

func orphanLine(a *account, r *caseReader, x *expectation) {
	r.word()
	onePrivilege(r)
	a.securable(r)
	x.waits = waitsForFindings
}

func warnsLine(a *account, r *caseReader, x *expectation) {
	onePrivilege(r)
	a.securable(r)
	x.waits = waitsForFindings
}

func previewLine(a *account, r *caseReader, x *expectation) {
	x.waits = waitsForPreview
	if r.one("revoke", "put", "patch") == "revoke" {
		onePrivilege(r)
		a.securable(r)
		a.principal(r, r.word())
		r.must(":")
		r.must("removes")
		for r.more() && !r.has("keeps") {
			onePrivilege(r)
		}
		for r.more() {
			onePrivilege(r)
		}
		return
	}
	on := a.object(r)
	for r.more() && !r.has(":") {
		name, level := lastCut(r.word())
		a.inWorkspace(r, on.Workspace, name)
		if !on.Type.Has(identity.Level(level)) {
			r.bad("%q is not a level of a %s", level, on.Type.Title())
		}
	}
	if r.has("refused") {
		return
	}
	for r.more() {
		switch {
		case r.has("keeps"), r.has("loses"):
		default:
			name, _ := lastCut(r.word())
			a.principal(r, name)
		}
	}
}

func offboardLine(a *account, r *caseReader, x *expectation) {
	x.waits = waitsForOffboarding
	a.principal(r, r.word())
	r.must(":")
	for r.more() {
		r.must("blocks")
		r.one("owner", "run-as", "sole-admin")
		a.about(r)
	}
}
