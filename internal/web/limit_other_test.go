//go:build !unix

package web

import "testing"

func limitFileSize(t *testing.T, _ uint64) { t.Fatal("not here") }

func freeFileSize(t *testing.T) { t.Fatal("not here") }
