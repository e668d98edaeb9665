package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestNotify(t *testing.T) {
	o, _ := editing(t, `bell = ["waiting"]
desktop = false

[[notify]]
on = "waiting, starting"
run = ["say", "hush"]

[[notify]]
run = ["x"]
on = "kind:x"
`)
	o.Calls = []string{"waiting", "starting"}
	var asked []string
	o.CheckFilter = func(on string) error { asked = append(asked, on); return nil }
	c, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := Notify{
		Bell:     []string{"waiting"},
		Programs: []NotifyProgram{{On: "waiting, starting", Run: []string{"say", "hush"}}, {On: "kind:x", Run: []string{"x"}}},
	}
	if !reflect.DeepEqual(c.Notify, want) || !slices.Equal(asked, []string{"kind:x"}) {
		t.Errorf("%+v %q", c.Notify, asked)
	}
	for _, s := range c.Settings() {
		if strings.Contains(s.Value, "hush") {
			t.Errorf("%+v shows an argument", s)
		}
	}
	o, _ = editing(t, "mouse = true")
	o.Calls = []string{"waiting", "starting"}
	if c, err := Load(t.Context(), o); err != nil || !slices.Equal(c.Notify.Bell, o.Calls) || !slices.Equal(c.Notify.Desktop, o.Calls) {
		t.Errorf("by default: %+v %v", c, err)
	}
}

func TestNotifyMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"bell = [\"wating\"]":                             `:1: bell can't contain "wating": did you mean waiting?`,
		"bell = \"waiting\"":                              ":1: bell is text: use true or false",
		"desktop = 3":                                     ":1: desktop isn't true or false",
		"[[notify]]\non = \"waiting\"":                    ":1: notify needs both on and run",
		"\n[[notify]]\nrun = [\"x\"]":                     ":2: notify needs both on and run",
		"[[notify]]\non = \"odd\"\nrun = [\"x\"]":         `:2: notify.0.on can't be "odd": use waiting, starting, or a filter`,
		"[[notify]]\non = \"kind:x and\"\nrun = [\"x\"]":  ":2: notify.0.on isn't a filter: it ends too early",
		"[[notify]]\non = \"waiting\"\nrun = \"x\"":       ":3: notify.0.run isn't a JSON array",
		"[[notify]]\non = \"waiting\"\nruns = [\"x\"]":    ":3: notify.0.runs is unknown: did you mean run",
		"[notify]\non = \"waiting\"":                      "isn't an array of tables: write it like [[notify]]",
		"[[notify]]\non = \"waiting\"\nrun = [\"\"]":      ":3: notify.0.run begins with an empty text",
		"[[notify]]\non = 3\nrun = [\"x\"]":               ":2: notify.0.on isn't text",
		"notify = [{on = \"waiting\", run = [\"x\", 3]}]": "isn't an array of tables: write it like [[notify]]",
	} {
		o, _ := editing(t, text)
		o.Calls = []string{"waiting", "starting"}
		o.CheckFilter = func(on string) error {
			if on == "kind:x and" {
				return errors.New("it ends too early")
			}
			return nil
		}
		if _, err := Load(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}
