package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/plain"
)

func (p *program) configCommand() *cobra.Command {
	return group("config", "Show and check the configuration",
		p.configPath(), p.configCheck(), p.configShow())
}

func (p *program) configPath() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "path", Short: "Print the path of the configuration file, even if it doesn't exist", Args: exactly(),
		RunE: p.do(func(context.Context, []string) error {
			path, _ := config.FilePath(config.Options{File: p.configFile, Getenv: p.getenv})
			if path == "" {
				return &app.Error{
					Kind: app.NotConfigured, Text: "there is no home folder for the configuration file",
					Hint: "set HOME, XDG_CONFIG_HOME or GREENROOM_CONFIG, or use --config",
				}
			}
			if p.json {
				return p.printJSON(map[string]string{"path": path})
			}
			_, err := fmt.Fprintln(p.stdout, plain.Text(path))
			return err
		}),
	}, "print a JSON object")
}

func (p *program) configCheck() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "check", Short: "Check the file and the environment, and fetch every secret", Args: exactly(),
		RunE: p.do(func(ctx context.Context, _ []string) error {
			c, err := p.config(ctx, "")
			if err != nil {
				return err
			}
			accounts, err := openAccounts(c)
			if err == nil {
				err = problems(c, accounts)
			}
			if err == nil {
				err = checkKeys(c)
			}
			if err == nil {
				_, err = nameTemplate(c)
			}
			if err != nil {
				return err
			}
			p.notes(c.Notices)
			if p.json {
				return p.printJSON(struct {
					OK       bool   `json:"ok"`
					Path     string `json:"path"`
					Accounts int    `json:"accounts"`
				}{true, c.File, len(c.Accounts)})
			}
			if !c.HasFile && c.File != "" {
				p.words("No config file at ", plain.Text(c.File), " (optional).")
			}
			if len(c.Accounts) == 0 {
				p.words("The configuration is correct, but has no account yet. To add one, ", howToConfigure(), ".")
				return nil
			}
			t := newTable("ACCOUNT", "PLATFORM", "API", "WEBHOOK SECRET")
			for _, a := range c.Accounts {
				secret := "set"
				if a.WebhookSecret == "" {
					secret = "not set: its webhooks are refused"
				}
				t.add(a.Name, string(a.Platform), cmp.Or(a.APIURL, "default"), secret)
			}
			if err := p.printTable(t); err != nil {
				return err
			}
			p.words("The configuration is correct.")
			return nil
		}),
	}, "print a JSON object; mistakes still go to standard error")
}

func (p *program) configShow() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "show", Short: "Show the settings in effect and their origins, without secrets", Args: exactly(), RunE: p.do(p.showConfig),
	}, "print a JSON array")
}

func (p *program) showConfig(ctx context.Context, _ []string) error {
	c, err := p.config(ctx, "")
	if err != nil {
		return err
	}
	p.notes(c.Notices)
	return printList(p, c.Settings(), "", newTable("SETTING", "VALUE", "FROM"), func(s config.Setting) []string { return []string{s.Key, s.Value, s.From} })
}
