package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/difference"
	"greenroom/internal/plain"
)

func (p *program) eventDiff() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "diff A B", Short: "Compare two events: headers, JSON by structure, other bodies as text", Args: exactly("A", "B"), RunE: p.do(p.diffEvents),
	}, "print a JSON array of differences")
}

func (p *program) diffEvents(ctx context.Context, args []string) error {
	var both [2]app.Delivery
	seqs, err := seqsOf(args)
	if err != nil {
		return err
	}
	return p.reading(ctx, func(b app.Backend) (err error) {
		for i := range both {
			if both[i], err = wholeEvent(ctx, b, seqs[i]); err != nil {
				return err
			}
		}
		changes := difference.Of(both[0], both[1])
		if p.json {
			return p.printJSON(changes)
		}
		if len(changes) == 0 {
			p.words("The requests are identical.")
			return nil
		}
		_, err = fmt.Fprint(p.stdout, diffText(both[0], both[1], changes))
		return err
	})
}

// diffText returns differences in the form of diff: - precedes the lines of A, + those of B.
func diffText(a, b app.Delivery, changes []difference.Change) string {
	var s strings.Builder
	for i, d := range []app.Delivery{a, b} {
		s.WriteString(plain.Text(fmt.Sprintf("%s %d  %s  %s  %s", [2]string{"---", "+++"}[i], d.Seq, local(d.At), d.Account, d.Type)) + "\n")
	}
	part := ""
	for _, c := range changes {
		if c.Part != part {
			part = c.Part
			s.WriteString("@@ " + part + " @@\n")
		}
		for i, v := range []*string{c.A, c.B} {
			if v == nil {
				continue
			}
			mark, path := [2]string{"-", "+"}[i], ""
			if c.Path != "" {
				path = c.Path + ": "
			}
			for line := range strings.Lines(plain.Lines(path + *v)) {
				s.WriteString(mark + strings.TrimRight(line, "\n") + "\n")
			}
		}
	}
	return s.String()
}
