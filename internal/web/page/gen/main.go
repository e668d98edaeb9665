// Command gen packs the built files of the join page for the program that contains them.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	files, err := filepath.Glob("dist/*")
	if err != nil {
		return err
	}
	if err := os.RemoveAll("packed"); err != nil {
		return err
	}
	if err := os.Mkdir("packed", 0o755); err != nil {
		return err
	}
	for _, file := range files {
		plain, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(plain); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("packed", filepath.Base(file)+".gz"), packed.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
