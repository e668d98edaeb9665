package plain

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "Zoë 渡辺 ليلى 👋🏽", "Zoë 渡辺 ليلى 👋🏽"},
		{"escape", "\x1b]0;title\x07", "␛]0;title␇"},
		{"line ends", "a\r\nb\tc", "a␍␊b␉c"},
		{"delete and C1", "a\x7f\u009bm", "a␡\uFFFDm"},
		{"bidi", "a\u202egnp.exe\u2069\u061c", "a\uFFFDgnp.exe\uFFFD\uFFFD"},
		{"no width", "pay\u200bpal\ufeff\u2060", "pay\uFFFDpal\uFFFD\uFFFD"},
		{"not UTF-8", "a\xff\xc3(", "a\uFFFD\uFFFD("},
		{"tags", "x\U000e0041", "x\uFFFD"},
		{"private use", "\ue000", "\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Text(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	if got, want := Lines("a\r\nb\n\tc\x1b"), "a\nb\n    c␛"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Add("joiners \u200d stay: 👩\u200d💻")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{Text(s), strings.ReplaceAll(Lines(s), "\n", "")} {
			if !utf8.ValidString(got) {
				t.Fatalf("%q is not UTF-8", got)
			}
			for _, r := range got {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
					t.Fatalf("%q holds %U", got, r)
				}
			}
			if again := Text(got); again != got {
				t.Fatalf("%q changes once more into %q", got, again)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add("\u202e\x7f\u0085\U000e0041 plain")
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := json.Marshal(map[string]string{s: s})
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(raw)
		for _, r := range string(safe) {
			if escapes(r) {
				t.Fatalf("%q holds %U", safe, r)
			}
		}
		var a, b map[string]string
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(safe, &b); err != nil {
			t.Fatalf("%q: %v", safe, err)
		}
		for k, v := range a {
			if b[k] != v {
				t.Fatalf("%q became %q", v, b[k])
			}
		}
	})
}

func TestWordsForAShell(t *testing.T) {
	for s, want := range map[string]string{"all-hands": "all-hands", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "Zoë": "'Zoë'", "a\x1b": "'a␛'"} {
		if got := Word(s); got != want {
			t.Errorf("%q: %s", s, got)
		}
	}
}
