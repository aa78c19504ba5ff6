package control

import (
	"maps"
	"slices"
)

// Walk is a person's way through the questions of API.Question, for whoever asks them: it keeps the answers, knows the way back, and
// remembers what was typed for a question that is asked once more. It asks nothing itself; the zero value, with a Flow or without, is at
// the beginning.
//
// The one who asks calls Question with Answers, gives the step to Arrive, and after that calls Answer, Skip or Back and begins again.
type Walk struct {
	// Flow is the flow whose settings are changed, "" for setting up.
	Flow string
	// Step is where the person is.
	Step Step

	values map[string]Answer
	kept   map[string]Answer         // answers that were taken away, for being proposed again
	drafts map[string]map[string]any // what stood in forms that were left without an answer
	trail  []string                  // the questions in the order in which they are asked
	at     int                       // place of the present question in the trail; len(trail) where it is not in it yet
	back   string                    // the question that one wants to go back to
}

// Answers are the answers as they stand.
func (w *Walk) Answers() Answers {
	a := Answers{Flow: w.Flow, Values: map[string]Answer{}, Order: []string{}}
	maps.Copy(a.Values, w.values)
	for _, id := range w.trail {
		if _, ok := w.values[id]; ok {
			a.Order = append(a.Order, id)
		}
	}
	return a
}

// Load begins with answers that were given before, as from a file.
func (w *Walk) Load(a Answers) {
	w.Flow, w.values = a.Flow, maps.Clone(a.Values)
	if w.values == nil {
		w.values = map[string]Answer{}
	}
	for _, id := range a.Order {
		if _, ok := w.values[id]; ok && !slices.Contains(w.trail, id) {
			w.trail = append(w.trail, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.values)) {
		if !slices.Contains(w.trail, id) {
			w.trail = append(w.trail, id)
		}
	}
	w.at = len(w.trail)
}

// Arrive takes the step that came for Answers. It is false where the person went back to a question that is not asked any more: then
// the one before it is gone back to, and Answers are to be asked about again.
func (w *Walk) Arrive(s Step) bool {
	back := w.back
	w.back = ""
	id := ""
	if s.Question != nil {
		id = s.Question.ID
	}
	if back != "" && id != back {
		// It does not belong here any more; its place is taken by the one before it.
		if i := slices.Index(w.trail, back); i >= 0 {
			w.trail = slices.Delete(w.trail, i, i+1)
			w.at = i
		}
		if w.Back(nil) {
			return false
		}
	}
	w.Step = s
	if id == "" {
		w.at = len(w.trail)
		return true
	}
	if i := slices.Index(w.trail, id); i >= 0 {
		w.at = i
		return true
	}
	w.at = min(w.at, len(w.trail))
	w.trail = slices.Insert(w.trail, w.at, id)
	return true
}

// Answer answers the present question.
func (w *Walk) Answer(fields map[string]any) { w.put(Answer{Fields: fields}) }

// Skip leaves the present question out.
func (w *Walk) Skip() { w.put(Answer{Skipped: true}) }

func (w *Walk) put(a Answer) {
	if w.Step.Question == nil {
		return
	}
	if w.values == nil {
		w.values = map[string]Answer{}
	}
	id := w.Step.Question.ID
	w.values[id] = a
	delete(w.kept, id)
	delete(w.drafts, id)
	w.at = slices.Index(w.trail, id) + 1
}

// Stay takes the answer to the present question away again: it did not lead on.
func (w *Walk) Stay() {
	if q := w.Step.Question; q != nil {
		delete(w.values, q.ID)
		w.at, w.back = max(slices.Index(w.trail, q.ID), 0), ""
	}
}

// CanBack tells whether there is a question to go back to.
func (w *Walk) CanBack() bool { return w.before() >= 0 }

// before is the place of the answered question before the present one, -1 for none.
func (w *Walk) before() int {
	for i := min(w.at, len(w.trail)) - 1; i >= 0; i-- {
		if _, ok := w.values[w.trail[i]]; ok {
			return i
		}
	}
	return -1
}

// Back goes one question back: its answer is taken away, so that it is asked again, and kept to be proposed. What stands in the form of
// the present question is kept too; an answer that was given to it before counts again, as do all behind it. It is false at the first
// question.
func (w *Walk) Back(present map[string]any) bool {
	i := w.before()
	if i < 0 {
		return false
	}
	if w.kept == nil {
		w.kept, w.drafts = map[string]Answer{}, map[string]map[string]any{}
	}
	if q := w.Step.Question; q != nil {
		if old, ok := w.kept[q.ID]; ok {
			w.values[q.ID] = old
		}
		if present != nil {
			w.drafts[q.ID] = present
		}
	}
	id := w.trail[i]
	w.kept[id] = w.values[id]
	delete(w.values, id)
	w.at, w.back = i, id
	return true
}

// earlier is what was answered or typed before for the present question, nil for nothing.
func (w *Walk) earlier(id string) map[string]any {
	if fields, ok := w.drafts[id]; ok {
		return fields
	}
	if a, ok := w.kept[id]; ok {
		return a.Fields
	}
	return w.values[id].Fields
}

// Fill puts what the person answered before into the fields of the present question, and returns them.
func (w *Walk) Fill() []Field {
	if w.Step.Question == nil {
		return nil
	}
	fields := slices.Clone(w.Step.Question.Fields)
	if kept := w.earlier(w.Step.Question.ID); kept != nil {
		for i, f := range fields {
			if v, given := kept[f.Key]; given {
				fields[i].Value, fields[i].Proposed, fields[i].Why = v, false, ""
			} else if !f.Secret {
				fields[i].Value = nil
			}
		}
	}
	return fields
}
