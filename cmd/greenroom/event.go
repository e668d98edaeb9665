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

// eventFilter are the flags that select events.
type eventFilter struct{ app.EventQuery }

func (f *eventFilter) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.Filter, "filter", "f", "", "only events that this filter selects, such as 'kind:joined room:standup' (docs/filter.md)")
	fl.StringVar(&f.Account, "account", "", "only events of this account")
	choices(cmd, &f.Kinds, "kind", "only events of this kind, such as participant.joined; may be repeated", provider.EventKinds()...)
	choice(cmd, &f.Verdict, "verdict", "", "only events with this verdict: verified, rejected or unverified",
		provider.Verified, provider.Rejected, provider.Unverified)
	fl.StringVar(&f.Meeting, "meeting", "", "only events about this meeting")
	fl.StringVar(&f.Grep, "grep", "", "only events that contain this text")
}

// filterOf parses a filter, and returns it with absolute times, so that every process reads it alike.
func (p *program) filterOf(text string) (string, error) {
	f, err := filter.Parse(text, filter.Options{Now: p.now()})
	if err != nil {
		return "", &app.Error{Kind: provider.Invalid, Text: err.Error(), Err: err}
	}
	return f.String(), nil
}

// query returns the query of the flags.
func (f *eventFilter) query(p *program) (q app.EventQuery, err error) {
	q = f.EventQuery
	q.Filter, err = p.filterOf(q.Filter)
	return q, err
}

func (p *program) eventRow(d app.Delivery) []string {
	kind := string(d.Kind)
	if d.Kind == provider.KindUnknown && d.Type != "" {
		kind = d.Type
	}
	return []string{
		strconv.FormatUint(d.Seq, 10), p.clock(d.At), d.Account, string(d.Verdict), strconv.Itoa(d.Status), kind, d.Room, d.Participant,
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
		} else {
			names, words = append(names, a.Name), append(words, word)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "forwarded: " + strings.Join(words, ", ")
}

// remark returns what is special about an event.
func remark(d app.Delivery) string {
	switch {
	case d.DuplicateOf > 0:
		return fmt.Sprintf("duplicate of %d", d.DuplicateOf)
	case d.Unapplied != "":
		return "no effect: " + d.Unapplied
	}
	return d.Reason
}
