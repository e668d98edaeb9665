package hub

import (
	"fmt"
	"slices"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Only this file of the hub names platforms: at first every meeting was on Whereby, and the variables DAILY_MIGRATION_ENABLED and
// DAILY_MIGRATION_ROOM_IDS move rooms from there to Daily. A new platform needs no change here: DEFAULT_VIDEO_PLATFORM and accounts
// choose it.
const (
	migratesFrom = provider.Whereby
	migratesTo   = provider.Daily
	// lastResort is the platform of a room if nothing else chooses one.
	lastResort = provider.Whereby
)

// Policy chooses the platform of rooms that aren't pinned to an account.
type Policy struct {
	// MigrationSet reports that DAILY_MIGRATION_ENABLED is set, MigrationEnabled its value.
	MigrationSet     bool
	MigrationEnabled bool
	// MigrationRooms are the ids or names of the rooms that the migration covers.
	MigrationRooms []string
	// DefaultPlatform is DEFAULT_VIDEO_PLATFORM, empty when unset.
	DefaultPlatform provider.Platform
}

// migrated returns the platform that the migration chooses for a room, empty for none.
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

// listed returns how many rooms the migration lists, for the diagnosis; empty if it lists none.
func (p Policy) listed() string {
	n := len(p.MigrationRooms)
	if !p.MigrationSet || !p.MigrationEnabled || n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d rooms are listed for %s", n, migratesTo.Title())
}
