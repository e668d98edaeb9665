package order

import (
	"slices"
	"testing"

	"greenroom/internal/app"
)

func TestRoomsAreInTheOrderInWhichPeopleLookForThem(t *testing.T) {
	room := func(name string, change func(*app.RoomView)) app.RoomView {
		v := app.RoomView{Room: app.Room{ID: name, RoomSettings: app.RoomSettings{Name: name}}}
		if change != nil {
			change(&v)
		}
		return v
	}
	meeting := func(mt app.Meeting) func(*app.RoomView) { return func(v *app.RoomView) { v.Meeting = &mt } }
	rooms := []app.RoomView{
		room("recroom", nil), room("Room 103", nil), room("Room 13", nil), room("Room 3", nil), room("Zürich", nil), room("zebra", nil),
		room("Ärzte", nil), room("apple", nil),
		room("A adopted", func(v *app.RoomView) { v.Adopted, v.Meeting = true, &app.Meeting{Status: app.Open} }),
		room("open", meeting(app.Meeting{Status: app.Open})),
		room("live", meeting(app.Meeting{Status: app.Live})),
		room("broken", meeting(app.Meeting{Status: app.Live, RecordingError: "x"})),
		room("waiting", meeting(app.Meeting{Status: app.Open, Waiting: 1})),
		room("over", meeting(app.Meeting{Status: app.Ended, Waiting: 1})),
	}
	lang := Language(func(name string) string { return map[string]string{"LANG": "de_DE.UTF-8"}[name] })
	Rooms(rooms, lang)
	var got []string
	for _, v := range rooms {
		got = append(got, v.Name)
	}
	want := []string{"waiting", "broken", "live", "open", "A adopted", "apple", "Ärzte", "over", "recroom", "Room 3", "Room 13", "Room 103",
		"zebra", "Zürich"}
	if !slices.Equal(got, want) {
		t.Errorf("\n%q, not\n%q", got, want)
	}
	for env, want := range map[string]string{"sv_SE.UTF-8": "sv-SE", "C": "und", "": "und", "POSIX": "und", "de_DE@euro": "de-DE"} {
		if got := Language(func(string) string { return env }); got.String() != want {
			t.Errorf("%q is %s, not %s", env, got, want)
		}
	}
}
