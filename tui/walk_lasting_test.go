package tui

import (
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// The link of a lasting room is shown and copied before any meeting, and stays after one.
func TestALastingLinkIsThereWithoutAMeeting(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {100, 30}, {160, 45}} {
		synctest.Test(t, func(t *testing.T) {
			var made app.Room
			p := sit(t, size[0], size[1], func(b *tuitest.Backend) {
				b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
				made = b.AddRoom(app.RoomSpec{Name: "all-hands", Account: "daily", Link: app.LinkLasting})
			})
			p.sees("lasting link", "example.test/").does("copy.guest").sees("Guest link of all-hands")
			if got := p.clipboard(); len(got) == 0 || got[len(got)-1] != made.GuestURL || made.GuestURL == "" {
				t.Errorf("copied %q, the link is %q", got, made.GuestURL)
			}
			p.does("qr").sees("all-hands").presses("esc")
			p.does("room.delete").sees("the lasting link stops working").presses("esc")
		})
	}
}

func TestTheLinkIsAFieldOfTheForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 40, func(b *tuitest.Backend) { b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"}) })
		p.does("room.edit").sees("Link", "new: a new one for each meeting", "Group", "Favourite")
	})
}

// A room that was deleted by mistake comes back with one key.
func TestADeletionIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.AddRoom(app.RoomSpec{Name: "design", Account: "daily"})
		})
		p.does("undo").sees("nothing was deleted here")
		p.does("room.delete").presses("y").sees("Room board deleted", "u restores it")
		p.does("undo").sees("The room board is back", "▌· board")
	})
}
