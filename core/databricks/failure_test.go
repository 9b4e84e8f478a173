package databricks

import (
	"net/http"
	"testing"

	"databricks-access-audit/core/identity"
)

func TestKindsOfFailure(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   identity.FailureKind
		code   string
	}{
		{403, `{"error_code":"PERMISSION_DENIED","message":"User is not an owner"}`, identity.Forbidden, "PERMISSION_DENIED"},
		{403, `{"message":"x"}`, identity.Forbidden, ""},
		{400, `{"error_code":"PERMISSION_DENIED"}`, identity.Forbidden, "PERMISSION_DENIED"},
		{401, `{"error_code":401,"message":"x"}`, identity.Forbidden, "401"},
		{404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, identity.NotFound, "RESOURCE_DOES_NOT_EXIST"},
		{404, `{"error_code":"CATALOG_DOES_NOT_EXIST"}`, identity.NotFound, "CATALOG_DOES_NOT_EXIST"},
		{404, `{"error_code":"NOT_FOUND"}`, identity.NotFound, "NOT_FOUND"},
		{400, `{"error_code":"METASTORE_DOES_NOT_EXIST","message":"No metastore assigned for the current workspace."}`, identity.NotFound, "METASTORE_DOES_NOT_EXIST"},
		{404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"Group with id 1 not found.","status":"404"}`, identity.NotFound, "SCIM_404"},
		{400, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"x","scimType":"invalidFilter","status":"400"}`, identity.Failed, "invalidFilter"},
		{404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"No API found for 'GET /x'"}`, identity.Unsupported, "ENDPOINT_NOT_FOUND"},
		{404, `{"error_code":"FEATURE_DISABLED"}`, identity.Unsupported, "FEATURE_DISABLED"},
		{403, `{"error_code":"FEATURE_DISABLED"}`, identity.Unsupported, "FEATURE_DISABLED"},
		{404, `404 page not found`, identity.Unsupported, ""},
		{404, `<html>nothing here</html>`, identity.Unsupported, ""},
		{501, ``, identity.Unsupported, ""},
		{400, `{"message":"Permission assignment APIs are not available for this workspace."}`, identity.Unsupported, ""},
		{429, ``, identity.Throttled, ""},
		{500, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"REQUEST_LIMIT_EXCEEDED: too many"}`, identity.Throttled, "SCIM_500"},
		{400, `{"error_code":"RESOURCE_EXHAUSTED"}`, identity.Throttled, "RESOURCE_EXHAUSTED"},
		{500, `{"error_code":"INTERNAL_ERROR","message":"not found"}`, identity.Failed, "INTERNAL_ERROR"},
		{500, `{"error_code":"SOMETHING_NOT_FOUND"}`, identity.Failed, "SOMETHING_NOT_FOUND"},
		{400, `{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}`, identity.Failed, "INVALID_ARGUMENT"},
		{400, `{"error":"invalid_request","error_description":"d"}`, identity.Failed, "invalid_request"},
		{400, `{"error_code":["odd"],"message":{"odd":1},"error":[]}`, identity.Failed, ""},
		{400, `{"error_code":null,"message":null}`, identity.Failed, ""},
		{409, `not json`, identity.Failed, ""},
	} {
		w := newWorld(t)
		a := w.open()
		ans := &answer{status: c.status, header: http.Header{}, body: []byte(c.body)}
		f := a.refusal(&call{host: a.host(a.addr), route: routeMetastores}, ans)
		if f.Kind != c.want || f.Code != c.code || f.Status != c.status || f.Message == "" {
			t.Errorf("%d %s\ngot  %s %q %q\nwant %s %q", c.status, c.body, f.Kind, f.Code, f.Message, c.want, c.code)
		}
	}
}
