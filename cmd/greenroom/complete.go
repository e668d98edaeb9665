package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/plain"
)

// completeTime bounds what the shell waits for after a tab.
const completeTime = 500 * time.Millisecond

// rooms completes the first argument with the names of rooms, which name their meetings too. It says nothing when the data
// can't be read at once: a completion must not print errors.
func (p *program) rooms(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	err := p.quietly(cmd.Context(), func(ctx context.Context, b app.Backend) error {
		rooms, err := b.Rooms(ctx, app.RoomQuery{})
		for _, r := range rooms {
			if strings.HasPrefix(r.Name, prefix) && plain.Word(r.Name) == r.Name {
				names = append(names, r.Name)
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// accounts completes the first argument with the names of the configured accounts.
func (p *program) accounts(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := p.configWithout(cmd.Context())
	if len(args) > 0 || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, name := range accountNames(c) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// people completes a meeting, and then a person who is in it.
func (p *program) people(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return p.rooms(cmd, args, prefix)
	}
	var names []cobra.Completion
	err := p.quietly(cmd.Context(), func(ctx context.Context, b app.Backend) error {
		m, err := b.Meeting(ctx, app.MeetingRef{Ref: args[0]})
		for _, s := range m.Participants {
			switch {
			case s.LeftAt.IsZero() && s.Name != "" && plain.Word(s.Name) == s.Name && strings.HasPrefix(s.Name, prefix):
				names = append(names, s.Name)
			case s.LeftAt.IsZero() && plain.Word(s.Session) == s.Session && strings.HasPrefix(s.Session, prefix):
				names = append(names, cobra.CompletionWithDesc(s.Session, plain.Text(s.Name)))
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// words completes a flag with fixed words.
func words[T ~string](cmd *cobra.Command, flag string, known ...T) {
	all := make([]cobra.Completion, 0, len(known))
	for _, w := range known {
		all = append(all, string(w))
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp))
}

// quietly reads for a completion: for a short while, and without a word.
func (p *program) quietly(ctx context.Context, f func(ctx context.Context, b app.Backend) error) error {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	quiet := *p
	quiet.stderr, quiet.resolve = io.Discard, config.NoSecrets
	return quiet.with(ctx, func(b app.Backend) error { return f(ctx, b) })
}

// groups completes a flag with the groups of the rooms.
func (p *program) groups(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	known := make(map[string]bool)
	err := p.quietly(cmd.Context(), func(ctx context.Context, b app.Backend) error {
		rooms, err := b.Rooms(ctx, app.RoomQuery{})
		for _, r := range rooms {
			if r.Group != "" && strings.HasPrefix(r.Group, prefix) && plain.Word(r.Group) == r.Group {
				known[r.Group] = true
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(known)), cobra.ShellCompDirectiveNoFileComp
}

// bookings completes a flag with the ids of bookings, of the room that is the first argument where there is one.
func (p *program) bookings(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []cobra.Completion
	err := p.quietly(cmd.Context(), func(ctx context.Context, b app.Backend) error {
		var q app.BookingQuery
		if len(args) > 0 {
			q.Room = args[0]
		}
		list, err := b.Bookings(ctx, q)
		for _, v := range list {
			if strings.HasPrefix(v.ID, strings.ToLower(prefix)) {
				at := v.Next
				if at.IsZero() {
					at = v.StartsAt
				}
				ids = append(ids, cobra.CompletionWithDesc(v.ID, plain.Text(v.Room)+" "+local(at)))
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
