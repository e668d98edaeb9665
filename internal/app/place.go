package app

import "greenroom/provider"

// Place is the platform room of a lasting room on one account. It is stored until the room is deleted.
type Place struct {
	Account  string            `json:"account"`
	Platform provider.Platform `json:"platform"`
	// PlatformID, PlatformRoom and GuestURL are empty while the platform room is being created.
	PlatformID   string `json:"platform_id"`
	PlatformRoom string `json:"platform_room"`
	GuestURL     string `json:"guest_url"`
	// EndsAt is when the platform removes the room, null for never.
	EndsAt Time `json:"ends_at"`
	MadeAt Time `json:"made_at"`
	// Adopted means that the platform room was not created here. It is never removed from here.
	Adopted bool `json:"adopted,omitempty"`
	// Locked, Size, Recording and Trigger are the settings that the platform room has.
	Locked    bool                   `json:"locked"`
	Size      int                    `json:"size"`
	Recording provider.RecordingMode `json:"recording"`
	Trigger   provider.Trigger       `json:"trigger"`
	// FormerURL is the previous link, which works until FormerEnds. Changes counts the changes of the link.
	FormerURL  string `json:"former_url,omitempty"`
	FormerEnds Time   `json:"former_ends,omitzero"`
	Changes    int    `json:"changes,omitempty"`
	// Name is the name under which a platform room is being created, since TriedAt.
	Name    string `json:"name,omitempty"`
	TriedAt Time   `json:"tried_at,omitzero"`
}

// Made reports whether the platform room exists, as far as known.
func (p *Place) Made() bool { return p != nil && p.PlatformRoom != "" }

// Place returns the room's place on an account, nil for none.
func (r *Room) Place(account string) *Place {
	for i := range r.Places {
		if r.Places[i].Account == account {
			return &r.Places[i]
		}
	}
	return nil
}

// SetPlace sets the room's place on an account, as the latest one, or removes it if it is neither made nor being made.
func (r *Room) SetPlace(p Place) {
	var others []Place
	if p.Made() || p.Name != "" {
		others = append(others, p)
	}
	for _, had := range r.Places {
		if had.Account != p.Account {
			others = append(others, had)
		}
	}
	r.Places = others
}
