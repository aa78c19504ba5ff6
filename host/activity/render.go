package activity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Kinds of payloads.
const (
	KindIn       = "in"       // the source's record as it came
	KindOut      = "out"      // what was sent
	KindAnswer   = "answer"   // what was answered: the booked record, or the refusal
	KindExchange = "exchange" // a raw request with its answer
	KindFields   = "fields"   // what made each field of what was sent; a Story tells it apart
)

// Bounds of what is kept.
const (
	maxBody     = 64 << 10 // of one payload
	maxText     = 8 << 10  // of one text in a record
	maxExchange = 24 << 10 // of a request or an answer in an exchange
	maxPayloads = 32       // of one line
)

// RecordPayload is a record as canonical JSON: fields in the order of their schema, absent ones left out, decimals as texts so
// that no reader makes floats of them, dates as 2006-01-02, instants in RFC 3339. What is too long is cut between two values.
func RecordPayload(kind, object string, r record.Record) Payload {
	e := encoder{limit: maxBody - 64} // closing brackets always fit
	e.record(r)
	return Payload{Kind: kind, Object: object, Body: e.out, Cut: e.cut}
}

// OriginsPayload tells what made each field of a record that was sent: as many fields as there is room for.
func OriginsPayload(object string, fields []FieldOrigin) Payload {
	p := Payload{Kind: KindFields, Object: object}
	size, n := 2, 0
	for i := range fields {
		f := &fields[i]
		f.Value = cutText(f.Value, maxOriginText)
		for k := range f.From {
			f.From[k].Value = cutText(f.From[k].Value, maxOriginText)
		}
		if size += len(mustJSON(f)) + 1; size > maxBody {
			p.Cut = true
			break
		}
		n++
	}
	if n == 0 {
		p.Body = []byte("[]")
		return p
	}
	p.Body = mustJSON(fields[:n])
	return p
}

// maxOriginText bounds a value in what tells of its origin.
const maxOriginText = 1 << 10

// ErrorPayload is a system's refusal, or what is known of an answer that was lost.
func ErrorPayload(object string, err *connector.Error) Payload {
	// The message is a system's own and may be long; the code, the field and the cause are words.
	body := struct {
		Cause   string `json:"cause"`
		Code    string `json:"code,omitempty"`
		Field   string `json:"field,omitempty"`
		Message string `json:"message"`
	}{string(err.Cause), cutText(err.Code, 200), cutText(err.Field, 200), cutText(err.Error(), maxText)}
	return Payload{Kind: KindAnswer, Object: object, Body: mustJSON(body), Cut: len(err.Error()) > maxText}
}

// ExchangePayload is a raw request with its answer, of a connection. Scrub it first.
func ExchangePayload(connection string, x connector.Exchange) Payload {
	p := Payload{Kind: KindExchange, Object: connection}
	part := func(b []byte) json.RawMessage {
		if len(b) == 0 {
			return nil
		}
		if len(b) > maxExchange {
			p.Cut = true
			b = b[:maxExchange]
		} else if json.Valid(b) {
			var small bytes.Buffer
			if json.Compact(&small, b) == nil {
				return small.Bytes()
			}
		}
		text := mustJSON(string(bytes.ToValidUTF8(b, []byte("�"))))
		if len(text) > maxExchange { // escaping made it longer
			p.Cut = true
			text = mustJSON(cutText(string(bytes.ToValidUTF8(b, nil)), maxExchange/6))
		}
		return text
	}
	if len(x.URL) > maxText {
		p.Cut = true
	}
	p.Body = mustJSON(struct {
		Time     time.Time       `json:"time"`
		Method   string          `json:"method"`
		URL      string          `json:"url"`
		Status   int             `json:"status,omitempty"`
		Millis   int64           `json:"millis"`
		Error    string          `json:"error,omitempty"`
		Request  json.RawMessage `json:"request,omitempty"`
		Response json.RawMessage `json:"response,omitempty"`
	}{x.Start.UTC(), cutText(x.Method, 20), cutText(x.URL, maxText), x.Status, x.Duration.Milliseconds(), cutText(x.Error, maxText), part(x.Request), part(x.Response)})
	return p
}

func mustJSON(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // texts, numbers and valid JSON always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// cutText cuts a text between two letters.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// encoder writes values until its limit is reached.
type encoder struct {
	out   []byte
	limit int
	depth int
	cut   bool
}

// maxDepth bounds how deep records are followed; those of real systems nest three deep.
const maxDepth = 16

func (e *encoder) record(r record.Record) {
	e.out = append(e.out, '{')
	start := len(e.out)
	if r.Schema != nil {
		for i, f := range r.Schema.Fields {
			if i >= len(r.Values) || r.Values[i].IsAbsent() {
				continue
			}
			before := len(e.out)
			if before > start {
				e.out = append(e.out, ',')
			}
			e.text(f.Name)
			e.out = append(e.out, ':')
			e.value(r.Values[i])
			if !e.fits(before) {
				break
			}
		}
	}
	e.out = append(e.out, '}')
}

// fits takes back what was written since before if it is over the limit.
func (e *encoder) fits(before int) bool {
	if len(e.out)+e.depth <= e.limit {
		return true
	}
	e.out, e.cut = e.out[:before], true
	return false
}

func (e *encoder) value(v record.Value) {
	switch v.Kind() {
	case record.KindInteger:
		n, _ := v.AsInteger()
		e.out = strconv.AppendInt(e.out, n, 10)
	case record.KindBool:
		e.out = strconv.AppendBool(e.out, v.AsBool())
	case record.KindBytes:
		b := v.AsBytes()
		if len(b) > maxText {
			b, e.cut = b[:maxText], true
		}
		e.text(base64.StdEncoding.EncodeToString(b))
	case record.KindList:
		e.list(v.AsList())
	case record.KindRecord:
		r, _ := v.AsRecord()
		if e.depth >= maxDepth {
			e.out, e.cut = append(e.out, "null"...), true
			return
		}
		e.depth++
		e.record(r)
		e.depth--
	case record.KindNull, record.KindAbsent:
		e.out = append(e.out, "null"...)
	default:
		s := v.String()
		e.cut = e.cut || len(s) > maxText
		e.text(cutText(s, maxText))
	}
}

func (e *encoder) list(list []record.Value) {
	if e.depth >= maxDepth {
		e.out, e.cut = append(e.out, "null"...), true
		return
	}
	e.depth++
	e.out = append(e.out, '[')
	start := len(e.out)
	for _, v := range list {
		before := len(e.out)
		if before > start {
			e.out = append(e.out, ',')
		}
		e.value(v)
		if !e.fits(before) {
			break
		}
	}
	e.out = append(e.out, ']')
	e.depth--
}

func (e *encoder) text(s string) {
	// Most texts need no escape; the others are left to the library.
	if plain(s) {
		e.out = append(e.out, '"')
		e.out = append(e.out, s...)
		e.out = append(e.out, '"')
		return
	}
	e.out = slices.Concat(e.out, mustJSON(s))
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}
