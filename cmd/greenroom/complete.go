package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
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
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTime)
	defer cancel()
	quiet := *p
	quiet.stderr = io.Discard
	var names []cobra.Completion
	err := quiet.with(ctx, func(b app.Backend) error {
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
	c, err := p.config(cmd.Context(), "")
	if len(args) > 0 || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, a := range c.Accounts {
		if strings.HasPrefix(a.Name, prefix) {
			names = append(names, a.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
