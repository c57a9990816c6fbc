package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

type secret = corev1.Secret

// notified is the main story with a webhook.
func notified(begin func(*sim.World)) scenarios.Scenario {
	story := scenarios.All[0]
	before, first := story.Playbook, story.Begin
	story.Playbook = func(spec *strategyv1.StrategyPlaybookSpec) {
		if before != nil {
			before(spec)
		}
		sim.Notified(spec)
	}
	story.Begin = func(w *sim.World) {
		w.Create(w.WebhookKey())
		if begin != nil {
			begin(w)
		}
		first(w)
	}
	return story
}

// told are the notifications of the incident, without what is different in each world.
func told(w *sim.World) (all []string, found []strategyv1.NotificationStatus) {
	var incidents strategyv1.StrategyIncidentList
	w.List(&incidents)
	for _, incident := range incidents.Items {
		for _, n := range incident.Status.Notifications {
			how := "pending"
			switch {
			case n.DeliveredTime != nil:
				how = "delivered"
			case n.DroppedTime != nil:
				how = "given up"
			}
			all = append(all, fmt.Sprintf("%s %s %s %s", n.Event, n.Level, n.RollbackName, how))
		}
		found = append(found, incident.Status.Notifications...)
	}
	return all, found
}

// events are what was told, without what became of it.
func events(told []string) (all []string) {
	for _, one := range told {
		all = append(all, strings.TrimSuffix(strings.TrimSuffix(one, " delivered"), " given up"))
	}
	return all
}

// TestPeopleAreTold whatever happens to the operator: what the status calls delivered was taken by the server, and each call is one that the
// status asks for. Stopped anywhere, nothing is lost, and nothing is sent under another key.
func TestPeopleAreTold(t *testing.T) {
	story := notified(nil)
	ends := map[Point]*run{}
	reference := begin(t, story, Mutant{}, &Cut{})
	reference.cut.Seen = func(point Point) {
		if at := len(reference.cut.Effects); strings.HasPrefix(reference.cut.Effects[at-1], "post ") || strings.HasPrefix(reference.cut.Effects[at-1], "update strategyincidents/") {
			ends[point] = reference.fork()
		}
	}
	reference.end()
	want, _ := told(reference.World)
	if got := strings.Join(want, "; "); !strings.Contains(got, "LevelCalled L2  delivered") || !strings.Contains(got, "AwaitingApproval L2 pnl-") || !strings.Contains(got, "Closed L2  delivered") {
		t.Fatalf("told: %v\n%s", want, strings.Join(reference.Trace, "\n"))
	}
	posts := 0
	for at, effect := range reference.cut.Effects {
		if !strings.HasPrefix(effect, "post ") {
			continue
		}
		posts++
		cut := Point{at + 1, Unknown}
		ends[cut] = begin(t, story, Mutant{}, &Cut{Point: cut})
	}
	for point, r := range ends {
		r.end()
		got, all := told(r.World)
		want := want
		if point.Mode == Unknown { // it is tried again only after a pause, when it may not be wanted any more
			got, want = events(got), events(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("cut %s effect %d: told %v, not %v", point.Mode, point.At, got, want)
		}
		asked := map[string]bool{}
		for _, n := range all {
			asked[n.Key] = true
			if n.DeliveredTime != nil && r.Webhook.Got[n.Key] == 0 {
				t.Errorf("cut %s effect %d: %s is delivered, and the server has it not", point.Mode, point.At, n.Key)
			}
		}
		for key, times := range r.Webhook.Got {
			if !asked[key] || times > 2 {
				t.Errorf("cut %s effect %d: %s came %d times; asked: %v", point.Mode, point.At, key, times, asked[key])
			}
		}
	}
	if posts < 4 || len(ends) < 2*posts {
		t.Errorf("%d notifications were sent, %d runs were cut", posts, len(ends))
	}
}

// TestAServerThatIsDownHoldsUpNothing: the incident ends as ever, and says that nobody could be told. When the server is back, what is still
// wanted is sent.
func TestAServerThatIsDownHoldsUpNothing(t *testing.T) {
	story := notified(func(w *sim.World) { w.Webhook.Down = errors.New("the server answers HTTP 503") })
	down := begin(t, story, Mutant{}, &Cut{})
	end := down.end()
	for _, wrong := range end.Wrong(story) {
		if !strings.Contains(wrong, "a restarted operator writes in a finished world: [post ") { // it goes on trying to tell
			t.Errorf("%s", wrong)
		}
	}
	if len(down.Webhook.Got) > 0 {
		t.Errorf("it took %v", down.Webhook.Keys)
	}
	pass := func(long time.Duration) {
		down.Pass(long)
		down.goOn(context.Background())
	}
	for range 6 {
		pass(time.Minute)
	}
	var incidents strategyv1.StrategyIncidentList
	down.List(&incidents)
	if reason := conditions.Reason(incidents.Items[0].Status.Conditions, strategyv1.ConditionNotified); reason != strategyv1.ReasonNotDelivered {
		t.Errorf("Notified is %q: %+v", reason, incidents.Items[0].Status.Notifications)
	}
	down.Webhook.Down = nil
	pass(10 * time.Minute)
	_, all := told(down.World)
	last := all[len(all)-1]
	if last.Event != strategyv1.NotifyClosed || last.DeliveredTime == nil || len(down.Webhook.Keys) != 1 {
		t.Errorf("in the end: %+v; the server has %v", last, down.Webhook.Keys)
	}
	for _, n := range all[:len(all)-1] {
		if lifecycle.Pending(n) || n.DeliveredTime != nil {
			t.Errorf("not wanted any more, and still there: %+v", n)
		}
	}
}

// TestAWebhookThatCannotBeUsed is told on the incident: what is wrong, and what to do.
func TestAWebhookThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*sim.World)
		says  string
	}{
		"no Secret": {func(w *sim.World) { w.Delete(sim.WebhookSecret, w.WebhookKey()) }, `does not exist; create it with the keys "hmac-key" and "url"`},
		"another URL": {func(w *sim.World) {
			sim.Change(w, sim.WebhookSecret, w.WebhookKey(), func(s *secret) { s.Data["url"] = []byte("http://elsewhere") })
		}, "make both the same"},
		"a short key": {func(w *sim.World) {
			sim.Change(w, sim.WebhookSecret, w.WebhookKey(), func(s *secret) { s.Data["hmac-key"] = []byte("short") })
		}, "has less than 32 bytes; make it longer"},
		"nobody approved the playbook": {func(w *sim.World) {
			w.Labels = map[string]string{strategyv1.LabelPlaybookReview: "true"}
		}, "nobody has approved the playbook yet, so its channels get nothing"},
		"no label": {func(w *sim.World) {
			sim.Change(w, sim.WebhookSecret, w.WebhookKey(), func(s *secret) { s.Labels = nil })
		}, "is not opted in"},
		"no key": {func(w *sim.World) {
			sim.Change(w, sim.WebhookSecret, w.WebhookKey(), func(s *secret) { delete(s.Data, "hmac-key") })
		}, `has no key "hmac-key"; it has [url]`},
	} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, notified(c.spoil), Mutant{}, &Cut{})
			r.goOn(context.Background())
			_, all := told(r.World)
			found := false
			for _, n := range all {
				found = found || strings.Contains(n.Problem, c.says)
			}
			if !found || len(r.Webhook.Got) > 0 {
				t.Errorf("the notifications say %+v; the server has %v", all, r.Webhook.Keys)
			}
		})
	}
}

// mute is an API server that gives no answer about one Secret.
type mute struct{ client.Reader }

func (m mute) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if key.Name == sim.WebhookSecret {
		return errors.New("etcdserver: request timed out")
	}
	return m.Reader.Get(ctx, key, object, options...)
}

// TestAnAPIServerThatGivesNoAnswerIsAFailureToTell: it is counted and told like a server that is down.
func TestAnAPIServerThatGivesNoAnswerIsAFailureToTell(t *testing.T) {
	r := begin(t, notified(nil), Mutant{Live: func(live, _ client.Reader) client.Reader { return mute{live} }}, &Cut{})
	r.goOn(context.Background())
	for range 6 {
		r.Pass(time.Minute)
		r.goOn(context.Background())
	}
	var incidents strategyv1.StrategyIncidentList
	r.List(&incidents)
	status := incidents.Items[0].Status
	if reason := conditions.Reason(status.Conditions, strategyv1.ConditionNotified); reason != strategyv1.ReasonNotDelivered {
		t.Errorf("Notified is %q: %+v", reason, status.Notifications)
	}
	last := status.Notifications[len(status.Notifications)-1]
	if last.Attempts < 3 || !strings.Contains(last.Problem, "the API server gives no answer") || strings.Contains(last.Problem, "etcd") {
		t.Errorf("the last: %+v", last)
	}
}

// TestADeadChannelGoesOnToTheNext for a whole incident: everybody is told, by the one that works, and what is dead is told, too.
func TestADeadChannelGoesOnToTheNext(t *testing.T) {
	story := notified(nil)
	before := story.Playbook
	story.Playbook = func(spec *strategyv1.StrategyPlaybookSpec) {
		before(spec)
		dead := strategyv1.ChannelSpec{Name: "dead", Type: strategyv1.ChannelSlack, SecretName: "not-there"}
		spec.Notifications.Channels = append([]strategyv1.ChannelSpec{dead}, spec.Notifications.Channels...)
	}
	r := begin(t, story, Mutant{}, &Cut{})
	r.end()
	_, all := told(r.World)
	delivered := 0
	for _, n := range all {
		if n.DeliveredTime == nil {
			continue
		}
		delivered++
		around := strings.Contains(n.Problem, "channel dead: ") && strings.Contains(n.Problem, `does not exist; create it with the key "url"`)
		if n.ChannelName != "hook" || around == (n.Event == strategyv1.NotifyClosed) { // the end goes where something was taken
			t.Errorf("%+v", n)
		}
	}
	if delivered < 3 {
		t.Errorf("%d delivered: %v", delivered, r.Webhook.Keys)
	}
}
