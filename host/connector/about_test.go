package connector

import (
	"context"
	"testing"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
)

// A report is about the call that it names, also when it comes behind that call's answer; one about no call that is known is about none.
func TestReportsFindTheirCall(t *testing.T) {
	m := manager(t, nil)
	i := &instance{slot: &slot{m: m}, ctx: t.Context(), calls: map[uint64]*call{}}
	start := func(who string) (id uint64, finish func()) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), callerKey{}, who))
		c, _, end := i.newCall(ctx, "shop")
		return c.id, func() { end(); cancel() }
	}
	who := func(id uint64) any {
		ctx := i.about(&connectorv1.Call{Connection: "shop", Id: id})
		if ctx.Err() != nil {
			t.Error("the context has ended, as its call has")
		}
		return ctx.Value(callerKey{})
	}
	one, finishOne := start("one")
	two, finishTwo := start("two")
	defer finishTwo()
	for range 2 { // while it is under way, and behind its end
		if who(one) != "one" || who(two) != "two" || who(4711) != nil || who(0) != nil {
			t.Errorf("%v, %v, %v, %v", who(one), who(two), who(4711), who(0))
		}
		finishOne()
		finishOne = func() {}
	}
	for range len(i.past) { // not for ever
		_, finish := start("later")
		finish()
	}
	if who(one) != nil {
		t.Errorf("an old call is still known as %v", who(one))
	}
}
