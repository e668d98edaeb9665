package hub

import (
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// resigned returns a delivery with the signature that its platform makes now with a secret. Everything else stays.
func (h *Hub) resigned(d app.Delivery, secret string) (app.Delivery, error) {
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
