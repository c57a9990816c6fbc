package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// ask returns nil if the person says yes.
func (a *app) ask(ctx context.Context, question string) error {
	if !a.isPerson() {
		return refuse("the input is no terminal, so nobody can be asked; look at what stands above and add --yes")
	}
	answer, err := a.answer(ctx, question+" [y/N] ")
	if err != nil {
		return err
	}
	if answer = strings.ToLower(answer); answer == "y" || answer == "yes" {
		return nil
	}
	return refuse("you did not agree; nothing was recorded")
}

// reasonFor is the reason that was given; where one is needed and none was given, the person is asked.
func (a *app) reasonFor(ctx context.Context, v verdict, given string) (string, error) {
	if given != "" || !v.value.NeedsReason() {
		return given, nil
	}
	reason, err := a.answer(ctx, "Reason, for the decision log: ")
	if err != nil {
		return "", err
	}
	if reason == "" {
		return "", refuse("%s needs a reason and you gave none; nothing was recorded", v.word)
	}
	return reason, nil
}

// answer is one line that the person types.
func (a *app) answer(ctx context.Context, question string) (string, error) {
	fmt.Fprint(a.Out, question)
	answers := make(chan string, 1)
	go func() { answers <- readLine(a.In) }() // reading cannot be interrupted
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.Out)
		return "", refuse("interrupted; nothing was recorded")
	case answer := <-answers:
		return strings.TrimSpace(answer), nil
	}
}

// readLine reads byte by byte: what comes after the line answers the next question.
func readLine(in io.Reader) string {
	var line []byte
	next := make([]byte, 1)
	for {
		n, err := in.Read(next)
		if err != nil || n == 1 && next[0] == '\n' {
			return string(line)
		}
		line = append(line, next[:n]...)
	}
}
