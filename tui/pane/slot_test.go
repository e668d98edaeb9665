package pane

import (
	"context"
	"errors"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/jonboulle/clockwork"

	"greenroom/provider"
)

// The answer to an earlier question of a slot changes nothing, whatever the order of arrival. Answers of other slots of
// the same type are their own.
func TestEarlierAnswersAreDropped(t *testing.T) {
	s := &Screen{Ctx: t.Context(), Clock: clockwork.NewFakeClock()}
	var got, other []int
	n := 0
	ask := func() func(context.Context) (int, error) {
		n++
		answer := n
		return func(context.Context) (int, error) { return answer, nil }
	}
	l := NewSlot(s, "a number", ask, func(v int) tea.Cmd { got = append(got, v); return nil })
	o := NewSlot(s, "another number", ask, func(v int) tea.Cmd { other = append(other, v); return nil })
	first, second, third := l.Read()().(Call), l.Read()().(Call), o.Read()().(Call)
	second()
	first()
	third()
	if len(got) != 1 || got[0] != 2 || len(other) != 1 || other[0] != 3 || l.Busy || !l.Ready {
		t.Errorf("took %v and %v; %+v", got, other, l)
	}
}

func TestOnlyWhatIsGoneIsNotFound(t *testing.T) {
	if IsNotFound(errors.New("x")) || !IsNotFound(provider.NotFound) {
		t.Error("kinds of errors are mixed up")
	}
}
