package main

import (
	"context"
	"io"
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

// quietly reads for a completion: for a short while, and without a word.
func (p *program) quietly(ctx context.Context, f func(ctx context.Context, b app.Backend) error) error {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	quiet := *p
	quiet.stderr, quiet.resolve = io.Discard, config.NoSecrets
	return quiet.with(ctx, func(b app.Backend) error { return f(ctx, b) })
}
