package hub

import (
	"fmt"
	"slices"

	"greenroom/internal/app"
	"greenroom/provider"
)

// The hub names platforms here alone, for history's sake: before there was a choice every meeting was on Whereby, and the
// variables DAILY_MIGRATION_ENABLED and DAILY_MIGRATION_ROOM_IDS move rooms from there to Daily. A new platform needs no line
// of this file: DEFAULT_VIDEO_PLATFORM and accounts choose it.
const (
	migratesFrom = provider.Whereby
	migratesTo   = provider.Daily
	// lastResort is the platform of rooms that nothing else chooses one for.
	lastResort = provider.Whereby
)

// Policy decides which platform a room's meetings get when the room isn't pinned to an account.
type Policy struct {
	// MigrationSet says that DAILY_MIGRATION_ENABLED has a value, which MigrationEnabled is.
	MigrationSet     bool
	MigrationEnabled bool
	// MigrationRooms are the ids or names of the rooms that the migration covers.
	MigrationRooms []string
	// DefaultPlatform is DEFAULT_VIDEO_PLATFORM, empty when unset.
	DefaultPlatform provider.Platform
}

// migrated is the platform that the migration gives to a room, empty where it doesn't decide.
func (p Policy) migrated(r app.Room) (platform provider.Platform, why string) {
	switch {
	case !p.MigrationSet:
		return "", ""
	case !p.MigrationEnabled:
		return migratesFrom, "DAILY_MIGRATION_ENABLED is false"
	case slices.Contains(p.MigrationRooms, r.ID) || slices.Contains(p.MigrationRooms, r.Name):
		return migratesTo, "the room is in DAILY_MIGRATION_ROOM_IDS"
	}
	return "", ""
}

// listed says how many rooms the migration names, for the diagnosis; empty where it names none.
func (p Policy) listed() string {
	n := len(p.MigrationRooms)
	if !p.MigrationSet || !p.MigrationEnabled || n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d rooms are listed for %s", n, migratesTo.Title())
}
