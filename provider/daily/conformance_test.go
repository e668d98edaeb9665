package daily_test

import (
	"net/http"
	"testing"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
)

func open(a provider.Account, transport http.RoundTripper, clock rest.Clock) (provider.Provider, error) {
	return daily.New(a, daily.Options{Transport: transport, Clock: clock})
}

func TestConformance(t *testing.T) {
	providertest.Run(t, providertest.Sandbox(t, provider.Daily, open))
}

func TestConformanceLive(t *testing.T) {
	providertest.Run(t, providertest.Live(t, provider.Daily, daily.DefaultURL, open))
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, provider.Daily, open) }
