package pane

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jonboulle/clockwork"
)

// The last 200 messages are kept, the newest on top.
func TestMessagesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Screen{Ctx: t.Context(), Clock: clockwork.NewRealClock()}
		s.Init()
		for i := range 300 {
			s.Complain("", fmt.Errorf("error %d", i))
		}
		if len(s.Messages) != maxMessages || s.Messages[0].Text != "error 299" || s.Messages[maxMessages-1].Text != "error 100" {
			t.Errorf("%d messages, from %q to %q", len(s.Messages), s.Messages[0].Text, s.Messages[len(s.Messages)-1].Text)
		}
	})
}
