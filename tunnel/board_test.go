package tunnel_test

import (
	"testing"

	"greenroom/tunnel"
)

func TestBoardShowsTheLatest(t *testing.T) {
	b := tunnel.NewBoard(tunnel.Status{Driver: "manual", State: tunnel.Connecting})
	b.Update(func(s *tunnel.Status) { s.State = tunnel.Live })
	b.Update(func(s *tunnel.Status) { s.URL = "https://a.example" })
	got := <-b.Status()
	if got.State != tunnel.Live || got.URL != "https://a.example" {
		t.Errorf("a slow reader gets %+v", got)
	}
	b.Update(func(s *tunnel.Status) { s.State = tunnel.Live })
	select {
	case s := <-b.Status():
		t.Errorf("nothing changed, and %+v is posted", s)
	default:
	}
	b.Close("ended")
	b.Close("again")
	b.Update(func(s *tunnel.Status) { s.State = tunnel.Live })
	if got := <-b.Status(); got.State != tunnel.Closed || got.Reason != "ended" {
		t.Errorf("the last status is %+v", got)
	}
	if _, open := <-b.Status(); open {
		t.Error("the channel is open after the end")
	}
}

func TestPositionsAreOrderedByEpochFirst(t *testing.T) {
	p := tunnel.Position{Hook: "h", Epoch: 2, Seq: 10}
	for _, test := range []struct {
		epoch, seq uint64
		want       bool
	}{{2, 10, false}, {2, 11, true}, {2, 9, false}, {3, 1, true}, {1, 99, false}} {
		if got := p.Before(test.epoch, test.seq); got != test.want {
			t.Errorf("%+v before (%d, %d): %t", p, test.epoch, test.seq, got)
		}
	}
}
