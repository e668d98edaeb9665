package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/plain"
	"greenroom/internal/regular"
	"greenroom/internal/web"
	"greenroom/provider"
)

type eventShowOptions struct {
	*program
	path                     string
	body, headers, curl, raw bool
}

func (p *program) eventShow() *cobra.Command {
	o := &eventShowOptions{program: p}
	cmd := &cobra.Command{
		Use: "show SEQ", Short: "Show an event exactly as it arrived", Args: exactly("SEQ"), RunE: p.do(o.run),
		Example: "greenroom event show 17 --path payload.room\ngreenroom event show 17 --body >body.json\ngreenroom event show 17 --curl",
	}
	fl := p.jsonFlag(cmd, "print a JSON object with headers and body").Flags()
	fl.BoolVar(&o.body, "body", false, "print the exact bytes of the body")
	fl.BoolVar(&o.headers, "headers", false, "print the headers, one per line")
	fl.StringVar(&o.path, "path", "", "print the value at this path in a JSON body, such as payload.room")
	fl.BoolVar(&o.curl, "curl", false, "print a curl command that sends the request to the local listener; a body that can't be "+
		"pasted is saved in the current folder")
	fl.BoolVar(&o.raw, "raw", false, "print raw bytes even to a terminal, which may interpret them")
	exclusive(cmd, "json", "body", "headers", "path", "curl")
	return cmd
}

// seqOf reads the number of an event.
func seqOf(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, usagef("SEQ is a number from `greenroom event list`, not %q", s)
	}
	return n, nil
}

// seqsOf reads the numbers of events.
func seqsOf(args []string) (seqs []uint64, err error) {
	for _, a := range args {
		seq, err := seqOf(a)
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, seq)
	}
	return seqs, nil
}

// wholeEvent reads an event with its headers and body.
func wholeEvent(ctx context.Context, b app.Backend, seq uint64) (app.Delivery, error) {
	d, err := b.Event(ctx, app.EventRef{Seq: seq})
	if d.Headers == nil {
		d.Headers = http.Header{} // distinguishes a whole event from a row of a list
	}
	return d, err
}

func (o *eventShowOptions) run(ctx context.Context, args []string) error {
	seq, err := seqOf(args[0])
	if err != nil {
		return err
	}
	if o.raw && !o.body && !o.headers && o.path == "" {
		return usagef("use --raw only with --body, --headers or --path")
	}
	return o.reading(ctx, func(b app.Backend) error {
		d, err := wholeEvent(ctx, b, seq)
		if err != nil {
			return err
		}
		if o.body {
			return o.bytes(d.Body)
		}
		if !o.curl { // which reproduces the request
			d.Body = export.RedactBody(d.Body)
		}
		switch {
		case o.json:
			return o.printJSON(d)
		case o.headers:
			return o.bytes(headerLines(d.Headers))
		case o.path != "":
			value, err := valueAt(d, o.path)
			if err != nil {
				return err
			}
			return o.bytes(append(value, '\n'))
		case o.curl:
			return o.printCurl(ctx, b, d)
		}
		return o.print(d)
	})
}

// bytes writes untrusted bytes: unchanged, unless to a terminal.
func (o *eventShowOptions) bytes(b []byte) error {
	if o.outTTY && !o.raw {
		b = []byte(plain.Lines(string(b)))
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(b, '\n')
		}
	}
	_, err := o.stdout.Write(b)
	return err
}

func headerLines(h http.Header) []byte {
	var b bytes.Buffer
	for _, n := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[n] {
			b.WriteString(n + ": " + v + "\n")
		}
	}
	return b.Bytes()
}

// valueAt returns the value at a gjson path: a string without quotes, anything else as it is written.
func valueAt(d app.Delivery, path string) ([]byte, error) {
	if !json.Valid(d.Body) {
		return nil, &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("the body of event %d is not JSON", d.Seq)}
	}
	v := gjson.GetBytes(d.Body, path)
	if !v.Exists() {
		return nil, &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("the body of event %d has no value at %s", d.Seq, path)}
	}
	if v.Type == gjson.String {
		return []byte(v.Str), nil
	}
	return []byte(v.Raw), nil
}

func (o *eventShowOptions) printCurl(ctx context.Context, b app.Backend, d app.Delivery) error {
	base, err := listenerURL(ctx, b)
	if err != nil {
		return err
	}
	text, err := export.Curl(d, base, func(name string, content []byte) (string, error) {
		name, err := saveHere(name, content)
		if err == nil {
			o.words(plain.Text("Saved " + name + " in the current folder."))
		}
		return name, err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.stdout, text)
	return err
}

// listenerURL returns the URL of the listener, or the default one if none is open.
func listenerURL(ctx context.Context, b app.Backend) (string, error) {
	s, err := b.Status(ctx, app.StatusQuery{})
	return cmp.Or(s.Listener.URL, "http://"+web.DefaultAddr), err
}

// saveHere writes a file that only its owner can read into the current folder, under a name that is free or has this content.
func saveHere(name string, content []byte) (string, error) {
	ending := filepath.Ext(name)
	base := strings.TrimSuffix(name, ending)
	for n := 2; ; n++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_, err = f.Write(content)
			return name, errors.Join(err, f.Close())
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if there, err := regular.Read(name, int64(len(content))+1); err == nil && bytes.Equal(there, content) {
			return name, nil
		}
		name = fmt.Sprintf("%s-%d%s", base, n, ending)
	}
}

func (o *eventShowOptions) print(d app.Delivery) error {
	ref := func(n app.Seq) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	if err := o.facts("event", fmt.Sprint(d.Seq), "at", local(d.At), "account", d.Account, "verdict", string(d.Verdict), "reason", d.Reason,
		"answered", fmt.Sprint(d.Status), "kind", string(d.Kind), "type", d.Type, "room", d.Room, "meeting", d.Meeting,
		"who", d.Participant, "session", d.Session, "via", d.Via, "from", d.Remote, "repeats", ref(d.DuplicateOf), "replay of", ref(d.ReplayOf),
		"imported", yes(d.Imported), "no effect", d.Unapplied, "size", humanize.IBytes(uint64(max(d.Size, 0)))); err != nil {
		return err
	}
	for _, a := range d.Forwards {
		line := fmt.Sprintf("to %s at %s, attempt %d: %s", a.Name, local(a.At), a.Attempt, attemptWords(a))
		if answer := strings.TrimSpace(a.Answer); answer != "" {
			line += ": " + plain.Cut(plain.Text(answer), 100)
		}
		if err := o.facts("forwarded", line); err != nil {
			return err
		}
	}
	var s strings.Builder
	s.WriteString("\n" + plain.Text(d.Method+" "+d.Target) + "\n")
	for _, n := range slices.Sorted(maps.Keys(d.Headers)) {
		for _, v := range d.Headers[n] {
			s.WriteString(plain.Text(n+": "+v) + "\n")
		}
	}
	if len(d.Body) > 0 {
		s.WriteString("\n" + plain.Lines(string(d.Body)) + "\n")
	}
	_, err := fmt.Fprint(o.stdout, s.String())
	return err
}
