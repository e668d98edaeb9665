package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
)

func (p *program) eventCommand() *cobra.Command {
	return group("event", "Inspect webhooks as they arrived, with their verdicts", p.eventList(), p.eventTail(), p.eventWait(), p.eventShow(), p.eventDiff(), p.eventReplay(), p.eventExport(), p.eventImport())
}

// eventFilter selects events, for listing and for following.
type eventFilter struct {
	account, verdict, meeting, grep, filter string
	kinds                                   []string
}

func (f *eventFilter) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.filter, "filter", "f", "", "only events that this filter selects, such as 'kind:joined room:standup' (docs/filter.md)")
	fl.StringVar(&f.account, "account", "", "only events of this account")
	fl.StringSliceVar(&f.kinds, "kind", nil, "only events of this kind, such as participant.joined; may be repeated")
	fl.StringVar(&f.verdict, "verdict", "", "only events with this verdict: verified, rejected or unverified")
	fl.StringVar(&f.meeting, "meeting", "", "only events about this meeting")
	fl.StringVar(&f.grep, "grep", "", "only events that contain this text")
	words(cmd, "kind", provider.EventKinds()...)
	words(cmd, "verdict", provider.Verified, provider.Rejected, provider.Unverified)
}

// filterOf reads a filter, and returns it in a form that any process reads alike.
func (p *program) filterOf(text string) (string, error) {
	f, err := filter.Parse(text, filter.Options{Now: p.now()})
	if err != nil {
		return "", &app.Error{Kind: provider.Invalid, Text: err.Error(), Err: err}
	}
	return f.String(), nil
}

// query checks the filter and makes a query of it.
func (f *eventFilter) query(p *program) (app.EventQuery, error) {
	q := app.EventQuery{Account: f.account, Verdict: provider.Verdict(f.verdict), Meeting: f.meeting, Grep: f.grep}
	if f.verdict != "" && !slices.Contains([]provider.Verdict{provider.Verified, provider.Rejected, provider.Unverified}, q.Verdict) {
		return q, usagef("--verdict can't be %q: use verified, rejected or unverified", f.verdict)
	}
	var err error
	if q.Filter, err = p.filterOf(f.filter); err != nil {
		return q, err
	}
	known := provider.EventKinds()
	for _, k := range f.kinds {
		if !slices.Contains(known, provider.EventKind(k)) {
			words := make([]string, 0, len(known))
			for _, w := range known {
				words = append(words, string(w))
			}
			return q, usagef("--kind can't be %q: use %s", k, strings.Join(words, ", "))
		}
		q.Kinds = append(q.Kinds, provider.EventKind(k))
	}
	return q, nil
}

func (p *program) eventRow(d app.Delivery) []string {
	kind := string(d.Kind)
	if d.Kind == provider.KindUnknown && d.Type != "" {
		kind = d.Type
	}
	return []string{
		fmt.Sprint(d.Seq), p.clock(d.At), d.Account, string(d.Verdict), fmt.Sprint(d.Status), kind, d.Room, d.Participant,
		strings.Join(slices.DeleteFunc([]string{remark(d), forwarded(d.Forwards)}, func(s string) bool { return s == "" }), "; "),
	}
}

// forwarded describes how an event was passed on: the latest attempt of each forward.
func forwarded(all []app.Attempt) string {
	var names, words []string
	for _, a := range all {
		outcome := "no answer"
		if a.Status != 0 {
			outcome = strconv.Itoa(a.Status)
		}
		if a.Attempt > 1 {
			outcome += fmt.Sprintf(" at attempt %d", a.Attempt)
		}
		word := a.Name + " " + outcome
		if i := slices.Index(names, a.Name); i >= 0 {
			words[i] = word
			continue
		}
		names, words = append(names, a.Name), append(words, word)
	}
	if len(words) == 0 {
		return ""
	}
	return "forwarded: " + strings.Join(words, ", ")
}

// remark is an event's peculiarity.
func remark(d app.Delivery) string {
	switch {
	case d.DuplicateOf > 0:
		return fmt.Sprintf("duplicate of %d", d.DuplicateOf)
	case d.Unapplied != "":
		return "no effect: " + d.Unapplied
	}
	return d.Reason
}
