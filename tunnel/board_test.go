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
