package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/show"
)

// tick is how often a terminal is drawn again without a change, so that the remaining times go down.
const tick = time.Second

// watch follows a subject until it is over or the person interrupts. What the watches deliver is only a reason to read
// again, so a watch that ends, or an event that is missed, cannot leave a wrong picture.
func (a *app) watch(ctx context.Context, c cluster, ref reference, full bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := make(chan struct{}, 1)
	if ref.kind == strategyv1.KindIncident {
		go a.trigger(ctx, c, &strategyv1.StrategyIncidentList{}, changed, client.MatchingFields{"metadata.name": ref.name})
		go a.trigger(ctx, c, &strategyv1.StrategyRollbackList{}, changed)
	} else {
		go a.trigger(ctx, c, &strategyv1.StrategyRollbackList{}, changed, client.MatchingFields{"metadata.name": ref.name})
	}
	screen := a.newScreen(full)
	var ticks <-chan time.Time
	if screen.redraws {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		ticks = ticker.C
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return err
	}
	for {
		if err := screen.show(subject, a.now()); err != nil {
			return err
		}
		if subject.Over() {
			return ending(subject)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
			continue
		case <-changed:
		}
		if subject, err = a.reread(ctx, c, ref, subject); err != nil {
			return err
		}
	}
}

// ending is how what was watched ended: a rollback alone that came to nothing is a refusal, so that a script notices.
func ending(subject show.Subject) error {
	if subject.Incident != nil {
		return nil
	}
	for i := range subject.Rollbacks {
		if status := subject.Rollbacks[i].Status; lifecycle.EndedAs(status, strategyv1.EndDenied, strategyv1.EndApprovalExpired, strategyv1.EndProbeFailed, strategyv1.EndReverted) {
			return refuse("rollback %s ended as %s", subject.Rollbacks[i].Name, status.End.How)
		}
	}
	return nil
}

// reread keeps the old picture while the cluster cannot be reached: the watches try again. Only an object that is gone, or
// that may not be read any more, ends it.
func (a *app) reread(ctx context.Context, c cluster, ref reference, before show.Subject) (show.Subject, error) {
	subject, err := c.subject(ctx, ref)
	switch {
	case err == nil:
		return subject, nil
	case apierrors.IsNotFound(err) || apierrors.IsForbidden(err):
		return before, err
	case ctx.Err() == nil:
		fmt.Fprintf(a.ErrOut, "Warning: %s; still trying\n", messageOf(err))
	}
	return before, nil
}

// trigger tells of each change of a list's objects, and starts again whenever the watch ends.
func (a *app) trigger(ctx context.Context, c cluster, list client.ObjectList, changed chan<- struct{}, options ...client.ListOption) {
	for ctx.Err() == nil {
		watcher, err := c.Watch(ctx, list, append(options, client.InNamespace(c.namespace))...)
		if err == nil {
			for range watcher.ResultChan() {
				select {
				case changed <- struct{}{}:
				default: // one is waiting already
				}
			}
			watcher.Stop()
		}
		select {
		case <-ctx.Done():
		case <-time.After(a.pause):
		}
	}
}

// screen draws again on a terminal, and appends what is new elsewhere.
type screen struct {
	app     *app
	full    bool
	redraws bool
	news    show.News
	drawn   string
}

func (a *app) newScreen(full bool) *screen {
	return &screen{app: a, full: full, redraws: isTerminal(a.Out) && os.Getenv("TERM") != "dumb"}
}

func (s *screen) show(subject show.Subject, now time.Time) error {
	if !s.redraws {
		for _, line := range s.news.Lines(subject, now) {
			if _, err := fmt.Fprintln(s.app.Out, line); err != nil {
				return err
			}
		}
		return nil
	}
	return s.draw(s.fit(subject, now))
}

// draw shows a text if it is another one than before: on a terminal in its place.
func (s *screen) draw(text string) error {
	if text == s.drawn {
		return nil
	}
	s.drawn = text
	if s.redraws {
		// Home, then each line up to its end, then what is left below: nothing flickers.
		text = "\x1b[H" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
	}
	_, err := io.WriteString(s.app.Out, text)
	return err
}

// fit is the brief view, of as many lines as the terminal has; with --all, or when all is over, there may be more.
func (s *screen) fit(subject show.Subject, now time.Time) string {
	options := s.app.layout(s.full)
	if s.full {
		return show.Tree(subject, now, options)
	}
	if _, rows := s.app.size(); rows > 1 && !subject.Over() {
		options.Rows = rows - 1
	}
	return show.Brief(subject, now, options)
}
