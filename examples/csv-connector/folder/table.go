package folder

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// maxFile bounds a file, which is held in memory while it is worked on; maxColumns its width.
const (
	maxFile    = 64 << 20
	maxColumns = 500
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// table is a file as it was read.
type table struct {
	path   string
	form   form
	schema *record.Schema
	header []string
	rows   [][]string
	index  map[string]int // key → row
	key    int            // the key's column
	// mark and crlf keep the file as other programs know it.
	mark, crlf bool
	seen       os.FileInfo
}

// load reads a file. An error is about the whole file: a line that cannot be understood may be any record's, so none is guessed at.
func load(ctx context.Context, dir string, o object, keyColumn string, f form) (*table, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := &table{path: filepath.Join(dir, o.file), form: f}
	data, err := t.read(ctx)
	if err != nil {
		return nil, err
	}
	if data, err = t.decode(data); err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = f.delimiter
	t.header, err = r.Read()
	if errors.Is(err, io.EOF) {
		return nil, t.wrong("", "is empty: its first line must name the columns", "write the columns' names into the first line")
	}
	if err != nil {
		return nil, t.syntax(err)
	}
	if err := t.columns(o, keyColumn); err != nil {
		return nil, err
	}
	return t, t.lines(ctx, r)
}

func (t *table) read(ctx context.Context) ([]byte, error) {
	f, err := os.Open(t.path)
	if err != nil {
		return nil, t.unreachable(err)
	}
	defer f.Close()
	if t.seen, err = f.Stat(); err != nil {
		return nil, t.unreachable(err)
	}
	if !t.seen.Mode().IsRegular() {
		return nil, t.wrong("", "is no file", "put the file there")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, t.unreachable(err)
	case len(data) > maxFile:
		return nil, t.wrong("", fmt.Sprintf("is larger than %d MiB", maxFile>>20), "split it into several folders")
	}
	return data, nil
}

func (t *table) decode(data []byte) ([]byte, error) {
	var err error
	switch data, t.mark = bytes.CutPrefix(data, byteOrderMark); {
	case t.form.windows && !t.mark:
		if data, err = charmap.Windows1252.NewDecoder().Bytes(data); err != nil {
			return nil, t.wrong("", "cannot be read as windows-1252", "choose the encoding utf-8")
		}
	case !utf8.Valid(data):
		return nil, t.wrong("", "is not written in UTF-8", "choose the encoding windows-1252, or write the file in UTF-8")
	}
	if i := bytes.IndexByte(data, '\n'); i > 0 {
		t.crlf = data[i-1] == '\r'
	}
	return data, nil
}

// columns makes the schema of the first line: NAME or NAME:TYPE.
func (t *table) columns(o object, keyColumn string) error {
	const remedy = "write the first line as number,name,price:decimal"
	if len(t.header) > maxColumns {
		return t.wrong("", fmt.Sprintf("has more than %d columns", maxColumns), "take away columns that are not needed")
	}
	t.key = -1
	fields := make([]record.Field, 0, len(t.header))
	for i, head := range t.header {
		name, word, typed := strings.Cut(strings.TrimSpace(head), ":")
		name = strings.TrimSpace(name)
		kind := record.KindText
		if typed {
			var known bool
			if kind, known = types[strings.ToLower(strings.TrimSpace(word))]; !known {
				return t.wrong(name, fmt.Sprintf("has a column of the unknown type %q", word), "write text, integer, decimal, bool or date behind the colon")
			}
		}
		field := record.Field{Name: name, Type: record.Scalar(kind), Label: name, Decimals: -1, Personal: o.personal}
		if name == keyColumn {
			if kind != record.KindText {
				return t.wrong(name, "states a type for the key column", "leave the type away: a key is text")
			}
			t.key = i
			field.Name, field.Required, field.Personal = keyField, true, false
		}
		fields = append(fields, field)
	}
	if t.key < 0 {
		return t.wrong(keyColumn, fmt.Sprintf("has no column %q, which is to hold the key", keyColumn), "add the column, or name another one in the setting "+o.keySetting())
	}
	var err error
	if t.schema, err = record.NewSchema(o.name, fields...); err != nil {
		return t.wrong("", "has columns that cannot be told apart: "+err.Error(), remedy)
	}
	return nil
}

func (t *table) lines(ctx context.Context, r *csv.Reader) error {
	t.index = map[string]int{}
	lineOf := map[string]int{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		if err != nil {
			return t.syntax(err)
		}
		line, _ := r.FieldPos(0)
		key := row[t.key]
		if strings.TrimSpace(key) == "" {
			return t.wrong(t.header[t.key], fmt.Sprintf("line %d has no key", line), "give the line a key, or take it away")
		}
		if first, twice := lineOf[key]; twice {
			return t.wrong(t.header[t.key], fmt.Sprintf("lines %d and %d have the same key %q", first, line, clip(key)), "give one of them another key, or take it away")
		}
		lineOf[key], t.index[key] = line, len(t.rows)
		for i, f := range t.schema.Fields {
			if _, err := t.form.parse(row[i], f.Type.Kind); err != nil {
				return t.wrong(t.header[i], fmt.Sprintf("line %d, key %q: %q %s", line, clip(key), clip(row[i]), err), "correct the value in the file")
			}
		}
		t.rows = append(t.rows, row)
	}
}

// record is a row as a record.
func (t *table) record(i int) record.Record {
	r := record.New(t.schema)
	for c, f := range t.schema.Fields {
		r.Values[c], _ = t.form.parse(t.rows[i][c], f.Type.Kind) // lines has parsed it before
	}
	return r
}

// errChanged says that somebody else wrote the file since it was read.
var errChanged = errors.New("the file was changed meanwhile")

// save replaces the file: whoever reads it sees all of the old one or all of the new one, after a power failure too. done tells whether
// the new one is in place, which an error alone does not.
func (t *table) save() (done bool, err error) {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Comma, w.UseCRLF = t.form.delimiter, t.crlf
	if err := errors.Join(w.Write(t.header), w.WriteAll(t.rows)); err != nil {
		return false, err
	}
	data := text.Bytes()
	if t.form.windows && !t.mark {
		if data, err = charmap.Windows1252.NewEncoder().Bytes(data); err != nil {
			return false, err
		}
	}
	if t.mark {
		data = append(bytes.Clone(byteOrderMark), data...)
	}
	if len(data) > maxFile {
		return false, fmt.Errorf("it would become larger than %d MiB", maxFile>>20)
	}
	dir := filepath.Dir(t.path)
	f, err := os.CreateTemp(dir, ".pomost-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name()) // gone by then if all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(t.seen.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	// Between this look and the rename somebody could still write; no way of replacing a file closes that gap.
	now, err := os.Stat(t.path)
	if err != nil {
		return false, err
	}
	if !os.SameFile(now, t.seen) || !now.ModTime().Equal(t.seen.ModTime()) || now.Size() != t.seen.Size() {
		return false, errChanged
	}
	if err := os.Rename(f.Name(), t.path); err != nil {
		return false, err
	}
	if runtime.GOOS == "windows" { // folders cannot be opened for it there
		return true, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return true, err
	}
	return true, errors.Join(d.Sync(), d.Close())
}

func (t *table) name() string { return filepath.Base(t.path) }

func (t *table) wrong(field, what, remedy string) error {
	return &connector.Error{Cause: connector.CauseInvalidValue, Field: field, Message: t.name() + ": " + what, Remedy: remedy}
}

func (t *table) syntax(err error) error {
	return &connector.Error{Cause: connector.CauseInvalidValue, Message: t.name() + " is no proper CSV file", Err: err,
		Remedy: "correct the line; the delimiter is a setting of the connection"}
}

func (t *table) unreachable(err error) error {
	e := &connector.Error{Cause: connector.CauseUnavailable, Message: t.path + " cannot be read", Err: plain(err), Retryable: true, After: time.Second,
		Remedy: "see that the folder is there and has the file"}
	if errors.Is(err, fs.ErrPermission) {
		e.Cause, e.Retryable, e.Remedy = connector.CauseRights, false, "give the user who runs Pomost the right to read and write the folder"
	}
	return e
}

// plain leaves the path out of a system's error: the message has it.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
