package main

import (
	"slices"
	"testing"

	"greenroom/internal/app"
)

func TestAccountsWithMoreRoomsThanAreListed(t *testing.T) {
	rooms := make([]app.PlatformRoom, 0, 2*app.PlatformRoomsMost)
	for range app.PlatformRoomsMost {
		rooms = append(rooms, app.PlatformRoom{Account: "large"})
	}
	for range app.PlatformRoomsMost - 1 {
		rooms = append(rooms, app.PlatformRoom{Account: "small"})
	}
	if got := cutAccounts(rooms); !slices.Equal(got, []string{"large"}) {
		t.Errorf("cut are %v", got)
	}
}
