package intake

import (
	"context"
	"sync"
)

const (
	// messagesAtOnce is how many messages are in memory and stored at a time; the others wait before their bodies are read.
	messagesAtOnce = 6
	// messagesOfOne is how many of these may be one namespace's, so that none keeps the others out.
	messagesOfOne = messagesAtOnce / 2
)

// room is a place for each message at work.
type room struct {
	all chan struct{}

	mu  sync.Mutex
	own map[string]*share
}

// share is the places of one namespace.
type share struct {
	places chan struct{}
	users  int // how many have or want one; without any it is forgotten
}

func newRoom() *room {
	return &room{all: make(chan struct{}, messagesAtOnce), own: map[string]*share{}}
}

// enter takes a place, which leave gives back; false: there was none in time. First one of the namespace's own, so that of those who wait for
// one of all there are no more of each namespace than it may have.
func (r *room) enter(ctx context.Context, namespace string) (leave func(), entered bool) {
	mine := r.share(namespace)
	select {
	case mine.places <- struct{}{}:
	case <-ctx.Done():
		r.giveBack(namespace, mine)
		return nil, false
	}
	leaveOwn := func() {
		<-mine.places
		r.giveBack(namespace, mine)
	}
	select {
	case r.all <- struct{}{}:
	case <-ctx.Done():
		leaveOwn()
		return nil, false
	}
	return func() {
		<-r.all
		leaveOwn()
	}, true
}

func (r *room) share(namespace string) *share {
	r.mu.Lock()
	defer r.mu.Unlock()
	mine, found := r.own[namespace]
	if !found {
		mine = &share{places: make(chan struct{}, messagesOfOne)}
		r.own[namespace] = mine
	}
	mine.users++
	return mine
}

func (r *room) giveBack(namespace string, mine *share) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(r.own, namespace)
	}
}
