package sandbox

import "slices"

// listScopes shows admins all scopes, others those they have a permission on
// (https://docs.databricks.com/api/workspace/secrets/listscopes).
func (c *call) listScopes() reply {
	var out []map[string]string
	for _, s := range c.ws.Scopes {
		if c.isWorkspaceAdmin() || c.scopeLevel(s) != "" {
			out = append(out, map[string]string{"name": s.Name, "backend_type": s.Backend})
		}
	}
	return listReply(c, whole("scopes"), out)
}

var secretLevels = []string{"READ", "WRITE", "MANAGE"}

// scopeLevel is the caller's highest permission on a scope, or empty.
func (c *call) scopeLevel(s *SecretScope) string {
	best := -1
	names := c.aclNames()
	for _, e := range s.ACLs {
		if names["u:"+e.Principal] || names["g:"+e.Principal] || names["s:"+e.Principal] {
			best = max(best, slices.Index(secretLevels, e.Permission))
		}
	}
	if best < 0 {
		return ""
	}
	return secretLevels[best]
}

// managedScope finds a scope that the caller may manage, as workspace admins may all.
func (c *call) managedScope(name string) (*SecretScope, *reply) {
	for _, s := range c.ws.Scopes {
		if s.Name != name {
			continue
		}
		if c.isWorkspaceAdmin() || c.scopeLevel(s) == "MANAGE" {
			return s, nil
		}
		return nil, failedWith(forbidden("User %s does not have permission MANAGE on scope %s", c.caller.name, name))
	}
	return nil, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "Scope %s does not exist!", name))
}

// listSecretACLs: https://docs.databricks.com/api/workspace/secrets/listacls
func (c *call) listSecretACLs() reply {
	s, failed := c.managedScope(c.query.Get("scope"))
	if failed != nil {
		return *failed
	}
	var out []map[string]string
	for _, e := range s.ACLs {
		out = append(out, map[string]string{"principal": e.Principal, "permission": e.Permission})
	}
	return listReply(c, whole("items"), out)
}

// getSecretACL: https://docs.databricks.com/api/workspace/secrets/getacl
func (c *call) getSecretACL() reply {
	s, failed := c.managedScope(c.query.Get("scope"))
	if failed != nil {
		return *failed
	}
	for _, e := range s.ACLs {
		if e.Principal == c.query.Get("principal") {
			return ok(map[string]string{"principal": e.Principal, "permission": e.Permission})
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "No ACL for %s on scope %s", c.query.Get("principal"), s.Name)
}

// secretPrincipalExists: scopes name users, groups and application ids alike.
func (c *call) secretPrincipalExists(name string) bool {
	return name != "" && (c.aclPrincipalExists(ACE{User: name}) || c.aclPrincipalExists(ACE{Group: name}))
}

type wireSecretACL struct {
	Scope      string `json:"scope"`
	Principal  string `json:"principal"`
	Permission string `json:"permission"`
}

// putSecretACL: https://docs.databricks.com/api/workspace/secrets/putacl
func (c *call) putSecretACL() reply {
	var b wireSecretACL
	if err := c.decode(&b); err != nil || !slices.Contains(secretLevels, b.Permission) {
		return badRequest("malformed request")
	}
	s, failed := c.managedScope(b.Scope)
	if failed != nil {
		return *failed
	}
	if !c.secretPrincipalExists(b.Principal) {
		return badRequest("Principal %s does not exist in this workspace.", b.Principal)
	}
	s.ACLs = append(s.without(b.Principal), SecretACL{b.Principal, b.Permission})
	return ok(nil)
}

// deleteSecretACL: https://docs.databricks.com/api/workspace/secrets/deleteacl
func (c *call) deleteSecretACL() reply {
	var b wireSecretACL
	if err := c.decode(&b); err != nil {
		return badRequest("malformed request")
	}
	s, failed := c.managedScope(b.Scope)
	if failed != nil {
		return *failed
	}
	left := s.without(b.Principal)
	if len(left) == len(s.ACLs) {
		return notFound("RESOURCE_DOES_NOT_EXIST", "No ACL for %s on scope %s", b.Principal, b.Scope)
	}
	s.ACLs = left
	return ok(nil)
}

func (s *SecretScope) without(principal string) []SecretACL {
	return slices.DeleteFunc(slices.Clone(s.ACLs), func(e SecretACL) bool { return e.Principal == principal })
}
