//go:build !unix

// Package livekittest starts a real LiveKit server for tests, on Unix.
package livekittest
