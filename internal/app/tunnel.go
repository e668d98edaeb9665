package app

import (
	"time"

	"greenroom/internal/cursor"
	"greenroom/provider"
)

// Batch is requests to store in their order, in as few commits as possible.
type Batch struct {
	Requests []Inbound `json:"requests"`
}

// TunnelQuery asks how far the tunnels' streams are stored.
type TunnelQuery struct{}

// TunnelState holds what a tunnel needs to resume where it stopped.
type TunnelState struct {
	// Device names this store. It never changes.
	Device string `json:"device"`
	// Positions tell how far each hook was stored. Hooks that never delivered anything are missing.
	Positions []cursor.Position `json:"positions"`
}

// TunnelReport reports the state of a process's tunnel to the owner of the store.
type TunnelReport struct {
	// Source names the process and its tunnel. Another report of the same source takes this one's place.
	Source string       `json:"source"`
	Status TunnelStatus `json:"status"`
	// Lease is how long the report holds unless it is renewed; 0 takes it back.
	Lease time.Duration `json:"lease"`
	// Probed is the outcome of a probe that [Backend].ProbeTunnel asked for.
	Probed *TunnelProbed `json:"probed,omitempty"`
	// Listener is the listener of the source's process. A report with one is about the listener alone.
	Listener *ListenerStatus `json:"listener,omitempty"`
}

// TunnelReported answers a report.
type TunnelReported struct{}

// TunnelProbe asks for a probe: a request to the public URL that must come back through the tunnel.
type TunnelProbe struct{}

// TunnelProbed is the outcome of a probe.
type TunnelProbed struct {
	// ID is that of the [ProbeChange] which asked for it.
	ID uint64 `json:"id"`
	// Driver and URL are what was probed.
	Driver string `json:"driver"`
	URL    string `json:"url"`
	OK     bool   `json:"ok"`
	// RTTMs is how long the way there and back took; Reason says what went wrong.
	RTTMs  float64 `json:"rtt_ms"`
	Reason string  `json:"reason"`
}

// WebhookRegistration asks for an account's webhook to be made on its platform, or changed to the tunnel's URL.
type WebhookRegistration struct {
	Account string `json:"account"`
	// Replace takes over one that was not registered from here, and ends what it did.
	Replace bool `json:"replace,omitempty"`
}

// RegisteredWebhook is an account's webhook as registered on its platform.
type RegisteredWebhook struct {
	Account string `json:"account"`
	URL     string `json:"url"`
	// State is one of the constants below; At when the platform last reported it.
	State WebhookState `json:"state"`
	At    Time         `json:"at"`
	// Foreign is the URL of the webhook that is there instead.
	Foreign string `json:"foreign,omitempty"`
	// Problem says why it isn't as it should be, Hint what to do.
	Problem string `json:"problem,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// WebhookState is the state of an account's webhook on its platform.
type WebhookState string

// The states of a webhook on its platform.
const (
	// WebhookRegistered posts to the tunnel's URL.
	WebhookRegistered WebhookState = "registered"
	// WebhookForeign says that one is registered which is not ours; it is left alone unless the user replaces it.
	WebhookForeign WebhookState = "foreign"
	// WebhookFailing says that the platform could not be asked, or refused.
	WebhookFailing WebhookState = "failing"
	// WebhookSilent says that the platform has stopped sending after failures.
	WebhookSilent WebhookState = "silent"
	// WebhookByHand says that the platform has no way to register one but its own pages.
	WebhookByHand WebhookState = "by hand"
)

// SyntheticWebhook asks for a webhook as the account's platform would send it, of something that didn't happen.
type SyntheticWebhook struct {
	Account string             `json:"account"`
	Kind    provider.EventKind `json:"kind"`
	// Type is the platform's own name of the event, empty for the usual one of the kind.
	Type string `json:"type,omitempty"`
	// Room and MeetingID name the meeting as the platform does, Conference its session; Name and Session are the participant's.
	Room       string `json:"room"`
	MeetingID  string `json:"meeting_id"`
	Conference string `json:"conference,omitempty"`
	Name       string `json:"name"`
	Session    string `json:"session"`
	ID         string `json:"id"`
	At         Time   `json:"at"`
	// Since is when the stay, the recording or the meeting began that the event ends; Here is how many are present after it.
	Since Time `json:"since"`
	Here  *int `json:"here,omitempty"`
	// Body is signed instead of the event.
	Body []byte `json:"body,omitempty"`
	// SignedAt is the time of the signature, At when it is zero. Forged signs with a secret that is not the account's.
	SignedAt Time `json:"signed_at"`
	Forged   bool `json:"forged,omitempty"`
}

// SignedWebhook is a webhook, ready to be posted.
type SignedWebhook struct {
	Method string              `json:"method"`
	Header map[string][]string `json:"header"`
	Body   []byte              `json:"body"`
}
