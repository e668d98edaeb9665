package page

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The program contains the built files.
func TestThePackedFilesAreTheBuiltOnes(t *testing.T) {
	built, err := os.ReadDir("dist")
	if err != nil || len(built) != len(files()) {
		t.Fatalf("%d files are packed, and %d are built (%v): run `go generate` in internal/web/page", len(files()), len(built), err)
	}
	for _, f := range built {
		want, err := os.ReadFile(filepath.Join("dist", f.Name()))
		if err != nil || !bytes.Equal(files()[f.Name()].plain, want) {
			t.Errorf("%s differs (%v): run `go generate` in internal/web/page", f.Name(), err)
		}
	}
}
