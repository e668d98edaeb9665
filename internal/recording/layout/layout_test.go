package layout

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"greenroom/internal/plain"
)

var (
	// zone is seven hours behind UTC, start seven in the evening there.
	zone  = time.FixedZone("there", -7*60*60)
	start = time.Date(2025, 6, 15, 2, 3, 4, 0, time.UTC)
)

func facts(change func(*Facts)) Facts {
	f := Facts{Room: "all-hands", Account: "acme", Platform: "daily", ID: "01JX-9", Start: start, Kind: "cloud", Ext: "mp4"}
	if change != nil {
		change(&f)
	}
	return f
}

func TestPath(t *testing.T) {
	long := strings.Repeat("ö", 150)
	tests := []struct {
		template string
		f        Facts
		want     string
	}{
		{DefaultTemplate, facts(nil), "all-hands/2025-06-14-190304-all-hands-01JX-9.mp4"},
		{"{platform}/{account}/{id} {kind}.{ext}", facts(nil), "daily/acme/01JX-9 cloud.mp4"},
		{"{id}/{track} of {participant}.{ext}", facts(func(f *Facts) { f.Track, f.Participant = "cam-audio", "Zoë 渡辺" }), "01JX-9/cam-audio of Zoë 渡辺.mp4"},
		{"{id}/{participant}.{ext}", facts(nil), "01JX-9/unknown.mp4"},
		{"{date}/{id}.{ext}", facts(func(f *Facts) { f.Start = time.Time{} }), "unknown/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "../../etc/passwd" }), "_._.._etc_passwd/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = ".." }), "__/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "a\x00b\r\n\x1b]0;x\a" }), "a_b___]0;x_/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = `C:\x|y?*<z>"` }), "C__x_y___z__/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "evil\u202egpj\u200b\u00ad" }), "evil_gpj__/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "e\u0301\xff\u2003x" }), "é_ x/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "-rf " }), "_rf_/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "nul" }), "_nul/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "Com¹.x" }), "_Com¹.x/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "com10" }), "com10/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "" }), "unknown/01JX-9.mp4"},
		{"{room}/{id}.{ext}", facts(func(f *Facts) { f.Room = "family 👩‍👩‍👧" }), "family 👩‍👩‍👧/01JX-9.mp4"},
		{"{id}.{ext}", facts(func(f *Facts) { f.ID, f.Ext = "aux", ".WEBM" }), "_aux.webm"},
		{"{id}.{ext}", facts(func(f *Facts) { f.Ext = "m p/4" }), "01JX-9.bin"},
		{"{id}.{ext}", facts(func(f *Facts) { f.ID = "acme/demo/1750000000123" }), "acme_demo_1750000000123-01b12cfd0b07.mp4"},
		{"{id}.{ext}", facts(func(f *Facts) { f.ID = "acme_demo_1750000000123" }), "acme_demo_1750000000123.mp4"},
		{"{id}.{ext}", facts(func(f *Facts) { f.ID = strings.Repeat("é", 40) }), strings.Repeat("é", 20) + "-84fe2e03d50d.mp4"},
		{"{room}-{account}-{id}.{ext}", facts(func(f *Facts) { f.Room, f.Account = long, "acme" }), strings.Repeat("ö", 112) + "-acme-01JX-9.mp4"},
	}
	for _, tt := range tests {
		parsed, err := Parse(tt.template)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := parsed.Path(tt.f, zone); got != tt.want {
			t.Errorf("%s: %q, not %q", tt.template, got, tt.want)
		}
		checkName(t, parsed.Path(tt.f, zone))
	}
}

func TestFolder(t *testing.T) {
	for template, want := range map[string]string{
		DefaultTemplate:           "all-hands/2025-06-14-190304-all-hands-01JX-9",
		"{id}.{ext}":              "01JX-9",
		"{id}/rec.{ext}":          "01JX-9/rec",
		"{id}/{room}....{ext}":    "01JX-9/all-hands.._",
		"{room} {id} (x).{ext}":   "all-hands 01JX-9 (x)",
		"a/b/c/{id}-{kind}.{ext}": "a/b/c/01JX-9-cloud",
	} {
		parsed, err := Parse(template)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := parsed.Folder(facts(nil), zone); got != want {
			t.Errorf("%s: %q, not %q", template, got, want)
		}
		if got := parsed.Path(facts(nil), zone); !strings.HasSuffix(got, ".mp4") {
			t.Errorf("%s has changed: %s", template, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for template, why := range map[string]string{
		"":                                      "the default is {room}",
		"/srv/{id}.{ext}":                       "relative to the target folder",
		"C:/{id}.{ext}":                         "relative to the target folder",
		"~/{id}.{ext}":                          "relative to the target folder",
		`a\{id}.{ext}`:                          `folders are separated by "/"`,
		"../{id}.{ext}":                         `".." is not a valid file or folder name`,
		"a/./{id}.{ext}":                        `"." is not a valid file or folder name`,
		"a//{id}.{ext}":                         `"" is not a valid file or folder name`,
		"{id}.{ext}/":                           `"" is not a valid file or folder name`,
		"{id}-{rom}.{ext}":                      "there is no {rom}; use {account}, {date}, {ext}",
		"{room":                                 "{room is not closed",
		"room}.{ext}":                           "a } has no {",
		"{id}{id}.{ext}":                        "{id} appears twice",
		"{room}.{ext}":                          "it must contain {id}",
		"{id}":                                  "must end in .{ext}",
		"{id}{ext}":                             "must end in .{ext}",
		"{id}/.{ext}":                           "must end in .{ext}",
		"{id}.{ext}.bak":                        "must end in .{ext}",
		"{ext}/{id}.{ext}":                      "{ext} must be at the end",
		"what?/{id}.{ext}":                      "cannot have on every system",
		"a\tb/{id}.{ext}":                       "cannot have on every system",
		strings.Repeat("x", 65) + "/{id}.{ext}": "more than 64 bytes",
	} {
		if _, err := Parse(template); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, not %q", template, err, why)
		}
	}
	if got := Fields(); !slices.IsSorted(got) || len(got) != 10 {
		t.Errorf("%q", got)
	}
}

// checkName checks the promises of the package about a name. It shares no code with what keeps them but the tables of Unicode.
func checkName(t *testing.T, name string) {
	t.Helper()
	if !filepath.IsLocal(name) || strings.HasPrefix(name, "/") || filepath.VolumeName(name) != "" {
		t.Errorf("%q leads out", name)
	}
	if plain.Text(name) != name || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name) {
		t.Errorf("%q hides something", name)
	}
	devices := []string{"con", "prn", "aux", "nul", "conin$", "conout$"}
	for _, port := range []string{"com", "lpt"} {
		for _, n := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"} {
			devices = append(devices, port+n)
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		stem := strings.TrimSpace(strings.SplitN(strings.ToLower(part), ".", 2)[0])
		switch {
		case part == "" || part == "." || part == "..":
			t.Errorf("%q: %q is no name", name, part)
		case len(part) > 255-len(".part")-len(" (999)"):
			t.Errorf("%q: %d bytes", name, len(part))
		case strings.ContainsAny(part, "<>:\"\\|?*\x00\x7f"):
			t.Errorf("%q: forbidden characters", name)
		case part != strings.TrimRight(part, ". ") || strings.HasPrefix(part, "-") || strings.HasPrefix(part, " "):
			t.Errorf("%q: begins or ends badly", name)
		case slices.Contains(devices, stem):
			t.Errorf("%q: a device of Windows", name)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("{room}/{date}-{time}-{room}-{id}.{ext}", "all-hands", "01JX", "Ada", "mp4", int64(1750000000))
	f.Add("{participant}={id}.{ext}", "..", "../x", "\u0338", ".e/x", int64(-1))
	f.Add("{kind}{account}{id}.{ext}", "con", strings.Repeat("x", 300), "\u202e", "", int64(1<<60))
	f.Fuzz(func(t *testing.T, template, room, id, who, ext string, at int64) {
		facts := Facts{Room: room, ID: id, Start: time.Unix(at, 0), Participant: who, Ext: ext, Account: room, Kind: who, Track: who + room}
		for _, s := range []string{template, DefaultTemplate, "{participant}={id}.{ext}", "{room}/{track}{kind}{participant}{account}{id}.{ext}"} {
			parsed, err := Parse(s)
			if err != nil {
				continue
			}
			checkName(t, parsed.Path(facts, zone))
			checkName(t, parsed.Folder(facts, zone))
			other := facts
			other.ID += "x"
			if parsed.Path(facts, zone) == parsed.Path(other, zone) {
				t.Errorf("%q and %q meet in %q", id, other.ID, parsed.Path(facts, zone))
			}
		}
	})
}
