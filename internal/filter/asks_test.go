package filter

import (
	"testing"
	"time"

	"greenroom/provider"
)

func TestWhatAFilterAsksFor(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"room:x":                              "",
		"verdict:rejected":                    "rejected",
		"-verdict:rejected is:duplicate":      "duplicate",
		"room:x (kind:test or is:replay)":     "test replay",
		"verdict:verified,unverified":         "unverified",
		"not (is:duplicate verdict:rejected)": "",
		"kind:recording.*":                    "",
	} {
		f, err := Parse(text, Options{Now: time.Unix(1, 0)})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		add := func(word string, asked bool) {
			if asked && got != "" {
				got += " "
			}
			if asked {
				got += word
			}
		}
		add("rejected", f.AsksVerdict(provider.Rejected))
		add("unverified", f.AsksVerdict(provider.Unverified))
		add("duplicate", f.Asks(Duplicate))
		add("test", f.AsksKind(provider.KindTest))
		add("replay", f.Asks(Replay))
		if got != want {
			t.Errorf("%q asks for %q, want %q", text, got, want)
		}
	}
}
