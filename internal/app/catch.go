package app

import "strings"

// catchAccount begins the account's name of each event of a catch.
const catchAccount = "catch:"

// CatchAccount returns the account name of a catch's events.
func CatchAccount(name string) string { return catchAccount + name }

// CatchOf returns the catch whose events have an account name.
func CatchOf(account string) (name string, ok bool) { return strings.CutPrefix(account, catchAccount) }

// CatchPath is the prefix of the paths of catches.
const CatchPath = "/catch/"

// Catch receives the webhooks of any service at its own address. It changes no meeting.
type Catch struct {
	Name string `json:"name"`
	// Scheme is how the service signs.
	Scheme string `json:"scheme"`
	// Path is the path on the listener, with a token that can't be guessed. Every path below it belongs to the catch.
	Path string `json:"path"`
	// URL is the public address, empty without a live tunnel.
	URL string `json:"url"`
	// Respond is the answer to an accepted request: STATUS BODY.
	Respond string `json:"respond"`
	// Events and Rejected count the stored accepted and rejected events.
	Events    int  `json:"events"`
	Rejected  int  `json:"rejected"`
	CreatedAt Time `json:"created_at"`
}

// CatchSpec is a catch to create.
type CatchSpec struct {
	Name   string `json:"name"`
	Scheme string `json:"scheme"`
	Secret string `json:"secret,omitempty"`
	// Status and Answer are the answer to an accepted request; status 0 is 200 ok.
	Status int    `json:"status,omitempty"`
	Answer string `json:"answer,omitempty"`
}

// CatchRef names a catch.
type CatchRef struct {
	Name string `json:"name"`
}

// CatchQuery selects catches. The zero value selects all.
type CatchQuery struct{}
