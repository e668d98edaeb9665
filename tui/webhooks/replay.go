package webhooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/regular"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// replay asks where to send the delivery, and sends it as it came.
func (p *Pane) replay() tea.Cmd {
	p.askReplay(p.seq(), nil)
	return nil
}

// askReplay asks where to send a delivery. edited is the changed request, nil for the original one.
func (p *Pane) askReplay(seq uint64, edited *export.Request) {
	toURL := func(v func(string) string) string {
		if v("where") != "url" {
			return "only for a URL"
		}
		return ""
	}
	form := &dialog.Form{Title: fmt.Sprintf("Replay event %d", seq), Submit: "Replay", Fields: []*dialog.Field{
		{Name: "where", Label: "Where", Value: "url", Help: "Here, it is stored as a replay and changes nothing unless it is " +
			"applied.", Options: []dialog.Option{
			{Value: "url", Label: "to a URL"}, {Value: "here", Label: "here"}, {Value: "apply", Label: "here, applied"},
		}},
		{Name: "to", Label: "URL", Value: cmp.Or(p.target, "http://localhost:3000/webhooks"), Off: toURL, Help: "The event's query is appended.",
			Check: func(value string, v func(string) string) string {
				if _, err := app.ForwardURL(value); err != nil && v("where") == "url" {
					return err.Error()
				}
				return ""
			}},
		{Name: "sign", Label: "Signature", Value: "auto", Help: "Automatic: signed again if the request was changed or its " +
			"signature has expired.", Options: []dialog.Option{
			{Value: "auto", Label: "automatic"}, {Value: "account", Label: "sign again"}, {Value: "none", Label: "unchanged"},
		}},
	}}
	if edited != nil {
		form.Title = fmt.Sprintf("Replay the edited event %d", seq)
	}
	form.OnSubmit = func(v func(string) string) tea.Cmd {
		r := replaying{seq: seq, edited: edited, where: v("where"), to: v("to"), sign: v("sign")}
		if r.where == "url" {
			p.target = r.to
		}
		return pane.Try(p.Screen, "replay the event", form, func(ctx context.Context) (app.Attempt, error) { return p.send(ctx, r) }, p.sent)
	}
	p.Dialogs.Push(form)
}

// replaying describes a replay.
type replaying struct {
	seq             uint64
	edited          *export.Request
	where, to, sign string
}

// send carries a replay out. It runs outside of the update loop.
func (p *Pane) send(ctx context.Context, r replaying) (app.Attempt, error) {
	d, err := p.Backend.Event(ctx, app.EventRef{Seq: r.seq})
	if err != nil {
		return app.Attempt{}, err
	}
	if r.edited != nil {
		d.Method, d.Target, d.Headers, d.Body = r.edited.Method, r.edited.Target, r.edited.Header, r.edited.Body
	}
	in := app.Inbound{Account: d.Account, Method: d.Method, Target: d.Target, Header: d.Headers, Body: d.Body, ReceivedAt: d.At.Time}
	resign := r.sign == "account" || r.sign == "auto" && (r.edited != nil || r.where == "url")
	if resign {
		signed, err := p.Backend.Resign(ctx, app.ResignRequest{Request: in, IfStale: r.sign == "auto" && r.edited == nil})
		switch {
		case err == nil:
			in = signed
			d.Headers = http.Header(in.Header)
		case r.sign == "account" || !errors.Is(err, app.NotConfigured) && !errors.Is(err, provider.Unsupported):
			return app.Attempt{}, err
		}
	}
	if r.where == "url" {
		if p.Send == nil {
			return app.Attempt{}, &app.Error{Kind: provider.Unsupported, Text: "nothing can be sent from here"}
		}
		return p.Send(ctx, r.to, d), nil
	}
	q := app.Replay{Seq: r.seq, Apply: r.where == "apply"}
	if r.edited != nil || r.sign == "account" {
		q.Request = &in
	}
	a, err := p.Backend.Replay(ctx, q)
	return app.Attempt{Seq: a.Seq, Status: a.Status, Answer: a.Text}, err
}

// sent shows the answer.
func (p *Pane) sent(a app.Attempt) tea.Cmd {
	switch {
	case a.Status == 0:
		return p.Complain("", &app.Error{Text: "No answer: " + a.Error})
	case a.Status/100 != 2:
		return p.Complain("", &app.Error{Text: fmt.Sprintf("Answered %d in %d ms", a.Status, a.Ms), Hint: firstLine(a.Answer)})
	case a.Seq != 0:
		return p.Say(fmt.Sprintf("Stored as event %d", a.Seq), "")
	}
	return p.Say(fmt.Sprintf("Answered %d in %d ms", a.Status, a.Ms), firstLine(a.Answer))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return words.Safe(line)
}

// edit opens the delivery in the user's editor, and then asks where to send it.
func (p *Pane) edit() tea.Cmd {
	seq := p.seq()
	return pane.Try(p.Screen, "read the event", nil, func(ctx context.Context) (export.Request, error) {
		d, err := p.Backend.Event(ctx, app.EventRef{Seq: seq})
		return export.Request{Method: d.Method, Target: d.Target, Header: d.Headers, Body: d.Body}, err
	}, func(r export.Request) tea.Cmd { return p.openEditor(seq, r) })
}

// maxEdited bounds the file that an editor leaves.
const maxEdited = 64 << 20

// openEditor gives the terminal to the editor. Its file is in a folder of its own, which is removed with all that it leaves there.
func (p *Pane) openEditor(seq uint64, r export.Request) tea.Cmd {
	dir, err := os.MkdirTemp("", "greenroom-edit-")
	if err != nil {
		return p.Complain("edit the event", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("event-%d.http", seq))
	if err := os.WriteFile(path, r.Text(), 0o600); err != nil {
		return p.Complain("edit the event", errors.Join(err, os.RemoveAll(dir)))
	}
	editor := strings.Fields(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi"))
	cmd := exec.CommandContext(p.Ctx, editor[0], append(editor[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr // the program's own reader would wait for a key after the end
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		edited, err := readEdited(r, path, err)
		err = errors.Join(err, os.RemoveAll(dir))
		return pane.Call(func() tea.Cmd {
			if err != nil {
				return p.Complain("send the event", err)
			}
			p.askReplay(seq, &edited)
			return nil
		})
	})
}

// readEdited reads what the editor left. failed is the editor's own error.
func readEdited(r export.Request, path string, failed error) (export.Request, error) {
	if failed != nil {
		return r, fmt.Errorf("the editor failed: %w", failed)
	}
	text, err := regular.Read(path, maxEdited)
	if err != nil {
		return r, err
	}
	return r.ParseRequest(text)
}
