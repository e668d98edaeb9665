package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// A secret in the file is a literal, or refers to where it is kept:
//
//	env:NAME       the variable NAME
//	cmd:COMMAND    what COMMAND prints, run by `sh -c` (`cmd /C` on Windows) without input and in its own process group
//	keyring:NAME   the entry NAME of the service "greenroom" in the system's keyring
//	file:PATH      what is in a file that only its owner can read; a relative path starts at the configuration file's folder
//
// White space around a secret is removed. References are resolved once, when the program starts.
const (
	envReference     = "env:"
	commandReference = "cmd:"
	keyringReference = "keyring:"
	fileReference    = "file:"
)

// KeyringService is the service of Greenroom's entries in the system's keyring.
const KeyringService = "greenroom"

const (
	// maxSecret bounds the standard output of a command, maxNoise its standard error, in bytes. A command that prints more
	// is killed.
	maxSecret = 64 << 10
	maxNoise  = 1 << 20
	// secretTime bounds a command and a call of the keyring.
	secretTime = 10 * time.Second
)

// ErrKeyring means that the keyring can't be reached.
var ErrKeyring = errors.New("the keyring can't be reached")

// Resolver fetches the secrets that references name. Its errors never contain a secret.
type Resolver struct {
	// Getenv reads a variable of the environment; nil means os.Getenv.
	Getenv func(string) string
	// Timeout bounds a command and the keyring's answer; 0 means 10 seconds.
	Timeout time.Duration
	// Folder is the folder of relative paths.
	Folder string
}

// isReference reports whether a secret is a reference, not a literal.
func isReference(s string) bool { return referenceKind(s) != "" }

// referenceKind returns the kind of a reference, "env", "cmd", "keyring" or "file", or "" for a literal.
func referenceKind(s string) string {
	for _, prefix := range []string{envReference, commandReference, keyringReference, fileReference} {
		if strings.HasPrefix(s, prefix) {
			return strings.TrimSuffix(prefix, ":")
		}
	}
	return ""
}

// Resolve fetches the secret that reference names, without white space at its ends. A text that isn't a reference is the secret itself.
func (r Resolver) Resolve(ctx context.Context, reference string) (secret string, err error) {
	reference = strings.TrimSpace(reference)
	timeout := cmp.Or(r.Timeout, secretTime)
	var empty error
	_, name, _ := strings.Cut(reference, ":")
	name = strings.TrimSpace(name)
	switch referenceKind(reference) {
	case "env":
		getenv := r.Getenv
		if getenv == nil {
			getenv = os.Getenv
		}
		secret, empty = getenv(name), fmt.Errorf("the variable %s is not set", name)
	case "cmd":
		secret, err = printed(ctx, name, timeout)
		empty = errors.New("its command printed nothing")
	case "file":
		secret, err = fromFile(filePath(r.Folder, name))
		empty = fmt.Errorf("%s is empty", name)
	case "keyring":
		secret, err = fromKeyring(ctx, name, timeout)
		empty = fmt.Errorf("the entry %q of the keyring is empty", name)
	default:
		secret, empty = reference, errors.New("it is empty")
	}
	if err != nil {
		return "", err
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return "", empty
	}
	return secret, nil
}

// resolve fetches a secret once. A keyring that can't be reached is not asked again.
func (r *reader) resolve(reference string) (string, error) {
	if got, known := r.secrets[reference]; known {
		return got.secret, got.err
	}
	keyring := strings.HasPrefix(reference, keyringReference)
	if keyring && r.keyring != nil {
		return "", r.keyring
	}
	secret, err := r.opts.Resolve(r.ctx, reference)
	if keyring && errors.Is(err, ErrKeyring) {
		r.keyring = err
	}
	r.secrets[reference] = resolved{strings.TrimSpace(secret), err}
	return strings.TrimSpace(secret), err
}

// place returns the kind of place where a secret is kept.
func (v value) place() string {
	s, _ := v.raw.(string)
	switch kind := referenceKind(strings.TrimSpace(s)); {
	case v.from.Kind == FromEnv:
		return "env"
	case kind != "":
		return kind
	}
	return "literal"
}

type resolved struct {
	secret string
	err    error
}

// secret reads a secret. Only whether it is set is shown, with its origin.
func (r *reader) secret(key string) string {
	v, set := r.values[key]
	if !set {
		r.show(key, "not set", true, Origin{})
		return ""
	}
	s, ok := v.raw.(string)
	if !ok {
		r.fail(v.from, key, "isn't text", "put it in double quotes")
		return ""
	}
	s = strings.TrimSpace(s)
	state := "set"
	switch kind := referenceKind(s); {
	case s == "":
		state = "not set"
	case v.from.Kind != FromFile:
	case kind != "":
		_, name, _ := strings.Cut(s, ":")
		if name = strings.TrimSpace(name); kind == "env" {
			kind = envReference + name
			r.cfg.secretVariables = append(r.cfg.secretVariables, name)
		}
		var err error
		if s, err = r.resolve(s); err != nil {
			r.unfetched(v.from, key, err)
			s, state = "", "can't be fetched"
		}
		state += " (" + kind + ")"
	case !r.private:
		r.failAll(v.from, key, "is a secret, but others can read the file",
			fmt.Sprintf("run `chmod 600 %s`, or write env:NAME, cmd:COMMAND, keyring:NAME or file:PATH", r.cfg.File))
		return ""
	}
	r.show(key, state, true, v.from)
	return s
}

// SecretVariables lists the variables that may hold Greenroom's secrets, set or not. Programs that Greenroom starts don't inherit them.
func (c *Config) SecretVariables() []string {
	names := slices.Clone(c.secretVariables)
	for _, v := range slices.Concat(c.variables, variables(true)) {
		if v.secret() {
			names = append(names, v.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
