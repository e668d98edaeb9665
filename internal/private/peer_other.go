//go:build unix && !linux && !darwin && !freebsd

package private

func peer(int) (uid int, known bool, err error) { return 0, false, nil }
