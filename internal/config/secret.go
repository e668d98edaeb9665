package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// A secret in the file is a literal, or refers to where it is kept:
//
//	env:NAME       the variable NAME
//	cmd:COMMAND    what COMMAND prints, run by `sh -c` (`cmd /C` on Windows) with no input, white space at the ends removed
//	keyring:NAME   the entry NAME of the service "greenroom" in the system's keyring
//
// References are resolved when the program starts.
const (
	envReference     = "env:"
	commandReference = "cmd:"
	keyringReference = "keyring:"
)

// KeyringService is the service under which the system's keyring is asked.
const KeyringService = "greenroom"

// maxSecret bounds what a command may print.
const maxSecret = 64 << 10

// Resolver fetches what secrets refer to. Its errors tell what failed, never what was printed or found.
type Resolver struct {
	// Getenv is os.Getenv when nil.
	Getenv func(string) string
	// Timeout bounds a command; 0 means 10 seconds.
	Timeout time.Duration
}

// isReference says whether a secret names its place rather than being one.
func isReference(s string) bool {
	return strings.HasPrefix(s, envReference) || strings.HasPrefix(s, commandReference) || strings.HasPrefix(s, keyringReference)
}

// Resolve fetches the secret that reference names. A text that is no reference is the secret itself.
func (r Resolver) Resolve(ctx context.Context, reference string) (string, error) {
	switch {
	case strings.HasPrefix(reference, envReference):
		return r.fromEnv(strings.TrimPrefix(reference, envReference))
	case strings.HasPrefix(reference, commandReference):
		return r.fromCommand(ctx, strings.TrimPrefix(reference, commandReference))
	case strings.HasPrefix(reference, keyringReference):
		return fromKeyring(strings.TrimPrefix(reference, keyringReference))
	}
	return reference, nil
}

func (r Resolver) fromEnv(name string) (string, error) {
	getenv := r.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	v := getenv(name)
	if v == "" {
		return "", fmt.Errorf("the variable %s is not set", name)
	}
	return v, nil
}

func (r Resolver) fromCommand(ctx context.Context, command string) (string, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	shell := []string{"/bin/sh", "-c", command}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C", command}
	}
	cmd := exec.CommandContext(ctx, shell[0], shell[1:]...)
	var out capped
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second // a grandchild may keep the pipe open
	err := cmd.Run()
	secret := string(bytes.TrimSpace(out.buf.Bytes()))
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("its command did not finish within %s", timeout)
	case errors.As(err, &exit):
		return "", fmt.Errorf("its command failed (exit status %d)", exit.ExitCode())
	case err != nil:
		return "", errors.New("its command could not be run")
	case out.over:
		return "", fmt.Errorf("its command printed more than %d bytes", maxSecret)
	case secret == "":
		return "", errors.New("its command printed nothing")
	}
	return secret, nil
}

// capped keeps the first maxSecret bytes and drains the rest.
type capped struct {
	buf  bytes.Buffer
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	if room := maxSecret - c.buf.Len(); len(p) > room {
		c.over = true
		c.buf.Write(p[:room])
		return len(p), nil
	}
	return c.buf.Write(p)
}

func fromKeyring(name string) (string, error) {
	v, err := keyring.Get(KeyringService, name)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "", fmt.Errorf("the keyring has no entry %q of the service %q", name, KeyringService)
	case err != nil:
		return "", errors.New("the keyring could not be asked")
	}
	return v, nil
}

// secret reads a secret setting. It is shown as set or not, with its origin.
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
	if v.from.Kind != FromFile {
		r.show(key, "set", true, v.from)
		return strings.TrimSpace(s)
	}
	if !isReference(s) {
		if !r.private {
			r.fail(v.from, key, "is a secret in a file that others can read",
				fmt.Sprintf("run `chmod 600 %s`, or write env:NAME, cmd:COMMAND or keyring:NAME", r.cfg.File))
			return ""
		}
		r.show(key, "set", true, v.from)
		return s
	}
	out, err := r.opts.Resolve(r.ctx, s)
	if err != nil {
		r.fail(v.from, key, "can't be fetched", err.Error())
		return ""
	}
	kind, name, _ := strings.Cut(s, ":")
	if kind == "env" {
		kind = s
		r.cfg.secretVariables = append(r.cfg.secretVariables, strings.TrimSpace(name))
	}
	r.show(key, "set ("+kind+")", true, v.from)
	return out
}

// SecretVariables names the variables of the environment that hold secrets of Greenroom's, whether they are set or not:
// programs that Greenroom starts don't inherit them.
func (c *Config) SecretVariables() []string {
	names := slices.Clone(c.secretVariables)
	for _, v := range slices.Concat(variables(), relayVariables) {
		switch key := v.key[strings.LastIndexByte(v.key, '.')+1:]; key {
		case "api_key", "api_secret", "webhook_secret", "access_key_id", "access_key_secret", "token":
			names = append(names, v.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
