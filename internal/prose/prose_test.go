package prose

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTheWordsArePlain reads the repository. A new finding is mended, or listed in allow.txt with the reason why it is right.
func TestTheWordsArePlain(t *testing.T) {
	found, err := Tree("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range allowed(t, found, list(t, "allow.txt")) {
		t.Error(f)
	}
}

// allowed returns the findings that no entry of the list allows, and refuses entries without a reason or without a finding.
func allowed(t interface{ Errorf(string, ...any) }, found []Finding, entries []string) (left []Finding) {
	used := make([]bool, len(entries))
	for _, e := range entries {
		if fields := strings.Split(e, "\t"); len(fields) != 3 || slices.Contains(fields, "") {
			t.Errorf("allow.txt has %q, not path, wording and reason with tabs between them", e)
		}
	}
	for _, f := range found {
		i := slices.IndexFunc(entries, func(e string) bool { return strings.HasPrefix(e, f.Path+"\t"+f.Words+"\t") })
		if i < 0 {
			left = append(left, f)
			continue
		}
		used[i] = true
	}
	for i, e := range entries {
		if !used[i] {
			t.Errorf("allow.txt allows %q, which is in no file: remove it", e)
		}
	}
	return left
}

func list(t *testing.T, name string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestEachWordingIsFoundWhereItIs(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         []string // line, words
	}{
		{"a.go", "// Package a is read\n// Anew.\npackage a\n", []string{"2 Anew"}},
		{"a.go", "package a\n\n// It stands\n// for one, and stands here.\nvar x int\n", []string{"4 stands"}},
		{"a.go", "package a\n\n// It is read by\n// itself.\nvar x int\n", []string{"3 by itself"}},
		{"a.go", "package a\n\n/* Two lines,\nof whom one. */\nvar x int\n", []string{"4 of whom"}},
		{"a.go", "package a\n\nconst x = `one\nnobody`\n", []string{"4 nobody"}},
		{"a.go", "package a\n\nfunc readAnew(door int) { _ = door }\n", []string{"3 readAnew", "3 door", "3 door"}},
		{"a.go", "package a\n\n// x is what it is.\nvar x = 1 // y says whether it is\n", []string{"3 x is what", "4 y says whether"}},
		{"a.go", "package a\n\n// x is 1. That is what it means.\nvar x = 1\n", nil},
		{"a.go", "package a\n\n// A renewal marshals and takes time. They stand for two, and it tells them apart.\nvar indoor, sights int\n", nil},
		{"a.go", "package a\n\nvar TakenOver, isTaken int\n", []string{"3 isTaken"}},
		{"a.go", "package a\n\nimport _ \"nobody\"\n", nil},
		{"a.go", "package a\n\ntype T struct{ A int `json:\"told\"` }\n", []string{"3 told"}},
		{"a.md", "# Title\n\nWhoever goes\non takes\nno key.\n", []string{"3 Whoever", "3 goes on", "4 takes no"}},
		{"testdata/a.txtar", "exec x\nstdout 'it gives up'\n", []string{"2 gives up"}},
		{"testdata/a.json", "nobody", nil},
	} {
		found, err := File(c.name, []byte(c.source))
		var got []string
		for _, f := range found {
			got = append(got, fmt.Sprint(f.Line, " ", f.Words))
			if f.Path != c.name || f.Better == "" {
				t.Errorf("%s: %q", f, c.source)
			}
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q has %q, want %q (%v)", c.source, got, c.want, err)
		}
	}
	if _, err := File("a.go", []byte("no Go")); err == nil {
		t.Error("a file that can't be parsed passes")
	}
}

// The examples of each rule, so that a pattern that matches nothing is noticed.
func TestEveryRuleFindsSomething(t *testing.T) {
	const all = `Anew it shall be, thereof and of whom: whoever stands with nobody is told that it is said by itself, goes on, gives up, takes
		none in the midst, for ever, beforehand, there or not, what has no key and is no UTF-8. It is no JSON, exists already, and they exclude each
		other in the place of yours: the list does not move on and goes in circles.`
	for _, r := range texts {
		if !r.find.MatchString(all) {
			t.Errorf("%s finds nothing", r.find)
		}
	}
	for word := range names {
		if got := words("read" + strings.ToUpper(word[:1]) + word[1:]); !slices.Equal(got, []string{"read", word}) {
			t.Errorf("%q", got)
		}
	}
	if got := words("HTTPDoor_open2Told"); !slices.Equal(got, []string{"http", "door", "open2", "told"}) {
		t.Errorf("%q", got)
	}
}

func TestTheAllowlistHoldsOnlyWhatIsUsed(t *testing.T) {
	found := []Finding{{"a.go", 1, "nobody", ""}, {"a.go", 2, "nobody", ""}, {"b.go", 1, "nobody", ""}}
	var said complaints
	left := allowed(&said, found, []string{"a.go\tnobody\tthe account of Unix"})
	if len(left) != 1 || left[0].Path != "b.go" || len(said) != 0 {
		t.Errorf("%v, %q", left, said)
	}
	for _, entry := range []string{"a.go\tnobody", "a.go\tnobody\t", "c.go\tnobody\twhy", "a.go\ttold\twhy"} {
		said = nil
		if allowed(&said, found, []string{entry}); len(said) == 0 {
			t.Errorf("%q passes", entry)
		}
	}
}

type complaints []string

func (c *complaints) Errorf(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}
