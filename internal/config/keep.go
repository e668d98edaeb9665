package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"greenroom/internal/crash"
	"greenroom/internal/regular"
)

// keysFolder is the folder beside the configuration file with a file for each secret that isn't in a keyring.
const keysFolder = "keys"

// askKeyring runs one call of the keyring's library. The library has no time limit, and a locked keyring may wait for a person: after
// the timeout the goroutine is abandoned.
func askKeyring(ctx context.Context, timeout time.Duration, ask func() (string, error)) (string, error) {
	got := make(chan resolved, 1)
	var group *crash.Group
	group.Go("keyring", func() {
		s, err := ask()
		got <- resolved{s, err}
	})
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case a := <-got:
		if a.err != nil && !errors.Is(a.err, keyring.ErrNotFound) {
			return "", ErrKeyring
		}
		return a.secret, a.err
	case <-late.C:
		return "", fmt.Errorf("%w: it did not answer within %s", ErrKeyring, timeout)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// fromKeyring reads an entry of the system's keyring.
func fromKeyring(ctx context.Context, name string, timeout time.Duration) (string, error) {
	secret, err := askKeyring(ctx, timeout, func() (string, error) { return keyring.Get(KeyringService, name) })
	if errors.Is(err, keyring.ErrNotFound) {
		return "", fmt.Errorf("the keyring has no entry %q for the service %q", name, KeyringService)
	}
	return secret, err
}

// filePath is the path of a file: reference.
func filePath(folder, name string) string {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "~") {
		return Absolute(name)
	}
	return filepath.Join(folder, filepath.FromSlash(name))
}

// fromFile reads a secret from a file that only its owner can read.
func fromFile(path string) (string, error) {
	b, private, err := readFile(path, maxSecret)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %s", path, cause(err))
	case !private:
		return "", fmt.Errorf("others can read %s: run `chmod 600 %s`", path, path)
	}
	return string(b), nil
}

// Kept is a secret that [KeepInKeyring] or [KeepInFile] has stored. Reference is its value in the configuration.
type Kept struct {
	Reference string
	// Forget removes it again.
	Forget func() error
}

// KeepInKeyring stores a secret as a new entry of the system's keyring, called name, or name-2 and so on if there is one: an
// entry that exists is never replaced. The error is [ErrKeyring] if there is no keyring.
func KeepInKeyring(ctx context.Context, name, secret string) (Kept, error) {
	entry := name
	for n := 2; ; n++ {
		_, err := askKeyring(ctx, secretTime, func() (string, error) { return keyring.Get(KeyringService, entry) })
		if errors.Is(err, keyring.ErrNotFound) {
			break
		}
		if err != nil {
			return Kept{}, err
		}
		entry = fmt.Sprintf("%s-%d", name, n)
	}
	if _, err := askKeyring(ctx, secretTime, func() (string, error) { return "", keyring.Set(KeyringService, entry, secret) }); err != nil {
		return Kept{}, err
	}
	reference := keyringReference + entry
	return Kept{Reference: reference, Forget: func() error { return forgetEntry(entry) }}, nil
}

func forgetEntry(entry string) error {
	_, err := askKeyring(context.Background(), secretTime, func() (string, error) { return "", keyring.Delete(KeyringService, entry) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// KeepInFile stores a secret as a new file that only its owner can read, in the folder keys beside the configuration file. It is
// called name, or name-2 and so on if there is one.
func KeepInFile(o Options, name, secret string) (Kept, error) {
	config, _ := FilePath(o)
	if config == "" {
		return Kept{}, errNoPlace
	}
	folder := filepath.Join(filepath.Dir(config), keysFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Kept{}, fmt.Errorf("make the folder of keys: %w", err)
	}
	file := name
	for n := 2; ; n++ {
		f, err := os.OpenFile(filepath.Join(folder, file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			file = fmt.Sprintf("%s-%d", name, n)
			continue
		}
		if err != nil {
			return Kept{}, fmt.Errorf("keep the key: %w", err)
		}
		forget := func() error { return os.Remove(f.Name()) }
		_, err = f.WriteString(secret + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return Kept{}, errors.Join(fmt.Errorf("keep the key: %w", err), forget())
		}
		return Kept{Reference: fileReference + keysFolder + "/" + file, Forget: forget}, regular.SyncFolder(folder)
	}
}

// Forget removes the secret that a reference names, if it is kept where [KeepInKeyring] and [KeepInFile] store it. Other secrets
// are the user's own, and stay.
func Forget(o Options, reference string) error {
	config, _ := FilePath(o)
	kind, name, _ := strings.Cut(strings.TrimSpace(reference), ":")
	name = strings.TrimSpace(name)
	folder, file := filepath.Split(filepath.FromSlash(name))
	switch {
	case kind == "keyring":
		return forgetEntry(name)
	case kind == "file" && filepath.Clean(folder) == keysFolder && file != "":
		if err := os.Remove(filepath.Join(filepath.Dir(config), keysFolder, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the key: %w", err)
		}
	}
	return nil
}
