package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/wire"
)

type writeStream = grpc.BidiStreamingServer[connectorv1.WriteRequest, connectorv1.WriteResponse]

// Write implements the call of that name: one Write of the connector for each frame of records, the results as soon as
// they are there.
func (s *service) Write(stream writeStream) (err error) {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	head := first.GetHead()
	if head == nil {
		return status.Error(codes.InvalidArgument, "the first message of Write has no head")
	}
	req := WriteRequest{Object: head.GetObject(), NotAfter: timeFromProto(head.GetNotAfter()), Around: record.Date(head.GetAround())}
	switch head.GetAction() {
	case connectorv1.Action_ACTION_CREATE:
		req.Action = Create
	case connectorv1.Action_ACTION_UPDATE:
		req.Action = Update
	default:
		return status.Errorf(codes.InvalidArgument, "unknown action %d", head.GetAction())
	}
	o, ctx, done, err := s.begin(stream.Context(), head.GetCall())
	if err != nil {
		return err
	}
	defer done()
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	frames := make(chan []record.Record)
	ended := make(chan error, 1)
	go func() { // ends with the stream, which ends when Write returns
		ended <- s.receive(ctx, stop, stream, first, frames)
		close(frames)
	}()
	sink := newResultSink(stream)
	err = writeFrames(ctx, o, req, frames, sink)
	if sent := sink.finish(); err == nil {
		err = sent
	}
	if err == nil {
		select {
		case err = <-ended:
		default: // still waiting for more after a failure that is reported already
		}
	}
	return err
}

// receive unpacks what the host sends and hands it on, until it closes its side or stops.
func (s *service) receive(ctx context.Context, stop func(), stream writeStream, m *connectorv1.WriteRequest, frames chan<- []record.Record) error {
	r := wire.Reader{Schemas: &s.schemas}
	for {
		if m.GetStop() {
			stop()
		}
		if rows := m.GetRows(); rows.GetCount() > 0 {
			records, err := r.Frame(rows.GetSchema(), rows.GetRecords(), rows.GetCount())
			if err != nil {
				return callError(fmt.Errorf("records to write: %w", err))
			}
			select {
			case frames <- records:
			case <-stream.Context().Done():
				return status.FromContextError(stream.Context().Err()).Err()
			}
		}
		next, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			stop() // the host is gone or has cancelled
			return err
		}
		m = next
	}
}

// writeFrames writes frame after frame. After a stop it writes nothing any more and refuses what was not started.
func writeFrames(ctx context.Context, o *openConnection, req WriteRequest, frames <-chan []record.Record, sink *resultSink) error {
	for records := range frames {
		if ctx.Err() != nil {
			for range records {
				if err := sink.add(notStarted()); err != nil {
					return err
				}
			}
			continue
		}
		req.Records = records
		if err := writeFrame(ctx, o, req, sink); err != nil {
			return err
		}
	}
	return nil
}

func notStarted() WriteResult {
	return WriteResult{Outcome: OutcomeRefused, Err: &Error{Cause: CauseUnavailable, Message: "Stopped before this record was sent.", Retryable: true}}
}

func writeFrame(ctx context.Context, o *openConnection, req WriteRequest, sink *resultSink) (err error) {
	answered := 0
	defer sink.flush()
	defer guard(&err, "Write")
	err = o.Write(ctx, req, func(r WriteResult) error {
		if answered++; answered > len(req.Records) {
			return fmt.Errorf("the connector answered more often than it got records (%d)", len(req.Records))
		}
		return sink.add(r)
	})
	if err != nil && ctx.Err() == nil {
		return callError(err)
	}
	// What has no answer now, by a stop or by a fault of the connector, may have been done: the zero outcome says so.
	for ; answered < len(req.Records); answered++ {
		why := &Error{Cause: CauseUnknownOutcome, Message: "The connector ended without an answer for this record."}
		if err := sink.add(WriteResult{Err: why}); err != nil {
			return err
		}
	}
	return nil
}

// resultSink sends results as they come, those of a fast connector together: a message waits until resultsPerMessage are
// there, resultDelay has passed, or its frame is all answered.
type resultSink struct {
	stream writeStream
	wake   chan struct{} // something is pending
	hurry  chan struct{} // it must not wait
	done   chan struct{}

	mu      sync.Mutex
	pending []WriteResult
	closed  bool
	err     error
}

const (
	resultsPerMessage = 500
	resultDelay       = time.Millisecond
)

func newResultSink(stream writeStream) *resultSink {
	k := &resultSink{stream: stream, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), done: make(chan struct{})}
	go k.send()
	return k
}

func (k *resultSink) add(r WriteResult) error {
	k.mu.Lock()
	k.pending = append(k.pending, r) // at most one frame's: the next is not written before
	err, n := k.err, len(k.pending)
	k.mu.Unlock()
	switch n {
	case 1:
		nudge(k.wake)
	case resultsPerMessage:
		nudge(k.hurry)
	}
	return err
}

// flush lets what is pending go out now.
func (k *resultSink) flush() {
	nudge(k.wake)
	nudge(k.hurry)
}

func nudge(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// finish sends what is left and waits for it.
func (k *resultSink) finish() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.flush()
	<-k.done
	return k.err
}

func (k *resultSink) send() {
	defer close(k.done)
	delay := time.NewTimer(resultDelay)
	defer delay.Stop()
	var w wire.Writer
	for range k.wake {
		delay.Reset(resultDelay)
		select {
		case <-k.hurry:
		case <-delay.C:
		}
		k.mu.Lock()
		results, closed := k.pending, k.closed
		k.pending = nil
		k.mu.Unlock()
		for len(results) > 0 {
			m, n := packResults(&w, results)
			if err := k.stream.Send(m); err != nil {
				k.mu.Lock()
				k.err, k.pending = err, nil
				k.mu.Unlock()
				return
			}
			results = results[n:]
		}
		if closed {
			return
		}
	}
}

// packResults packs results up to the first whose booked record has another schema than those before, or does not fit
// any more. At least one is taken.
func packResults(w *wire.Writer, results []WriteResult) (*connectorv1.WriteResponse, int) {
	var schema *record.Schema
	var booked []record.Record
	n := 0
	for ; n < len(results) && n < wire.MaxBatch; n++ {
		r := results[n].Record
		if r.Schema == nil {
			continue
		}
		if schema != nil && r.Schema != schema {
			break
		}
		schema = r.Schema
		booked = append(booked, r)
	}
	m := &connectorv1.WriteResponse{}
	if len(booked) > 0 {
		tree, packed, fit, err := w.Frame(schema, booked)
		if err != nil {
			return packOneByOne(w, results)
		}
		if fit < len(booked) {
			n = 0
			for seen := 0; ; n++ {
				if results[n].Record.Schema == nil {
					continue
				}
				if seen++; seen > fit {
					break
				}
			}
		}
		m.Rows = &connectorv1.Rows{Schema: tree, Count: uint32(fit), Records: packed}
	}
	for i, r := range results[:n] {
		addResult(m, r)
		if r.Record.Schema != nil {
			m.Booked = append(m.Booked, uint32(i))
		}
	}
	return m, n
}

// packOneByOne finds the result whose record cannot be packed: the ones before it are packed as usual, it goes without
// its record, so that a faulty answer of one record does not hide those of others.
func packOneByOne(w *wire.Writer, results []WriteResult) (*connectorv1.WriteResponse, int) {
	first := results[0]
	if first.Record.Schema != nil {
		var alone wire.Writer
		_, _, _, err := alone.Frame(first.Record.Schema, []record.Record{first.Record})
		if err == nil {
			return packResults(w, results[:1])
		}
		first = WriteResult{Err: &Error{
			Cause:   CauseUnknownOutcome,
			Message: fmt.Sprintf("The connector's answer for this record cannot be read: %v.", err),
			Remedy:  "This is a fault of the connector: report it to its author.",
		}}
	}
	m := &connectorv1.WriteResponse{}
	addResult(m, first)
	return m, 1
}

func addResult(m *connectorv1.WriteResponse, r WriteResult) {
	if r.Err != nil {
		m.Errors = append(m.Errors, &connectorv1.WriteError{Index: uint32(len(m.Outcomes)), Error: errorToProto(r.Err)})
	}
	m.Outcomes = append(m.Outcomes, outcomeToProto(r.Outcome))
}

func outcomeToProto(o Outcome) connectorv1.Outcome {
	switch o {
	case OutcomeCreated:
		return connectorv1.Outcome_OUTCOME_CREATED
	case OutcomeUpdated:
		return connectorv1.Outcome_OUTCOME_UPDATED
	case OutcomeUnchanged:
		return connectorv1.Outcome_OUTCOME_UNCHANGED
	case OutcomeRefused:
		return connectorv1.Outcome_OUTCOME_REFUSED
	}
	return connectorv1.Outcome_OUTCOME_UNSPECIFIED
}
