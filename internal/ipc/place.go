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

// maxSocketPath keeps below what a socket's address can hold: 108 bytes on Linux and Windows, 104 on macOS.
const maxSocketPath = 100

// RuntimeDir is the default folder of sockets: $XDG_RUNTIME_DIR/greenroom, or a folder of the user's in the
// temporary folder. Without $XDG_RUNTIME_DIR it is never a folder that several users share.
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

// realPath is the one name of a data folder, which it makes where it is missing.
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

// socketPaths names the sockets that a data folder (its real path) may have, the best first: in the runtime folder; in the
// data folder itself, where that is private; in the user's temporary folder, where the others' paths are too long for a
// socket's address or they can't be used. A holder of the lock records which one it took.
func socketPaths(runtimeDir, dataDir string) ([]string, error) {
	sum := sha256.Sum256([]byte(dataDir))
	name := hex.EncodeToString(sum[:8]) + ".sock"
	shared := filepath.Join(tempDir(), name)
	candidates := []string{filepath.Join(runtimeDir, name), shared}
	if private.Folder(dataDir) == nil {
		own := filepath.Join(dataDir, dataSocket)
		candidates = []string{candidates[0], own, shared}
		if candidates[0] == shared {
			candidates = []string{own, shared}
		}
	}
	var paths []string
	for _, p := range candidates {
		if len(p) <= maxSocketPath && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 && runtime.GOOS != "windows" {
		// All are too long: the shortest name that every Unix has.
		paths = append(paths, filepath.Join("/tmp", filepath.Base(tempDir()), name))
	}
	if len(paths) > 0 {
		return paths, nil
	}
	return nil, &app.Error{
		Kind: provider.Invalid, Text: "the runtime folder's path is too long for a socket: " + runtimeDir,
		Hint: "set XDG_RUNTIME_DIR to a folder with a shorter path",
	}
}

// checkData refuses a data folder of another user, who could put another store in its place. The warning is about one that
// others can write to, which some systems make of every folder that they mount.
func checkData(dir string) (warning string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("ipc: data folder: %w", err)
	}
	if !private.Mine(info) {
		return "", &app.Error{
			Kind: provider.Forbidden, Text: "the data folder " + dir + " belongs to another user",
			Hint: "choose your own folder with --data-dir",
		}
	}
	if private.Writable(info) {
		return "other users can change what is in the data folder: chmod go-w " + dir, nil
	}
	return "", nil
}
