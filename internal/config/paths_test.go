package config

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestRelativeFoldersAreIgnored(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its home folder has another name")
	}
	t.Setenv("HOME", t.TempDir())
	unset, err := load(t, "", map[string]string{"XDG_CONFIG_HOME": "", "XDG_DATA_HOME": "", "XDG_RUNTIME_DIR": "", "XDG_DOWNLOAD_DIR": ""})
	if err != nil {
		t.Fatal(err)
	}
	relative, err := load(t, "", map[string]string{"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "./d", "XDG_RUNTIME_DIR": "../r", "XDG_DOWNLOAD_DIR": "l"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{relative.File, unset.File}, {relative.DataDir, unset.DataDir}, {relative.RuntimeDir, unset.RuntimeDir}, {relative.Download.Folder, unset.Download.Folder},
	} {
		if c[0] != c[1] || !filepath.IsAbs(c[0]) {
			t.Errorf("%q, not %q", c[0], c[1])
		}
	}
}

func TestWithoutAHomeFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its home folder has another name")
	}
	for _, home := range []string{"", "relative"} {
		t.Setenv("HOME", home)
		_, err := load(t, "", map[string]string{"XDG_DATA_HOME": ""})
		if err == nil || !strings.Contains(err.Error(), "data_dir") || !strings.Contains(err.Error(), "HOME") {
			t.Errorf("HOME=%q: %v", home, err)
		}
		dir := t.TempDir()
		c, err := load(t, "", map[string]string{"XDG_CONFIG_HOME": "", "XDG_DATA_HOME": "", "GREENROOM_DATA_DIR": dir})
		if err != nil || c.DataDir != dir || c.File != "" || c.HasFile || c.Download.Folder != filepath.Join(dir, "downloads") {
			t.Errorf("HOME=%q: %+v, %v", home, c, err)
		}
	}
}
