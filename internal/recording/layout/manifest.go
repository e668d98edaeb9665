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

// Manifest says what the files in a folder are. It is for people's scripts: its names are a contract.
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

// Write puts the manifest into the folder, in place of an earlier one. It returns when that is durable; a process that is
// killed leaves the earlier one or the new one, whole.
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

// WriteChecksums writes the list of the SHA-256 sums of files in the folder, in hexadecimal by name, as Write does the manifest.
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

// put writes a file of the folder in place of an earlier one, durably.
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

// ReadManifest reads a folder's manifest. It is os.ErrNotExist where there is none.
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
