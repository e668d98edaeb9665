package main

import (
	"fmt"
	"net"

	"greenroom/internal/app"
	"greenroom/provider"
)

// listenOn opens a listener on the address of a flag.
func listenOn(flag, addr string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" {
		return nil, usagef(`--%s can't be %q: write it like "127.0.0.1:7070"`, flag, addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &app.Error{
			Kind: provider.Unavailable, Text: fmt.Sprintf("listen on %s: %v", addr, err), Hint: "choose another with --" + flag, Err: err,
		}
	}
	return l, nil
}
