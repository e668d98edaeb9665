package main

import (
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
	var asJSON bool
	cmd := &cobra.Command{
		Use: "path", Short: "Print the path of the configuration file, even if it doesn't exist", Args: exactly(),
		RunE: p.do(func(context.Context, []string) error {
			path, _ := config.FilePath(config.Options{File: p.configFile, Getenv: p.getenv})
			if path == "" {
				return &app.Error{
					Kind: app.NotConfigured, Text: "no home folder, so no place for the configuration file",
					Hint: "set HOME, XDG_CONFIG_HOME or GREENROOM_CONFIG, or use --config",
				}
			}
			if asJSON {
				return p.printJSON(map[string]string{"path": path})
			}
			_, err := fmt.Fprintln(p.stdout, plain.Text(path))
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func (p *program) configCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
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
			if err != nil {
				return err
			}
			if err := checkKeys(c); err != nil {
				return err
			}
			if _, err := nameTemplate(c); err != nil {
				return err
			}
			for _, n := range c.Notices {
				p.words(plain.Text(n))
			}
			if asJSON {
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
				url, secret := a.APIURL, "set"
				if url == "" {
					url = "default"
				}
				if a.WebhookSecret == "" {
					secret = "not set: its webhooks are refused"
				}
				t.add(a.Name, string(a.Platform), url, secret)
			}
			if err := p.printTable(t); err != nil {
				return err
			}
			p.words("The configuration is correct.")
			return nil
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object; mistakes still go to standard error")
	return cmd
}

type configShowOptions struct {
	*program
	json bool
}

func (p *program) configShow() *cobra.Command {
	o := &configShowOptions{program: p}
	cmd := &cobra.Command{Use: "show", Short: "Show the settings in effect and their origins, without secrets", Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	return cmd
}

func (o *configShowOptions) run(ctx context.Context, _ []string) error {
	c, err := o.config(ctx, "")
	if err != nil {
		return err
	}
	for _, n := range c.Notices {
		o.words(plain.Text(n))
	}
	if o.json {
		return o.printJSON(list(c.Settings()))
	}
	t := newTable("SETTING", "VALUE", "FROM")
	for _, s := range c.Settings() {
		t.add(s.Key, s.Value, s.From)
	}
	return o.printTable(t)
}
