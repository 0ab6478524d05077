package conformance

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// listener decides by the body, at once or when it is asked.
type listener struct {
	first, later map[string]primitive.LocalTransactionState
	checks       int32
}

func (l *listener) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	if state, ok := l.first[string(message.Body)]; ok {
		return state
	}
	return primitive.UnknowState
}

func (l *listener) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	atomic.AddInt32(&l.checks, 1)
	if state, ok := l.later[string(message.Body)]; ok {
		return state
	}
	return primitive.UnknowState
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	topic := createTopic(t, "tx", 1)
	states := map[string]primitive.LocalTransactionState{
		"committed":   primitive.CommitMessageState,
		"rolled back": primitive.RollbackMessageState,
	}
	later := map[string]primitive.LocalTransactionState{
		"asked yes": primitive.CommitMessageState,
		"asked no":  primitive.RollbackMessageState,
	}
	l := &listener{first: states, later: later}
	p, err := rocketmq.NewTransactionProducer(l,
		producer.WithNsResolver(resolver()),
		producer.WithGroupName(fresh("tx-group")),
		producer.WithInstanceName(fresh("instance")),
		producer.WithSendMsgTimeout(10*time.Second))
	must(t, err)
	must(t, p.Start())
	t.Cleanup(func() { _ = p.Shutdown() })
	box := consume(t, fresh("group"), topic, "*", accept)
	for _, body := range []string{"asked yes", "committed", "rolled back", "asked no"} {
		result, err := p.SendMessageInTransaction(context.Background(), text(topic, body))
		must(t, err)
		if result.Status != primitive.SendOK {
			t.Fatal(result)
		}
	}
	got := map[string]bool{}
	for _, message := range box.await(t, 2) {
		got[string(message.Body)] = true
	}
	if !got["committed"] || !got["asked yes"] {
		t.Fatal(got)
	}
	for deadline := time.Now().Add(patience); atomic.LoadInt32(&l.checks) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d checks", atomic.LoadInt32(&l.checks))
		}
	}
	box.await(t, 2)
}
