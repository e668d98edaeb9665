package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	// ManifestName is the manifest's file in the recording's folder.
	ManifestName = "recording.json"
	// manifestMost bounds a manifest that is read back.
	manifestMost = 16 << 20
)

// Manifest says what the files in a folder are. It is for people's scripts: its names are a contract.
type Manifest struct {
	ID       string `json:"id"`
	Room     string `json:"room"`
	Account  string `json:"account"`
	Platform string `json:"platform"`
	// StartedAt is what the tracks' offsets count from.
	StartedAt time.Time `json:"started_at"`
	Tracks    []Track   `json:"tracks"`
}

// Write puts the manifest into the folder, in place of an earlier one. It returns when that is durable; a process that is
// killed leaves the earlier one or the new one, whole.
func (m Manifest) Write(folder string) error {
	if m.Tracks == nil {
		m.Tracks = []Track{}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	f, err := os.CreateTemp(folder, ".recording-*.json.part")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, ManifestName))
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", errors.Join(err, os.Remove(f.Name())))
	}
	if err := syncFolder(folder); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// ReadManifest reads a folder's manifest. It is os.ErrNotExist where there is none.
func ReadManifest(folder string) (Manifest, error) {
	f, err := os.Open(filepath.Join(folder, ManifestName))
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, manifestMost+1))
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest: %w", err)
	}
	if len(b) > manifestMost {
		return Manifest{}, fmt.Errorf("read the manifest: %s is larger than any that was written here", f.Name())
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the manifest %s: %w", f.Name(), err)
	}
	return m, nil
}

// syncFolder makes names in a folder durable. Windows can't flush folders, and keeps their names by journal.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
