package function

import (
	"errors"
	"strconv"
)

// answer holds the buffers of the answer to a batch; calls come one at a time.
var answer writer

// invoke runs function number fn on a batch. The answer is good until the next call.
func invoke(fn int, in []byte) ([]byte, error) {
	if fn < 0 || fn >= len(module.functions) {
		return nil, errors.New("there is no function number " + strconv.Itoa(fn))
	}
	f := module.functions[fn]
	b, err := readBatch(in)
	if err != nil {
		return nil, err
	}
	if len(b.columns) != len(f.inputs) {
		return nil, errors.New(f.name + " takes " + strconv.Itoa(len(f.inputs)) + " columns, not " + strconv.Itoa(len(b.columns)))
	}
	for i, c := range f.inputs {
		if b.columns[i].kind != c.kind {
			return nil, errors.New(f.name + " takes " + c.name + " as " + kindNames[c.kind])
		}
	}
	answer.reset(f.outputs)
	f.run(b, &answer)
	return answer.bytes(b.rows), nil
}

// CheckExamples runs the examples of all registered functions, through the same form of columns as the host does, and returns what
// is not as they say. For a module's own tests.
func CheckExamples() error {
	var wrong []error
	for n, f := range module.functions {
		for i, s := range f.samples {
			if err := f.check(n, s); err != nil {
				wrong = append(wrong, errors.New(f.name+", example "+strconv.Itoa(i+1)+": "+err.Error()))
			}
		}
	}
	return errors.Join(wrong...)
}

func (f *registered) check(n int, s sample) error {
	var w writer
	w.reset(f.inputs)
	for i, v := range s.in {
		w.columns[i].add(v)
	}
	w.columns = w.columns[:len(f.inputs)] // a call has no column of errors
	out, err := invoke(n, w.bytes(1))
	if err != nil {
		return err
	}
	b, err := readBatch(out)
	if err != nil {
		return err
	}
	failed := ""
	if e := b.columns[len(f.outputs)]; e.state(0) == Present {
		failed = e.textAt(0)
	}
	if failed != s.err {
		return errors.New("the error is " + string(quote(failed)) + ", not " + string(quote(s.err)))
	}
	if s.err != "" {
		return nil
	}
	got := make([]value, 0, len(f.outputs))
	for i := range f.outputs {
		got = append(got, b.columns[i].valueAt(0))
	}
	if have, want := string(appendValues(nil, f.outputs, got)), string(appendValues(nil, f.outputs, s.out)); have != want {
		return errors.New("the answer is " + have + ", not " + want)
	}
	return nil
}

// valueAt is a value as an answer is made of.
func (c *input) valueAt(row int) value {
	v := value{state: c.state(row)}
	if v.state != Present {
		return v
	}
	switch c.kind {
	case kindInteger:
		v.num = c.integerAt(row)
	case kindBool:
		v.num = int64(c.data[row])
	case kindDate:
		v.num = c.dateAt(row).days()
	default:
		v.text = c.textAt(row)
	}
	return v
}
