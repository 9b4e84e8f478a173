package sandbox

import "slices"

type wireTokenInfo struct {
	TokenID           string   `json:"token_id"`
	OwnerID           int64    `json:"owner_id"`
	CreatedByID       int64    `json:"created_by_id"`
	CreatedByUsername string   `json:"created_by_username"`
	CreationTime      int64    `json:"creation_time"`
	ExpiryTime        int64    `json:"expiry_time"`
	Comment           string   `json:"comment,omitempty"`
	LastUsedDay       int64    `json:"last_used_day,omitempty"`
	Scopes            []string `json:"scopes,omitempty"`
}

func (c *call) wireToken(p *PAT) wireTokenInfo {
	w := wireTokenInfo{TokenID: p.ID, OwnerID: number(p.OwnerID), CreatedByID: number(either(p.CreatedByID, p.OwnerID)), CreationTime: p.CreationTime, ExpiryTime: p.ExpiryTime, Comment: p.Comment, LastUsedDay: p.LastUsedDay, Scopes: p.Scopes}
	if by := c.idx.principals[either(p.CreatedByID, p.OwnerID)]; by != nil {
		w.CreatedByUsername = by.name
	}
	return w
}

// listTokens: https://docs.databricks.com/api/workspace/tokenmanagement/list
func (c *call) listTokens() reply {
	var out []wireTokenInfo
	byID, byName := c.query.Get("created_by_id"), c.query.Get("created_by_username")
	for _, p := range c.ws.PATs {
		w := c.wireToken(p)
		if (byID == "" || byID == wireID(w.CreatedByID)) && (byName == "" || byName == w.CreatedByUsername) {
			out = append(out, w)
		}
	}
	return listReply(c, whole("token_infos"), out)
}

func (c *call) getToken() reply {
	for _, p := range c.ws.PATs {
		if p.ID == c.params["id"] {
			return ok(map[string]any{"token_info": c.wireToken(p)})
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "Token with ID %s does not exist", c.params["id"])
}

// revokeToken takes effect at once; a second time there is nothing to revoke.
func (c *call) revokeToken() reply {
	for i, p := range c.ws.PATs {
		if p.ID == c.params["id"] {
			c.ws.PATs = slices.Delete(c.ws.PATs, i, i+1)
			return ok(nil)
		}
	}
	return notFound("RESOURCE_DOES_NOT_EXIST", "Token with ID %s does not exist", c.params["id"])
}
