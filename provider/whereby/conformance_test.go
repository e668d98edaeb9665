package whereby_test

import (
	"net/http"
	"testing"

	"greenroom/provider"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
	"greenroom/provider/whereby"
)

func open(a provider.Account, transport http.RoundTripper, clock rest.Clock) (provider.Provider, error) {
	return whereby.New(a, whereby.Options{Transport: transport, Clock: clock})
}

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Sandbox(t, provider.Whereby, open))
}

func TestConformanceLive(t *testing.T) {
	providertest.Run(t, providertest.Live(t, provider.Whereby, whereby.DefaultURL, open))
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, provider.Whereby, open) }
