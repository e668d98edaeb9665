package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
)

func (p *program) relayHookCommand() *cobra.Command {
	return group("hook", "Manage the relay's public addresses",
		p.relayHookList(), p.relayHookCreate(), p.relayHookEdit(), p.relayHookDelete())
}

func (p *program) relayHookList() *cobra.Command {
	var token string
	cmd := &cobra.Command{
		Use: "list", Short: "List the hooks and the size of their queues", Args: exactly(),
		RunE: p.registers(func(ctx context.Context, r registrar, _ []string) error {
			hooks, err := r.Hooks(ctx)
			if err != nil {
				return err
			}
			hooks = slices.DeleteFunc(hooks, func(h relay.Hook) bool { return token != "" && h.Token != token })
			return printList(p, hooks, "", newTable("NAME", "TOKEN", "POLICY", "WAITING", "SIZE", "URL"), func(h relay.Hook) []string {
				return []string{h.Name, h.Token, string(h.Policy), strconv.Itoa(h.Depth), humanize.IBytes(uint64(max(h.Bytes, 0))), h.URL}
			})
		}),
	}
	cmd.Flags().StringVar(&token, "token", "", "only hooks of this token")
	return p.jsonFlag(cmd, "print a JSON array")
}

func (p *program) relayHookCreate() *cobra.Command {
	var token string
	var policy spool.Policy
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create another hook for a token and print its URL", Args: exactly("NAME"),
		RunE: p.registers(func(ctx context.Context, r registrar, args []string) error {
			owner, err := ownerOf(ctx, r, token)
			if err != nil {
				return err
			}
			h, err := r.CreateHook(ctx, args[0], owner, policy)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(h)
			}
			if _, err = fmt.Fprintln(p.stdout, plain.Text(h.URL)); err != nil {
				return err
			}
			p.postWords(h)
			return nil
		}),
	}
	cmd.Flags().StringVar(&token, "token", "", "token of the hook (default: the only one)")
	policyFlag(cmd, &policy)
	return p.jsonFlag(cmd, "print a JSON object")
}

func policyFlag(cmd *cobra.Command, policy *spool.Policy) {
	choice(cmd, policy, "policy", "", "when senders are answered: ack, sync or auto (default: the relay's)", policies...)
}

// ownerOf returns the token of --token, or the only valid one.
func ownerOf(ctx context.Context, r registrar, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	tokens, err := r.Tokens(ctx)
	if err != nil {
		return "", err
	}
	var valid []string
	for _, t := range tokens {
		if t.RevokedAt.IsZero() {
			valid = append(valid, t.Name)
		}
	}
	switch len(valid) {
	case 0:
		return "", &app.Error{Kind: provider.NotFound, Text: "there is no token", Hint: "create one with `greenroom relay token create NAME`"}
	case 1:
		return valid[0], nil
	}
	return "", usagef("there are several tokens: choose with --token %s", strings.Join(valid, " or "))
}

// hookOf finds a hook by its id, its URL, or its name, which hooks of several tokens may have.
func hookOf(ctx context.Context, r registrar, text, token string) (relay.Hook, error) {
	all, err := r.Hooks(ctx)
	if err != nil {
		return relay.Hook{}, err
	}
	var found []relay.Hook
	for _, h := range all {
		if (token == "" || h.Token == token) && (h.ID == text || h.Name == text || h.URL == strings.TrimRight(text, "/")) {
			found = append(found, h)
		}
	}
	switch len(found) {
	case 0:
		return relay.Hook{}, &app.Error{Kind: provider.NotFound, Text: "there is no hook " + text, Hint: "see `greenroom relay hook list`"}
	case 1:
		return found[0], nil
	}
	return relay.Hook{}, usagef("several tokens have a hook %s: choose with --token", text)
}

func (p *program) relayHookEdit() *cobra.Command {
	var token string
	var policy spool.Policy
	cmd := &cobra.Command{
		Use: "edit HOOK", Short: "Change when senders get their answer", Args: exactly("HOOK"),
		ValidArgsFunction: p.relayNames(hookNames),
		RunE: p.registers(func(ctx context.Context, r registrar, args []string) error {
			h, err := hookOf(ctx, r, args[0], token)
			if err != nil {
				return err
			}
			if h, err = r.SetPolicy(ctx, h.ID, policy); err != nil {
				return err
			}
			return p.result(h, "The hook %s has the policy %s.", h.Name, h.Policy)
		}),
	}
	cmd.Flags().StringVar(&token, "token", "", "token of the hook, if several have a hook of that name")
	policyFlag(cmd, &policy)
	return p.jsonFlag(cmd, "print a JSON object")
}

func (p *program) relayHookDelete() *cobra.Command {
	var token string
	cmd := &cobra.Command{
		Use: "delete HOOK", Short: "Delete a hook and its queued requests", Args: exactly("HOOK"),
		ValidArgsFunction: p.relayNames(hookNames),
		RunE: p.do(func(ctx context.Context, args []string) error {
			if err := p.canAsk("--yes", p.yes); err != nil {
				return err
			}
			var h relay.Hook
			find := func(r registrar) (err error) { h, err = hookOf(ctx, r, args[0], token); return err }
			if err := p.registrar(ctx, find); err != nil { // the answer may take long: the relay's file is closed meanwhile
				return err
			}
			if err := p.sure(ctx, fmt.Sprintf("Delete the hook %s of %s and its %d queued requests?", h.Name, h.Token, h.Depth)); err != nil {
				return err
			}
			return p.registrar(ctx, func(r registrar) (err error) {
				if h, err = r.DeleteHook(ctx, h.ID); err != nil {
					return err
				}
				return p.result(h, "Deleted the hook %s and its %d queued requests.", h.Name, h.Depth)
			})
		}),
	}
	cmd.Flags().StringVar(&token, "token", "", "token of the hook, if several have a hook of that name")
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print a JSON object")
}
