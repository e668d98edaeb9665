// Package config reads Greenroom's settings: flags over environment over one TOML file over defaults.
//
// It promises that every value knows where it came from ([Origin]), that whatever is wrong is reported with its variable
// or its line and what to write instead, that an unknown key is an error, and that no secret is part of an error, of a
// [Setting] or of the fingerprint. It reads the file once and does not watch it; a [Config] is not changed after Load.
//
// The file is found at --config, $GREENROOM_CONFIG, or $XDG_CONFIG_HOME/greenroom/config.toml. With no file at all, the
// environment alone configures an account for each platform, named like the platform.
package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greenroom/provider"
)

// maxHostName is the most characters of host_name.
const maxHostName = 64

// Config is the outcome: what the program runs with.
type Config struct {
	// File is the configuration file's path, whether it exists or not; HasFile says whether it was.
	File    string
	HasFile bool
	// DataDir holds the store and the log. RuntimeDir holds the socket; it goes with the login session.
	DataDir    string
	RuntimeDir string

	// Accounts in the order of the file, then those of the environment alone. Their secrets are resolved.
	Accounts []provider.Account
	// Unusable are the accounts that are configured wrongly, or whose secrets can't be fetched, in the same order. Fetch has
	// nothing about them, Policy.DefaultAccounts does.
	Unusable []Unusable
	Policy   Policy
	// KeyFrom is where the key of each account comes from, by name: "keyring", "file", "env", "cmd" or "literal"; it lacks
	// accounts without a key.
	KeyFrom map[string]string
	// Fetch says, for each of Accounts by name, how its recordings are read.
	Fetch    map[string]Fetch
	Download Download

	// Listen is the local listener's address. ListenSet says that the user chose it, so that it is not silently
	// replaced by the next free port.
	Listen    string
	ListenSet bool
	// BodyLimit is the largest webhook body in bytes.
	BodyLimit int64
	Retention Retention
	Tunnel    Tunnel
	// Forwards pass events on to other programs.
	Forwards []Forward

	Notify Notify

	// Lead is how long before its start the meeting of a booking is made.
	Lead time.Duration
	// HostName is the name of the person or team who invites, as guests read it on a room's page; may be empty.
	HostName string

	// Theme is "auto", "light", "dark", "high-contrast", "16" or "none".
	Theme string
	Mouse bool
	// Keys rebinds actions of the screen: action name to keys.
	Keys map[string][]string

	// Notices are things that are set but have no effect, each a sentence.
	Notices []string

	settings        []Setting
	problems        []*Error
	secretVariables []string
	// variables are those of the environment that set something.
	variables []variable
}

// Unusable is an account that can't be used. The others can.
type Unusable struct {
	Name string
	// Platform is empty where that is what is wrong.
	Platform provider.Platform
	// Errors are the mistakes that were found, at least one.
	Errors []*Error
}

// Reason is everything that is wrong, in one line.
func (u Unusable) Reason() string {
	var all []string
	for _, e := range u.Errors {
		all = append(all, e.Error())
	}
	return strings.Join(all, "; ")
}

// Problems joins every mistake that leaves an account or the tunnel out while the rest works; nil when there is none.
func (c *Config) Problems() error {
	var all []error
	for _, u := range c.Unusable {
		for _, e := range u.Errors {
			all = append(all, e)
		}
	}
	for _, e := range c.problems {
		all = append(all, e)
	}
	return errors.Join(all...)
}

// Policy chooses the platform of a meeting whose room is not pinned to an account.
type Policy struct {
	// MigrationSet says that migration is decided at all; MigrationEnabled which way; MigrationRooms names the rooms, by
	// id or name, that go to Daily when it is enabled.
	MigrationSet     bool
	MigrationEnabled bool
	MigrationRooms   []string
	// DefaultPlatform is "" when none was chosen.
	DefaultPlatform provider.Platform
	// DefaultAccounts names, for each platform with an account, the one to use.
	DefaultAccounts map[provider.Platform]string
}

// Retention is how long deliveries are kept, whichever bound is reached first.
type Retention struct {
	Age   time.Duration
	Bytes int64
}

// Options are the inputs of Load. The zero value reads the process's environment and default places.
type Options struct {
	// File and DataDir are --config and --data-dir, Listen is listen's --addr; empty when not given.
	File, DataDir, Listen string
	// Tunnel is listen's --tunnel, Theme the screen's --theme; empty when not given.
	Tunnel, Theme string
	// MayLack accepts that the file that was chosen doesn't exist: it is about to be made.
	MayLack bool
	// Getenv is os.Getenv when nil.
	Getenv func(string) string
	// Drivers are those of the platforms that can be configured, in the order in which accounts of the environment are listed.
	// The platform of one without an Open is not in this build: its accounts are left out with a notice.
	Drivers []provider.Driver
	// Actions are the actions that [keys] can bind; nil accepts any name.
	Actions []string
	// CheckFilter checks a filter of events; nil accepts every text.
	CheckFilter func(string) error
	// Calls are the words that the user can be called for.
	Calls []string
	// Resolve fetches what a secret refers to; nil means [Resolver] with its defaults.
	Resolve func(ctx context.Context, reference string) (string, error)

	// text is read in place of the file.
	text *fileText
}

// NoSecrets is a Resolve that fetches nothing and runs nothing: every account with a reference is unusable.
func NoSecrets(context.Context, string) (string, error) {
	return "", errors.New("secrets are not fetched for this")
}

// Load reads everything. The error, if any, joins every [Error] that stops the program, so that one run shows all of them.
// A mistake in one account doesn't: see [Config.Unusable].
func Load(ctx context.Context, o Options) (*Config, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	c := &Config{variables: variables(o.Drivers), KeyFrom: map[string]string{}}
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
			r.platforms = append(r.platforms, d.Platform)
		}
	}

	data, private, err := []byte(nil), false, fs.ErrNotExist
	switch {
	case o.text != nil:
		data, private, err = o.text.data, o.text.private, nil
	case c.File != "":
		data, private, err = readFile(c.File)
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
	if err := r.failed(); err != nil {
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
		return nil, err // what wasn't fetched says nothing about the configuration
	}
	if err := r.failed(); err != nil {
		return nil, err
	}
	return c, nil
}

// failed joins the mistakes that stop the program.
func (r *reader) failed() error {
	all := make([]error, 0, len(r.errs))
	for _, e := range r.errs {
		all = append(all, e)
	}
	return errors.Join(all...)
}

// cause gives the reason of a file error without repeating its path.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
