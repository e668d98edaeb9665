package ipc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// bindFirst makes the first of the sockets that can be made.
func bindFirst(sockets []string) (l net.Listener, socket string, err error) {
	var errs []error
	for _, socket := range sockets {
		l, err := bind(socket)
		if err == nil {
			return l, socket, nil
		}
		errs = append(errs, err)
	}
	return nil, "", errors.Join(errs...)
}

// bind makes the socket, in place of one that a killed owner left behind. Only the holder of the lock may call it.
func bind(socket string) (net.Listener, error) {
	if err := checkFolder(filepath.Dir(socket)); err != nil {
		return nil, err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("ipc: remove stale socket: %w", err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("ipc: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("ipc: %w", err), l.Close())
	}
	return l, nil
}
