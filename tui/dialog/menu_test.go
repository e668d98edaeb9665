package dialog

import (
	"testing"

	tea "charm.land/bubbletea/v2"
)

// The items of a menu come and go while it is open; the cursor stays on its item, and on none when that has gone.
func TestTheCursorFollowsItsItem(t *testing.T) {
	var chosen string
	item := func(id string) Item {
		return Item{ID: id, Label: "a room", Stay: true, Do: func() tea.Cmd { chosen += id; return nil }}
	}
	m := &Menu{Search: true}
	text(m, 60, 20)
	m.SetItems([]Item{item("b"), item("d")})
	text(m, 60, 20)
	press(m, "down")
	m.SetItems([]Item{item("a"), item("b"), item("c"), item("d"), item("e")})
	if press(m, "enter"); chosen != "d" {
		t.Errorf("took %q, not d: others arrived above it", chosen)
	}
	m.SetItems([]Item{item("d"), item("a")})
	if press(m, "enter"); chosen != "dd" {
		t.Errorf("took %q, not d: it moved up", chosen)
	}
	m.SetItems([]Item{item("a"), item("b")})
	if press(m, "enter", "enter"); chosen != "dd" {
		t.Errorf("took %q after the item had gone", chosen)
	}
	press(m, "down")
	if press(m, "enter"); chosen != "dda" {
		t.Errorf("took %q, not the item that the cursor was moved to", chosen)
	}
}
