package livekit_test

import (
	"net/http"
	"testing"

	"greenroom/provider"
	"greenroom/provider/livekit"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
)

func open(a provider.Account, transport http.RoundTripper, clock rest.Clock) (provider.Provider, error) {
	return livekit.New(a, livekit.Options{Transport: transport, Clock: clock})
}

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Sandbox(t, provider.LiveKit, open))
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, provider.LiveKit, open) }
