package main

import (
	"cmp"
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

// completeTime is how long the shell waits for completions.
const completeTime = 500 * time.Millisecond

// rooms completes the first argument with the names of rooms, which also select their meetings.
func (p *program) rooms(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeNames(p, cmd, args, prefix, app.Backend.Rooms, func(r app.RoomView) string { return r.Name })
}

// completeNames completes the first argument with the names of all objects of a kind, each name once.
func completeNames[Query, T any](
	p *program, cmd *cobra.Command, args []string, prefix string, list func(app.Backend, context.Context, Query) ([]T, error), name func(T) string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return p.complete(cmd, func(ctx context.Context, b app.Backend) ([]cobra.Completion, error) {
		var query Query
		all, err := list(b, ctx, query)
		return namesOf(all, prefix, name), err
	})
}

// typeable reports whether a name continues what was typed, and needs no quotes.
func typeable(name, prefix string) bool {
	return name != "" && latin.HasPrefix(name, prefix) && unquoted(name)
}

// namesOf returns the names that continue what was typed, each once.
func namesOf[T any](all []T, prefix string, name func(T) string) (names []string) {
	for _, one := range all {
		if n := name(one); typeable(n, prefix) && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// complete reads completions. It returns none if the data can't be read immediately: a completion must not print errors.
func (p *program) complete(cmd *cobra.Command, read func(context.Context, app.Backend) ([]cobra.Completion, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTime)
	defer cancel()
	quiet := *p
	quiet.stderr, quiet.resolve = io.Discard, config.NoSecrets
	var all []cobra.Completion
	if err := quiet.with(ctx, func(b app.Backend) (err error) {
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

// people completes a meeting, and then one of its participants.
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
	all := make([]cobra.Completion, len(known))
	for i, w := range known {
		all[i] = string(w)
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return slices.DeleteFunc(slices.Clone(all), func(w string) bool { return !strings.HasPrefix(w, prefix) }), cobra.ShellCompDirectiveNoFileComp
	})
}

// groups completes a flag with the groups of the rooms.
func (p *program) groups(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeNames(p, cmd, nil, prefix, app.Backend.Rooms, func(r app.RoomView) string { return r.Group })
}

// bookings completes a flag with the ids of bookings, of the room in the first argument if there is one.
func (p *program) bookings(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return p.complete(cmd, func(ctx context.Context, b app.Backend) (ids []cobra.Completion, err error) {
		var q app.BookingQuery
		if len(args) > 0 {
			q.Room = args[0]
		}
		list, err := b.Bookings(ctx, q)
		for _, v := range list {
			if strings.HasPrefix(v.ID, strings.ToLower(prefix)) {
				ids = append(ids, cobra.CompletionWithDesc(v.ID, plain.Text(v.Room)+" "+local(cmp.Or(v.Next, v.StartsAt))))
			}
		}
		return ids, err
	})
}

// unfiltered removes from bash's script what drops completions that don't begin with the typed bytes: names match without case and
// accents, and the program returns nothing that doesn't match.
var unfiltered = strings.NewReplacer(` -- "${cur}")`, `)`, `[[ $comp == "$cur"* ]] || continue`, ``)

// bashCompletion writes the completion script for bash.
func bashCompletion(cmd *cobra.Command, _ []string) error {
	bare, err := cmd.Flags().GetBool("no-descriptions")
	if err != nil {
		return err
	}
	var script strings.Builder
	if err := cmd.Root().GenBashCompletionV2(&script, !bare); err != nil {
		return err
	}
	_, err = unfiltered.WriteString(cmd.OutOrStdout(), script.String())
	return err
}
