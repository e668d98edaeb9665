package webhooks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/pane"
)

func TestParseFilter(t *testing.T) {
	for _, c := range []struct {
		text string
		want app.EventQuery
		bad  bool
	}{
		{text: "", want: app.EventQuery{}},
		{text: "ada lovelace", want: app.EventQuery{Grep: "ada lovelace"}},
		{text: "account:daily verdict:rej meeting:standup x", want: app.EventQuery{Account: "daily", Verdict: provider.Rejected, Meeting: "standup", Grep: "x"}},
		{text: "kind:joined", want: app.EventQuery{Kinds: []provider.EventKind{provider.KindParticipantJoined}}},
		{text: "kind:meeting", want: app.EventQuery{Kinds: []provider.EventKind{provider.KindMeetingStarted, provider.KindMeetingEnded}}},
		{text: "http://x a:b :c", want: app.EventQuery{Grep: "http://x a:b :c"}},
		{text: "kind:nonsense", bad: true},
		{text: "verdict:", bad: true},
	} {
		got, err := parseFilter(c.text)
		if (err != nil) != c.bad {
			t.Errorf("%q: %v", c.text, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" && !c.bad {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("account:a kind:participant text")
	f.Fuzz(func(t *testing.T, s string) {
		q, _ := parseFilter(s)
		if len(q.Grep) > len(s) {
			t.Errorf("%q grew to %q", s, q.Grep)
		}
		var f pane.Filter
		f.Insert(s)
		if strings.ContainsAny(f.Text, "\x1b\n\x00") {
			t.Errorf("%q was typed as %q", s, f.Text)
		}
	})
}
