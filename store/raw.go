package store

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// rawEvent is a stored delivery as filters read it: nothing is decoded that the filter doesn't ask for. It is valid during its
// transaction.
type rawEvent struct {
	row []byte
	// at reads the blob. columns are nil if there are none.
	at      interface{ body() []byte }
	columns *filter.Columns

	headers http.Header
	stored  []byte // the blob once it was read
	err     error
}

// eventAt is the event at which an iterator is, until it moves.
func eventAt(at iterator) rawEvent { return rawEvent{row: at.row(), at: at, columns: at.columns()} }

// rowNames are the names of fields in a row.
var rowNames = [...]string{
	filter.Account: "account", filter.Kind: "kind", filter.Type: "type", filter.Verdict: "verdict", filter.Status: "status",
	filter.Room: "room", filter.Meeting: "meeting", filter.Participant: "participant", filter.Method: "method", filter.Target: "target",
	filter.Size: "size", filter.Seq: "seq", filter.Via: "via", filter.Remote: "remote", filter.Session: "session",
}

func (e *rawEvent) get(name string) gjson.Result { return gjson.GetBytes(e.row, name) }

// holds reports whether the row or the blob has the text that is grepped for.
func (e *rawEvent) holds(w *want) bool { return w.inBytes(e.row) || w.inBytes(e.whole()) }

// inBytes reports whether b, in lower case, has the text that is grepped for. Only letters beyond ASCII need a copy of b.
func (w *want) inBytes(b []byte) bool {
	ascii := len(w.texts) == 1 && len(w.texts[0]) == len(w.grep)
	if ascii && filter.ContainsCase(b, w.texts[0]) {
		return true
	}
	if !bytes.Contains(b, []byte("\u0130")) && !bytes.Contains(b, []byte("\u212a")) { // the only ones whose small letters, i and k, are ASCII
		if ascii || slices.ContainsFunc(w.texts, func(s string) bool { return !filter.ContainsCase(b, s) }) {
			return false
		}
	}
	return bytes.Contains(bytes.ToLower(b), []byte(w.grep))
}

// Text implements [filter.Event].
func (e *rawEvent) Text(f filter.Field) string {
	if f == filter.Kind {
		if kind, ok := e.columns.KnownKind(); ok {
			return string(kind)
		}
	}
	if f == filter.Target && e.get("target_base64").Exists() {
		d, err := decode[app.Delivery](e.row)
		if err != nil {
			e.err = err
		}
		return d.Target
	}
	return e.get(rowNames[f]).String()
}

// Number implements [filter.Event].
func (e *rawEvent) Number(f filter.Field) int64 {
	if n, ok := e.columns.Number(f); ok {
		return n
	}
	return e.get(rowNames[f]).Int()
}

// Time implements [filter.Event].
func (e *rawEvent) Time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, e.get("at").String())
	if err != nil {
		return time.Time{} // of a delivery without one
	}
	return t
}

// Is implements [filter.Event].
func (e *rawEvent) Is(f filter.Flag) bool {
	d := app.Delivery{
		DuplicateOf: app.Seq(e.get("duplicate_of").Uint()), ReplayOf: app.Seq(e.get("replay_of").Uint()),
		Unapplied: e.get("unapplied").String(), Imported: e.get("imported").Bool(),
	}
	return filter.FlagsOf(&d)&f != 0
}

func (e *rawEvent) whole() []byte {
	if e.stored == nil {
		e.stored = e.at.body()
	}
	return e.stored
}

// Header implements [filter.Event].
func (e *rawEvent) Header() http.Header {
	if e.headers == nil {
		var err error
		if e.headers, _, err = decodeBlob(e.whole()); err != nil {
			e.err = err
		}
	}
	return e.headers
}

// Body implements [filter.Event].
func (e *rawEvent) Body() []byte {
	headers, body := splitBlob(e.whole())
	if headers == nil {
		_, _, e.err = decodeBlob(e.whole())
	}
	return body
}

// splitBlob returns the parts of a blob, the headers as JSON; nil if it is damaged.
func splitBlob(blob []byte) (headers, body []byte) {
	n, w := binary.Uvarint(blob)
	if w <= 0 || n > uint64(len(blob)-w) {
		return nil, nil
	}
	return blob[w : w+int(n)], blob[w+int(n):]
}

// MayHold implements [filter.Event]: in rows and headers, JSON doesn't change what filters ask for, with or without accents.
func (e *rawEvent) MayHold(word string) bool {
	return filter.ContainsFold(e.row, word) || filter.ContainsFold(e.whole(), word)
}

// Words implements [filter.Event].
func (e *rawEvent) Words() []string {
	return []string{
		e.Text(filter.Account), e.Text(filter.Room), e.Text(filter.Participant), e.Text(filter.Kind), e.Text(filter.Type),
		e.Text(filter.Target),
	}
}
