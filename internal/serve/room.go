package serve

import (
	"context"
	"sync"
)

// Room is a place for each request at work.
type Room struct {
	all   chan struct{}
	ofOne int

	mu  sync.Mutex
	own map[string]*share
}

// share is the places of one owner.
type share struct {
	places chan struct{}
	users  int // how many have or want one; without any it is forgotten
}

// NewRoom has places for so many requests at once, and for no more than ofOne of one owner, so that none keeps the others out.
func NewRoom(all, ofOne int) *Room {
	return &Room{all: make(chan struct{}, all), ofOne: ofOne, own: map[string]*share{}}
}

// Enter takes a place, which leave gives back; false: there was none in time. First one of the owner's own, so that of those who wait for
// one of all there are no more of each owner than it may have.
func (r *Room) Enter(ctx context.Context, owner string) (leave func(), entered bool) {
	mine := r.share(owner)
	select {
	case mine.places <- struct{}{}:
	case <-ctx.Done():
		r.giveBack(owner, mine)
		return nil, false
	}
	leaveOwn := func() {
		<-mine.places
		r.giveBack(owner, mine)
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

func (r *Room) share(owner string) *share {
	r.mu.Lock()
	defer r.mu.Unlock()
	mine, found := r.own[owner]
	if !found {
		mine = &share{places: make(chan struct{}, r.ofOne)}
		r.own[owner] = mine
	}
	mine.users++
	return mine
}

func (r *Room) giveBack(owner string, mine *share) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(r.own, owner)
	}
}
