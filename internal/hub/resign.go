package hub

import (
	"cmp"
	"fmt"
	"maps"

	"greenroom/internal/app"
	"greenroom/internal/catch"
	"greenroom/provider"
	"greenroom/store"
)

// resigned returns a delivery with a new signature of its platform, made with a secret.
func (h *Hub) resigned(d app.Delivery, secret string) (app.Delivery, error) {
	if name, ok := app.CatchOf(d.Account); ok {
		return h.resignedCaught(name, d, secret)
	}
	a := h.accounts[d.Account]
	if a == nil {
		return d, fmt.Errorf("account %q is not configured", d.Account)
	}
	s, ok := a.Provider.(provider.Synthesizer)
	if !ok {
		return d, fmt.Errorf("%s signs no webhooks", a.Platform.Title())
	}
	made, err := s.Synthesize(provider.SyntheticEvent{Body: append([]byte{}, d.Body...), At: h.clock.Now(), Secret: secret})
	if err != nil {
		return d, err
	}
	d.Headers = d.Headers.Clone()
	for _, p := range h.opt.Drivers {
		if p.Platform == a.Platform {
			for _, name := range p.SignatureHeaders {
				d.Headers.Del(name)
			}
		}
	}
	for name, values := range made.Header {
		if name != "Content-Type" || d.Headers.Get(name) == "" {
			d.Headers[name] = values
		}
	}
	return d, nil
}

// canSign fails if a secret can sign no account's events, and there are no others. The schemes of catches take any secret.
func (h *Hub) canSign(tx *store.Tx, secret string) (err error) {
	if all, damaged := tx.Catches(); len(all)+len(damaged) > 0 {
		return nil
	}
	for _, a := range h.accounts {
		if s, ok := a.Provider.(provider.Synthesizer); ok {
			if _, err = s.Synthesize(provider.SyntheticEvent{Body: []byte("{}"), At: h.clock.Now(), Secret: secret}); err == nil {
				return nil
			}
		}
	}
	return err
}

// resignedCaught is resigned for an event of a catch, by default with the catch's secret.
func (h *Hub) resignedCaught(name string, d app.Delivery, secret string) (app.Delivery, error) {
	job, err := store.Read(h.ctx, h.store, func(tx *store.Tx) (store.CatchJob, error) { return tx.Catch(name) })
	if err != nil {
		return d, fmt.Errorf("the catch %q is gone", name)
	}
	scheme, err := catch.Parse(job.Scheme)
	if err != nil {
		return d, err
	}
	signed, err := scheme.Sign(d.Headers, d.Body, cmp.Or(secret, job.Secret), h.clock.Now())
	if err != nil {
		return d, err
	}
	d.Headers = d.Headers.Clone()
	maps.Copy(d.Headers, signed)
	return d, nil
}
