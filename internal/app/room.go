package app

import "greenroom/provider"

// Room is a lasting template of meetings, its occurrences.
type Room struct {
	ID string `json:"id"`
	RoomSettings
	CreatedAt Time `json:"created_at"`
	// AutoSince is since when recordings are downloaded automatically: those that began then or later.
	AutoSince Time `json:"auto_since,omitzero"`
	// Adopted reports whether the room was found on a platform rather than made here.
	Adopted bool `json:"adopted,omitempty"`
}

// RoomSettings are the settings of a room that the user chooses.
type RoomSettings struct {
	Name string `json:"name"`
	// Account pins the room; empty means that the selection policy chooses at each meeting's start.
	Account     string                 `json:"account"`
	Locked      bool                   `json:"locked"`
	Size        int                    `json:"size"`
	Recording   provider.RecordingMode `json:"recording"`
	Trigger     provider.Trigger       `json:"trigger"`
	Logo        string                 `json:"logo"`
	SkipConsent bool                   `json:"skip_consent"`
	// AutoDownload downloads the room's recordings automatically, from now on.
	AutoDownload bool `json:"auto_download"`
}

// RoomSpec is a room to create.
type RoomSpec = RoomSettings

// RoomPatch changes the settings that are set. Existing meetings keep the settings with which they were started.
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
}

// Apply changes s.
func (p RoomPatch) Apply(s *RoomSettings) {
	set(&s.Name, p.Name)
	set(&s.Account, p.Account)
	set(&s.Locked, p.Locked)
	set(&s.Size, p.Size)
	set(&s.Recording, p.Recording)
	set(&s.Trigger, p.Trigger)
	set(&s.Logo, p.Logo)
	set(&s.SkipConsent, p.SkipConsent)
	set(&s.AutoDownload, p.AutoDownload)
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// PatchTo returns the patch that makes the settings of the room ref what they are in now.
func (s RoomSettings) PatchTo(now RoomSettings, ref string) RoomPatch {
	return RoomPatch{
		Ref: ref, Name: differs(s.Name, now.Name), Account: differs(s.Account, now.Account), Locked: differs(s.Locked, now.Locked),
		Size: differs(s.Size, now.Size), Recording: differs(s.Recording, now.Recording), Trigger: differs(s.Trigger, now.Trigger),
		Logo: differs(s.Logo, now.Logo), SkipConsent: differs(s.SkipConsent, now.SkipConsent),
		AutoDownload: differs(s.AutoDownload, now.AutoDownload),
	}
}

func differs[T comparable](was, now T) *T {
	if was == now {
		return nil
	}
	return &now
}
