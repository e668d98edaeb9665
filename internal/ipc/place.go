package ipc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"greenroom/internal/app"
	"greenroom/provider"
)

// maxSocketPath keeps below what a socket's address can hold: 108 bytes on Linux and Windows, 104 on macOS.
const maxSocketPath = 100

// RuntimeDir is where sockets go when nothing else is said: $XDG_RUNTIME_DIR/greenroom, or a folder of the user's in the
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

// socketPaths names the sockets that a data folder (its real path) may have: in the runtime folder, or in the user's
// temporary folder where the former's path is too long for a socket's address or it can't be used. A holder of the lock
// records which one it took.
func socketPaths(runtimeDir, dataDir string) ([]string, error) {
	sum := sha256.Sum256([]byte(dataDir))
	name := hex.EncodeToString(sum[:8]) + ".sock"
	var paths []string
	for _, dir := range []string{runtimeDir, tempDir()} {
		if p := filepath.Join(dir, name); len(p) <= maxSocketPath && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 && runtime.GOOS != "windows" {
		// Both are too long: the shortest name that every Unix has.
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

// checkFolder makes the folder of a socket, or sees that the one that exists is ours alone: in a shared temporary folder
// somebody else may have made it first.
func checkFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("ipc: make runtime folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("ipc: make runtime folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("ipc: runtime folder: %w", err)
	}
	if !info.IsDir() {
		return &app.Error{
			Kind: provider.Forbidden, Text: dir + " is not a folder",
			Hint: "remove it, or set XDG_RUNTIME_DIR to a folder of yours",
		}
	}
	return checkOwner(dir, info)
}
