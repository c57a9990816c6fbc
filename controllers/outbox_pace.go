package controllers

import (
	"maps"
	"sync"
	"time"
)

// pace keeps the notifications of a playbook apart: people read them, and chat services refuse whoever sends many at once. The zero value has
// sent nothing.
type pace struct {
	mu   sync.Mutex
	next map[string]time.Time
}

// maxPaced is how many playbooks are remembered before those whose time is over are forgotten.
const maxPaced = 1024

// wait says when one may be sent for a playbook; zero: now, and the next one after the pause.
func (p *pace) wait(playbook string, now time.Time, pause time.Duration) (at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if next := p.next[playbook]; now.Before(next) {
		return next
	}
	if p.next == nil {
		p.next = map[string]time.Time{}
	}
	if len(p.next) >= maxPaced {
		maps.DeleteFunc(p.next, func(_ string, next time.Time) bool { return !now.Before(next) })
	}
	p.next[playbook] = now.Add(pause)
	return time.Time{}
}
