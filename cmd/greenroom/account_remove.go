package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
)

type accountRemoveOptions struct {
	*program
	yes, json bool
}

func (p *program) accountRemove() *cobra.Command {
	o := &accountRemoveOptions{program: p}
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove an account from the configuration", Args: exactly("an account"), ValidArgsFunction: p.accounts,
		Long: "Remove an account from the configuration file, and its secrets from the keyring or from the files that `account add` made. Nothing\n" +
			"changes on the platform, and its rooms and meetings stay in the store. Comments on lines of their own stay in the file.",
		RunE: p.do(o.run),
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "don't ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the account as a JSON object")
	return cmd
}

func (o *accountRemoveOptions) run(ctx context.Context, args []string) error {
	name := args[0]
	if err := o.canAsk("--yes", o.yes); err != nil {
		return err
	}
	c, err := o.configWithout(ctx)
	if err != nil {
		return err
	}
	inFile, references, err := config.References(o.configOptions(), []string{"accounts", name})
	if err != nil {
		return err
	}
	rows := accountRows(c)
	at := slices.IndexFunc(rows, func(r accountRow) bool { return r.Name == name })
	row := accountRow{Name: name, Status: accountUnchecked}
	if at >= 0 {
		row = rows[at]
	}
	row.Detail, row.Hint = "", ""
	switch {
	case !inFile && at < 0:
		return noAccount(c, name)
	case !inFile:
		return &app.Error{
			Kind: app.NotConfigured, Text: fmt.Sprintf("account %s comes from the environment", name), Hint: "unset " + o.variableOf(row),
		}
	}
	if err := o.confirm(ctx, fmt.Sprintf("Remove account %s and its key?", name), "--yes", o.yes); err != nil {
		return err
	}
	if err := config.Edit(ctx, o.configOptions(), config.Change{Path: []string{"accounts", name}}); err != nil {
		return err
	}
	for _, r := range references {
		if err := config.Forget(o.configOptions(), r); err != nil {
			o.words(fmt.Sprintf("The secret %s could not be removed: %v", r, err))
		}
	}
	if o.json {
		return o.printJSON(row)
	}
	o.words(fmt.Sprintf("Account %s is removed.", name))
	o.restartHint(c)
	return nil
}

// variableOf names the variables of the environment that make an account.
func (o *accountRemoveOptions) variableOf(r accountRow) string {
	var set []string
	for _, d := range drivers() {
		for _, v := range d.Variables {
			if d.Platform == r.Platform && o.getenv(v.Name) != "" {
				set = append(set, v.Name)
			}
		}
	}
	return strings.Join(set, ", ")
}
