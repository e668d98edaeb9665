package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"greenroom/internal/app"
	"greenroom/provider"
)

// MaxBody is the largest body that can be imported, in bytes: the listener's limit.
const MaxBody = 25 << 20

// Read calls f for each event of a file, in order: lines of JSON, or HAR of any program. Errors name the event; f was called for the ones
// before it.
func Read(r io.Reader, f func(app.Delivery) error) error {
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	for n := 1; ; n++ {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		switch {
		case errors.Is(err, io.EOF) && n == 1:
			return errors.New("the file has no events")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("event %d is not JSON: %w", n, err)
		}
		var har struct {
			Log *struct {
				Entries []json.RawMessage `json:"entries"`
			} `json:"log"`
		}
		if n == 1 && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) && json.Unmarshal(raw, &har) == nil && har.Log != nil {
			return readHAR(har.Log.Entries, f)
		}
		var d app.Delivery
		var whole struct {
			Body *json.RawMessage `json:"body"`
		}
		if err := errors.Join(json.Unmarshal(raw, &whole), json.Unmarshal(raw, &d)); err != nil {
			return fmt.Errorf("event %d can't be read: %w", n, err)
		}
		if whole.Body == nil {
			return fmt.Errorf("event %d has no headers and body: `greenroom event export` writes complete events", n)
		}
		if err := pass(n, d, f); err != nil {
			return err
		}
	}
}

func readHAR(entries []json.RawMessage, f func(app.Delivery) error) error {
	for i, raw := range entries {
		var e harEntry
		err := json.Unmarshal(raw, &e)
		var d app.Delivery
		if err == nil {
			d, err = e.delivery()
		}
		if err != nil {
			return fmt.Errorf("entry %d can't be read: %w", i+1, err)
		}
		if err := pass(i+1, d, f); err != nil {
			return err
		}
	}
	return nil
}

// pass checks an event and passes it on.
func pass(n int, d app.Delivery, f func(app.Delivery) error) error {
	switch {
	case !token(d.Method):
		return fmt.Errorf("event %d has no method", n)
	case d.At.IsZero():
		return fmt.Errorf("event %d has no time", n)
	case len(d.Body) > MaxBody:
		return fmt.Errorf("event %d has a body of %d bytes; at most %d can be imported", n, len(d.Body), MaxBody)
	}
	if d.Verdict != provider.Verified && d.Verdict != provider.Rejected {
		d.Verdict = provider.Unverified
	}
	if d.Headers == nil {
		d.Headers = http.Header{}
	}
	if d.Kind == "" {
		d.Kind = provider.KindUnknown
	}
	if d.Size = max(d.Size, int64(len(d.Body))); d.Status < 0 || d.Status > 999 {
		d.Status = 0
	}
	return f(d)
}
