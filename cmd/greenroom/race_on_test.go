//go:build race

package main

// raceDetector reports whether the race detector, which multiplies memory, is built in.
const raceDetector = true
