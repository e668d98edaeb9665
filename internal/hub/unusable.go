package hub

import (
	"context"
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// unusable is the provider of a configured account that can't be used: every call fails with the reason, it has no abilities, and its
// webhooks are unverified.
type unusable struct {
	platform provider.Platform
	reason   string
	err      error
}

var _ provider.Provider = unusable{}

// disable sets the provider of an account that can't be used.
func (a *Account) disable() {
	why := a.Unusable
	a.Unusable = &app.Error{
		Kind: app.NotConfigured, Text: fmt.Sprintf("account %q can't be used: %s", a.Name, why.Text), Hint: why.Hint, Err: why.Err,
	}
	a.Provider = unusable{platform: a.Platform, reason: why.Text, err: a.Unusable}
}

func (u unusable) Platform() provider.Platform { return u.platform }
func (u unusable) Traits() provider.Traits     { return provider.Traits{} }
func (u unusable) CreateMeeting(context.Context, provider.MeetingSpec) (provider.Meeting, error) {
	return provider.Meeting{}, u.err
}
func (u unusable) EndMeeting(context.Context, provider.Meeting) error { return u.err }
func (u unusable) Presence(context.Context, provider.Meeting) ([]provider.Participant, error) {
	return nil, u.err
}

// ReadWebhook verifies nothing, since the secret may be missing.
func (u unusable) ReadWebhook(provider.WebhookRequest) (provider.Webhook, error) {
	return provider.Webhook{
		Verdict: provider.Unverified, Reason: "the account can't be used: " + u.reason, Event: provider.Event{Kind: provider.KindUnknown},
	}, nil
}
