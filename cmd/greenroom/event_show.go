package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

type eventShowOptions struct {
	*program
	json bool
}

func (p *program) eventShow() *cobra.Command {
	o := &eventShowOptions{program: p}
	cmd := &cobra.Command{Use: "show SEQ", Short: "Show an event exactly as it arrived", Args: exactly("SEQ"), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object with headers and body")
	return cmd
}

func (o *eventShowOptions) run(ctx context.Context, args []string) error {
	seq, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil || seq == 0 {
		return usagef("SEQ is a number from `greenroom event list`, not %q", args[0])
	}
	return o.reading(ctx, func(b app.Backend) error {
		d, err := b.Event(ctx, app.EventRef{Seq: seq})
		if err != nil {
			return err
		}
		if d.Headers == nil {
			d.Headers = http.Header{} // distinguishes a whole event from a row of a list
		}
		if o.json {
			return o.printJSON(d)
		}
		return o.print(d)
	})
}

func (o *eventShowOptions) print(d app.Delivery) error {
	repeats := ""
	if d.DuplicateOf > 0 {
		repeats = fmt.Sprint(d.DuplicateOf)
	}
	if err := o.facts("event", fmt.Sprint(d.Seq), "at", local(d.At), "account", d.Account, "verdict", string(d.Verdict), "reason", d.Reason,
		"answered", fmt.Sprint(d.Status), "kind", string(d.Kind), "type", d.Type, "room", d.Room, "meeting", d.Meeting,
		"who", d.Participant, "session", d.Session, "repeats", repeats, "no effect", d.Unapplied, "size", humanize.IBytes(uint64(max(d.Size, 0)))); err != nil {
		return err
	}
	var s strings.Builder
	s.WriteString("\n" + plain.Text(d.Method+" "+d.Target) + "\n")
	names := make([]string, 0, len(d.Headers))
	for n := range d.Headers {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range d.Headers[n] {
			s.WriteString(plain.Text(n+": "+v) + "\n")
		}
	}
	if len(d.Body) > 0 {
		s.WriteString("\n" + plain.Lines(string(d.Body)) + "\n")
	}
	_, err := fmt.Fprint(o.stdout, s.String())
	return err
}
