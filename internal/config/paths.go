package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/adrg/xdg"
)

// FilePath returns which file Load reads, and whether the user chose it, so that its absence is an error. It is empty where
// there is none to look for: without a choice and without a home folder.
func FilePath(o Options) (path string, chosen bool) {
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	switch {
	case o.File != "":
		return Absolute(o.File), true
	case getenv("GREENROOM_CONFIG") != "":
		return Absolute(getenv("GREENROOM_CONFIG")), true
	}
	if dir := folder(getenv, "XDG_CONFIG_HOME", xdg.ConfigHome); dir != "" {
		return filepath.Join(dir, "greenroom", "config.toml"), false
	}
	return "", false
}

// folder is the folder that a variable names. The XDG Base Directory Specification has relative paths ignored. Its default is
// below the home folder: without one it is empty.
func folder(getenv func(string) string, variable, byDefault string) string {
	if dir := getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	if home, err := os.UserHomeDir(); err != nil || !filepath.IsAbs(home) {
		return ""
	}
	return byDefault
}

// defaultDataDir is empty where there is no home folder.
func defaultDataDir(getenv func(string) string) string {
	if dir := folder(getenv, "XDG_DATA_HOME", xdg.DataHome); dir != "" {
		return filepath.Join(dir, "greenroom")
	}
	return ""
}

// runtimeDir is where sockets go. A login session's own folder is used where there is one; elsewhere a folder of the
// user's under the temporary directory, which is short: socket paths are limited to about 100 bytes.
func runtimeDir(getenv func(string) string) string {
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "greenroom")
	}
	if runtime.GOOS == "linux" {
		dir := fmt.Sprintf("/run/user/%d", os.Getuid())
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return filepath.Join(dir, "greenroom")
		}
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(os.TempDir(), "greenroom")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("greenroom-%d", os.Getuid()))
}

// Absolute makes a path independent of the working directory, and a leading ~ the home directory, for a shell that left it.
func Absolute(path string) string {
	if path == "~" || len(path) > 1 && path[0] == '~' && os.IsPathSeparator(path[1]) {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, path[1:])
		}
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
