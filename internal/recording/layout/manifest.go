package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"greenroom/internal/regular"
)

const (
	// ManifestName is the manifest's file in the recording's folder.
	ManifestName = "recording.json"
	// manifestMost bounds a manifest that is read back.
	manifestMost = 16 << 20
	// ChecksumsName is the list of the checksums in the recording's folder, for `sha256sum -c`.
	ChecksumsName = "SHA256SUMS"
)

// Manifest describes the files in a recording's folder, for users' scripts. Its JSON names never change.
type Manifest struct {
	ID       string `json:"id"`
	Room     string `json:"room"`
	Account  string `json:"account"`
	Platform string `json:"platform"`
	// Meeting is the meeting's id in Greenroom, empty when unknown.
	Meeting string `json:"meeting,omitempty"`
	// StartedAt is the time that the tracks' offsets count from.
	StartedAt time.Time `json:"started_at"`
	// DurationS is the recording's length in seconds as reported by the platform, null if it isn't.
	DurationS *float64 `json:"duration_s"`
	Tracks    []Track  `json:"tracks"`
}

// Write writes the manifest into the folder and replaces an earlier one, atomically. It returns once the manifest is durable.
func (m Manifest) Write(folder string, mode Mode) error {
	if m.Tracks == nil {
		m.Tracks = []Track{}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := put(folder, ManifestName, append(b, '\n'), mode); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// WriteChecksums writes the SHA-256 sums of the folder's files, in hexadecimal by name, in the way of [Manifest.Write].
func WriteChecksums(folder string, sums map[string]string, mode Mode) error {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&b, "%s  %s\n", sums[name], name)
	}
	if err := put(folder, ChecksumsName, b.Bytes(), mode); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	return nil
}

// put writes a file into the folder, durably, and replaces an earlier one.
func put(folder, name string, text []byte, mode Mode) error {
	path := filepath.Join(folder, "."+name+"."+strconv.Itoa(os.Getpid())+".part")
	f, err := mode.Open(os.OpenFile, path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(path, filepath.Join(folder, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return regular.SyncFolder(folder)
}

// ReadManifest reads a folder's manifest. The error is an os.ErrNotExist if there is none.
func ReadManifest(folder string) (Manifest, error) {
	path := filepath.Join(folder, ManifestName)
	b, err := regular.Read(path, manifestMost)
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the manifest %s: %w", path, err)
	}
	return m, nil
}
