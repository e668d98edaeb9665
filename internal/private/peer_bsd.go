//go:build darwin || freebsd

package private

import "golang.org/x/sys/unix"

// peer asks as getpeereid(3) does.
func peer(fd int) (uid int, known bool, err error) {
	const local = 0 // SOL_LOCAL
	c, err := unix.GetsockoptXucred(fd, local, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, false, err
	}
	return int(c.Uid), true, nil
}
