package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/provider"
)

func (p *program) accountCommand() *cobra.Command {
	return group("account", "List, add, check and remove accounts", p.accountList(), p.accountAdd(), p.accountCheck(), p.accountRemove())
}

// The states of an account.
const (
	accountOK          = "ok"
	accountRefused     = "refused"
	accountUnreachable = "unreachable"
	accountUnchecked   = "unchecked"
)

// accountRow is an account as these commands print it.
type accountRow struct {
	Name     string            `json:"name"`
	Platform provider.Platform `json:"platform"`
	Status   string            `json:"status"`
	// Domain is the platform's name of the customer, if a check found it.
	Domain string `json:"domain"`
	// KeyFrom is the source of the key: keyring, file, env, cmd or literal.
	KeyFrom string `json:"key_from"`
	Default bool   `json:"default"`
	// Detail is the reason for the status, Hint the remedy.
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// accountRows lists the configured accounts. Accounts that can't be used have the reason.
func accountRows(c *config.Config) []accountRow {
	row := func(name string, p provider.Platform) accountRow {
		return accountRow{
			Name: name, Platform: p, Status: accountUnchecked, KeyFrom: c.KeyFrom[name], Default: p != "" && c.Policy.DefaultAccounts[p] == name,
		}
	}
	var rows []accountRow
	for _, a := range c.Accounts {
		rows = append(rows, row(a.Name, a.Platform))
	}
	for _, u := range c.Unusable {
		r := row(u.Name, u.Platform)
		r.Detail, r.Hint = u.Reason(), "run `greenroom config check`"
		rows = append(rows, r)
	}
	return rows
}

func (p *program) accountList() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "list", Short: "List the configured accounts", Args: exactly(),
		Long: "List the configured accounts and the sources of their keys. This doesn't contact the platforms; `account check` does.",
		RunE: p.do(func(ctx context.Context, _ []string) error {
			c, err := p.config(ctx, "")
			if err != nil {
				return err
			}
			p.notes(c.Notices)
			return p.printAccounts(accountRows(c))
		}),
	}, "print a JSON array")
}

// printAccounts prints accounts as a table or an array.
func (p *program) printAccounts(rows []accountRow) error {
	t := newTable("ACCOUNT", "PLATFORM", "STATUS", "DOMAIN", "KEY FROM", "DEFAULT")
	return printList(p, rows, "No account is configured yet. To add one, run `greenroom init`.", t, func(r accountRow) []string {
		return []string{r.Name, string(r.Platform), r.Status, r.Domain, r.KeyFrom, yes(r.Default)}
	})
}

func (p *program) accountCheck() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "check [NAME]", Short: "Check the keys with the platforms", Args: atMostOne("account"), ValidArgsFunction: p.accounts,
		Long: "Check the keys of all accounts, or of one, with the platforms. The exit status is 4 if a key is refused or can't be\n" +
			"fetched, and 1 if a platform can't be reached. `greenroom doctor` checks more: plan, bucket, webhook, clock.",
		RunE: p.do(func(ctx context.Context, args []string) error {
			c, err := p.config(ctx, "")
			if err != nil {
				return err
			}
			rows := accountRows(c)
			if len(args) == 1 {
				rows = slices.DeleteFunc(rows, func(r accountRow) bool { return r.Name != args[0] })
				if len(rows) == 0 {
					return noAccount(c, args[0])
				}
			}
			if err := checkAccounts(ctx, c, rows); err != nil {
				return err
			}
			if p.json && len(args) == 1 {
				err = p.printJSON(rows[0])
			} else {
				err = p.printAccounts(rows)
			}
			for _, r := range rows {
				err = errors.Join(err, r.err())
			}
			return err
		}),
	}, "print a JSON array, or the object of one account")
}

// noAccount is the error for an account that isn't configured.
func noAccount(c *config.Config, name string) error {
	e := &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("there is no account %q", name), Hint: "to add one, run `greenroom account add`"}
	if names := accountNames(c); len(names) > 0 {
		e.Hint = "configured: " + enumerate(names)
	}
	return e
}

// err returns the error of an account that doesn't work, or nil.
func (r accountRow) err() error {
	kind := provider.Unavailable
	switch {
	case r.Status == accountOK, r.Status == accountUnchecked && r.Detail == "": // its platform offers no check
		return nil
	case r.Status == accountRefused:
		kind = provider.Unauthenticated
	case r.Status == accountUnchecked:
		kind = app.NotConfigured
	}
	text := r.Detail
	if !strings.Contains(text, "account "+r.Name) {
		text = fmt.Sprintf("account %s: %s", r.Name, text)
	}
	return &app.Error{Kind: kind, Text: text, Hint: r.Hint}
}

// checkTime is the time limit for the check of one account.
const checkTime = 20 * time.Second

// checkAccounts checks the usable accounts on their platforms, all at the same time.
func checkAccounts(ctx context.Context, c *config.Config, rows []accountRow) error {
	drivers, err := registry()
	if err != nil {
		return err
	}
	var g crash.Group
	for i := range rows {
		for _, a := range c.Accounts {
			if a.Name == rows[i].Name {
				g.Go("check of "+a.Name, func() { rows[i].check(ctx, drivers, a) })
			}
		}
	}
	g.Wait()
	return ctx.Err()
}

// check checks the account's key on its platform.
func (r *accountRow) check(ctx context.Context, drivers *provider.Registry, a provider.Account) {
	p, err := drivers.Open(a, nil)
	if err != nil {
		e := app.AsError(err)
		r.Detail, r.Hint = e.Text, e.Hint
		return
	}
	checker, ok := p.(provider.Checker)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	checks := checker.Check(ctx)
	if len(checks) == 0 {
		return
	}
	key := checks[0]
	r.Domain, r.Detail, r.Hint = key.Domain, key.Detail, key.Hint
	switch {
	case key.OK:
		r.Status, r.Detail = accountOK, ""
	case key.Kind == "", key.Kind == provider.Unauthenticated, key.Kind == provider.Forbidden:
		r.Status = accountRefused
	default:
		r.Status = accountUnreachable
	}
}
