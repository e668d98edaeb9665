package export

import (
	"fmt"
	"io"
	"strconv"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// Form is the format of a file.
type Form string

// The formats.
const (
	NDJSON Form = "ndjson"
	HAR    Form = "har"
	CURL   Form = "curl"
	Go     Form = "go"
)

// Forms lists the formats in the order of the manual.
func Forms() []Form { return []Form{NDJSON, HAR, CURL, Go} }

// Options configure a [Writer].
type Options struct {
	Form Form
	// Base is the URL of the listener, for curl and HAR. Version is the program's.
	Base, Version string
	// Save writes the files that curl commands read.
	Save Saver
}

// Writer writes events in a format. Characters that could steer a terminal are escaped in every format.
type Writer struct {
	w   io.Writer
	opt Options
	n   int
}

// NewWriter returns a Writer. Call Close at the end.
func NewWriter(w io.Writer, o Options) *Writer { return &Writer{w: w, opt: o} }

// Write adds a complete event.
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

// encode returns a value as JSON that is safe for a terminal.
func encode(v any) ([]byte, error) {
	b, err := plain.Stringify(v)
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	return plain.JSON(b), nil
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
