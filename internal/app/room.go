package app

import "greenroom/provider"

// Room is a lasting template of meetings, its occurrences.
type Room struct {
	ID string `json:"id"`
	RoomSettings
	CreatedAt Time `json:"created_at"`
	// AutoSince is since when recordings are downloaded automatically.
	AutoSince Time `json:"auto_since,omitzero"`
	// Adopted reports whether the room was found on a platform rather than created here.
	Adopted bool `json:"adopted,omitempty"`
	// GuestURL is the guest link of a lasting room, empty for others and until its platform room exists.
	GuestURL string `json:"guest_url"`
	// Places are its platform rooms as a lasting room, one for each account. The first is the latest.
	Places []Place `json:"places,omitempty"`
}

// RoomLink is the kind of platform room that the meetings of a room are in.
type RoomLink string

// The links of a room.
const (
	// LinkNew is a new platform room for each meeting.
	LinkNew RoomLink = "new"
	// LinkLasting is one platform room for all meetings, whose guest link can be published.
	LinkLasting RoomLink = "lasting"
)

// Lasting reports whether all meetings of the room are in one platform room.
func (r Room) Lasting() bool { return r.Link == LinkLasting || r.Link == "" && r.Adopted }

// RoomSettings are the settings of a room that the user chooses.
type RoomSettings struct {
	Name string `json:"name"`
	// Account pins the room; if it is empty, the policy chooses at each meeting's start.
	Account     string                 `json:"account"`
	Locked      bool                   `json:"locked"`
	Size        int                    `json:"size"`
	Recording   provider.RecordingMode `json:"recording"`
	Trigger     provider.Trigger       `json:"trigger"`
	Logo        string                 `json:"logo"`
	SkipConsent bool                   `json:"skip_consent"`
	// AutoDownload downloads the room's recordings automatically, from now on.
	AutoDownload bool `json:"auto_download"`
	// Link is new or lasting; empty is new, and lasting for an adopted room.
	Link RoomLink `json:"link"`
	// Group is the heading under which lists show the room, empty for none. Favourite rooms come first.
	Group     string `json:"group"`
	Favourite bool   `json:"favourite"`
}

// RoomSpec is a room to create.
type RoomSpec = RoomSettings

// RoomPatch changes the settings that aren't nil. Existing meetings keep the settings with which they were started, but the platform
// room of a lasting room changes at once.
type RoomPatch struct {
	Ref          string                  `json:"ref"`
	Name         *string                 `json:"name,omitempty"`
	Account      *string                 `json:"account,omitempty"`
	Locked       *bool                   `json:"locked,omitempty"`
	Size         *int                    `json:"size,omitempty"`
	Recording    *provider.RecordingMode `json:"recording,omitempty"`
	Trigger      *provider.Trigger       `json:"trigger,omitempty"`
	Logo         *string                 `json:"logo,omitempty"`
	SkipConsent  *bool                   `json:"skip_consent,omitempty"`
	AutoDownload *bool                   `json:"auto_download,omitempty"`
	Link         *RoomLink               `json:"link,omitempty"`
	Group        *string                 `json:"group,omitempty"`
	Favourite    *bool                   `json:"favourite,omitempty"`
}

// Apply applies the patch to s.
func (p RoomPatch) Apply(s *RoomSettings) {
	Set(&s.Name, p.Name)
	Set(&s.Account, p.Account)
	Set(&s.Locked, p.Locked)
	Set(&s.Size, p.Size)
	Set(&s.Recording, p.Recording)
	Set(&s.Trigger, p.Trigger)
	Set(&s.Logo, p.Logo)
	Set(&s.SkipConsent, p.SkipConsent)
	Set(&s.AutoDownload, p.AutoDownload)
	Set(&s.Link, p.Link)
	Set(&s.Group, p.Group)
	Set(&s.Favourite, p.Favourite)
}

// Set copies from to to, unless from is nil.
func Set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// PatchTo returns the patch that changes the settings of the room ref from s to now.
func (s RoomSettings) PatchTo(now RoomSettings, ref string) RoomPatch {
	return RoomPatch{
		Ref: ref, Name: differs(s.Name, now.Name), Account: differs(s.Account, now.Account), Locked: differs(s.Locked, now.Locked),
		Size: differs(s.Size, now.Size), Recording: differs(s.Recording, now.Recording), Trigger: differs(s.Trigger, now.Trigger),
		Logo: differs(s.Logo, now.Logo), SkipConsent: differs(s.SkipConsent, now.SkipConsent),
		AutoDownload: differs(s.AutoDownload, now.AutoDownload), Link: differs(s.Link, now.Link),
		Group: differs(s.Group, now.Group), Favourite: differs(s.Favourite, now.Favourite),
	}
}

func differs[T comparable](was, now T) *T {
	if was == now {
		return nil
	}
	return &now
}
