//go:build !linux && !darwin

package tui

import "os"

// discardOutput does nothing: a blocked terminal keeps its output here.
func discardOutput(*os.File) {}
