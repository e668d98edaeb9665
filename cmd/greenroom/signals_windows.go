package main

import "os"

// stopSignals are the signals that end the program cleanly.
func stopSignals() []os.Signal { return []os.Signal{os.Interrupt} }

// isHangup reports false: Windows has no such signal.
func isHangup(os.Signal) bool { return false }

// quitSignals is empty: Windows has no such signal.
func quitSignals() []os.Signal { return nil }
