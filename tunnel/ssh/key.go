package ssh

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"greenroom/internal/plain"
	"greenroom/internal/regular"
	"greenroom/internal/unreached"
)

// keyring holds the keys to log in with.
type keyring struct {
	signers []ssh.Signer
	// agent is an agent's socket, or empty.
	agent string
	// tried and skipped describe the keys for people.
	tried, skipped []string
}

// maxKey limits a key file, in bytes.
const maxKey = 1 << 20

func newKeyring(o Options) (keyring, error) {
	k := keyring{agent: cmp.Or(o.AgentSocket, os.Getenv("SSH_AUTH_SOCK"))}
	if k.agent == "none" {
		k.agent = ""
	}
	files, named := o.KeyFiles, len(o.KeyFiles) > 0
	if !named {
		if home, err := os.UserHomeDir(); err == nil {
			for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
				files = append(files, filepath.Join(home, ".ssh", name))
			}
		}
	}
	for _, file := range files {
		signer, err := readKey(file)
		var encrypted *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &encrypted):
			k.skipped = append(k.skipped, fmt.Sprintf("%s is encrypted: add it to an agent with ssh-add", plain.Text(file)))
		case err != nil && named:
			return keyring{}, fmt.Errorf("the key %s: %w", plain.Text(file), err)
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			k.skipped = append(k.skipped, fmt.Sprintf("%s can't be used: %s", plain.Text(file), plain.Text(err.Error())))
		default:
			k.signers, k.tried = append(k.signers, signer), append(k.tried, plain.Text(file))
		}
	}
	return k, nil
}

func readKey(file string) (ssh.Signer, error) {
	b, err := regular.Read(file, maxKey)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(b)
}

// login has the methods of one login; call release afterwards.
type login struct {
	methods []ssh.AuthMethod
	// tried and skipped are for people.
	tried, skipped []string
	release        func()
}

func (k keyring) login(s service) login {
	l := login{tried: slices.Clip(k.tried), skipped: slices.Clip(k.skipped), release: func() {}}
	signers := slices.Clip(k.signers)
	if k.agent != "" {
		if conn, more, err := askAgent(k.agent); err != nil {
			l.skipped = append(l.skipped, "the agent doesn't respond: "+unreached.Why(err))
		} else {
			l.release = func() { _ = conn.Close() }
			signers = append(signers, more...)
			l.tried = append(l.tried, fmt.Sprintf("%d of the agent", len(more)))
		}
	}
	if len(signers) > 0 {
		l.methods = append(l.methods, ssh.PublicKeys(signers...))
	}
	if s.blank {
		l.methods = append(l.methods, ssh.Password(""), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				return make([]string, len(questions)), nil
			}))
	}
	return l
}

func askAgent(socket string) (net.Conn, []ssh.Signer, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, err
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, signers, nil
}

// refused explains a login that failed.
func (l login) refused(user, host string) string {
	text := fmt.Sprintf("%s refuses the login of %s", host, plain.Text(user))
	if len(l.tried) > 0 {
		text += ": it accepts none of the keys (" + strings.Join(l.tried, ", ") + "); add one to the server's authorized_keys, or set another"
	} else {
		text += ": there is no key to log in with; set a key file, or start an agent"
	}
	if len(l.skipped) > 0 {
		text += "; " + strings.Join(l.skipped, "; ")
	}
	return text
}
