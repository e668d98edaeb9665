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
	"greenroom/provider"
	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/sqs"
)

const (
	// relayFolder is the relay's own in the data folder.
	relayFolder = "relay"
	// relayGrace is how long requests that are being answered may take when the relay ends.
	relayGrace = 20 * time.Second
	// relayPlainAddr and relayTLSAddr are the default addresses.
	relayPlainAddr = "127.0.0.1:7090"
	relayTLSAddr   = ":443"
	// hooksVariable names the hooks of a relay without a spool. Their ids are secrets, and command lines are public.
	hooksVariable = "GREENROOM_RELAY_HOOKS"
	// sinkBody is the default limit of a body that goes to a queue: queues accept no more.
	sinkBody = 1 << 20
	// sinkTime bounds asking for the queue.
	sinkTime = 30 * time.Second
)

type relayOptions struct {
	*program
	addr, url, tls, admin, proxies string
	policy, body, spool, retain    string
	rate                           float64
	wait                           time.Duration
	to                             string
	hooks                          []string
	logJSON                        bool
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
	fl.StringVar(&o.url, "url", "", "public address, such as https://relay.example (default: http:// and the listening address)")
	fl.StringVar(&o.tls, "tls", "", "certificates: auto (Let's Encrypt), off, or CERT,KEY for files (default: auto for an https --url)")
	fl.StringVar(&o.admin, "admin-addr", "", "serve /healthz, /readyz and /metrics on this HOST:PORT")
	fl.StringVar(&o.proxies, "trust-proxy", "", "addresses or networks of trusted proxies, separated by commas; their headers name "+
		"the sender's address")
	fl.StringVar(&o.policy, "policy", string(spool.PolicyAuto), "when senders are answered: ack, sync or auto; a hook may override it")
	fl.StringVar(&o.body, "max-body", config.FormatSize(relay.DefaultBody), "maximum size of a body")
	fl.StringVar(&o.spool, "spool", config.FormatSize(spool.DefaultQuota), "maximum size of each hook's queue; further requests are refused")
	fl.StringVar(&o.retain, "retain", "7d", "how long requests wait before they are dropped")
	fl.Float64Var(&o.rate, "rate", relay.DefaultRate, "requests per second per hook, 0 for no limit")
	fl.DurationVar(&o.wait, "sync-wait", relay.DefaultSyncWait, "how long a sender waits for the client's answer")
	fl.StringVar(&o.to, "to", "", "put requests into this SQS FIFO queue instead of a spool: sqs:// followed by its ARN, or its URL without https://")
	fl.StringArrayVar(&o.hooks, "hook", nil, "with --to: a hook, as NAME=ID with an id of 26 or more random letters and digits; or in "+hooksVariable)
	p.jsonFlag(cmd, "print a JSON object with the addresses")
	fl.BoolVar(&o.logJSON, "log-json", false, "write the log as JSON")
	cmd.AddCommand(p.relayTokenCommand(), p.relayHookCommand())
	return cmd
}

func (o *relayOptions) run(ctx context.Context, _ []string) (err error) {
	opt, err := o.options()
	if err != nil {
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
	opt.Log = o.log()
	defer catchLibraries(opt.Log)()
	opt.Crash = crashGroup(opt.Log, func(r crash.Report) { fail(r) })
	if o.to == "" {
		opt.Dir = dir
	} else if opt.Sink, err = openSink(ctx, o.to); err != nil {
		return err
	}
	l, err := listenOn("addr", addr)
	if err != nil {
		return err
	}
	if opt.URL == "" {
		opt.URL = map[bool]string{true: "https://", false: "http://"}[secure != nil] + l.Addr().String()
	}
	s, err := relay.Open(opt)
	if err != nil {
		return errors.Join(relayError(c, err), l.Close())
	}
	defer func() {
		// A signal comes again for who can't wait.
		ending, cancel := context.WithTimeout(context.Background(), relayGrace)
		defer cancel()
		err = errors.Join(err, s.Close(ending))
	}()
	if o.to == "" {
		if err := s.ServeControl(); err != nil {
			opt.Log.Warn("tokens and hooks can't be changed while the relay runs", "err", err)
		}
	}
	served := make(chan error, 2)
	opt.Crash.Go("relay", func() {
		if secure != nil {
			served <- s.ServeTLS(l, secure)
		} else {
			served <- s.Serve(l)
		}
	})
	admin, err := o.serveAdmin(s, opt, served)
	if err != nil {
		return err
	}
	if err := o.tell(l, s, admin, opt.Log); err != nil {
		return err
	}
	return untilEnded(ctx, served)
}

func (o *relayOptions) log() *slog.Logger {
	if o.logJSON {
		return newJSONLog(o.stderr, slog.LevelInfo)
	}
	return newLog(o.stderr, slog.LevelInfo)
}

// serveAdmin serves health and metrics where that was asked for, and gives the address.
func (o *relayOptions) serveAdmin(s *relay.Server, opt relay.Options, served chan<- error) (string, error) {
	if o.admin == "" {
		return "", nil
	}
	l, err := listenOn("admin-addr", o.admin)
	if err != nil {
		return "", err
	}
	opt.Crash.Go("relay admin", func() {
		if err := s.ServeAdmin(l); err != nil {
			served <- err
		}
	})
	return "http://" + l.Addr().String(), nil
}

func (o *relayOptions) tell(l net.Listener, s *relay.Server, admin string, log *slog.Logger) error {
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
	if o.logJSON { // then each line of the log is JSON
		log.Info("the relay accepts requests", "url", s.URL(), "addr", l.Addr().String())
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

// relayError says what to do about a relay that can't be opened.
func relayError(c *config.Config, err error) error {
	if errors.Is(err, relay.ErrInUse) {
		return &app.Error{Kind: provider.Conflict, Text: "another relay is using this data folder", Hint: "stop it, or choose " +
			"another folder with --data-dir", Err: err}
	}
	return folderError(c, err)
}
