// Package prose keeps the words of this repository plain. Its test reads every comment, string and name of the Go files, every Markdown
// file and every script of a test, and refuses the wordings in rules.go with a better one. It is no grammar checker: a sentence that
// passes may still be hard to read.
//
// allow.txt lists the places where such a wording is right, each with its reason.
package prose

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// A Finding is a refused wording.
type Finding struct {
	Path   string // from the repository's root, with slashes
	Line   int
	Words  string
	Better string
}

func (f Finding) String() string {
	return f.Path + ":" + strconv.Itoa(f.Line) + ": " + strconv.Quote(f.Words) + ": better " + f.Better
}

// Tree returns the findings in all files below root. Hidden folders other than .github and .ci aren't read, nor is node_modules, nor
// this package, which has the refused words.
func Tree(root string) ([]Finding, error) {
	var found []Finding
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if base == "node_modules" || name == "internal/prose" || len(base) > 1 && base[0] == '.' && base != ".github" && base != ".ci" {
				return fs.SkipDir
			}
			return nil
		}
		data, err := fs.ReadFile(os.DirFS(root), name)
		if err != nil {
			return err
		}
		more, err := File(name, data)
		found = append(found, more...)
		return err
	})
	return found, err
}

// File returns the findings in one file, nil for a kind of file that isn't read.
func File(name string, data []byte) ([]Finding, error) {
	switch base := path.Base(name); {
	case path.Ext(base) == ".go":
		return goFile(name, data)
	case path.Ext(base) == ".md", path.Ext(base) == ".txtar", path.Ext(base) == ".yml", path.Ext(base) == ".service",
		base == ".env.example", strings.Contains(name, ".ci/"):
		return check(nil, name, 1, string(data), texts), nil
	}
	return nil, nil
}

func goFile(name string, data []byte) (found []Finding, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, data, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	line := func(p token.Pos) int { return files.Position(p).Line }
	for _, group := range file.Comments {
		var b strings.Builder
		for _, c := range group.List { // the marks become white space, so that a phrase is found across lines
			b.WriteString(strings.TrimPrefix(c.Text, "//") + "\n")
		}
		found = check(found, name, line(group.Pos()), b.String(), texts)
		found = check(found, name, line(group.Pos()), first(b.String()), comments)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				found = check(found, name, line(n.Pos()), n.Value, texts)
			}
		case *ast.Ident:
			all := words(n.Name)
			for i, word := range all {
				if better, ok := names[word]; ok && !(word == "taken" && i+1 < len(all) && all[i+1] == "over") {
					found = append(found, Finding{name, line(n.Pos()), n.Name, better})
				}
			}
		}
		return true
	})
	return found, nil
}

// first returns the beginning of a comment, where the rules for comments apply.
func first(comment string) string {
	words := strings.Fields(comment)
	return strings.Join(words[:min(len(words), 3)], " ")
}

func check(found []Finding, name string, line int, s string, rules []rule) []Finding {
	for _, r := range rules {
		for _, at := range r.find.FindAllStringIndex(s, -1) {
			if r.unless != nil && r.unless.MatchString(s[at[0]:]) {
				continue
			}
			phrase := strings.Join(strings.Fields(s[at[0]:at[1]]), " ")
			found = append(found, Finding{name, line + strings.Count(s[:at[0]], "\n"), phrase, r.better})
		}
	}
	return found
}

// words splits an identifier such as readAnew or HTTPDoor into its words, in lower case.
func words(name string) []string {
	var all []string
	runes := []rune(name)
	start := 0
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || runes[i] == '_' ||
			unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			all = append(all, strings.ToLower(strings.Trim(string(runes[start:i]), "_")))
			start = i
		}
	}
	return all
}
