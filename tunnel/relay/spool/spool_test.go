package spool_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o spool.Options) *spool.Spool {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func token(t *testing.T, s *spool.Spool, name string) (secret, hook string) {
	t.Helper()
	secret, _, err := s.CreateToken(t.Context(), name, false)
	if err != nil {
		t.Fatal(err)
	}
	return secret, s.HooksOf(name)[0].ID
}

func put(t *testing.T, s *spool.Spool, hook string, body []byte) cursor.Position {
	t.Helper()
	p, err := s.Put(t.Context(), event(hook), bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func event(hook string) wire.EventBody {
	return wire.EventBody{
		ID: "e", Position: cursor.Position{Hook: hook}, ReceivedAt: time.UnixMicro(1750000000000000), Method: "POST", Target: "/x?y=\xff",
		Header: http.Header{"A": {"1", "2"}},
	}
}

// body reads a request's whole body in pieces of n bytes.
func body(t *testing.T, s *spool.Spool, e spool.Event, n int) []byte {
	t.Helper()
	var b []byte
	for int64(len(b)) < e.Length {
		var err error
		if b, err = s.Read(e, int64(len(b)), b, n); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	c := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	_, _ = c.Read(b)
	return b
}

func TestBodiesComeBackWhole(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	at := cursor.Position{Hook: hook}
	sum := int64(0)
	for _, n := range []int{0, 1, 1000, 16 << 10, 16<<10 + 1, spool.PieceSize - 1, spool.PieceSize, spool.PieceSize + 1, 3*spool.PieceSize + 7, 8 * spool.PieceSize} {
		for _, announced := range []int64{int64(n), -1} {
			want := random(n)
			p, err := s.Put(t.Context(), event(hook), bytes.NewReader(want), announced)
			if err != nil {
				t.Fatal(n, err)
			}
			e, ok, err := s.Next(at)
			if err != nil || !ok || e.Position != p || !at.Before(p) {
				t.Fatalf("%d bytes at %v: %v, %v, %v", n, p, e.Position, ok, err)
			}
			at = p
			sum += int64(n + len(e.Raw))
			meta, err := wire.DecodeEvent(e.Raw)
			if err != nil || meta.Length != int64(n) || meta.SHA256 != sha256.Sum256(want) || meta.Seq != p.Seq || meta.Target != "/x?y=\xff" {
				t.Fatalf("%d bytes: %+v, %v", n, meta, err)
			}
			if got := body(t, s, e, 64<<10); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes come back as %d others", n, len(got))
			}
			for _, offset := range []int64{e.Length, e.Length + 1, e.Length + spool.PieceSize} {
				if b, err := s.Read(e, offset, nil, 10); !errors.Is(err, spool.ErrNotFound) || len(b) != 0 {
					t.Errorf("%d bytes: %d are read at %d, %v", n, len(b), offset, err)
				}
			}
		}
	}
	if n, bytes := s.Depth(hook); n != 20 || bytes != sum {
		t.Errorf("%d requests, %d bytes wait", n, bytes)
	}
	if err := s.Stored(at); err != nil {
		t.Fatal(err)
	}
}
