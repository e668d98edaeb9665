package providertest

import (
	"testing"

	"greenroom/provider"
)

// filled is more than two pages of any list.
const filled = 260

// testPages reads lists of several pages: every item is there, once.
func testPages(t *testing.T, h Harness) {
	if h.Fill == nil {
		t.Skip("nothing can be made here")
	}
	p := h.open(t, nil)
	rooms, recordings := roomNames(t, p), recordingIDs(t, p)
	h.Fill(t, filled)
	if _, ok := p.(provider.RoomLister); ok {
		once(t, "rooms", roomNames(t, p), len(rooms)+filled)
	}
	if _, ok := p.(provider.RecordingLister); ok {
		once(t, "recordings", recordingIDs(t, p), len(recordings)+filled)
	}
}

func roomNames(t *testing.T, p provider.Provider) map[string]int {
	t.Helper()
	found := map[string]int{}
	if l, ok := p.(provider.RoomLister); ok {
		if err := l.Rooms(t.Context(), func(m provider.Meeting) bool { found[m.Room]++; return true }); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// recordingIDs reads the list of all recordings to its end.
func recordingIDs(t *testing.T, p provider.Provider) map[string]int {
	t.Helper()
	found := map[string]int{}
	l, ok := p.(provider.RecordingLister)
	if !ok {
		return found
	}
	for cursor, pages := "", 0; ; pages++ {
		list, err := l.Recordings(t.Context(), "", cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Recordings {
			found[r.ID]++
		}
		if cursor = list.Next; cursor == "" {
			return found
		}
		if pages > filled {
			t.Fatal("the list has no end")
		}
	}
}

func once(t *testing.T, what string, found map[string]int, want int) {
	t.Helper()
	for id, n := range found {
		if n > 1 {
			t.Errorf("%s: %s is listed %d times", what, id, n)
		}
	}
	if len(found) != want {
		t.Errorf("%d of %d %s are listed", len(found), want, what)
	}
}
