package ipc

import (
	"errors"
	"net"

	"greenroom/internal/app"
	"greenroom/internal/private"
	"greenroom/provider"
)

// bindFirst creates the first of the sockets that can be created. Only the holder of the lock may call it. Connections of other
// users are reported to refused.
func bindFirst(sockets []string, refused func(error)) (l net.Listener, socket string, err error) {
	var errs []error
	for _, socket := range sockets {
		l, err := private.Listen(socket, refused)
		if err == nil {
			return l, socket, nil
		}
		errs = append(errs, forbidden(err))
	}
	return nil, "", errors.Join(errs...)
}

// forbidden turns the error of a folder, socket or peer that isn't the user's into one that users can act on.
func forbidden(err error) error {
	p, ok := errors.AsType[*private.Error](err)
	if !ok {
		return err
	}
	e := &app.Error{Kind: provider.Forbidden, Text: p.Text, Hint: p.Hint, Err: err}
	if e.Hint != "" {
		e.Hint += ", or set XDG_RUNTIME_DIR to your own folder"
	}
	return e
}
