package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// ask returns nil if the person says yes.
func (a *app) ask(ctx context.Context, question string) error {
	if !a.isPerson() {
		return refuse("the input is no terminal, so nobody can be asked; look at the plan and add --yes")
	}
	fmt.Fprintf(a.Out, "%s [y/N] ", question)
	answers := make(chan string, 1)
	go func() { // reading cannot be interrupted
		line, err := bufio.NewReader(a.In).ReadString('\n')
		if err != nil && line == "" {
			line = "no"
		}
		answers <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.Out)
		return refuse("interrupted; nothing was recorded")
	case answer := <-answers:
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
			return nil
		}
	}
	return refuse("you did not agree; nothing was recorded")
}
