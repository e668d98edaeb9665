package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
)

func (p *program) accountRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove an account from the configuration", Args: exactly("an account"), ValidArgsFunction: p.accounts,
		Long: "Remove an account from the configuration file, and its secrets from the keyring or from the files that `account add` created. Nothing\n" +
			"changes on the platform, and the account's rooms and meetings stay in the store. Comments on separate lines stay in the file.",
		RunE: p.do(p.removeAccount),
	}
	cmd.Flags().BoolVar(&p.yes, "yes", false, "don't ask")
	return p.jsonFlag(cmd, "print the account as a JSON object")
}

func (p *program) removeAccount(ctx context.Context, args []string) error {
	name := args[0]
	if err := p.canAsk("--yes", p.yes); err != nil {
		return err
	}
	c, err := p.configWithout(ctx)
	if err != nil {
		return err
	}
	inFile, references, err := config.References(p.configOptions(), []string{"accounts", name})
	if err != nil {
		return err
	}
	row := accountRow{Name: name, Status: accountUnchecked}
	for _, r := range accountRows(c) {
		if r.Name == name {
			row = r
		}
	}
	row.Detail, row.Hint = "", ""
	switch {
	case !inFile && row.Platform == "":
		return noAccount(c, name)
	case !inFile:
		return &app.Error{
			Kind: app.NotConfigured, Text: fmt.Sprintf("account %s comes from the environment", name), Hint: "unset " + p.variableOf(row),
		}
	}
	if err := p.sure(ctx, fmt.Sprintf("Remove account %s and its key?", name)); err != nil {
		return err
	}
	if err := config.Edit(ctx, p.configOptions(), config.Change{Path: []string{"accounts", name}}); err != nil {
		return err
	}
	for _, r := range references {
		if err := config.Forget(p.configOptions(), r); err != nil {
			p.words(fmt.Sprintf("The secret %s could not be removed: %v", r, err))
		}
	}
	if p.json {
		return p.printJSON(row)
	}
	p.words(fmt.Sprintf("Account %s is removed.", name))
	p.restartHint(c)
	return nil
}

// variableOf lists the variables of the environment that define an account.
func (p *program) variableOf(r accountRow) string {
	var set []string
	for _, v := range driverOf(r.Platform).Variables {
		if p.getenv(v.Name) != "" {
			set = append(set, v.Name)
		}
	}
	return strings.Join(set, ", ")
}
