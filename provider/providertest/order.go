package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

// SyntheticOrder tests that synthetic webhooks have their keys in the platform's order, as in those recorded in testdata/webhooks. types
// are the platform's types of events; for unknown kinds one recording of a family is enough.
func SyntheticOrder(t *testing.T, types map[string]provider.EventKind, synthesize func(provider.SyntheticEvent) ([]byte, error)) {
	for word, kind := range types {
		recorded, err := os.ReadFile(filepath.Join("testdata", "webhooks", word+".json"))
		if kind == provider.KindUnknown && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		made, err := synthesize(provider.SyntheticEvent{
			Kind: kind, Type: word, Room: "demo-1", MeetingID: "987", Name: "Zoë", Session: "s-1", ID: "i-1", At: time.UnixMilli(1750000000250),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := keys(made), keys(recorded); !inOrder(got, want) {
			t.Errorf("%s: %v, recorded %v", word, got, want)
		}
	}
}

// keys lists the keys of a JSON text in order.
func keys(b []byte) (out []string) {
	d := json.NewDecoder(bytes.NewReader(b))
	var inside []bool // for each open value: is it an object, and is a key next?
	next := false
	for {
		tok, err := d.Token()
		if err != nil {
			return out
		}
		switch v := tok.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				inside = append(inside, v == '{')
			} else {
				inside = inside[:len(inside)-1]
			}
			next = len(inside) > 0 && inside[len(inside)-1]
			continue
		case string:
			if next {
				out = append(out, strings.Repeat(" ", len(inside))+v) // by depth: some names come twice
				next = false
				continue
			}
		}
		next = len(inside) > 0 && inside[len(inside)-1]
	}
}

// inOrder reports whether the keys that got and want share have want's order, and are most of want.
func inOrder(got, want []string) bool {
	last, common := -1, 0
	for _, k := range got {
		switch i := slices.Index(want, k); {
		case i < 0:
		case i < last:
			return false
		default:
			last, common = i, common+1
		}
	}
	return common >= len(want)/2
}
