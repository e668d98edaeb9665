package ssh

import "strings"

// service describes a hosted service, as it documents itself.
type service struct {
	port, user, bind string
	// blank means that it asks for a password and accepts an empty one.
	blank bool
}

// The hosts in bind are the ones that OpenSSH sends for these commands.
var services = map[string]service{
	// https://localhost.run/docs/ : ssh -R 80:localhost:8080 nokey@localhost.run, without an account
	"localhost.run": {user: "nokey", bind: "localhost:80"},
	// https://serveo.net : ssh -R 80:localhost:3000 serveo.net
	"serveo.net": {bind: "localhost:80"},
	// https://pinggy.io/docs/usages/ : ssh -p 443 -R0:localhost:8000 free.pinggy.io ; the user is a token, or anything
	"pinggy.io": {port: "443", bind: "localhost:0", blank: true},
}

// serviceOf returns the service of the host, or of a domain above it.
func serviceOf(host string) service {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for domain, s := range services {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return s
		}
	}
	return service{}
}
