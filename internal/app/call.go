package app

import "greenroom/provider"

// Call is a notification of the user: by the bell, on the desktop, or by a program.
type Call struct {
	// Event is its name, such as "waiting", or the kind of an event that a filter selected.
	Event    string            `json:"event"`
	At       Time              `json:"at"`
	Room     string            `json:"room,omitempty"`
	Meeting  string            `json:"meeting,omitempty"`
	Account  string            `json:"account,omitempty"`
	Platform provider.Platform `json:"platform,omitempty"`
	Person   string            `json:"person,omitempty"`
	// Reason is the cause of a failure.
	Reason string `json:"reason,omitempty"`
	// URL is the meeting's guest link.
	URL string `json:"url,omitempty"`
}
