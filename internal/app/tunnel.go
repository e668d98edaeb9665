package app

import (
	"time"

	"greenroom/internal/cursor"
	"greenroom/provider"
)

// Batch is a list of requests to store in order, in as few commits as possible.
type Batch struct {
	Requests []Inbound `json:"requests"`
}

// TunnelQuery asks for the positions of the tunnels' streams.
type TunnelQuery struct{}

// TunnelState holds what a tunnel needs to resume where it stopped.
type TunnelState struct {
	// Device is the id of this store. It never changes.
	Device string `json:"device"`
	// Positions are the last stored positions, for each hook that has delivered anything.
	Positions []cursor.Position `json:"positions"`
}

// TunnelReport reports the state of a process's tunnel to the owner of the store.
type TunnelReport struct {
	// Source identifies the process and its tunnel. A later report of the same source replaces this one.
	Source string       `json:"source"`
	Status TunnelStatus `json:"status"`
	// Lease is how long the report is valid unless it is renewed; 0 withdraws it.
	Lease time.Duration `json:"lease"`
	// Probed is the outcome of a probe that [Backend].ProbeTunnel asked for.
	Probed *TunnelProbed `json:"probed,omitempty"`
	// Listener is the listener of the source's process. A report with one is only about the listener.
	Listener *ListenerStatus `json:"listener,omitempty"`
}

// TunnelReported answers a report.
type TunnelReported struct{}

// TunnelProbe asks for a probe: a request to the public URL that must come back through the tunnel.
type TunnelProbe struct{}

// TunnelProbed is the outcome of a probe.
type TunnelProbed struct {
	// ID is the id in the [ProbeChange] that asked for it.
	ID uint64 `json:"id"`
	// Driver and URL name the tunnel that was probed.
	Driver string `json:"driver"`
	URL    string `json:"url"`
	OK     bool   `json:"ok"`
	// RTTMs is the round-trip time in milliseconds, Reason the cause of a failure.
	RTTMs  float64 `json:"rtt_ms"`
	Reason string  `json:"reason"`
}

// WebhookRegistration asks for an account's webhook to be registered on its platform with the tunnel's URL.
type WebhookRegistration struct {
	Account string `json:"account"`
	// Replace also replaces a webhook that was not registered from here.
	Replace bool `json:"replace,omitempty"`
}

// RegisteredWebhook is an account's webhook as registered on its platform.
type RegisteredWebhook struct {
	Account string `json:"account"`
	URL     string `json:"url"`
	// State is one of the constants below; At when the platform last reported it.
	State WebhookState `json:"state"`
	At    Time         `json:"at"`
	// Foreign is the URL of the webhook that is registered instead.
	Foreign string `json:"foreign,omitempty"`
	// Problem is the fault, Hint the remedy.
	Problem string `json:"problem,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// WebhookState is the state of an account's webhook on its platform.
type WebhookState string

// The states of a webhook on its platform.
const (
	// WebhookRegistered posts to the tunnel's URL.
	WebhookRegistered WebhookState = "registered"
	// WebhookForeign means that another webhook is registered; it stays unless the user replaces it.
	WebhookForeign WebhookState = "foreign"
	// WebhookFailing means that the platform could not be asked, or refused.
	WebhookFailing WebhookState = "failing"
	// WebhookSilent means that the platform has stopped sending after failures.
	WebhookSilent WebhookState = "silent"
	// WebhookByHand means that it can be registered only on the platform itself.
	WebhookByHand WebhookState = "by hand"
)

// SyntheticWebhook asks for a webhook of an invented event, as the account's platform would send it.
type SyntheticWebhook struct {
	Account string             `json:"account"`
	Kind    provider.EventKind `json:"kind"`
	// Type is the platform's own name of the event, empty for the default of the kind.
	Type string `json:"type,omitempty"`
	// Room and MeetingID are the platform's names of the meeting, Conference its session; Name and Session are the participant's.
	Room       string `json:"room"`
	MeetingID  string `json:"meeting_id"`
	Conference string `json:"conference,omitempty"`
	Name       string `json:"name"`
	Session    string `json:"session"`
	ID         string `json:"id"`
	At         Time   `json:"at"`
	// Since is when the stay, recording or meeting began that the event ends; Here is how many people are present after it.
	Since Time `json:"since"`
	Here  *int `json:"here,omitempty"`
	// Body is signed instead of the event.
	Body []byte `json:"body,omitempty"`
	// SignedAt is the time of the signature, zero for At. Forged signs with another secret than the account's.
	SignedAt Time `json:"signed_at"`
	Forged   bool `json:"forged,omitempty"`
}

// SignedWebhook is a webhook, ready to be posted.
type SignedWebhook struct {
	Method string              `json:"method"`
	Header map[string][]string `json:"header"`
	Body   []byte              `json:"body"`
}
