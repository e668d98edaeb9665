package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/adrg/xdg"
)

// FilePath returns the path of the file that Load reads, and whether the user chose it: then the file must exist. The path is empty
// without a choice and without a home folder.
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

// folder returns the folder that a variable names. Relative paths are ignored, as the XDG Base Directory Specification requires. The
// default is below the home folder: without a home folder it is empty.
func folder(getenv func(string) string, variable, byDefault string) string {
	if dir := getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	if home, err := os.UserHomeDir(); err != nil || !filepath.IsAbs(home) {
		return ""
	}
	return byDefault
}

// defaultDataDir is empty without a home folder.
func defaultDataDir(getenv func(string) string) string {
	if dir := folder(getenv, "XDG_DATA_HOME", xdg.DataHome); dir != "" {
		return filepath.Join(dir, "greenroom")
	}
	return ""
}

// runtimeDir returns the folder for sockets: that of the login session, or else one for the user in the temporary folder, whose path is
// short: socket paths are limited to about 100 bytes.
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

// Absolute makes a path absolute. A leading ~ is the home folder.
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
