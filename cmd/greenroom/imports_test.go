package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// goPackage is a package as `go list` prints it. Imports are those of the program, not of its tests.
type goPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// listPackages lists the module's packages with everything that they depend on.
func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Standard", "./...")
	cmd.Dir = "../.."
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, errs.String())
	}
	all := map[string]goPackage{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// under reports whether path is one of the folders, or in one of them.
func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// The folders that packages of the module may import from the module; the longest matching line counts. Imports run one
// way: cmd, tui, internal/app, provider. internal/plain, internal/crash and internal/stable depend on nothing, and every package but the two
// vocabularies may use them.
var allowed = map[string][]string{
	"provider":               {},
	"provider/rest":          {"provider", "internal/plain"},
	"provider/object":        {"provider"},
	"provider/*":             {"provider", "provider/object", "provider/rest", "internal/plain"}, // the platforms
	"provider/sandbox":       {"provider", "internal/bounds", "internal/crash", "internal/plain"},
	"provider/providertest":  {"provider", "internal/crash", "provider/rest", "provider/sandbox"},
	"internal/admin":         {"provider", "internal/app", "internal/bounds", "internal/plain"},
	"internal/attendance":    {"internal/app", "internal/latin", "internal/plain"},
	"internal/jsonedit":      {"internal/plain"},
	"internal/catch":         {},
	"internal/assistant":     {"provider", "internal/app", "internal/attendance", "internal/export", "internal/latin", "internal/plain"},
	"internal/scenario":      {"provider"},
	"internal/mismatch":      {"provider", "internal/plain"},
	"internal/app":           {"provider", "internal/cursor"},
	"internal/app/apptest":   {"provider", "internal/app", "internal/cursor", "internal/filter", "internal/latin"},
	"internal/boltfile":      {"internal/regular"},
	"internal/booking":       {"provider", "internal/app", "internal/calendar", "internal/when"},
	"internal/benchmark":     {},
	"internal/bounds":        {},
	"internal/crash":         {},
	"internal/cases":         {},
	"internal/calendar":      {"internal/plain"},
	"internal/calendar/feed": {"provider", "internal/app", "internal/bounds", "internal/unreached", "internal/calendar", "internal/plain", "internal/regular"},
	"internal/cursor":        {},
	"internal/latin":         {},
	"internal/web/page/gen":  {},
	"internal/latin/gen":     {},
	"internal/mutate":        {},
	"internal/nearest":       {},
	"internal/notify":        {"provider", "internal/app", "internal/plain"},
	"internal/program":       {"internal/plain", "internal/program/group"},
	"internal/program/group": {},
	"internal/order":         {"provider", "internal/app"},
	"internal/peers":         {},
	"internal/regular":       {},
	"internal/release":       {"internal/peers", "provider/sandbox"}, // its tests
	"internal/plain":         {},
	"internal/private":       {},
	"internal/prose":         {},
	"internal/config":        {"provider", "internal/app", "internal/crash", "internal/nearest", "internal/plain", "internal/program/group", "internal/regular", "internal/when"},
	"internal/roster":        {"provider", "internal/app"},
	"internal/catalog":       {"provider", "internal/app", "internal/recording", "internal/roster"},
	"internal/timeline":      {"provider", "internal/app", "internal/attendance"},
	"store":                  {"provider", "provider/object", "internal/app", "internal/boltfile", "internal/crash", "internal/cursor", "internal/filter", "internal/latin", "internal/plain", "internal/regular", "internal/roster"},
	"internal/hub":           {"provider", "internal/app", "internal/calendar", "internal/catalog", "internal/catch", "internal/crash", "internal/filter", "internal/latin", "internal/mismatch", "internal/nearest", "internal/notify", "internal/plain", "internal/recording", "internal/regular", "internal/roster", "store", "internal/hub/*"},
	"internal/hub/*":         {"provider", "internal/app", "internal/crash", "internal/plain", "internal/recording", "internal/roster", "store"}, // not the hub
	"internal/when":          {},
	"internal/stable":        {},
	"internal/web":           {"provider", "internal/app", "internal/bounds", "internal/crash", "internal/plain", "internal/hub"},
	"internal/web/page":      {"provider", "internal/app", "internal/bounds"},
	"internal/ipc":           {"provider", "internal/app", "internal/bounds", "internal/crash", "internal/plain", "internal/private", "internal/ipc"},
	"internal/difference":    {"internal/app"},
	"internal/export":        {"provider", "internal/app", "internal/filter", "internal/plain"},
	"internal/filter":        {"provider", "internal/app", "internal/latin", "internal/nearest", "internal/plain", "internal/when"},
	"internal/inlet":         {"provider", "internal/app", "internal/unreached", "internal/crash", "internal/cursor", "internal/web", "internal/web/page", "tunnel"},
	"internal/recording":     {"provider", "internal/app"}, // the contract; the machinery is below it
	"internal/recording/*":   {"provider", "provider/object", "internal/app", "internal/crash", "internal/plain", "internal/program", "internal/recording", "internal/recording/*", "internal/regular"},
	"internal/unreached":     {"internal/plain"},
	"tunnel":                 {"tunnel", "internal/unreached", "internal/boltfile", "internal/bounds", "internal/crash", "internal/cursor", "internal/plain", "internal/program/group", "internal/regular", "internal/private"},
	"tui":                    {"provider", "internal/app", "internal/attendance", "internal/booking", "internal/crash", "internal/difference", "internal/export", "internal/filter", "internal/latin", "internal/order", "internal/plain", "internal/regular", "internal/timeline", "tui", "internal/notify"},
	"tui/tuitest":            {"provider", "internal/app", "internal/app/apptest"},
	"cmd":                    {"provider", "internal", "store", "tui", "tunnel", "cmd"},

	"internal/peers/livekittest": {"internal/peers"},
}

// confined are libraries that only these folders import. Templates call methods by name, for which the linker keeps the
// methods of every type in the program: several megabytes.
var confined = map[string][]string{
	"charm.land/bubbletea/v2":                {"tui", "cmd"},
	"go.etcd.io/bbolt":                       {"internal/boltfile", "store", "tunnel/relay"},
	"github.com/modelcontextprotocol/go-sdk": {"internal/assistant"},
	"text/template":                          {},
	"html/template":                          {},
}

func TestImportsRunOneWay(t *testing.T) {
	const module = "greenroom/"
	all := listPackages(t)
	found := 0
	for path, p := range all {
		from, ours := strings.CutPrefix(path, module)
		if !ours {
			continue
		}
		found++
		rule := ruleOf(from)
		if rule == "" {
			t.Errorf("%s is in a folder that the design doesn't have", from)
			continue
		}
		for _, imported := range p.Imports {
			to, inner := strings.CutPrefix(imported, module)
			if !inner {
				checkLibrary(t, from, imported, all[imported])
				continue
			}
			if !mayImport(from, rule, to) {
				t.Errorf("%s must not import %s", from, to)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d packages were looked at", found)
	}
}

// ruleOf is the line of allowed that counts for a folder, empty where none does.
func ruleOf(from string) (rule string) {
	for folder := range allowed {
		if under(from, folder) && len(folder) > len(rule) {
			rule = folder
		}
	}
	if inner := rule + "/*"; from != rule && allowed[inner] != nil {
		return inner
	}
	return rule
}

func mayImport(from, rule, to string) bool {
	if from == to || under(to, "cmd") {
		return false
	}
	if to == "internal/stable" { // it is as the standard library
		return from != "provider" && from != "internal/app"
	}
	for _, a := range allowed[rule] {
		// A folder that holds packages of one layer allows all of them; provider and internal/app allow themselves alone,
		// except to those that wire everything together.
		switch {
		case to == a, rule == "cmd" && under(to, a):
			return true
		case (a == "tui" || a == "tunnel" || a == "internal/ipc") && under(to, a), strings.HasSuffix(a, "/*") && under(to, strings.TrimSuffix(a, "/*")):
			return true
		}
	}
	return false
}

func checkLibrary(t *testing.T, from, path string, p goPackage) {
	t.Helper()
	if slices.Contains([]string{"provider", "provider/object"}, from) && !p.Standard {
		t.Errorf("%s must import the standard library alone, not %s", from, path)
	}
	for library, folders := range confined {
		if under(path, library) && !under(from, folders...) {
			t.Errorf("%s must not import %s", from, path)
		}
	}
}

func TestImportRulesCanFail(t *testing.T) {
	for _, test := range []struct {
		from, rule, to string
		want           bool
	}{
		{"provider/daily", ruleOf("provider/daily"), "provider/rest", true},
		{"provider/acme", ruleOf("provider/acme"), "provider/daily", false},
		{"provider/acme", ruleOf("provider/acme"), "provider/object", true},
		{"provider/object", ruleOf("provider/object"), "provider/rest", false},
		{"tui/grid", "tui", "internal/hub", false},
		{"tui", "tui", "tui/grid", true},
		{"tui", "tui", "provider", true},
		{"tui", "tui", "provider/daily", false},
		{"internal/app", "internal/app", "store", false},
		{"store", "store", "internal/hub", false},
		{"cmd/greenroom", "cmd", "internal/ipc/lock", true},
		{"internal/hub", "internal/hub", "cmd/greenroom", false},
		{"internal/hub", ruleOf("internal/hub"), "internal/recording", true},
		{"internal/hub", ruleOf("internal/hub"), "internal/hub/downloads", true},
		{"internal/hub/downloads", ruleOf("internal/hub/downloads"), "internal/hub", false},
		{"internal/hub", ruleOf("internal/hub"), "internal/recording/fetch", false},
		{"internal/recording", ruleOf("internal/recording"), "internal/recording/fetch", false},
		{"internal/recording/library", ruleOf("internal/recording/library"), "internal/recording/fetch", true},
	} {
		if got := mayImport(test.from, test.rule, test.to); got != test.want {
			t.Errorf("%s may import %s: %t", test.from, test.to, got)
		}
	}
}

// The database of time zones is part of the program: one that isn't refuses every configuration with a time zone on machines
// without a database of their own.
func TestTimeZonesNeedNoDatabase(t *testing.T) {
	if _, ok := listPackages(t)["time/tzdata"]; !ok {
		t.Error("the program lacks time/tzdata")
	}
}
