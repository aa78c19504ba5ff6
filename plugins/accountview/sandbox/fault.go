package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// fault is an error as AccountView tells it: a Dutch sentence. The status counts only in the dialect http_errors; by
// default errors come with HTTP 200 (facts B4: clients look at the body, whatever the status).
type fault struct {
	status int
	msg    string
}

func (f *fault) Error() string { return f.msg }

func refuse(format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, msg: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) *fault {
	return &fault{status: http.StatusNotFound, msg: fmt.Sprintf(format, args...)}
}

func forbidden(format string, args ...any) *fault {
	return &fault{status: http.StatusForbidden, msg: fmt.Sprintf(format, args...)}
}

// writeFault writes the error body of facts B4.
func writeFault(w http.ResponseWriter, status int, msg string) {
	body, err := json.Marshal(struct {
		ErrorType    string
		ErrorNumbers []int
		ErrorMessage string
	}{"AccountViewError", nil, msg})
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; nobody is left to tell
}

// quote shortens what a client sent so that an error stays readable.
func quote(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return "'" + s + "'"
}
