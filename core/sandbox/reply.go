package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// reply is the outcome of a handler. Until it is rendered, body is a value or
// err is set; rendering happens while the account is locked, because the value
// may point into it.
type reply struct {
	status int
	header map[string]string
	body   any
	err    *apiError

	raw         []byte
	contentType string
}

// apiError is an error of the REST API.
type apiError struct {
	code, message string
	scimType      string
	details       []any
}

type wireError struct {
	ErrorCode string `json:"error_code"`
	Message   string `json:"message"`
	Details   []any  `json:"details,omitempty"`
}

type wireSCIMError struct {
	Schemas  []string `json:"schemas"`
	Detail   string   `json:"detail"`
	Status   string   `json:"status"`
	SCIMType string   `json:"scimType,omitempty"`
}

const scimErrorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func status(code int, body any) reply { return reply{status: code, body: body} }

func fail(code int, errorCode, message string) reply {
	return reply{status: code, err: &apiError{code: errorCode, message: message}}
}

func badRequest(format string, args ...any) reply {
	return fail(http.StatusBadRequest, "INVALID_PARAMETER_VALUE", fmt.Sprintf(format, args...))
}

func forbidden(format string, args ...any) reply {
	return fail(http.StatusForbidden, "PERMISSION_DENIED", fmt.Sprintf(format, args...))
}

func notFound(code, format string, args ...any) reply {
	return fail(http.StatusNotFound, code, fmt.Sprintf(format, args...))
}

// scimFail is an error that names a SCIM error type, for example invalidFilter.
func scimFail(code int, scimType, detail string) reply {
	return reply{status: code, err: &apiError{code: scimType, message: detail, scimType: scimType}}
}

func (r reply) with(header, value string) reply {
	h := map[string]string{header: value}
	for k, v := range r.header {
		h[k] = v
	}
	r.header = h
	return r
}

// render turns the value or error into bytes. Errors of SCIM routes take the
// form of RFC 7644 section 3.12, all others {"error_code","message"}
// (https://docs.databricks.com/api/account/introduction).
func (r reply) render(scim bool) reply {
	if r.raw != nil {
		return r
	}
	r.contentType = "application/json"
	switch {
	case r.err != nil && scim:
		r.contentType = "application/scim+json"
		r.body = wireSCIMError{Schemas: []string{scimErrorSchema}, Detail: r.err.message, Status: strconv.Itoa(r.status), SCIMType: r.err.scimType}
	case r.err != nil:
		r.body = wireError{ErrorCode: r.err.code, Message: r.err.message, Details: r.err.details}
	case scim:
		r.contentType = "application/scim+json"
	}
	if r.body == nil {
		if r.status == http.StatusNoContent {
			r.raw = []byte{}
			return r
		}
		r.body = struct{}{}
	}
	raw, err := json.Marshal(r.body)
	if err != nil {
		panic(fmt.Sprintf("sandbox: a wire struct does not marshal: %v", err))
	}
	r.raw = raw
	return r
}

// loginPage is what hosts send to callers they take for a browser.
func loginPage() reply {
	page := `<!doctype html><html><head><title>Databricks - Sign In</title></head><body><div id="root"></div></body></html>`
	return reply{status: http.StatusOK, raw: []byte(page), contentType: "text/html; charset=utf-8"}
}

// deliver writes the reply, spoilt by the fault if there is one.
func deliver(w http.ResponseWriter, r *http.Request, rep reply, fault *Fault) {
	if fault != nil && !sleep(r.Context(), fault.Delay) {
		return
	}
	if fault != nil && (fault.Reset || fault.Lost) {
		resetConn(r)
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	for k, v := range rep.header {
		h.Set(k, v)
	}
	if rep.contentType != "" {
		h.Set("Content-Type", rep.contentType)
	}
	if rep.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(rep.raw)))
	}
	w.WriteHeader(rep.status)
	if fault != nil && fault.CutBody > 0 && fault.CutBody-1 < len(rep.raw) {
		_, _ = w.Write(rep.raw[:fault.CutBody-1])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(rep.raw)
}
