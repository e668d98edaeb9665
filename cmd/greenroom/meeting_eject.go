package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/internal/plain"
	"greenroom/provider"
)

type meetingEjectOptions struct {
	*program
	ban bool
}

func (p *program) meetingEject() *cobra.Command {
	o := &meetingEjectOptions{program: p}
	cmd := &cobra.Command{
		Use: "eject MEETING PERSON", Short: "Remove a participant from a meeting", Args: exactly("MEETING", "PERSON"), RunE: p.asks(o.run), ValidArgsFunction: p.people,
		Long: "Remove a participant from a meeting. PERSON is a session from `meeting show --json`, or a name that only one " +
			"participant has. Removed people can rejoin, unless --ban is given. Only people with a user id can be banned. If the " +
			"platform can't remove one person, the command gives the reason and exits with status 4.",
		Example: "greenroom meeting eject all-hands 'Mallory' --ban",
	}
	cmd.Flags().BoolVar(&o.ban, "ban", false, "keep them out for the rest of the meeting")
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the meeting as a JSON object")
}

func (o *meetingEjectOptions) run(ctx context.Context, b app.Backend, args []string) error {
	m, who, err := participant(ctx, b, args[0], args[1], provider.AbilityEject)
	if err != nil {
		return err
	}
	name := nameOf(who)
	if err := o.sure(ctx, fmt.Sprintf("Remove %s from %s?", name, m.Room)); err != nil {
		return err
	}
	if m, err = b.Eject(ctx, app.Ejection{Meeting: m.ID, Session: who.Session, Ban: o.ban}); err != nil {
		return err
	}
	m.Participants = list(m.Participants)
	return o.result(m, "Removed %s from %s, %d still here.", name, m.Room, m.Here)
}

// participant finds a meeting and a participant for an ability of the platform. Without the ability, the error has the reason.
func participant(ctx context.Context, b app.Backend, meeting, ref string, ability provider.Ability) (app.MeetingDetail, app.Stay, error) {
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: meeting})
	if err != nil {
		return m, app.Stay{}, err
	}
	who, err := person(m, ref)
	if err != nil {
		return m, who, err
	}
	a, err := accountStatus(ctx, b, m.Account)
	if why := a.Cannot[ability]; err == nil && why != "" {
		err = &app.Error{Kind: provider.Unsupported, Text: why}
	}
	return m, who, err
}

// person finds a participant by session, or by name among those who are present or knock.
func person(m app.MeetingDetail, ref string) (app.Stay, error) {
	var named, alike []app.Stay
	for _, s := range m.Participants {
		switch {
		case s.Session == ref:
			return s, nil
		case s.LeftAt.IsZero() && s.Name != "" && (strings.EqualFold(s.Name, ref) || plain.Text(s.Name) == ref):
			named = append(named, s)
		case s.LeftAt.IsZero() && s.Name != "" && latin.Same(s.Name, ref):
			alike = append(alike, s)
		}
	}
	if len(named) == 0 {
		named = alike
	}
	switch len(named) {
	case 0:
		return app.Stay{}, &app.Error{
			Kind: provider.NotFound, Text: fmt.Sprintf("no one in the meeting of %s has the name %q", m.Room, ref),
			Hint: "see `greenroom meeting show " + plain.Word(m.Room) + "`",
		}
	case 1:
		return named[0], nil
	}
	var sessions []string
	for _, s := range named {
		sessions = append(sessions, s.Session)
	}
	return app.Stay{}, usagef("%d people in the meeting of %s are called %q: use a session instead, %s", len(named), m.Room, ref, either(sessions))
}

// nameOf returns a participant's name, or else their session.
func nameOf(s app.Stay) string {
	if s.Name == "" {
		return "(" + s.Session + ")"
	}
	return s.Name
}

// accountStatus returns the status of an account, or the zero value if there is none of that name.
func accountStatus(ctx context.Context, b app.Backend, name string) (app.AccountStatus, error) {
	s, err := b.Status(ctx, app.StatusQuery{})
	for _, a := range s.Accounts {
		if a.Name == name {
			return a, err
		}
	}
	return app.AccountStatus{}, err
}
