package main

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

func TestGeneratedFilesMatchTheContract(t *testing.T) {
	methods, err := read("../../app/contract.go")
	if err != nil {
		t.Fatal(err)
	}
	for path, write := range map[string]func([]method) string{"../backend_gen.go": session, "../../app/apptest/backend_gen.go": fake} {
		want, err := format.Source([]byte(header + write(methods)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what go generate ./internal/app writes (%v)", path, err)
		}
	}
}

func TestAMethodWithoutARuleOrOfAnotherShapeIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"// F does.\nF(ctx C, r R) (S, error)":                            "needs //greenroom:repeat or //greenroom:once",
		"// F does.\n//greenroom:never\nF(ctx C, r R) (S, error)":         "needs //greenroom:repeat",
		"// F does.\n//greenroom:once\nF(ctx C) (S, error)":               "must take a context and one value",
		"// F does.\n//greenroom:once\nF(ctx C, r R) error":               "must take a context and one value",
		"// F does.\n//greenroom:repeat !r.X\nF(ctx C, r R) ([]S, error)": "",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\ntype I interface {\n"+text+"\n}\n", parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		i := file.Decls[0].(*ast.GenDecl).Specs[0].(*ast.TypeSpec).Type.(*ast.InterfaceType)
		m, err := newMethod(i.Methods.List[0])
		if want == "" && (err != nil || m != method{"F", "app.R", "[]app.S", "!r.X"}) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
}

func TestPredeclaredTypesAreNotOfPackageApp(t *testing.T) {
	for text, want := range map[string]string{"Room": "app.Room", "[]Room": "[]app.Room", "string": "string", "[]string": "[]string"} {
		e, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := typeName(e); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
