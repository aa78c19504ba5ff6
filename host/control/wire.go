package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pomost/pomost/host/flow"
	controlv1 "github.com/pomost/pomost/proto/control/v1"
)

// Bounds of messages. A plan of a hundred thousand records is the largest document.
const (
	maxRequest = 8 << 20
	maxReply   = 128 << 20
)

// answer is a document with a failure beside it, as the protocol carries them. v may be nil.
func answer(v any, err error) *controlv1.Answer {
	out := &controlv1.Answer{Failure: failureToProto(err)}
	if v == nil {
		return out
	}
	text, merr := json.Marshal(v)
	if merr != nil {
		out.Failure = failureToProto(merr)
		return out
	}
	out.Json = text
	return out
}

// open reads an answer into v, which may be nil, and returns its failure.
func open(a *controlv1.Answer, v any) error {
	if v != nil && len(a.GetJson()) > 0 {
		dec := json.NewDecoder(bytes.NewReader(a.GetJson()))
		dec.UseNumber()
		if err := dec.Decode(v); err != nil {
			return &Failure{Cause: "failed", Message: "the daemon's answer cannot be read: " + err.Error(), Remedy: "use the same version of pomost on both sides", exit: ExitFailed}
		}
	}
	if a.GetFailure() == nil {
		return nil
	}
	return failureFromProto(a.GetFailure())
}

func failureToProto(err error) *controlv1.Failure {
	if err == nil {
		return nil
	}
	f := AsFailure(err)
	out := &controlv1.Failure{Connection: f.Connection, Record: f.Record, Cause: f.Cause, Message: f.Message, Remedy: f.Remedy, Exit: int32(f.Exit())}
	var problems flow.UsageErrors
	if errors.As(err, &problems) {
		for _, p := range problems {
			out.Problems = append(out.Problems, problemToProto(*p))
		}
	}
	return out
}

func failureFromProto(p *controlv1.Failure) *Failure {
	f := &Failure{Connection: p.GetConnection(), Record: p.GetRecord(), Cause: p.GetCause(), Message: p.GetMessage(), Remedy: p.GetRemedy(), exit: int(p.GetExit())}
	var problems flow.UsageErrors
	for _, one := range p.GetProblems() {
		u := problemFromProto(one)
		problems = append(problems, &u)
	}
	if len(problems) > 0 {
		f.err = problems
	}
	return f
}

func problemToProto(u flow.UsageError) *controlv1.Problem {
	return &controlv1.Problem{File: u.File, Line: int32(u.Line), Column: int32(u.Column), Path: u.Path, Message: u.Message, Remedy: u.Remedy}
}

func problemFromProto(p *controlv1.Problem) flow.UsageError {
	return flow.UsageError{File: p.GetFile(), Line: int(p.GetLine()), Column: int(p.GetColumn()), Path: p.GetPath(), Message: p.GetMessage(), Remedy: p.GetRemedy()}
}

// transport makes an error of the protocol itself one that is shown: the daemon is gone, or says something that cannot be understood.
func transport(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f := &Failure{Cause: "daemon", Message: "the daemon answers with an error: " + status.Convert(err).Message(), Remedy: "look at what `pomost serve` says", exit: ExitFailed, err: err}
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		f.Message, f.Remedy = "the daemon does not answer any more", "nothing is lost: look whether `pomost serve` still runs, and try again"
	case codes.ResourceExhausted:
		f.Message, f.Remedy = "the daemon's answer is too large", "ask for less at a time"
	case codes.Unimplemented:
		f.Message, f.Remedy = "the daemon is of another version and does not know this", "start it again with this version"
	}
	return f
}
