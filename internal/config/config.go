// Package config reads Greenroom's settings: flags over environment over one TOML file over defaults.
//
// Every value has its origin ([Origin]), and every mistake is reported with its variable or its line and with what to write instead. An
// unknown key is an error. No secret is part of an error, of a [Setting] or of the fingerprint. The file is read once and not watched; a
// [Config] is not changed after Load.
//
// The file is found at --config, $GREENROOM_CONFIG, or $XDG_CONFIG_HOME/greenroom/config.toml. Without a file, the environment
// configures one account for each platform, named like the platform.
package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// maxHostName is the largest number of characters of host_name.
const maxHostName = 64

// Config is the configuration that the program runs with.
type Config struct {
	// File is the path of the configuration file, even if it doesn't exist; HasFile reports whether it does.
	File    string
	HasFile bool
	// DataDir is the folder of the store and the log, RuntimeDir that of the socket, which ends with the login session.
	DataDir    string
	RuntimeDir string

	// Accounts are in the order of the file, followed by those that only the environment has. Their secrets are resolved.
	Accounts []provider.Account
	// Unusable are the accounts that are configured wrongly, or whose secrets can't be fetched, in the same order. They are in
	// Policy.DefaultAccounts, but not in Fetch.
	Unusable []Unusable
	Policy   Policy
	// KeyFrom is the source of each account's key, by the account's name: "keyring", "file", "env", "cmd" or "literal". Accounts
	// without a key are missing.
	KeyFrom map[string]string
	// Fetch holds the settings for reading recordings, by the names of Accounts.
	Fetch    map[string]Fetch
	Download Download

	// Listen is the local listener's address. ListenSet reports that the user chose it: then the next free port doesn't replace
	// it.
	Listen    string
	ListenSet bool
	// BodyLimit is the largest webhook body in bytes.
	BodyLimit int64
	Retention Retention
	Tunnel    Tunnel
	// Forwards are the forwards in the file, with their secrets and certificates.
	Forwards []app.ForwardSpec

	Notify Notify

	// Lead is how long before its start the meeting of a booking is created.
	Lead time.Duration
	// HostName is the name of the person or team that invites, as guests read it on a room's page; it may be empty.
	HostName string

	// Theme is "auto", "light", "dark", "high-contrast", "16" or "none".
	Theme string
	Mouse bool
	// Keys are the keys of rebound actions of the screen, by the action's name.
	Keys map[string][]string

	// Notices are sentences about settings that have no effect.
	Notices []string

	settings        []Setting
	problems        []*Error
	secretVariables []string
	// variables are the environment variables that set keys.
	variables []variable
}

// Unusable is an account that can't be used.
type Unusable struct {
	Name string
	// Platform is empty if it is unknown.
	Platform provider.Platform
	// Errors are the mistakes, at least one.
	Errors []*Error
}

// Reason returns all mistakes in one line.
func (u Unusable) Reason() string {
	var all []string
	for _, e := range u.Errors {
		all = append(all, e.Error())
	}
	return strings.Join(all, "; ")
}

// Problems joins every mistake that leaves an account or the tunnel out while the rest works; nil if there is none.
func (c *Config) Problems() error {
	var all []*Error
	for _, u := range c.Unusable {
		all = append(all, u.Errors...)
	}
	return joined(append(all, c.problems...))
}

// Policy chooses the platform of a meeting whose room is not pinned to an account.
type Policy struct {
	// MigrationSet reports that migration.enabled is set, MigrationEnabled is its value. MigrationRooms are the ids or names of
	// the rooms that move to Daily if it is enabled.
	MigrationSet     bool
	MigrationEnabled bool
	MigrationRooms   []string
	// DefaultPlatform is empty if none is chosen.
	DefaultPlatform provider.Platform
	// DefaultAccounts is the account to use, for each platform with an account.
	DefaultAccounts map[provider.Platform]string
}

// Retention limits how long deliveries are kept and their total size. The limit that is reached first counts.
type Retention struct {
	Age   time.Duration
	Bytes int64
}

// Options configure [Load]. The zero value reads the process's environment and the default places.
type Options struct {
	// File and DataDir are --config and --data-dir, Listen is listen's --addr; empty if not given.
	File, DataDir, Listen string
	// Tunnel is listen's --tunnel, Theme the screen's --theme; empty if not given.
	Tunnel, Theme string
	// MayLack accepts that the chosen file doesn't exist, because it is about to be created.
	MayLack bool
	// Getenv reads a variable of the environment; nil means os.Getenv.
	Getenv func(string) string
	// Drivers are the drivers of the platforms that can be configured, in the order in which accounts from the environment are listed.
	// A driver without Open is not in this build: its accounts are left out with a notice.
	Drivers []provider.Driver
	// Actions are the actions that [keys] can bind; nil accepts any name.
	Actions []string
	// CheckFilter checks a filter of events; nil accepts every text.
	CheckFilter func(string) error
	// Calls are the words for notifications.
	Calls []string
	// Resolve fetches the secret that a reference names; nil means [Resolver] with its defaults.
	Resolve func(ctx context.Context, reference string) (string, error)

	// text is read instead of the file.
	text *fileText
}

// NoSecrets is an [Options.Resolve] that fetches no secret and runs no command: every account with a reference is unusable.
func NoSecrets(context.Context, string) (string, error) {
	return "", errors.New("secrets are not fetched for this")
}

// Load reads the configuration. The error joins every [Error] that stops the program, so that one run shows them all. A mistake in one
// account doesn't stop it: see [Config.Unusable].
func Load(ctx context.Context, o Options) (*Config, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	c := &Config{variables: slices.Concat(variables(false), platformVariables(o.Drivers)), KeyFrom: map[string]string{}}
	var chosen bool
	c.File, chosen = FilePath(o)
	if o.Resolve == nil {
		o.Resolve = Resolver{Getenv: o.Getenv, Folder: filepath.Dir(c.File)}.Resolve
	}
	r := &reader{
		ctx: ctx, opts: o, cfg: c, values: map[string]value{}, covered: map[string]value{},
		secrets: map[string]resolved{}, empty: map[string]Origin{}, tables: map[string][]Origin{},
	}
	for _, d := range o.Drivers {
		if d.Open != nil {
			r.platforms = append(r.platforms, string(d.Platform))
		}
	}

	data, private, err := []byte(nil), false, fs.ErrNotExist
	switch {
	case o.text != nil:
		data, private, err = o.text.data, o.text.private, nil
	case c.File != "":
		data, private, err = readFile(c.File, maxFile)
	}
	switch {
	case err == nil:
		c.HasFile, r.private = true, private
		r.file(data)
	case errors.Is(err, fs.ErrNotExist) && (!chosen || o.MayLack):
		// A missing file is fine, unless the user named one.
	default:
		r.fail(Origin{Kind: FromFile, Name: c.File}, "", cause(err), "")
	}
	if err := joined(r.errs); err != nil {
		return nil, err
	}
	r.environment()
	r.flags()
	r.general()
	r.accounts()
	r.policy()
	r.tunnel()
	r.forwards()
	r.notify()
	if err := ctx.Err(); err != nil {
		return nil, err // secrets were not fetched because ctx ended
	}
	if err := joined(r.errs); err != nil {
		return nil, err
	}
	return c, nil
}

func joined(mistakes []*Error) error {
	all := make([]error, len(mistakes))
	for i, e := range mistakes {
		all[i] = e
	}
	return errors.Join(all...)
}

// cause returns the reason of a file error without its path.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
