package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

func (p *program) meetingLink() *cobra.Command {
	var host bool
	cmd := &cobra.Command{
		Use: "link MEETING", Short: "Print the guest link or the host link", Args: exactly("MEETING"), ValidArgsFunction: p.rooms,
		Long: "Print the guest link. With --host, print a host link; it is created for this call and not stored.\n" +
			"The output says whether the meeting is recorded. Printing a link opens nothing, so it doesn't ask for consent.",
		RunE: p.changes(func(ctx context.Context, b app.Backend, args []string) error {
			return p.printLinkOf(ctx, b, args[0], host)
		}),
	}
	cmd.Flags().BoolVar(&host, "host", false, "print a host link")
	return p.jsonFlag(cmd, "print a JSON object")
}

// printLinkOf prints a link of a meeting.
func (p *program) printLinkOf(ctx context.Context, b app.Backend, meeting string, host bool) error {
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: meeting})
	if err != nil {
		return err
	}
	link, err := b.MeetingLink(ctx, app.LinkRequest{Meeting: m.ID, Host: host})
	if err != nil {
		return err
	}
	if m.Status == app.Ended {
		p.words("This meeting has ended: the link may no longer work.")
	}
	if isRecorded(m.Meeting) {
		p.words(markRecorded)
	}
	if p.json {
		return p.printJSON(struct {
			app.Link
			Recorded bool `json:"recorded"`
		}{link, isRecorded(m.Meeting)})
	}
	_, err = fmt.Fprintln(p.stdout, plain.Text(link.URL))
	return err
}

type meetingJoinOptions struct {
	*program
	host, print, consent bool
}

func (p *program) meetingJoin() *cobra.Command {
	o := &meetingJoinOptions{program: p}
	cmd := &cobra.Command{
		Use: "join MEETING", Short: "Open a meeting in the browser", Args: exactly("MEETING"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Long: "Open a meeting in the browser, as a guest or, with --host, as the host. If the meeting is recorded, you are asked\n" +
			"for consent first, once, unless the room has --skip-consent. --consent gives it; --yes does not. The answer is\n" +
			"stored with the meeting; without consent nothing is opened.",
	}
	cmd.Flags().BoolVar(&o.host, "host", false, "join as the host")
	cmd.Flags().BoolVar(&o.print, "print", false, "print the guest link instead of opening it")
	cmd.Flags().BoolVar(&o.consent, "consent", false, "consent to be recorded")
	cmd.Flags().BoolP("yes", "y", false, "answer other questions with yes; consent is never implied")
	return cmd
}

func (o *meetingJoinOptions) run(ctx context.Context, args []string) error {
	if o.print && o.host {
		return usagef("--print prints the guest link: for the host link, use `greenroom meeting link --host`")
	}
	return o.with(ctx, func(b app.Backend) error { return o.join(ctx, b, args[0]) })
}

// join opens the meeting that ref names.
func (o *meetingJoinOptions) join(ctx context.Context, b app.Backend, ref string) error {
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: ref})
	if err != nil {
		return err
	}
	if m.Status == app.Ended {
		return &app.Error{
			Kind: provider.NotFound, Text: fmt.Sprintf("the meeting of %s has ended", m.Room),
			Hint: "start another: greenroom meeting start " + plain.Word(m.Room),
		}
	}
	if err := o.askConsent(ctx, b, m.Meeting, o.consent); err != nil {
		return err
	}
	link, err := b.MeetingLink(ctx, app.LinkRequest{Meeting: m.ID, Host: o.host})
	if err != nil {
		return err
	}
	if o.print {
		if isRecorded(m.Meeting) {
			o.words(markRecorded)
		}
		_, err = fmt.Fprintln(o.stdout, plain.Text(link.URL))
		return err
	}
	instead := "meeting link " + plain.Word(m.Room)
	if o.host {
		instead += " --host"
	}
	return o.openLink(link.URL, m.Room, instead)
}

// openLink opens the link of a meeting in the browser. instead is the command that prints the link.
func (p *program) openLink(link, title, instead string) error {
	if u, err := url.Parse(link); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("the link of %s can't be opened in a browser", title)
	}
	if err := p.browse(link); err != nil {
		return &app.Error{Text: "no browser could be opened", Err: err, Hint: "print the link instead: greenroom " + instead}
	}
	p.words("Opened ", plain.Text(title), " in the browser.")
	return nil
}
