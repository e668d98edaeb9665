package main

import (
	"bufio"
	"context"
	"io"
	"strings"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

// canAsk fails early if a prompt is needed but there is no terminal. flag names the option that answers it, yes reports
// whether it was set.
func (p *program) canAsk(flag string, yes bool) error {
	if yes || p.inTTY && p.outTTY {
		return nil
	}
	return usagef("confirmation needed: run with %s", flag)
}

// confirm asks a question to which only an explicit yes is one.
func (p *program) confirm(ctx context.Context, question, flag string, yes bool) error {
	if yes {
		return nil
	}
	if err := p.canAsk(flag, yes); err != nil {
		return err
	}
	if _, err := io.WriteString(p.stderr, plain.Text(question)+" [y/N] "); err != nil {
		return err
	}
	answer := make(chan string, 1)
	var g crash.Group
	g.Go("ask", func() {
		line, _ := bufio.NewReader(p.stdin).ReadString('\n') // an end without a line is a no
		answer <- line
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return errDeclined
	}
}
