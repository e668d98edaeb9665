package pane

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestATypedPathIsAbsolute(t *testing.T) {
	t.Setenv("HOME", filepath.Join(t.TempDir(), "ada"))
	t.Setenv("USERPROFILE", filepath.Join(t.TempDir(), "ada"))
	for typed, want := range map[string]string{"~/a.png": "ada/a.png", "b/c.png": "pane/b/c.png", "/d.png": "/d.png", "~x/e.png": "pane/~x/e.png"} {
		if got := filepath.ToSlash(Path(typed)); !strings.HasSuffix(got, want) || !filepath.IsAbs(Path(typed)) {
			t.Errorf("%q becomes %q", typed, got)
		}
	}
	if got := Path(""); got != "" {
		t.Errorf("no path becomes %q", got)
	}
}
