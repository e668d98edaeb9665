package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// Form is the form of a file.
type Form string

// The forms.
const (
	NDJSON Form = "ndjson"
	HAR    Form = "har"
	CURL   Form = "curl"
	Go     Form = "go"
)

// Forms lists the forms in the order of the manual.
func Forms() []Form { return []Form{NDJSON, HAR, CURL, Go} }

// Options configure a [Writer].
type Options struct {
	Form Form
	// Base is the URL of the listener, for commands and HAR. Version is the program's.
	Base, Version string
	// Save writes what commands read from files.
	Save Saver
}

// Writer writes events one after the other. Text that a terminal might obey is escaped in every form.
type Writer struct {
	w   io.Writer
	opt Options
	n   int
}

// NewWriter returns a Writer. Close must be called at the end.
func NewWriter(w io.Writer, o Options) *Writer { return &Writer{w: w, opt: o} }

// Write adds an event, which is whole.
func (w *Writer) Write(d app.Delivery) error {
	d.Forwards = nil
	w.n++
	switch w.opt.Form {
	case HAR:
		return w.har(d)
	case CURL:
		return w.curl(d)
	case Go:
		return w.goEvent(d)
	}
	return w.json(d)
}

// Close writes the end. It doesn't close the underlying writer.
func (w *Writer) Close() error {
	switch w.opt.Form {
	case HAR:
		return w.harEnd()
	case Go:
		return w.goEnd()
	}
	return nil
}

func (w *Writer) text(parts ...string) error {
	for _, s := range parts {
		if _, err := io.WriteString(w.w, s); err != nil {
			return err
		}
	}
	return nil
}

// encode writes a value as JSON without the escapes that only HTML needs.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	return plain.JSON(bytes.TrimRight(b.Bytes(), "\n")), nil
}

func (w *Writer) json(d app.Delivery) error {
	b, err := encode(d)
	if err != nil {
		return err
	}
	_, err = w.w.Write(append(b, '\n'))
	return err
}

func (w *Writer) curl(d app.Delivery) error {
	text, err := Curl(d, w.opt.Base, w.opt.Save)
	if err != nil {
		return fmt.Errorf("event %d: %w", d.Seq, err)
	}
	between := ""
	if w.n > 1 {
		between = "\n"
	}
	return w.text(between, "# event ", strconv.FormatUint(d.Seq, 10), plain.Text(": "+string(d.Kind)+" of "+d.Account), "\n", text, "\n")
}
