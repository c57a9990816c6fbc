package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/evidence"
)

const key = "trading/2026/11/23/pnl-1-01234567/log/000001.json"

// answersWith is a server that says an error to what is asked, so many times.
func (k kind) answersWith(asked func(*http.Request) bool, code int, name string, times *atomic.Int32) fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !asked(r) || times.Add(-1) < 0 {
			return false
		}
		k.says(w, code, name)
		return true
	}
}

// onEach tells a story to a server of each cloud.
func onEach(t *testing.T, tell func(t *testing.T, k kind, endpoint string)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { tell(t, k, k.serves(t)) })
	}
}

// A server that is busy for a moment is asked again; one that stays so, or is full, is told, and what was not stored is stored later.
func TestAServerThatIsBusyOrFull(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		for _, c := range []struct {
			name   string
			code   int
			called string
			times  int32
			fails  bool
		}{
			{"busy once", http.StatusServiceUnavailable, "SlowDown", 1, false},
			{"busy", http.StatusServiceUnavailable, "SlowDown", 100, true},
			{"full", http.StatusInsufficientStorage, "InsufficientStorage", 100, true},
			{"a quota", http.StatusForbidden, "QuotaExceeded", 100, true},
			{"refused", http.StatusForbidden, "AccessDenied", 100, true},
		} {
			t.Run(c.name, func(t *testing.T) {
				var times atomic.Int32
				times.Store(c.times)
				folder := "/" + strings.ReplaceAll(c.name, " ", "-")
				store := k.opened(t, endpoint, folder, k.answersWith(k.writes, c.code, c.called, &times))
				err := store.Create(t.Context(), key, []byte(`{"seq":1}`))
				if (err != nil) != c.fails || c.fails && (!strings.Contains(err.Error(), "the bucket says "+c.called) || errors.Is(err, evidence.ErrDifferent)) {
					t.Fatalf("%v", err)
				}
				if c.fails {
					k.isShort(t, err)
				}
				times.Store(0)
				if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
					t.Errorf("when it is over: %v", err)
				}
				if data, err := store.Get(t.Context(), key); err != nil || string(data) != `{"seq":1}` {
					t.Errorf("%s, %v", data, err)
				}
			})
		}
	})
}

// The servers here heed the condition, so each write has it, and nothing rests on looking before.
func TestEachWriteIsOnTheConditionThatThereIsNone(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		var with, without atomic.Int32
		store := k.opened(t, endpoint, "", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			switch {
			case k.writes(r) && k.onlyNew(r):
				with.Add(1)
			case k.writes(r):
				without.Add(1)
			}
			return false
		})
		for _, again := range []bool{false, true} {
			if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
				t.Errorf("again: %t: %v", again, err)
			}
		}
		if with.Load() != 2 || without.Load() != 0 {
			t.Errorf("%d writes with the condition, %d without", with.Load(), without.Load())
		}
	})
}

// isShort says whether an error may stand in a condition: it is one line, the same each time, and tells no secret.
func (k kind) isShort(t *testing.T, err error) {
	t.Helper()
	for _, word := range append([]string{"\n", "RequestID", "RequestId", "http://"}, k.secrets...) {
		if strings.Contains(err.Error(), word) {
			t.Errorf("the error tells %q: %v", word, err)
		}
	}
}

// What may not be read, or cannot be now, is not taken for absent, and a list that fails is not an empty one.
func TestReadingThatFails(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		var times atomic.Int32
		all := func(r *http.Request) bool { return r.Method == http.MethodGet }
		store := k.opened(t, endpoint, "", k.answersWith(all, http.StatusForbidden, "AccessDenied", &times))
		if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
			t.Fatal(err)
		}
		times.Store(100)
		if _, err := store.Get(t.Context(), key); err == nil || errors.Is(err, evidence.ErrNotFound) || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%v", err)
		}
		if found, err := store.List(t.Context(), "trading", "", 10); err == nil {
			t.Errorf("%v", found)
		}
		if found, err := store.Names(t.Context(), "trading"); err == nil {
			t.Errorf("%v", found)
		}
		if size, err := store.Size(t.Context(), "trading"); err == nil {
			t.Errorf("%d", size)
		}
		if err := store.Create(t.Context(), key, []byte(`{"seq":2}`)); err == nil || errors.Is(err, evidence.ErrDifferent) {
			t.Errorf("what is there is not known: %v", err)
		}
	})
}

// An answer whose end is missing is no object: it is asked for again, or an error, and never the beginning of one.
func TestTheEndOfAnAnswerIsLost(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		var times atomic.Int32
		store := k.opened(t, endpoint, "", func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool {
			if !k.reads(r) || times.Add(-1) < 0 {
				return false
			}
			answer := httptest.NewRecorder()
			pass.ServeHTTP(answer, r)
			maps.Copy(w.Header(), answer.Header())
			w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
			panic(http.ErrAbortHandler)
		})
		if err := store.Create(t.Context(), key, large); err != nil {
			t.Fatal(err)
		}
		for _, cut := range []int32{1, 100, 0} {
			times.Store(cut)
			data, err := store.Get(t.Context(), key)
			if err == nil && !bytes.Equal(data, large) || errors.Is(err, evidence.ErrNotFound) || (err == nil) == (cut == 100) && cut != 1 {
				t.Errorf("cut off %d times: %d bytes, %v", cut, len(data), err)
			}
		}
	})
}

// The answer to a write is lost after it took effect. The same bytes are then found to be there, by this call or by the next; other bytes are not
// taken for them.
func TestTheAnswerToAWriteIsLost(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		lost := func(after int32) fault {
			var n atomic.Int32
			return func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool {
				if !k.writes(r) || n.Add(1) > after {
					return false
				}
				pass.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler) // the connection ends without an answer
			}
		}
		for name, c := range map[string]struct {
			faults []fault
			folder string
		}{
			"once": {[]fault{lost(1)}, "/once"}, "each time": {[]fault{lost(100)}, "/each-time"},
			"by one that does not know the condition": {[]fault{k.ignores(t, endpoint), lost(1)}, "/unconditional"},
		} {
			t.Run(name, func(t *testing.T) {
				store := k.opened(t, endpoint, c.folder, c.faults...)
				err := store.Create(t.Context(), key, []byte(`{"seq":1}`))
				if errors.Is(err, evidence.ErrDifferent) || err != nil && name != "each time" {
					t.Fatal(err)
				}
				after := k.opened(t, endpoint, c.folder)
				if err := after.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
					t.Errorf("again: %v", err)
				}
				if err := after.Create(t.Context(), key, []byte(`{"seq":2}`)); !errors.Is(err, evidence.ErrDifferent) {
					t.Errorf("other bytes: %v", err)
				}
			})
		}
	})
}

// A server that does not answer ends the call with whoever waits for it, and what it does with it later is no fault.
func TestAServerThatHangs(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		release := make(chan struct{})
		store := k.opened(t, endpoint, "", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			if k.writes(r) || k.reads(r) {
				<-release
			}
			return false
		})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := store.Create(ctx, key, []byte(`{"seq":1}`)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if _, err := store.Get(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(release)
		if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
			t.Error(err)
		}
	})
}

// A bucket that is not there has no evidence, which is another thing than that there is none of an object.
func TestABucketThatIsNotThere(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		k.remove(t, endpoint)
		store := k.opened(t, endpoint, "")
		if _, err := store.Get(t.Context(), key); err == nil || errors.Is(err, evidence.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if _, err := store.List(t.Context(), "trading", "", 1); err == nil {
			t.Error("it has no list")
		}
		if err := store.Create(t.Context(), key, []byte(`{}`)); err == nil {
			t.Error("it is stored nowhere")
		}
	})
}

// Each namespace has its share of a bucket of a cloud, too.
func TestSharesOfClouds(t *testing.T) {
	onEach(t, func(t *testing.T, k kind, endpoint string) {
		store := evidence.Share(k.opened(t, endpoint, ""), 1000)
		if err := store.Create(t.Context(), "greedy/1.log", make([]byte, 800)); err != nil {
			t.Fatal(err)
		}
		if err := store.Create(t.Context(), "greedy/2.log", make([]byte, 800)); err == nil || !strings.Contains(err.Error(), "has used its share") {
			t.Errorf("%v", err)
		}
		if err := store.Create(t.Context(), "greedy/1.log", make([]byte, 800)); err != nil {
			t.Errorf("what is there: %v", err)
		}
		if err := store.Create(t.Context(), "modest/1.log", make([]byte, 800)); err != nil {
			t.Errorf("another one: %v", err)
		}
	})
}
