package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

// canAsk returns an error if a question must be asked, but there is no terminal. flag answers it, yes reports whether it was set.
func (p *program) canAsk(flag string, yes bool) error {
	if yes || p.inTTY && p.outTTY {
		return nil
	}
	return usagef("confirmation needed: run with %s", flag)
}

// confirm asks a question. Every answer except yes is errDeclined.
func (p *program) confirm(ctx context.Context, question, flag string, yes bool) error {
	if err := p.canAsk(flag, yes); err != nil || yes {
		return err
	}
	answer, err := p.ask(ctx, question+" [y/N] ")
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}

// sure is confirm for a command with --yes.
func (p *program) sure(ctx context.Context, question string) error {
	return p.confirm(ctx, question, "--yes", p.yes)
}

// wants asks a question with a default, until it is answered yes or no.
func (p *program) wants(ctx context.Context, question string, byDefault bool) (bool, error) {
	words := " [y/N] "
	if byDefault {
		words = " [Y/n] "
	}
	for {
		answer, err := p.ask(ctx, question+words)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return byDefault, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		p.words("Answer y or n.")
	}
}

// choose asks for one of several options by its number, and returns its index. An empty answer selects the first one.
func (p *program) choose(ctx context.Context, question string, options []string) (int, error) {
	for i, o := range options {
		p.words(fmt.Sprintf("  %d  %s", i+1, o))
	}
	return p.number(ctx, question+" [1] ", len(options), 0)
}

// number asks for a number from 1 to most, and returns it as an index from 0; empty is the index of an empty answer.
func (p *program) number(ctx context.Context, question string, most, empty int) (int, error) {
	for {
		answer, err := p.ask(ctx, question)
		if err != nil || answer == "" {
			return empty, err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= most {
			return n - 1, nil
		}
		p.words(fmt.Sprintf("Answer with a number from 1 to %d.", most))
	}
}

// ask asks for a line of text, and returns it without white space around it. The end of the input is errDeclined.
func (p *program) ask(ctx context.Context, question string) (string, error) {
	return p.answer(ctx, question, func() (string, error) {
		if p.lines == nil {
			p.lines = bufio.NewReader(p.stdin)
		}
		line, err := p.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		return line, err
	})
}

// askHidden is ask for a secret, which the terminal doesn't show.
func (p *program) askHidden(ctx context.Context, question string) (string, error) {
	f, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(f.Fd()) {
		return p.ask(ctx, question)
	}
	before, err := term.GetState(f.Fd())
	if err != nil {
		return "", fmt.Errorf("hide what is typed: %w", err)
	}
	secret, err := p.answer(ctx, question, func() (string, error) {
		b, err := term.ReadPassword(f.Fd())
		return string(b), err
	})
	_, _ = io.WriteString(p.stderr, "\n") // the terminal didn't show that of the answer
	return secret, errors.Join(err, term.Restore(f.Fd(), before))
}

// answer shows a question and waits for the answer that read returns.
func (p *program) answer(ctx context.Context, question string, read func() (string, error)) (string, error) {
	if _, err := io.WriteString(p.stderr, plain.Text(question)); err != nil {
		return "", err
	}
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	var g crash.Group
	g.Go("ask", func() {
		text, err := read()
		got <- line{text, err}
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-got:
		if errors.Is(l.err, io.EOF) {
			return "", errDeclined
		}
		return strings.TrimSpace(l.text), l.err
	}
}
