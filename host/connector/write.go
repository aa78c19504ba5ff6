package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/wire"
)

// Write implements connector.Connection. Whatever happens to the plugin, every record that was handed over gets a result:
// what has no answer is OutcomeUnknown. When ctx ends, the plugin is asked to stop and has StopGrace to say what became of
// the records that it has.
func (c *connection) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	frames, err := packFrames(req.Records)
	if err != nil {
		return fmt.Errorf("Write of %s: %w", c.id, err)
	}
	action := connectorv1.Action_ACTION_CREATE
	switch req.Action {
	case connector.Create:
	case connector.Update:
		action = connectorv1.Action_ACTION_UPDATE
	default:
		return fmt.Errorf("Write of %s: unknown action %d", c.id, req.Action)
	}
	inst, err := c.ready(ctx)
	if err != nil {
		return err
	}
	// The call's context is not the caller's: cancelling it would throw away the answers that are on their way.
	s := c.session(ctx, context.WithoutCancel(ctx), inst, "Write")
	defer s.finish()
	streamCtx, cut := context.WithCancel(s.ctx)
	defer cut()
	stream, err := s.inst.rpc.Write(streamCtx)
	if err != nil {
		return s.failure(err)
	}
	w := &writing{
		session: s, stream: stream, cut: cut, records: len(req.Records),
		stop: make(chan struct{}), answeredAll: make(chan struct{}), sent: make(chan struct{}),
	}
	unhook := context.AfterFunc(ctx, func() { close(w.stop) })
	defer unhook()
	go w.send(&connectorv1.WriteHead{Call: s.head, Object: req.Object, Action: action, NotAfter: timeToProto(req.NotAfter), Around: int32(req.Around)}, frames)
	err = w.receive(yield)
	cut()
	<-w.sent
	return err
}

// packFrames packs all records before any is sent: one that cannot be packed stops the call while nothing is done yet.
func packFrames(records []record.Record) ([]*connectorv1.Rows, error) {
	var frames []*connectorv1.Rows
	var w wire.Writer
	for len(records) > 0 {
		same := 1
		for same < len(records) && records[same].Schema == records[0].Schema {
			same++
		}
		schema, packed, n, err := w.Frame(records[0].Schema, records[:same])
		if err != nil {
			return nil, err
		}
		frames = append(frames, &connectorv1.Rows{Schema: schema, Count: uint32(n), Records: packed})
		records = records[n:]
	}
	return frames, nil
}

// writing is one Write under way.
type writing struct {
	*session
	stream      connectorv1.ConnectorService_WriteClient
	cut         func() // ends the stream hard
	records     int
	handed      atomic.Int64  // records that may have reached the plugin
	stop        chan struct{} // closed when the caller's context ends
	answeredAll chan struct{} // closed when every record has its answer
	sent        chan struct{} // closed when send has ended
}

// send hands the frames over, and a stop when it is asked for, then closes this side.
func (w *writing) send(head *connectorv1.WriteHead, frames []*connectorv1.Rows) {
	defer close(w.sent)
	if w.stream.Send(&connectorv1.WriteRequest{Head: head}) != nil {
		return // receive gets the reason
	}
	for _, rows := range frames {
		select {
		case <-w.stop:
			w.sendStop()
			return
		default:
		}
		// Invariant: a record counts as handed over before its first byte can leave.
		w.handed.Add(int64(rows.GetCount()))
		if w.stream.Send(&connectorv1.WriteRequest{Rows: rows}) != nil {
			return
		}
	}
	select {
	case <-w.stop:
		w.sendStop()
	case <-w.answeredAll:
		_ = w.stream.CloseSend() // it never fails
	case <-w.stream.Context().Done():
	}
}

// sendStop asks the plugin to end soon, and ends the stream hard if it does not.
func (w *writing) sendStop() {
	if w.stream.Send(&connectorv1.WriteRequest{Stop: true}) == nil {
		_ = w.stream.CloseSend()
	}
	grace := time.NewTimer(w.inst.slot.m.opts.StopGrace)
	defer grace.Stop()
	select {
	case <-w.answeredAll:
	case <-w.stream.Context().Done():
	case <-grace.C:
		w.cut()
	}
}

// receive yields the results as they come and accounts for those that do not.
func (w *writing) receive(yield func(connector.WriteResult) error) error {
	r := wire.Reader{Schemas: &w.inst.schemas}
	answered := 0
	give := func(result connector.WriteResult) error { answered++; return yield(result) }
	for answered < w.records {
		results, err := w.next(&r, answered)
		if err != nil {
			return w.account(err, &answered, give)
		}
		w.call.pause() // what the host does with results is not the plugin's silence
		for _, result := range results {
			if err := give(result); err != nil {
				return err
			}
		}
		w.call.resume()
	}
	close(w.answeredAll)
	// All is said; the plugin's Write may still tidy up.
	late := time.AfterFunc(w.inst.slot.m.opts.StopGrace, w.cut)
	defer late.Stop()
	_, _ = w.stream.Recv()
	return nil
}

// next receives the results of one message.
func (w *writing) next(r *wire.Reader, answered int) ([]connector.WriteResult, error) {
	m, err := w.stream.Recv()
	switch {
	case errors.Is(err, io.EOF) && w.caller.Err() != nil && answered == int(w.handed.Load()):
		return nil, pluginFailed("Pomost was stopped.", "", true, nil)
	case errors.Is(err, io.EOF):
		return nil, w.garbled(fmt.Errorf("%d results for %d records", answered, w.handed.Load()))
	case err != nil:
		return nil, w.ended(err)
	}
	results, err := writeResults(m, r)
	if err == nil && answered+len(results) > int(w.handed.Load()) {
		err = fmt.Errorf("%d results for %d records", answered+len(results), w.handed.Load())
	}
	if err != nil {
		return nil, w.garbled(err)
	}
	return results, nil
}

// ended explains the end of the stream.
func (w *writing) ended(err error) error {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if e, ok := d.(*connectorv1.Error); ok {
			return errorFromProto(e)
		}
	}
	if w.caller.Err() != nil && w.inst.ctx.Err() == nil {
		return pluginFailed(fmt.Sprintf("The connector %s did not say in time what became of the record when it was stopped.", w.inst.name), "", true, nil)
	}
	return w.brokenBy(st)
}

// account gives every record without an answer its result: unknown if it was handed over, refused if not. Only an error of
// the connector itself goes to the caller as it is: the connector knows what it has done.
func (w *writing) account(cause error, answered *int, give func(connector.WriteResult) error) error {
	e := connector.AsError(cause)
	if e.Cause != connector.CausePluginFailed {
		return cause
	}
	w.cut()
	<-w.sent
	for *answered < w.records {
		result := unanswered(e)
		if *answered >= int(w.handed.Load()) {
			result = connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{
				Cause: connector.CauseUnavailable, Message: "It was not sent: " + e.Message, Remedy: e.Remedy, Retryable: true,
			}}
		}
		if err := give(result); err != nil {
			return err
		}
	}
	return nil
}

// unanswered is the result of a record that the plugin had and did not answer.
func unanswered(cause error) connector.WriteResult {
	e := connector.AsError(cause)
	return connector.WriteResult{Outcome: connector.OutcomeUnknown, Err: &connector.Error{
		Cause:   connector.CauseUnknownOutcome,
		Message: "It may or may not have been done: " + e.Message,
		Remedy:  e.Remedy,
		Err:     cause,
	}}
}

// writeResults takes the results of one message apart.
func writeResults(m *connectorv1.WriteResponse, r *wire.Reader) ([]connector.WriteResult, error) {
	results := make([]connector.WriteResult, len(m.GetOutcomes()))
	for i, o := range m.GetOutcomes() {
		switch o {
		case connectorv1.Outcome_OUTCOME_CREATED:
			results[i].Outcome = connector.OutcomeCreated
		case connectorv1.Outcome_OUTCOME_UPDATED:
			results[i].Outcome = connector.OutcomeUpdated
		case connectorv1.Outcome_OUTCOME_UNCHANGED:
			results[i].Outcome = connector.OutcomeUnchanged
		case connectorv1.Outcome_OUTCOME_REFUSED:
			results[i].Outcome = connector.OutcomeRefused
		}
	}
	for _, e := range m.GetErrors() {
		if int64(e.GetIndex()) >= int64(len(results)) {
			return nil, fmt.Errorf("an error for result %d of %d", e.GetIndex(), len(results))
		}
		results[e.GetIndex()].Err = errorFromProto(e.GetError())
	}
	if rows := m.GetRows(); rows.GetCount() > 0 {
		records, err := r.Frame(rows.GetSchema(), rows.GetRecords(), rows.GetCount())
		if err != nil {
			return nil, err
		}
		if len(records) != len(m.GetBooked()) {
			return nil, fmt.Errorf("%d records for %d results", len(records), len(m.GetBooked()))
		}
		for i, at := range m.GetBooked() {
			if int64(at) >= int64(len(results)) {
				return nil, fmt.Errorf("a record for result %d of %d", at, len(results))
			}
			results[at].Record = records[i]
		}
	}
	for i := range results {
		if results[i].Err == nil {
			results[i].Err = defaultError(results[i].Outcome)
		}
	}
	return results, nil
}

// defaultError is what stands where a connector gives no reason for a result that needs one.
func defaultError(o connector.Outcome) *connector.Error {
	switch o {
	case connector.OutcomeRefused:
		return &connector.Error{Cause: connector.CauseRefused, Message: "Refused without a reason."}
	case connector.OutcomeUnknown:
		return &connector.Error{Cause: connector.CauseUnknownOutcome, Message: "It may or may not have been done."}
	}
	return nil
}
