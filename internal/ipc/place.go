package ipc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"greenroom/internal/app"
	"greenroom/internal/private"
	"greenroom/provider"
)

// maxSocketPath is below the limit of a socket's address: 108 bytes on Linux and Windows, 104 on macOS.
const maxSocketPath = 100

// RuntimeDir returns the default folder of sockets: $XDG_RUNTIME_DIR/greenroom, or the user's own folder in the temporary one.
func RuntimeDir() string {
	if d := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		return filepath.Join(d, "greenroom")
	}
	return tempDir()
}

func tempDir() string {
	name := "greenroom"
	if uid := os.Getuid(); uid >= 0 {
		name += "-" + strconv.Itoa(uid)
	}
	return filepath.Join(os.TempDir(), name)
}

// realPath returns the real path of a data folder, which it creates if it is missing.
func realPath(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("ipc: make data folder: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("ipc: data folder: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("ipc: data folder: %w", err)
	}
	return abs, nil
}

// dataSocket is the socket's name in the data folder.
const dataSocket = "greenroom.sock"

// socketPaths returns the sockets that a data folder (its real path) may have, the best first: in the runtime folder; in the data
// folder itself if that is private; in the user's temporary folder, if the others can't be used or their paths are too long for
// a socket's address. The holder of the lock records which one it uses.
func socketPaths(runtimeDir, dataDir string) ([]string, error) {
	sum := sha256.Sum256([]byte(dataDir))
	name := hex.EncodeToString(sum[:8]) + ".sock"
	shared := filepath.Join(tempDir(), name)
	var paths []string
	if own := filepath.Join(runtimeDir, name); own != shared {
		paths = append(paths, own)
	}
	if private.Folder(dataDir) == nil {
		paths = append(paths, filepath.Join(dataDir, dataSocket))
	}
	paths = slices.DeleteFunc(append(paths, shared), func(p string) bool { return len(p) > maxSocketPath })
	if len(paths) == 0 && runtime.GOOS != "windows" {
		// All are too long: use the shortest folder that every Unix has.
		paths = append(paths, filepath.Join("/tmp", filepath.Base(tempDir()), name))
	}
	if len(paths) > 0 {
		return paths, nil
	}
	return nil, app.Errorf(provider.Invalid, "set XDG_RUNTIME_DIR to a folder with a shorter path",
		"the runtime folder's path is too long for a socket: %s", runtimeDir)
}

// checkData refuses a data folder of another user, who could replace the store. It warns of one that others can write to, as some
// systems mount every folder.
func checkData(dir string) (warning string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("ipc: data folder: %w", err)
	}
	if !private.Mine(info) {
		return "", app.Errorf(provider.Forbidden, "choose your own folder with --data-dir", "the data folder %s belongs to another user", dir)
	}
	if private.Writable(info) {
		return "other users can change what is in the data folder: chmod go-w " + dir, nil
	}
	return "", nil
}
