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

func TestWholeNamesAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "x": "", "room:*x*": "", "-room:x": "", "room:a,b": "", "is:live": "", "room:/x/": "",
		"is:live room:stand": "room:stand compares whole names. To find part of one: room:*stand*",
		"(PERSON:ada or x)":  "PERSON:ada compares whole names. To find part of one: PERSON:*ada*",
		`group:"two words"`:  `group:"two words" compares whole names. To find part of one: "two words"`,
	} {
		f, err := Parse(text, Options{Of: Rooms})
		if err != nil {
			t.Fatal(text, err)
		}
		if got := f.Whole(); got != want {
			t.Errorf("%s: %q, not %q", text, got, want)
		}
	}
}
