package crash

import (
	"strings"
	"testing"
)

func TestAPanicIsReportedAndTheOthersGoOn(t *testing.T) {
	var got Report
	g := &Group{OnPanic: func(r Report) { got = r }}
	ran := false
	g.Go("juggler", func() { panic("dropped it") })
	g.Wait()
	g.Go("another", func() { ran = true })
	g.Wait()
	if !ran || got.Name != "juggler" || got.Value != "dropped it" || !strings.Contains(string(got.Stack), "crash_test.go") {
		t.Errorf("ran %v, %v\n%s", ran, got, got.Stack)
	}
	if got.Error() != "panic in juggler: dropped it" {
		t.Error(got.Error())
	}
}

func TestANilGroupStartsAllTheSame(t *testing.T) {
	done := make(chan struct{})
	var g *Group
	g.Go("any", func() { close(done) })
	<-done
}
