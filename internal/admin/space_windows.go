package admin

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// freeSpace returns the bytes that this user can still write on the disk of a path.
func freeSpace(path string) (free uint64, err error) {
	dir, err := windows.UTF16PtrFromString(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	err = windows.GetDiskFreeSpaceEx(dir, &free, nil, nil)
	return free, err
}
