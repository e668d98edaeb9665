package boltfile

import (
	"runtime"
	"testing"
)

func TestTheMappingHasRoomInEverySize(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not there")
	}
	for _, size := range []int64{0, 1 << 30, 100 << 30, 1 << 42} {
		if got := mapped(size, 2<<30); got < 64<<30 || got < 4*size {
			t.Errorf("%d bytes are mapped for a file of %d", got, size)
		}
	}
	if got := mapped(1<<62, 1<<62); got <= 0 {
		t.Errorf("%d bytes", got)
	}
}
