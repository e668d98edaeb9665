package main

import "os"

// stopSignals ask the program to end cleanly.
var stopSignals = []os.Signal{os.Interrupt}
