package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// pastMentions lists the words that may name a platform outside its provider, by file and with the reason. Each is about the past:
// no platform that is added needs one.
var pastMentions = map[string][]string{
	// The migration's variables and its sense are a contract with those who use them, and rooms for which nothing else is set
	// have always been on Whereby.
	"internal/hub/migration.go": {
		"Whereby", "Daily", "DAILY_MIGRATION_ENABLED is false", "the room is in DAILY_MIGRATION_ROOM_IDS",
	},
	"internal/config/schema.go": {"DAILY_MIGRATION_ENABLED", "DAILY_MIGRATION_ROOM_IDS"},
	// A calendar repeats things daily (RFC 5545), and the links in its invitations are those of any service.
	"internal/calendar/rule.go":   {"daily", "DAILY", "FREQ=DAILY"},
	"internal/calendar/walls.go":  {"daily"},
	"internal/booking/booking.go": {"FREQ=DAILY"},
	"internal/calendar/link.go":   {"daily.co", "whereby.com", "livekit.io"},
	// Meetings that were stored before there were platforms are Whereby's.
	"store/migrate.go": {"Whereby"},
}

// platformWords reads the names of the platforms from the vocabulary.
func platformWords(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../provider/provider.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Platform" {
				words = append(words, text(v.Values[0]))
			}
		}
		return true
	})
	if len(words) < 3 {
		t.Fatalf("the platforms are %q", words)
	}
	return words
}

// text is the value of a string's literal, empty for any other node.
func text(n ast.Node) string {
	if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
		if s, err := strconv.Unquote(l.Value); err == nil {
			return s
		}
	}
	return ""
}

// namesPlatform lists the identifiers and strings of a file that contain one of the words. Comments may: they explain.
func namesPlatform(t *testing.T, path string, source any, words []string) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("(?i)" + strings.Join(words, "|"))
	ast.Inspect(file, func(n ast.Node) bool {
		said := text(n)
		if id, ok := n.(*ast.Ident); ok {
			said = id.Name
		}
		if named.MatchString(said) {
			found = append(found, said)
		}
		return true
	})
	return found
}

// A platform explains itself: what is particular to it is a question to its provider or its driver. A mention elsewhere is a
// question that the contract lacks.
func TestPlatformsAreNamedByTheirProvidersAlone(t *testing.T) {
	words, files := platformWords(t), 0
	used := map[string]map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("../..", path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && rel != "." && (rel == "provider" || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" ||
			strings.HasSuffix(d.Name(), "test") || rel == "internal/benchmark"): // a package for tests alone, or for measurements
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") || rel == "cmd/greenroom/drivers.go":
			return nil
		}
		files++
		for _, said := range namesPlatform(t, path, nil, words) {
			if slices.Contains(pastMentions[rel], said) {
				if used[rel] == nil {
					used[rel] = map[string]bool{}
				}
				used[rel][said] = true
				continue
			}
			t.Errorf("%s names a platform: %q. Ask its provider or its driver instead (CONTRIBUTING.md, Adding a platform)", rel, said)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 200 {
		t.Errorf("only %d files were read", files)
	}
	for file, allowed := range pastMentions {
		for _, said := range allowed {
			if !used[file][said] {
				t.Errorf("%s no longer says %q: take it off the list", file, said)
			}
		}
	}
}

func TestMentionsOfPlatformsAreFound(t *testing.T) {
	const source = `package p

// Daily is named in a comment.
import "greenroom/provider/whereby"

type dailyRoom struct{ ID string ` + "`json:\"daily_id\"`" + ` }

var hint, other = "set DAILY_API_KEY", provider.LiveKit
`
	got := strings.Join(namesPlatform(t, "p.go", source, []string{"daily", "whereby", "livekit"}), ", ")
	const want = `greenroom/provider/whereby, dailyRoom, json:"daily_id", set DAILY_API_KEY, LiveKit`
	if got != want {
		t.Errorf("found %s\nwant  %s", got, want)
	}
}

// TestSignedWebhooksHaveASignatureHeader: the listener reads the body of no other one.
func TestSignedWebhooksHaveASignatureHeader(t *testing.T) {
	looked := 0
	for _, d := range drivers() {
		a := provider.Account{Name: "a", Platform: d.Platform, APIKey: "k", APISecret: "s", APIURL: "http://127.0.0.1:9", WebhookSecret: sandbox.DailyWebhookSecret}
		for _, scheme := range []string{"", "simple"} {
			a.WebhookSignature = scheme
			p, err := d.Open(a, nil)
			if scheme != "" && errors.Is(err, provider.Invalid) {
				continue // Daily alone has a second scheme
			}
			if err != nil {
				t.Fatal(err)
			}
			s, ok := p.(provider.Synthesizer)
			if !ok {
				continue // making webhooks is an ability that a platform may lack
			}
			looked++
			made, err := s.Synthesize(provider.SyntheticEvent{Kind: provider.KindMeetingStarted, Room: "r", ID: "1", At: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			named := func(h string) bool { return made.Header.Get(h) != "" }
			if len(d.SignatureHeaders) == 0 || !slices.ContainsFunc(d.SignatureHeaders, named) {
				t.Errorf("%s %s: none of %q is in %v", d.Platform, scheme, d.SignatureHeaders, made.Header)
			}
		}
	}
	if looked < 3 {
		t.Errorf("only %d webhooks were made", looked)
	}
}
