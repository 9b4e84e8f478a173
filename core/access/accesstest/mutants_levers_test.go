package accesstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// honestEdit is honestCan under the reading of EditCanCases.
func honestEdit(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
	from []identity.WorkspaceID,
) *report.CanReport {
	return leverMutant(func(s *sightings) { s.editNeedsUser = true }).can(e, key, p, on, from)
}

func TestRunEditCanPassesARightEngine(t *testing.T) { runEditCan(t, honestEdit, fewWorlds) }

func TestSmallCanPassesARightEngine(t *testing.T) {
	skipRaced(t)
	runSmallCan(t, honestCan)
}

// leverMutant is a right engine for reports that sees other facts.
type leverMutant func(*sightings)

func (spoil leverMutant) can(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
	from []identity.WorkspaceID,
) *report.CanReport {
	seen := readBack(e)
	seen.Objects, seen.Permissions = slices.Clone(seen.Objects), slices.Clone(seen.Permissions)
	seen.Reads = maps.Clone(seen.Reads)
	spoil(&seen)
	h := honestOver(seen, e, CanQuestion{key, p, on, from})
	h.write()
	return h.r
}

// eachLever changes what is known of what runs as somebody.
func eachLever(change func(s *sightings, o *identity.ObjectInfo)) leverMutant {
	return func(s *sightings) {
		for i := range s.Objects {
			if isLever(s.Objects[i].Type) {
				change(s, &s.Objects[i])
			}
		}
	}
}

// eachPermission changes the entries of lists that a test picks.
func eachPermission(which func(Permission) bool, change func(*Permission)) leverMutant {
	return func(s *sightings) {
		for i := range s.Permissions {
			if which(s.Permissions[i]) {
				change(&s.Permissions[i])
			}
		}
	}
}

func onLever(p Permission) bool { return isLever(p.On.Type) }

func inTree(p Permission) bool { return p.On.Type.InTree() }

// withoutLevers forgets some types of them, with their lists and listings.
func withoutLevers(which func(identity.ObjectType) bool) leverMutant {
	return func(s *sightings) {
		s.Objects = keep(s.Objects, func(o identity.ObjectInfo) bool { return !which(o.Type) })
		s.Permissions = keep(s.Permissions, func(p Permission) bool { return !which(p.On.Type) })
		maps.DeleteFunc(s.Reads, func(k estate.ReadKey, _ estate.Outcome) bool { return which(k.Object.Type) })
	}
}

// owned reports whether a list that was seen has an owner.
func owned(s *sightings, o identity.ObjectInfo) bool {
	return slices.ContainsFunc(s.Permissions, func(p Permission) bool { return p.On == o.Object && p.Level == identity.IsOwner })
}

var leverMutants = map[string]leverMutant{
	// What it looks at.
	"knows no levers":            withoutLevers(isLever),
	"knows no clusters":          withoutLevers(func(t identity.ObjectType) bool { return t == identity.ObjectCluster }),
	"knows no serving endpoints": withoutLevers(func(t identity.ObjectType) bool { return t == identity.ObjectServing }),
	"knows no pipelines":         withoutLevers(func(t identity.ObjectType) bool { return t == identity.ObjectPipeline }),
	"knows no apps":              withoutLevers(func(t identity.ObjectType) bool { return t == identity.ObjectApp }),
	"knows no jobs":              withoutLevers(func(t identity.ObjectType) bool { return t == identity.ObjectJob }),
	"takes levers of one workspace for those of all": func(s *sightings) {
		for _, o := range slices.Clone(s.Objects) {
			for _, ws := range s.Workspaces {
				if other := o; isLever(o.Type) && ws != o.Workspace {
					other.Workspace = ws
					s.Objects = append(s.Objects, other)
					s.Reads[readPermissions(other.Object)] = s.Reads[readPermissions(o.Object)]
					for _, p := range slices.Clone(s.Permissions) {
						if p.On == o.Object {
							p.On = other.Object
							s.Permissions = append(s.Permissions, p)
						}
					}
				}
			}
		}
	},

	// As whom they run.
	"takes the creator for the runner": eachLever(func(_ *sightings, o *identity.ObjectInfo) { o.RunAs = o.Creator }),
	"asks for the owner first": eachLever(func(s *sightings, o *identity.ObjectInfo) {
		if owned(s, *o) {
			o.RunAs = ""
		}
	}),
	"ignores owners": eachLever(func(s *sightings, o *identity.ObjectInfo) {
		if owned(s, *o) && o.RunAs == "" && o.Type != identity.ObjectCluster {
			o.RunAs = "nobody at all"
		}
	}),
	"ignores creators": eachLever(func(_ *sightings, o *identity.ObjectInfo) { o.Creator = "" }),
	"lets apps run as their creators": eachLever(func(_ *sightings, o *identity.ObjectInfo) {
		if o.Type == identity.ObjectApp && o.RunAs == "" {
			o.RunAs = o.Creator
		}
	}),
	"takes unread details for read": eachLever(func(_ *sightings, o *identity.ObjectInfo) { o.Detailed = true }),
	"takes what did not say for unread": eachLever(func(_ *sightings, o *identity.ObjectInfo) {
		if o.RunAs == "" {
			o.Detailed = false
		}
	}),
	"takes an owner that is a group for no owner": func(s *sightings) {
		s.Permissions = keep(s.Permissions, func(p Permission) bool {
			return p.Level != identity.IsOwner || p.Holder.Kind != identity.KindGroup || !isLever(p.On.Type)
		})
	},

	// Who turns them.
	"takes any level for enough": eachPermission(onLever, func(p *Permission) { p.Level = identity.CanManage }),
	"asks for managing a job": eachPermission(
		func(p Permission) bool {
			return p.On.Type == identity.ObjectJob && p.Level == identity.CanManage && p.Holder.Kind != identity.KindGroup
		},
		func(p *Permission) { p.Level = identity.CanManageRun }),
	"ignores inherited entries": func(s *sightings) {
		s.Permissions = keep(s.Permissions, func(p Permission) bool { return p.From == "" || !onLever(p) && !inTree(p) })
	},
	"takes unread lists for empty": leverMutant(claimsReads(func(k estate.ReadKey) bool { return k.Op == estate.OpObjectGrants })),
	"forgets groups": func(s *sightings) {
		s.Permissions = keep(s.Permissions, func(p Permission) bool { return p.Holder.Kind != identity.KindGroup })
	},

	// Listings.
	"takes failed listings for empty": leverMutant(claimsReads(func(k estate.ReadKey) bool { return k.Op == estate.OpObjects && isLever(k.Object.Type) })),
	"takes listings that nobody tried for failed": func(s *sightings) {
		for _, ws := range s.Workspaces {
			for _, t := range leverTypes {
				if _, tried := s.Reads[readObjects(ws, t)]; !tried {
					s.Reads[readObjects(ws, t)] = estate.Outcome{Kind: identity.Failed, Needed: true}
				}
			}
		}
	},
	"takes listings that were not needed for failed": func(s *sightings) {
		for k, outcome := range s.Reads {
			outcome.Needed = true
			s.Reads[k] = outcome
		}
	},

	// Code.
	"ignores code":                       eachLever(func(_ *sightings, o *identity.ObjectInfo) { o.Code = nil }),
	"takes reading code for changing it": eachPermission(inTree, func(p *Permission) { p.Level = identity.CanManage }),
	"asks for managing code": eachPermission(
		func(p Permission) bool { return inTree(p) && p.Level == identity.CanEdit }, func(p *Permission) { p.Level = identity.CanRun }),
	"ignores folders": func(s *sightings) {
		s.Objects = keep(s.Objects, func(o identity.ObjectInfo) bool {
			return o.Type != identity.ObjectDirectory && o.Type != identity.ObjectRepo
		})
	},
	"looks for longer paths as they are": eachLever(func(_ *sightings, o *identity.ObjectInfo) {
		o.Code = keep(o.Code, func(path string) bool { return !strings.HasPrefix(path, "/Workspace/") })
	}),
	"takes relative code for code of the tree": eachLever(func(_ *sightings, o *identity.ObjectInfo) {
		o.Code = slices.Clone(o.Code)
		for i := range o.Code {
			o.Code[i] = "/" + strings.TrimPrefix(o.Code[i], "/")
		}
	}),
	"takes volumes for folders": func(s *sightings) {
		for i, o := range s.Objects {
			if o.Path == "/Volumes" {
				s.Objects[i].Path = "/Vol"
			}
		}
		eachLever(func(_ *sightings, o *identity.ObjectInfo) {
			o.Code = slices.Clone(o.Code)
			for i := range o.Code {
				o.Code[i] = strings.Replace(o.Code[i], "/Volumes/", "/Vol/", 1)
			}
		})(s)
	},
	"compares the beginnings of paths": func(s *sightings) {
		for _, file := range slices.Clone(s.Objects) {
			eachLever(func(_ *sightings, o *identity.ObjectInfo) {
				for _, code := range slices.Clone(o.Code) {
					if file.Type.InTree() && file.Path != "" && file.Workspace == o.Workspace && strings.HasPrefix(code, file.Path) {
						o.Code = append(slices.Clip(o.Code), file.Path)
					}
				}
			})(s)
		}
	},

	// The other reading.
	"asks for the use of the runner": func(s *sightings) { s.editNeedsUser = true },
}

// caught is where a mistake about reports shows: in a written case, in a small world, or in one of many.
func (spoil leverMutant) caught() (where string, m CanMismatch) {
	for _, c := range written(leverCases) {
		if r, bad := c.Question.complaint(c.World.crawl(), spoil.can); bad != (complaint{}) {
			return "the case " + c.Name, CanMismatch{c.World, c.Question, r, bad}
		}
	}
	for _, a := range canAlphabets() {
		var found CanMismatch
		exhaust(func(below func(n int) int) {
			if found.rule == "" {
				found, _ = compareSmallCan(a.world(below), spoil.can)
			}
		})
		if found.rule != "" {
			return "a small world", found
		}
	}
	return spoil.caughtAtRandom()
}

func (spoil leverMutant) caughtAtRandom() (where string, m CanMismatch) {
	for i := range aboutLevers.share(canWorlds) {
		if m, wrong := compareCan(aboutLevers.world(5, i), aboutLevers, spoil.can); wrong {
			return fmt.Sprintf("world %d at random", i), m
		}
	}
	return "", CanMismatch{}
}

// TestRunCanCatchesLeverMutants shows that no mistake about what runs as somebody else lives.
func TestRunCanCatchesLeverMutants(t *testing.T) {
	skipRaced(t)
	for name, mutant := range leverMutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, m := mutant.caught()
			if where == "" {
				t.Fatal("lives")
			}
			t.Logf("caught in %s: %s: %s", where, m.rule, m.why)
		})
	}
}

// TestRandomLeversCatchMutants shows that the random worlds alone catch the mistakes that are likeliest.
func TestRandomLeversCatchMutants(t *testing.T) {
	skipRaced(t)
	for _, name := range []string{
		"takes the creator for the runner", "takes any level for enough", "takes unread lists for empty", "takes failed listings for empty", "ignores code",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, m := leverMutants[name].caughtAtRandom()
			if where == "" {
				t.Fatal("lives")
			}
			t.Logf("caught in %s: %s: %s", where, m.rule, m.why)
		})
	}
}

// TestRunEditCanCatchesMutants shows that both readings are told apart by its random worlds, too.
func TestRunEditCanCatchesMutants(t *testing.T) {
	skipRaced(t)
	for i := range aboutLevers.share(canWorlds) {
		w := aboutLevers.world(5, i)
		w.EditNeedsUser = true
		if m, wrong := compareCan(w, aboutLevers, honestCan); wrong {
			t.Logf("caught in world %d: %s", i, m.why)
			return
		}
	}
	t.Error("an engine of the usual reading lives")
}
