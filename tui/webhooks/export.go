package webhooks

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// maxExport bounds what is exported from the screen: the command has no limit.
const maxExport = 1000

// exporting describes a file to write.
type exporting struct {
	seq        uint64
	query      app.EventQuery // of all, if seq is 0
	form       export.Form
	path       string
	base       string
	withSecret bool
}

// export asks for the form and the name of a file, and writes the delivery or all that the filter selects.
func (p *Pane) export() tea.Cmd {
	seq, base := p.seq(), p.Status.Listener.URL
	if base == "" {
		base = "http://127.0.0.1:7070"
	}
	query := p.query
	form := &dialog.Form{Title: "Export", Submit: "Write", Fields: []*dialog.Field{
		{Name: "what", Label: "What", Value: "one", Options: []dialog.Option{
			{Value: "one", Label: fmt.Sprintf("event %d", seq)}, {Value: "all", Label: "the filtered events"},
		}, Help: fmt.Sprintf("Filtered events: only the newest %d.", maxExport)},
		{Name: "as", Label: "Form", Value: string(export.NDJSON), Options: []dialog.Option{
			{Value: string(export.NDJSON), Label: "JSON lines"}, {Value: string(export.HAR), Label: "HAR"},
			{Value: string(export.CURL), Label: "curl commands"}, {Value: string(export.Go), Label: "Go code"},
		}},
		{Name: "secrets", Label: "Secrets", Value: "no", Options: []dialog.Option{{Value: "no", Label: "redacted"}, {Value: "yes", Label: "included"}},
			Help: "Signatures, Authorization headers and known secrets."},
		{Name: "file", Label: "File", Value: fmt.Sprintf("event-%d.json", seq), Check: func(value string, _ func(string) string) string {
			if value == "" {
				return "Enter a file name."
			}
			return ""
		}},
	}}
	form.OnSubmit = func(v func(string) string) tea.Cmd {
		e := exporting{query: query, form: export.Form(v("as")), path: v("file"), base: base, withSecret: v("secrets") == "yes"}
		if v("what") == "one" {
			e.seq = seq
		}
		return pane.Try(p.Screen, "export", form, func(ctx context.Context) (n int, err error) {
			err = pane.WriteNew(e.path, func(out io.Writer) (err error) {
				n, err = p.write(ctx, out, e)
				return err
			})
			return n, err
		}, func(n int) tea.Cmd {
			return p.Say(words.Plural(n, "event", "events")+" written to "+words.Safe(e.path), "")
		})
	}
	return p.Dialogs.Push(form)
}

// write writes the events, and returns their number.
func (p *Pane) write(ctx context.Context, out io.Writer, e exporting) (n int, err error) {
	seqs := []uint64{e.seq}
	if e.seq == 0 {
		if seqs, err = p.newestSeqs(ctx, e.query); err != nil {
			return 0, err
		}
	}
	w := export.NewWriter(out, export.Options{Form: e.form, Base: e.base, Version: p.Version, Save: func(name string, content []byte) (string, error) {
		path := strings.TrimSuffix(e.path, filepath.Ext(e.path)) + "-" + name
		return path, os.WriteFile(path, content, 0o600)
	}})
	for _, seq := range seqs {
		d, err := p.Backend.Event(ctx, app.EventRef{Seq: seq})
		if err != nil {
			return 0, err
		}
		if !e.withSecret {
			d = export.Redact(d, nil)
		}
		if err := w.Write(d); err != nil {
			return 0, err
		}
	}
	return len(seqs), w.Close()
}

// newestSeqs lists the newest deliveries of a query, oldest first.
func (p *Pane) newestSeqs(ctx context.Context, q app.EventQuery) (seqs []uint64, err error) {
	q.Limit = maxExport
	for len(seqs) < maxExport {
		page, err := p.Backend.Events(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Events {
			seqs = append([]uint64{d.Seq}, seqs...)
		}
		if !page.More {
			break
		}
		q.Before = page.Next
	}
	return seqs[max(0, len(seqs)-maxExport):], nil
}
