package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// rename changes the module's path in go.mod and in the imports and directives of all Go files. All files are read before the first is
// written.
func rename(root, path string) error {
	if err := module.CheckPath(path); err != nil {
		return err
	}
	name := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	mod, err := modfile.Parse(name, data, nil)
	if err != nil {
		return err
	}
	former := mod.Module.Mod.Path
	if former == path {
		return fmt.Errorf("the module is %s already", path)
	}
	if err := mod.AddModuleStmt(path); err != nil {
		return err
	}
	changed := map[string][]byte{}
	if changed[name], err = mod.Format(); err != nil {
		return err
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "dist"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".go":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if now := renamed(root, string(text), former, path); now != string(text) {
			changed[file] = []byte(now)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var failed []error
	for file, text := range changed {
		failed = append(failed, os.WriteFile(file, text, 0o644))
	}
	return errors.Join(failed...)
}

// renamed returns a text in which the package paths in quotes have the new module path, if their folder exists below root.
func renamed(root, text, former, path string) string {
	quoted := regexp.MustCompile("([\"`])" + regexp.QuoteMeta(former) + "/([^\"`\\s]*)([\"`])")
	return quoted.ReplaceAllStringFunc(text, func(s string) string {
		parts := quoted.FindStringSubmatch(s)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(parts[2]))); err != nil {
			return s
		}
		return parts[1] + path + "/" + parts[2] + parts[3]
	})
}
