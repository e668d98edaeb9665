package app

import "strings"

// catchAccount begins the account's name of each event of a catch.
const catchAccount = "catch:"

// CatchAccount returns the account's name of a catch's events.
func CatchAccount(name string) string { return catchAccount + name }

// CatchOf returns the name of the catch that an account's name stands for.
func CatchOf(account string) (name string, ok bool) { return strings.CutPrefix(account, catchAccount) }

// CatchPath is where the paths of catches begin.
const CatchPath = "/catch/"

// Catch receives the webhooks of any service, at an address of its own. It changes no meeting.
type Catch struct {
	Name string `json:"name"`
	// Scheme is how the service signs.
	Scheme string `json:"scheme"`
	// Path is the address on the listener, with a token that can't be guessed; every path below it belongs to the catch.
	Path string `json:"path"`
	// URL is the public address, empty without a live tunnel.
	URL string `json:"url"`
	// Respond is the answer to an accepted request: STATUS BODY.
	Respond string `json:"respond"`
	// Events counts the events that are kept, Rejected those that are kept of the rejected ones.
	Events    int  `json:"events"`
	Rejected  int  `json:"rejected"`
	CreatedAt Time `json:"created_at"`
}

// CatchSpec makes a catch.
type CatchSpec struct {
	Name   string `json:"name"`
	Scheme string `json:"scheme"`
	Secret string `json:"secret,omitempty"`
	// Status and Answer are what an accepted request is answered; 0 for 200 ok.
	Status int    `json:"status,omitempty"`
	Answer string `json:"answer,omitempty"`
}

// CatchRef names a catch.
type CatchRef struct {
	Name string `json:"name"`
}

// CatchQuery selects catches. The zero value selects all.
type CatchQuery struct{}
