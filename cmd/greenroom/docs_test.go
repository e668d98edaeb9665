package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/provider"
)

// README lists every field that --json prints.
func TestReadmeListsTheFieldsOfJSON(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `?([a-z]+)`? \\| (.*) \\|$").FindAllStringSubmatch(string(readme), -1) {
		rows[m[1]] = m[2]
	}
	for name, v := range map[string]any{
		"room": app.Room{}, "would": app.Choice{}, "meeting": app.Meeting{}, "participant": app.Stay{}, "recording": app.Recording{},
		"download": app.Download{}, "event": app.Delivery{}, "doctor": app.Status{}, "account": app.AccountStatus{},
		"listener": app.ListenerStatus{}, "tunnel": app.TunnelStatus{}, "store": app.StoreStatus{}, "diagnosis": app.Diagnosis{},
		"check": provider.Check{}, "forward": app.Forward{}, "catch": app.Catch{},
	} {
		listed := strings.Split(rows[name], "`")
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if field != "" && field != "-" && !slices.Contains(listed, field) {
				t.Errorf("the row %q lacks %s", name, field)
			}
		}
	}
}

// The map of the packages has all of them.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for path := range listPackages(t) {
		name, ours := strings.CutPrefix(path, "greenroom/")
		if ours && name != "cmd/greenroom" && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/architecture.md lacks %s", name)
		}
	}
}

// Every key of the configuration is in the documents.
func TestDocumentsNameEveryKey(t *testing.T) {
	var text strings.Builder
	for _, pattern := range []string{"../../README.md", "../../docs/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal(pattern, err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(b)
		}
	}
	for _, key := range config.Keys() {
		name := key[strings.LastIndexByte(key, '.')+1:]
		if name == "*" {
			continue
		}
		// In backticks, alone or behind its table, or in an example.
		written := regexp.MustCompile("`([a-z_.*]+\\.)?" + name + "[` =]|(?m)^[ \t#]*" + name + " +=|[{,] *" + name + " =")
		if !written.MatchString(text.String()) {
			t.Errorf("no document names %s", key)
		}
	}
}
