//go:build !unix

package boltfile

// SyncFolder makes names in a folder durable, which needs nothing here.
func SyncFolder(string) error { return nil }
