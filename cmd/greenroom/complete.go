package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/latin"
	"greenroom/internal/plain"
)

// completeTime bounds what the shell waits for after a tab.
const completeTime = 500 * time.Millisecond

// rooms completes the first argument with the names of rooms, which name their meetings too. It says nothing when the data
// can't be read at once: a completion must not print errors.
func (p *program) rooms(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.completeNames(cmd, args, prefix, func(ctx context.Context, b app.Backend) ([]string, error) {
		all, err := b.Rooms(ctx, app.RoomQuery{})
		return namesOf(all, func(r app.RoomView) string { return r.Name }), err
	})
}

// completeNames completes the first argument with the names that read returns.
func (p *program) completeNames(
	cmd *cobra.Command, args []string, prefix string, read func(context.Context, app.Backend) ([]string, error),
) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return p.complete(cmd, func(ctx context.Context, b app.Backend) ([]cobra.Completion, error) {
		names, err := read(ctx, b)
		return slices.DeleteFunc(names, func(n string) bool { return !typeable(n, prefix) }), err
	})
}

// typeable reports whether a name continues what was typed, and is one that a shell and a terminal show as it is.
func typeable(name, prefix string) bool {
	return name != "" && latin.HasPrefix(name, prefix) && unquoted(name)
}

func namesOf[T any](all []T, name func(T) string) []string {
	names := make([]string, 0, len(all))
	for _, one := range all {
		names = append(names, name(one))
	}
	return names
}

// complete reads completions. It returns none if the data can't be read at once.
func (p *program) complete(cmd *cobra.Command, read func(context.Context, app.Backend) ([]cobra.Completion, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	if err := p.quietly(cmd.Context(), func(ctx context.Context, b app.Backend) (err error) {
		all, err = read(ctx, b)
		return err
	}); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// unquoted reports whether shells read a text as one word without quotes. Letters of any alphabet are harmless.
func unquoted(text string) bool {
	bare := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return 'a'
		}
		return r
	}, text)
	return plain.Word(bare) == bare
}

// accounts completes the first argument with the names of the configured accounts.
func (p *program) accounts(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := p.configWithout(cmd.Context())
	if len(args) > 0 || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.DeleteFunc(accountNames(c), func(n string) bool { return !strings.HasPrefix(n, prefix) }), cobra.ShellCompDirectiveNoFileComp
}

// people completes a meeting, and then a person who is in it.
func (p *program) people(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return p.rooms(cmd, args, prefix)
	}
	return p.complete(cmd, func(ctx context.Context, b app.Backend) (names []cobra.Completion, err error) {
		m, err := b.Meeting(ctx, app.MeetingRef{Ref: args[0]})
		for _, s := range m.Participants {
			switch {
			case s.LeftAt.IsZero() && typeable(s.Name, prefix):
				names = append(names, s.Name)
			case s.LeftAt.IsZero() && typeable(s.Session, prefix):
				names = append(names, cobra.CompletionWithDesc(s.Session, plain.Text(s.Name)))
			}
		}
		return names, err
	})
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
	return p.completeNames(cmd, nil, prefix, func(ctx context.Context, b app.Backend) ([]string, error) {
		all, err := b.Rooms(ctx, app.RoomQuery{})
		groups := namesOf(all, func(r app.RoomView) string { return r.Group })
		slices.Sort(groups)
		return slices.Compact(groups), err
	})
}

// bookings completes a flag with the ids of bookings, of the room that is the first argument where there is one.
func (p *program) bookings(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.complete(cmd, func(ctx context.Context, b app.Backend) (ids []cobra.Completion, err error) {
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
		return ids, err
	})
}
