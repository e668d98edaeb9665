package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/plain"
	"greenroom/internal/private"
	"greenroom/provider"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
)

// registrar manages a relay's tokens and hooks: the running relay, or its file while none runs.
type registrar interface {
	CreateToken(ctx context.Context, name string, replace bool) (relay.NewToken, error)
	RevokeToken(ctx context.Context, name string) (relay.Token, error)
	Tokens(ctx context.Context) ([]relay.Token, error)
	CreateHook(ctx context.Context, name, token string, policy spool.Policy) (relay.Hook, error)
	SetPolicy(ctx context.Context, id string, policy spool.Policy) (relay.Hook, error)
	DeleteHook(ctx context.Context, id string) (relay.Hook, error)
	Hooks(ctx context.Context) ([]relay.Hook, error)
	Close() error
}

var (
	_ registrar = (*relay.Book)(nil)
	_ registrar = (*relay.Remote)(nil)
)

const (
	// registrarTime is how long a command waits for a relay that is starting or stopping, or for another command.
	registrarTime = 5 * time.Second
	// registrarTurn is how long it waits for the file before it looks for a relay again.
	registrarTurn = 100 * time.Millisecond
)

// registrar calls f with the running relay, or with its file.
func (p *program) registrar(ctx context.Context, f func(registrar) error) error {
	c, err := p.configWithout(ctx)
	if err != nil {
		return err
	}
	r, err := openRegistrar(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(registrarError(f(r)), r.Close())
}

// registers makes a function of a command that works with a relay's tokens and hooks.
func (p *program) registers(f func(ctx context.Context, r registrar, args []string) error) func(*cobra.Command, []string) error {
	return p.do(func(ctx context.Context, args []string) error {
		return p.registrar(ctx, func(r registrar) error { return f(ctx, r, args) })
	})
}

func openRegistrar(ctx context.Context, c *config.Config) (registrar, error) {
	dir := filepath.Join(c.DataDir, relayFolder)
	ctx, cancel := context.WithTimeout(ctx, registrarTime)
	defer cancel()
	var foreign *private.Error
	for {
		running, err := relay.Dial(ctx, dir)
		if err == nil {
			return running, nil
		}
		book, inUse := relay.OpenBook(dir, registrarTurn)
		switch {
		case inUse == nil:
			return book, nil
		case !errors.Is(inUse, relay.ErrInUse):
			return nil, folderError(c, inUse)
		case errors.As(err, &foreign):
			return nil, &app.Error{
				Kind: provider.Forbidden, Text: foreign.Text, Err: err, Hint: "run the command as the user that runs the relay",
			}
		case ctx.Err() != nil:
			return nil, &app.Error{
				Kind: provider.Conflict, Text: "a running relay has the file open but doesn't answer", Err: errors.Join(err, inUse),
				Hint: "see its log; while it runs it accepts commands at " + filepath.Join(dir, relay.SocketName),
			}
		}
	}
}

// relayNames completes the first argument with names that a relay on this machine knows.
func (p *program) relayNames(read func(ctx context.Context, r registrar, prefix string) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeTime)
		defer cancel()
		c, err := p.configWithout(ctx)
		if err == nil {
			_, err = os.Stat(filepath.Join(c.DataDir, relayFolder)) // a completion makes no folder
		}
		if len(args) > 0 || err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		r, err := openRegistrar(ctx, c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer r.Close()
		names, _ := read(ctx, r, prefix) // a completion prints no errors
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// hookNames lists the names of hooks.
func hookNames(ctx context.Context, r registrar, prefix string) ([]string, error) {
	hooks, err := r.Hooks(ctx)
	return namesOf(hooks, prefix, func(h relay.Hook) string { return h.Name }), err
}

// registrarError returns an error with its kind.
func registrarError(err error) error {
	var known *app.Error
	if errors.As(err, &known) {
		return err
	}
	for _, k := range []struct {
		is   error
		kind provider.Kind
	}{{relay.ErrNotFound, provider.NotFound}, {relay.ErrExists, provider.Conflict}, {relay.ErrInvalid, provider.Invalid}} {
		if errors.Is(err, k.is) {
			return &app.Error{Kind: k.kind, Text: err.Error(), Err: err}
		}
	}
	return err
}

func (p *program) relayTokenCommand() *cobra.Command {
	return group("token", "Manage tokens for clients of the relay", p.relayTokenCreate(), p.relayTokenList(), p.relayTokenRevoke())
}

func (p *program) relayTokenCreate() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a token and print it once", Args: exactly("NAME"),
		Long: "Create a token and print it. It is not stored and can't be printed again. The token comes with a hook, whose URL is " +
			"the client's public address. Creating a revoked token again restores its hooks and their waiting requests. --replace " +
			"gives a valid token a new secret; the old one stops working immediately.",
		Example: "greenroom relay token create laptop\n\n" +
			"# on the laptop\nexport GREENROOM_RELAY_URL=https://relay.example GREENROOM_RELAY_TOKEN=grt_…\ngreenroom listen --tunnel relay",
		RunE: p.registers(func(ctx context.Context, r registrar, args []string) error {
			made, err := r.CreateToken(ctx, args[0], replace)
			if errors.Is(err, relay.ErrExists) {
				return &app.Error{Kind: provider.Conflict, Text: err.Error(), Err: err, Hint: "choose another name, or give it a new secret with --replace"}
			}
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(made)
			}
			if _, err := fmt.Fprintln(p.stdout, made.Secret); err != nil {
				return err
			}
			p.words("This is the token of ", made.Name, ". It is printed only once. Its hook is "+
				"", plain.Text(made.Hook.URL), belowRelay(made.Hook), ".")
			p.postWords(made.Hook)
			return nil
		}),
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "give an existing token a new secret")
	return p.jsonFlag(cmd, "print a JSON object")
}

// belowRelay explains the URL of a hook whose relay hasn't run yet.
func belowRelay(h relay.Hook) string {
	if strings.HasPrefix(h.URL, "/") {
		return " below the public address of the relay"
	}
	return ""
}

// postWords prints the URLs that platforms post to: that of the hook followed by an account.
func (p *program) postWords(h relay.Hook) {
	p.words("Platforms post to this URL followed by /hooks/ and the account's name on the client's machine, for example:")
	for _, d := range drivers() {
		p.words("  ", plain.Text(h.URL), "/hooks/", string(d.Platform))
	}
	p.words("On that machine, `greenroom tunnel status` prints the URL of each account.")
}

func (p *program) relayTokenList() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Args: exactly(),
		RunE: p.registers(func(ctx context.Context, r registrar, _ []string) error {
			tokens, err := r.Tokens(ctx)
			if err != nil {
				return err
			}
			return printList(p, tokens, "", newTable("NAME", "CREATED", "STATE"), func(token relay.Token) []string {
				state := "away"
				switch {
				case !token.RevokedAt.IsZero():
					state = "revoked"
				case token.Connected:
					state = "connected"
				}
				return []string{token.Name, token.CreatedAt.Local().Format(time.DateTime), state}
			})
		}),
	}, "print a JSON array")
}

func (p *program) relayTokenRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke NAME", Short: "Revoke a token; its hooks then refuse requests", Args: exactly("NAME"),
		ValidArgsFunction: p.relayNames(func(ctx context.Context, r registrar, prefix string) ([]string, error) {
			tokens, err := r.Tokens(ctx)
			valid := slices.DeleteFunc(tokens, func(t relay.Token) bool { return !t.RevokedAt.IsZero() })
			return namesOf(valid, prefix, func(t relay.Token) string { return t.Name }), err
		}),
		RunE: p.do(func(ctx context.Context, args []string) error {
			if err := p.sure(ctx, "Revoke the token "+args[0]+"? Its hooks answer 404 until the token is created again."); err != nil {
				return err
			}
			return p.registrar(ctx, func(r registrar) error {
				t, err := r.RevokeToken(ctx, args[0])
				if err != nil {
					return err
				}
				return p.result(t, "Revoked the token %s.", t.Name)
			})
		}),
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print a JSON object")
}
