package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/ipc/lock"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// newAccount is an account that is being added.
type newAccount struct {
	*program
	name, platform, url string
	keyStdin, noCheck   bool
	keeping

	driver provider.Driver
	// values are the entered values, by the keys of the account.
	values map[string]string
}

// keeping chooses where secrets are stored: by default in the keyring, or in a file if there is none.
type keeping struct{ keyring, file bool }

func (p *program) accountAdd() *cobra.Command {
	o := &newAccount{program: p}
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add an account", Args: exactly("a name"),
		Long: "Add an account to the configuration. The key is prompted for, or read from standard input, and checked immediately: a key that the\n" +
			"platform refuses is not stored. A valid key is stored in the system's keyring or, without one, in a file that only " +
			"you can read. Comments in the configuration file are kept. Running programs use the account after a restart.",
		Example: "greenroom account add acme --platform " + string(drivers()[0].Platform) + "\n" +
			"pass show acme | greenroom account add acme --platform " + string(drivers()[0].Platform) + " --key-stdin",
		RunE: p.do(func(ctx context.Context, args []string) error {
			o.name = args[0]
			return o.run(ctx)
		}),
	}
	flags := cmd.Flags()
	choice(cmd, &o.platform, "platform", "", "platform of the account: "+either(platformNames())+" (default: NAME, if it is one)", platformNames()...)
	flags.StringVar(&o.url, "url", "", "base URL of the platform's API, or of your own server (default: the platform's)")
	flags.BoolVar(&o.keyStdin, "key-stdin", false, "read the key from standard input; if the platform needs several values, one per line")
	flags.BoolVar(&o.keyring, "keyring", false, "store the key in the system's keyring only")
	flags.BoolVar(&o.file, "file", false, "store the key in a file that only you can read")
	flags.BoolVar(&o.noCheck, "no-check", false, "don't check the key with the platform")
	exclusive(cmd, "keyring", "file")
	return p.jsonFlag(cmd, "print the account as a JSON object")
}

func (o *newAccount) run(ctx context.Context) error {
	if err := o.chosen(); err != nil {
		return err
	}
	if !o.keyStdin && !(o.inTTY && o.outTTY) {
		return usagef("there is no terminal to ask for the key: use --key-stdin to read it from standard input")
	}
	if err := o.free(ctx); err != nil {
		return err
	}
	read := o.askInput
	if o.keyStdin {
		read = o.inputs()
	}
	if err := o.enter(ctx, read); err != nil {
		return err
	}
	row, err := o.add(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(row)
	}
	return nil
}

// chosen checks name and platform.
func (o *newAccount) chosen() error {
	if err := config.CheckAccountName(o.name); err != nil {
		return usagef("%w", err)
	}
	if o.platform == "" && slices.Contains(platformNames(), o.name) {
		o.platform = o.name
	}
	if o.platform == "" {
		return usagef("--platform is missing: use %s", either(platformNames()))
	}
	all := drivers()
	o.driver, o.values = all[slices.Index(platformNames(), o.platform)], map[string]string{}
	return nil
}

// editing returns the options of commands that change the configuration: the file may not exist yet.
func (p *program) editing() config.Options {
	o := p.configOptions()
	o.MayLack = true
	return o
}

// free returns an error if an account with the name exists.
func (o *newAccount) free(ctx context.Context) error {
	options := o.editing()
	options.Resolve = config.NoSecrets
	c, err := config.Load(ctx, options)
	if err != nil || !slices.Contains(accountNames(c), o.name) {
		return err
	}
	e := &app.Error{
		Kind: provider.Conflict, Text: fmt.Sprintf("account %s already exists", o.name),
		Hint: fmt.Sprintf("choose another name, or run `greenroom account remove %s` first", o.name),
	}
	if v := o.driver.Variable("api_key"); c.KeyFrom[o.name] == "env" && o.getenv(v) != "" {
		e.Text, e.Hint = fmt.Sprintf("%s already defines an account %s", v, o.name), "choose another name, or unset the variable"
	}
	return e
}

// enter reads the values that the platform needs.
func (o *newAccount) enter(ctx context.Context, read func(context.Context, provider.Input) (string, error)) error {
	if o.url != "" {
		o.values["api_url"] = o.url
	}
	for _, in := range o.driver.Inputs {
		if in.Later || in.Key == "api_url" && o.url != "" {
			continue
		}
		value, err := read(ctx, in)
		if err != nil {
			return err
		}
		if o.values[in.Key] = value; value == "" {
			return usagef("the %s is empty", in.Label)
		}
	}
	return nil
}

// askInput asks for a value on the terminal.
func (p *program) askInput(ctx context.Context, in provider.Input) (string, error) {
	question := in.Label
	if in.Where != "" {
		question += " (" + in.Where + ")"
	}
	ask, hidden := p.ask, ""
	if in.Secret {
		ask, hidden = p.askHidden, ", hidden"
	}
	if in.Later {
		hidden += ", press enter to skip"
	}
	for {
		value, err := ask(ctx, question+hidden+": ")
		if err != nil || value != "" || in.Later {
			return value, err
		}
		p.words("Enter a value, or press ctrl+c to stop.")
	}
}

// inputs returns a function that reads values from standard input, one per line.
func (o *newAccount) inputs() func(context.Context, provider.Input) (string, error) {
	lines := bufio.NewScanner(io.LimitReader(o.stdin, 1<<20))
	return func(_ context.Context, in provider.Input) (string, error) {
		if in.Key == "api_url" {
			return "", usagef("--url is missing: %s", in.Where)
		}
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return "", fmt.Errorf("read the %s from standard input: %w", in.Label, err)
			}
			return "", usagef("standard input doesn't contain the %s", in.Label)
		}
		return strings.TrimSpace(lines.Text()), nil
	}
}

// change returns the change of a key of the account.
func (o *newAccount) change(key string, value any) config.Change {
	return config.Change{Path: append([]string{"accounts", o.name}, strings.Split(key, ".")...), Value: value}
}

// changes returns the changes of the configuration. secret returns the value of a secret in it.
func (o *newAccount) changes(secret func(key, value string) (string, error)) ([]config.Change, error) {
	out := []config.Change{o.change("platform", string(o.driver.Platform))}
	url := o.values["api_url"]
	if url != "" {
		out = append(out, o.change("api_url", url))
	}
	for _, in := range o.driver.Inputs {
		value := o.values[in.Key]
		if value == "" || in.Key == "api_url" {
			continue
		}
		if in.Secret {
			var err error
			if value, err = secret(in.Key, value); err != nil {
				return nil, err
			}
		}
		out = append(out, o.change(in.Key, value))
	}
	return out, nil
}

// add checks the account, stores its secrets and writes it into the configuration.
func (o *newAccount) add(ctx context.Context) (accountRow, error) {
	row, err := o.check(ctx)
	if err != nil {
		return row, err
	}
	kept := keptSecrets{o.program, o.keeping, o.name, nil}
	changes, err := o.changes(func(key, value string) (string, error) { return kept.keep(ctx, key, value) })
	if err == nil {
		err = config.Edit(ctx, o.editing(), changes...)
	}
	if err != nil {
		return row, errors.Join(err, kept.forget())
	}
	c, err := o.configWithout(ctx)
	if err != nil {
		return row, err
	}
	row.KeyFrom, row.Default = c.KeyFrom[o.name], c.Policy.DefaultAccounts[o.driver.Platform] == o.name
	o.words(fmt.Sprintf("Account %s is in %s, its key in %s.", o.name, plain.Text(c.File), kept.places()))
	o.restartHint(c)
	return row, nil
}

// check checks the account on the platform before it is configured.
func (o *newAccount) check(ctx context.Context) (accountRow, error) {
	row := accountRow{Name: o.name, Platform: o.driver.Platform, Status: accountUnchecked}
	changes, err := o.changes(func(_, value string) (string, error) { return value, nil })
	if err != nil {
		return row, err
	}
	options := o.editing()
	options.Resolve = config.NoSecrets
	c, err := config.Preview(ctx, options, changes...)
	if err != nil {
		return row, err
	}
	for _, u := range c.Unusable {
		if u.Name == o.name {
			e := u.Errors[0]
			return row, usagef("%s of the account %s: %s", e.Key[strings.LastIndexByte(e.Key, '.')+1:], e.Problem, e.Fix)
		}
	}
	if o.noCheck {
		return row, nil
	}
	rows := []accountRow{row}
	if err := checkAccounts(ctx, c, rows); err != nil {
		return row, err
	}
	title := o.driver.Platform.Title()
	switch row = rows[0]; row.Status {
	case accountOK:
		domain := ""
		if row.Domain != "" {
			domain = ": its domain is " + plain.Word(row.Domain)
		}
		o.words(title, " accepted the key", domain, ".")
		return row, nil
	case accountUnreachable:
		row.Hint = "nothing was stored; try again later, or run `greenroom account add` with --no-check"
	default:
		row.Hint = "nothing was stored; copy it again: " + o.whereKeyIs()
	}
	return row, row.err()
}

// whereKeyIs describes where users find the key.
func (o *newAccount) whereKeyIs() string {
	for _, in := range o.driver.Inputs {
		if in.Key == "api_key" {
			return in.Where
		}
	}
	return ""
}

// restartHint prints a hint if a program is running with the previous configuration.
func (p *program) restartHint(c *config.Config) {
	if h, err := lock.Read(c.DataDir); err == nil && h.PID != 0 {
		p.words("Programs that are already running use it after a restart.")
	}
}

// keptSecrets are secrets that were stored for a change of the configuration. The owner is an account or the tunnel.
type keptSecrets struct {
	*program
	where keeping
	owner string
	all   []config.Kept
}

// keep stores a secret and returns the reference for the configuration.
func (k *keptSecrets) keep(ctx context.Context, key, value string) (string, error) {
	name := k.owner
	if len(k.all) > 0 || key != "api_key" {
		name += "." + key
	}
	var one config.Kept
	err := config.ErrKeyring
	if !k.where.file {
		one, err = config.KeepInKeyring(ctx, name, value)
	}
	if errors.Is(err, config.ErrKeyring) && !k.where.keyring {
		one, err = config.KeepInFile(k.editing(), name, value)
	}
	if errors.Is(err, config.ErrKeyring) {
		return "", &app.Error{Kind: app.NotConfigured, Text: err.Error(), Hint: "unlock it, or use --file", Err: err}
	}
	if one.Forget != nil {
		k.all = append(k.all, one)
	}
	return one.Reference, err
}

// forget deletes the stored secrets.
func (k *keptSecrets) forget() error {
	var errs []error
	for _, one := range k.all {
		errs = append(errs, one.Forget())
	}
	return errors.Join(errs...)
}

// places describes where the secrets are stored.
func (k *keptSecrets) places() string {
	for _, one := range k.all {
		if kind, name, _ := strings.Cut(one.Reference, ":"); kind == "file" {
			return "the file " + name + " beside it"
		}
	}
	return "the keyring"
}
