package app

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"greenroom/internal/cursor"
	"greenroom/provider"
)

// Delivery is one webhook request as it arrived, with its verdict and meaning. Lists omit Headers and Body.
type Delivery struct {
	Seq uint64 `json:"seq"`
	// At is when our first machine received it.
	At      Time   `json:"at"`
	Account string `json:"account"`
	Method  string `json:"method"`
	// Target is the raw path with its query.
	Target  string      `json:"target"`
	Headers http.Header `json:"headers,omitempty"`
	Body    Body        `json:"-"`
	Size    int64       `json:"size"`

	Verdict provider.Verdict `json:"verdict"`
	// Reason explains the verdict, or why the request could not be read.
	Reason string `json:"reason"`
	// Status is the HTTP status of the answer.
	Status int                `json:"status"`
	Kind   provider.EventKind `json:"kind"`
	// Type is the platform's own name of the kind.
	Type string `json:"type"`
	// Meeting is the id of its meeting, Room the room's name, or the platform's name of an unknown one.
	Meeting string `json:"meeting"`
	Room    string `json:"room"`
	// Participant is the person's name, or their session if they have none.
	Participant string `json:"participant"`
	Session     string `json:"session"`
	// DuplicateOf is the delivery that this one repeats, 0 for none.
	DuplicateOf Seq `json:"duplicate_of"`
	// ReplayOf is the delivery that was replayed as this one, 0 for one that arrived.
	ReplayOf Seq `json:"replay_of,omitempty"`
	// Imported marks a delivery that was read from a file.
	Imported bool `json:"imported,omitempty"`
	// Via is how it arrived: "direct" to the listener, or the driver of the tunnel. Empty in those stored by earlier versions.
	Via string `json:"via,omitempty"`
	// Remote is the sender's address, if it is known.
	Remote string `json:"remote,omitempty"`
	// HappenedAt is the event's own time, StoredAt that of its commit by this machine's clock. Both are null if unknown.
	HappenedAt Time `json:"happened_at,omitzero"`
	StoredAt   Time `json:"stored_at,omitzero"`
	// Position is its position in the spool of a relay, nil for a direct one.
	Position *cursor.Position `json:"position,omitempty"`
	// Unapplied is why an authentic event had no effect.
	Unapplied string `json:"unapplied,omitempty"`
	// ProviderID is the platform's id of the event.
	ProviderID string `json:"provider_id"`
	// Forwards are the attempts to forward it, oldest first. Of many, the first and the latest are kept.
	Forwards []Attempt `json:"forwards,omitempty"`
}

// Seq names a delivery; 0 names none and is null in JSON.
type Seq uint64

// MarshalJSON writes null for 0.
func (s Seq) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendUint(nil, uint64(s), 10), nil
}

// Body is a request's exact bytes.
type Body []byte

// MarshalJSON writes the body as text if it is valid UTF-8, otherwise as base64 with "body_encoding":"base64". Targets and headers
// that are not valid UTF-8 are also in target_base64 and headers_base64. A delivery without headers is a list's row and has no
// body.
func (d Delivery) MarshalJSON() ([]byte, error) {
	type row Delivery
	if d.Headers == nil {
		return json.Marshal(struct {
			row
			Target []byte `json:"target_base64,omitempty"`
		}{row(d), exactText(d.Target)})
	}
	full := struct {
		row
		Target   []byte              `json:"target_base64,omitempty"`
		Headers  map[string][][]byte `json:"headers_base64,omitempty"`
		Text     string              `json:"body"`
		Encoding string              `json:"body_encoding,omitempty"`
	}{row: row(d), Target: exactText(d.Target), Headers: exactHeader(d.Headers)}
	if utf8.Valid(d.Body) {
		full.Text = string(d.Body)
	} else {
		full.Text, full.Encoding = base64.StdEncoding.EncodeToString(d.Body), "base64"
	}
	return json.Marshal(full)
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (d *Delivery) UnmarshalJSON(b []byte) error {
	type row Delivery
	full := struct {
		*row
		Target   []byte              `json:"target_base64"`
		Headers  map[string][][]byte `json:"headers_base64"`
		Text     string              `json:"body"`
		Encoding string              `json:"body_encoding"`
	}{row: (*row)(d)}
	if err := json.Unmarshal(b, &full); err != nil {
		return err
	}
	if full.Target != nil {
		d.Target = string(full.Target)
	}
	if d.Headers != nil {
		restoreHeader(d.Headers, full.Headers)
	}
	d.Body = Body(full.Text)
	if full.Encoding == "base64" {
		raw, err := base64.StdEncoding.DecodeString(full.Text)
		if err != nil {
			return fmt.Errorf("app: body of delivery %d: %w", d.Seq, err)
		}
		d.Body = raw
	}
	return nil
}
