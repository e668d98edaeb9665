package filter

import (
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	rooms := func(f Field) []string {
		if f == Room {
			return []string{"standup", "all hands"}
		}
		return nil
	}
	for text, want := range map[string]string{
		"ki": "kind:", "x -acc": "x -account:", "(se": "(seq:", "kind:rec": "kind:recording.", "kind:meeting.e": "kind:meeting.ended",
		"kind:test,meeting.s": "kind:test,meeting.started", "verdict:rej": "verdict:rejected", "is:dup": "is:duplicate", "room:all": `room:"all hands"`,
		"room:st": "room:standup", "nope:x": "nope:x", "word": "word", "": "", "KIN": "kind:", "a or par": "a or participant:", "account:x": "account:x",
	} {
		got, options := Complete(text, Events, rooms)
		if got != want {
			t.Errorf("%q becomes %q with %v, want %q", text, got, options, want)
		}
	}
	if _, options := Complete("kind:recording.", Events, nil); !slices.Equal(options, []string{"recording.started", "recording.ready", "recording.failed"}) {
		t.Errorf("%v", options)
	}
	if _, options := Complete("is:", Rooms, nil); !slices.Contains(options, "waiting") || slices.Contains(options, "duplicate") {
		t.Errorf("%v", options)
	}
}

func FuzzComplete(f *testing.F) {
	f.Add("kind:rec")
	f.Fuzz(func(t *testing.T, s string) {
		got, options := Complete(s, Events, func(Field) []string { return []string{"é \"", "ab"} })
		if len(options) == 0 && got != s || len(got) < len(s)-len(s[strings.LastIndexAny(s, " \t(")+1:]) {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}
