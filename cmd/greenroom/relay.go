package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/plain"
	"greenroom/internal/when"
	"greenroom/provider"
	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/sqs"
)

const (
	// relayFolder is the relay's folder in the data folder.
	relayFolder = "relay"
	// relayGrace is how long the relay waits for open requests when it stops.
	relayGrace = 20 * time.Second
	// relayPlainAddr and relayTLSAddr are the default addresses.
	relayPlainAddr = "127.0.0.1:7090"
	relayTLSAddr   = ":443"
	// hooksVariable names the hooks of a relay without a spool. Their ids are secrets, and command lines are public.
	hooksVariable = "GREENROOM_RELAY_HOOKS"
	// sinkBody is the default limit of a body that goes to a queue: queues accept no more.
	sinkBody = 1 << 20
	// sinkTime bounds the opening of the queue.
	sinkTime = 30 * time.Second
)

type relayOptions struct {
	*program
	relay.Options
	addr, tls, admin, to string
	hooks                []string
	logJSON              bool
	changed              func(flag string) bool
}

func (p *program) relayCommand() *cobra.Command {
	o := &relayOptions{program: p}
	cmd := &cobra.Command{
		Use: "relay", Short: "Run a relay, which keeps webhooks until a client fetches them", Args: noSuchCommand, RunE: p.do(o.run),
		Long: "Run a relay: a public server that accepts webhooks at any time, saves them before it answers 200, and delivers them " +
			"when the client connects. The client needs a token (`relay token create`), which comes with a public URL. See docs/relay.md.",
		Example: "# on the server relay.example, with an automatic certificate\n" +
			"greenroom relay --url https://relay.example\n\n" +
			"# behind a proxy on the same machine that terminates TLS\n" +
			"greenroom relay --url https://relay.example --tls off --addr 127.0.0.1:7090 --trust-proxy 127.0.0.1\n\n" +
			"# a token for a client\n" +
			"greenroom relay token create laptop",
	}
	fl := cmd.Flags()
	fl.StringVar(&o.addr, "addr", "", "listen on this HOST:PORT (default "+relayTLSAddr+", or "+relayPlainAddr+" without TLS)")
	fl.StringVar(&o.URL, "url", "", "public address, such as https://relay.example (default: http:// and the listening address)")
	fl.StringVar(&o.tls, "tls", "", "certificates: auto (Let's Encrypt), off, or CERT,KEY for files (default: auto for an https --url)")
	fl.StringVar(&o.admin, "admin-addr", "", "serve /healthz, /readyz and /metrics on this HOST:PORT")
	parsed(fl, &o.Proxies, "trust-proxy", "", parseNetworks, "addresses or networks of trusted proxies, separated by commas; their headers name "+
		"the sender's address")
	choice(cmd, &o.Policy, "policy", string(spool.PolicyAuto), "when senders are answered: ack, sync or auto; a hook may override it", policies...)
	parsed(fl, &o.Body, "max-body", config.FormatSize(relay.DefaultBody), parseSize, "maximum size of a body")
	parsed(fl, &o.Spool, "spool", config.FormatSize(spool.DefaultQuota), parseSize, "maximum size of each hook's queue; further requests are refused")
	parsed(fl, &o.Retain, "retain", "7d", like(func(s string) (time.Duration, bool) {
		d, ok := when.Age(s)
		return d, ok && d > 0
	}, "write it like 7d or 12h"), "how long requests wait before they are dropped")
	fl.Float64Var(&o.Rate, "rate", relay.DefaultRate, "requests per second per hook, 0 for no limit")
	fl.DurationVar(&o.SyncWait, "sync-wait", relay.DefaultSyncWait, "how long a sender waits for the client's answer")
	fl.StringVar(&o.to, "to", "", "put requests into this SQS FIFO queue instead of a spool: sqs:// followed by its ARN, or its URL without https://")
	fl.StringArrayVar(&o.hooks, "hook", nil, "with --to: a hook, as NAME=ID with an id of 26 or more random letters and digits; or in "+hooksVariable)
	p.jsonFlag(cmd, "print a JSON object with the addresses")
	fl.BoolVar(&o.logJSON, "log-json", false, "write the log as JSON")
	o.changed = fl.Changed
	cmd.AddCommand(p.relayTokenCommand(), p.relayHookCommand())
	return cmd
}

func (o *relayOptions) run(ctx context.Context, _ []string) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	c, err := o.configWithout(ctx)
	if err != nil {
		return err
	}
	dir := filepath.Join(c.DataDir, relayFolder)
	secure, addr, err := o.security(dir)
	if err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	o.Version, o.Log = o.version, serviceLog(o.stderr, slog.LevelInfo, o.logJSON)
	defer catchLibraries(o.Log)()
	o.Crash = crashGroup(o.Log, func(r crash.Report) { fail(r) })
	if o.to == "" {
		o.Dir = dir
	} else if o.Sink, err = openSink(ctx, o.to); err != nil {
		return err
	}
	l, err := listenOn("addr", addr)
	if err != nil {
		return err
	}
	if o.URL == "" {
		o.URL = map[bool]string{true: "https://", false: "http://"}[secure != nil] + l.Addr().String()
	}
	s, err := relay.Open(o.Options)
	if err != nil {
		return errors.Join(relayError(c, err), l.Close())
	}
	defer func() {
		// A second signal ends the wait.
		ending, cancel := context.WithTimeout(context.Background(), relayGrace)
		defer cancel()
		err = errors.Join(err, s.Close(ending))
	}()
	if o.to == "" {
		if err := s.ServeControl(); err != nil {
			o.Log.Warn("tokens and hooks can't be changed while the relay runs", "err", err)
		}
	}
	served := make(chan error, 2)
	o.Crash.Go("relay", func() {
		if secure != nil {
			served <- s.ServeTLS(l, secure)
		} else {
			served <- s.Serve(l)
		}
	})
	admin, err := o.serveAdmin(s, served)
	if err != nil {
		return err
	}
	if err := o.tell(l, s, admin); err != nil {
		return err
	}
	return untilEnded(ctx, served)
}

// serveAdmin serves health and metrics with --admin-addr, and returns the address.
func (o *relayOptions) serveAdmin(s *relay.Server, served chan<- error) (string, error) {
	if o.admin == "" {
		return "", nil
	}
	l, err := listenOn("admin-addr", o.admin)
	if err != nil {
		return "", err
	}
	o.Crash.Go("relay admin", func() {
		if err := s.ServeAdmin(l); err != nil {
			served <- err
		}
	})
	return "http://" + l.Addr().String(), nil
}

func (o *relayOptions) tell(l net.Listener, s *relay.Server, admin string) error {
	if o.json {
		facts := struct {
			Listening string `json:"listening"`
			URL       string `json:"url"`
			Admin     string `json:"admin,omitempty"`
		}{"http://" + l.Addr().String(), s.URL(), admin}
		if strings.HasPrefix(s.URL(), "https") && o.tls != "off" {
			facts.Listening = "https://" + l.Addr().String()
		}
		return o.printJSON(facts)
	}
	if o.logJSON { // so that every line is JSON
		o.Log.Info("the relay accepts requests", "url", s.URL(), "addr", l.Addr().String())
		return nil
	}
	o.words("The relay accepts requests for ", plain.Text(s.URL()), " at ", l.Addr().String(), ".")
	if o.to == "" {
		if tokens, err := s.Tokens(context.Background()); err == nil && len(tokens) == 0 {
			o.words("No client can fetch them yet: create a token with `greenroom relay token create NAME`.")
		}
	}
	return nil
}

// openSink opens the queue that a URL or an ARN names.
func openSink(ctx context.Context, text string) (tunnel.Sink, error) {
	q := sqs.Queue{Queue: text}
	if err := q.Check(); err != nil {
		return nil, usagef("--to: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sinkTime)
	defer cancel()
	s, err := sqs.OpenSink(ctx, q)
	if err != nil {
		return nil, &app.Error{Kind: provider.Unavailable, Text: err.Error(), Err: err}
	}
	return s, nil
}

// relayError returns the error of a relay that can't be opened, with a hint.
func relayError(c *config.Config, err error) error {
	if errors.Is(err, relay.ErrInUse) {
		return &app.Error{Kind: provider.Conflict, Text: "another relay is using this data folder", Hint: "stop it, or choose " +
			"another folder with --data-dir", Err: err}
	}
	return folderError(c, err)
}
