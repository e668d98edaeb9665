package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"greenroom/provider"
)

// FaultKind is a misbehaviour of a platform.
type FaultKind string

// The kinds of fault.
const (
	// RateLimit answers 429 like the platform; Delay sets Retry-After.
	RateLimit FaultKind = "rate-limit"
	// ServerError answers Status (default 500) without an effect.
	ServerError FaultKind = "server-error"
	// ErrorAfterEffect carries out the call and then answers Status (default 502).
	ErrorAfterEffect FaultKind = "error-after-effect"
	// DropConnection closes the connection without an effect.
	DropConnection FaultKind = "drop"
	// DropAfterEffect carries out the call and then closes the connection.
	DropAfterEffect FaultKind = "drop-after-effect"
	// Latency waits for Delay of the world's clock, then continues.
	Latency FaultKind = "latency"
	// CutJSON answers with the first half of the right body.
	CutJSON FaultKind = "cut-json"
	// HTML answers 200 with a page, as proxies and captive portals do.
	HTML FaultKind = "html"
	// ErrorWith200 answers 200 with an error object.
	ErrorWith200 FaultKind = "error-200"
	// PresenceError answers only presence readings (on Whereby insights), with Status (default 500).
	PresenceError FaultKind = "presence-error"
	// PresenceLag makes Daily's presence lag by Delay instead of [Options.PresenceLag].
	PresenceLag FaultKind = "presence-lag"
	// LoseWebhook, DuplicateWebhook and ReorderWebhook affect webhooks as they are sent. A reordered one arrives after its
	// successor, or 5 s late without one.
	LoseWebhook      FaultKind = "lose-webhook"
	DuplicateWebhook FaultKind = "duplicate-webhook"
	ReorderWebhook   FaultKind = "reorder-webhook"
	// CutFile closes the connection after half of a recording's file, SpoilFile sends zeros as its second half.
	CutFile   FaultKind = "cut-file"
	SpoilFile FaultKind = "spoil-file"
)

var faultKinds = []FaultKind{
	RateLimit, ServerError, ErrorAfterEffect, DropConnection, DropAfterEffect, Latency, CutJSON, HTML, ErrorWith200,
	PresenceError, PresenceLag, LoseWebhook, DuplicateWebhook, ReorderWebhook, CutFile, SpoilFile,
}

// Fault is one misbehaviour and its conditions.
type Fault struct {
	ID   string    `json:"id,omitempty"`
	Kind FaultKind `json:"kind"`
	// Platform limits it to one platform; empty means all.
	Platform provider.Platform `json:"platform,omitempty"`
	// Match limits it to calls whose "METHOD /path" (without /v1) has this prefix, or to webhooks whose type has it. Files are
	// spared unless it begins with "GET /files" or the kind is about files.
	Match string `json:"match,omitempty"`
	// Times is the number of strikes; 0 means until it is cleared.
	Times int `json:"times,omitempty"`
	// Probability is the chance of a strike, from 0 to 1; 0 means always.
	Probability float64 `json:"probability,omitempty"`
	// Delay is in JSON a text such as "1m30s", or a number of seconds.
	Delay  time.Duration `json:"delay,omitempty"`
	Status int           `json:"status,omitempty"`
}

func (f *Fault) webhook() bool {
	return f.Kind == LoseWebhook || f.Kind == DuplicateWebhook || f.Kind == ReorderWebhook
}

// Fault adds a fault and returns its id. Faults are tried in the order of their addition. The first that strikes ends the search,
// except that [Latency] lets the next ones strike too.
func (w *World) Fault(f Fault) (string, error) {
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return "", fmt.Errorf("sandbox: no fault %q; there are %v", f.Kind, faultKinds)
	case f.Probability < 0 || f.Probability > 1:
		return "", fmt.Errorf("sandbox: a probability of %v", f.Probability)
	case f.Times < 0 || f.Delay < 0:
		return "", fmt.Errorf("sandbox: a fault with negative times or delay")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return "", fmt.Errorf("sandbox: a status of %d", f.Status)
	}
	if f.Platform != "" {
		if _, err := platformOf(string(f.Platform)); err != nil {
			return "", err
		}
	}
	w.lock()
	defer w.unlock()
	w.nextID++
	f.ID = fmt.Sprintf("fault-%d", w.nextID)
	w.faults = append(w.faults, &f)
	return f.ID, nil
}

// Faults lists the active faults.
func (w *World) Faults() []Fault {
	w.lock()
	defer w.unlock()
	out := make([]Fault, 0, len(w.faults))
	for _, f := range w.faults {
		out = append(out, *f)
	}
	return out
}

// ClearFaults removes every fault, or only those with the given ids.
func (w *World) ClearFaults(ids ...string) {
	w.lock()
	defer w.unlock()
	w.faults = slices.DeleteFunc(w.faults, func(f *Fault) bool { return len(ids) == 0 || slices.Contains(ids, f.ID) })
}

// strike tries the faults that the filter accepts and counts a strike. The world must be locked.
func (w *World) strike(p provider.Platform, what string, filter func(*Fault) bool) *Fault {
	for _, f := range w.faults {
		if f.Platform != "" && f.Platform != p || !strings.HasPrefix(what, f.Match) || !filter(f) {
			continue
		}
		if f.Probability > 0 && w.rng.Float64() >= f.Probability {
			continue
		}
		hit := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				w.faults = slices.DeleteFunc(w.faults, func(o *Fault) bool { return o == f })
			}
		}
		return &hit
	}
	return nil
}

// callFault returns the fault for an API call; presence reports whether the call reads presence.
func (w *World) callFault(p provider.Platform, what string, presence bool) *Fault {
	return w.strike(p, what, func(f *Fault) bool {
		return !f.webhook() && !f.file() && f.Kind != Latency && f.Kind != PresenceLag && (f.Kind != PresenceError || presence)
	})
}

// file reports whether the fault is about recordings' files only.
func (f *Fault) file() bool { return f.Kind == CutFile || f.Kind == SpoilFile }

// fileFault returns the fault for a request for a recording's file.
func (w *World) fileFault(p provider.Platform, what string, slow bool) *Fault {
	return w.strike(p, what, func(f *Fault) bool {
		return (f.file() || strings.HasPrefix(f.Match, "GET /files")) && !f.webhook() && (f.Kind == Latency) == slow
	})
}

// presenceLag returns how far presence lags.
func (w *World) presenceLag() time.Duration {
	f := w.strike(provider.Daily, "", func(f *Fault) bool { return f.Kind == PresenceLag })
	if f != nil {
		return f.Delay
	}
	return w.opt.PresenceLag
}
