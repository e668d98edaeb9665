package main

import "os"

// stopSignals ask the program to end cleanly.
func stopSignals() []os.Signal { return []os.Signal{os.Interrupt} }
