package conformance

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

var names int64 = time.Now().UnixNano() % 1_000_000

func fresh(word string) string {
	return fmt.Sprintf("go-%s-%x", word, atomic.AddInt64(&names, 1))
}

func resolver() primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{namesrv})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newAdmin(t *testing.T) admin.Admin {
	t.Helper()
	a, err := admin.NewAdmin(admin.WithResolver(resolver()))
	must(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func createTopic(t *testing.T, word string, queues int) string {
	t.Helper()
	topic := fresh(word)
	must(t, newAdmin(t).CreateTopic(context.Background(), admin.WithTopicCreate(topic),
		admin.WithBrokerAddrCreate(broker), admin.WithReadQueueNums(queues), admin.WithWriteQueueNums(queues)))
	if apache {
		time.Sleep(time.Second) // until the name server knows it
	}
	return topic
}

func newProducer(t *testing.T, options ...producer.Option) rocketmq.Producer {
	t.Helper()
	options = append([]producer.Option{
		producer.WithNsResolver(resolver()),
		producer.WithGroupName(fresh("producers")),
		producer.WithInstanceName(fresh("instance")),
		producer.WithSendMsgTimeout(10 * time.Second),
	}, options...)
	p, err := rocketmq.NewProducer(options...)
	must(t, err)
	must(t, p.Start())
	t.Cleanup(func() { _ = p.Shutdown() })
	return p
}

func text(topic, body string) *primitive.Message {
	return primitive.NewMessage(topic, []byte(body))
}

func send(t *testing.T, p rocketmq.Producer, messages ...*primitive.Message) *primitive.SendResult {
	t.Helper()
	result, err := p.SendSync(context.Background(), messages...)
	must(t, err)
	if result.Status != primitive.SendOK {
		t.Fatal(result)
	}
	return result
}

// inbox collects what a listener was given, in the order of its calls.
type inbox struct {
	mutex    sync.Mutex
	messages []*primitive.MessageExt
}

func (i *inbox) add(messages ...*primitive.MessageExt) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.messages = append(i.messages, messages...)
}

func (i *inbox) all() []*primitive.MessageExt {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return append([]*primitive.MessageExt(nil), i.messages...)
}

// await waits for exactly count messages: nothing more may come in a moment afterwards.
func (i *inbox) await(t *testing.T, count int) []*primitive.MessageExt {
	t.Helper()
	for deadline := time.Now().Add(patience); len(i.all()) < count; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages", len(i.all()), count)
		}
	}
	time.Sleep(300 * time.Millisecond)
	if got := len(i.all()); got != count {
		t.Fatalf("%d messages instead of %d", got, count)
	}
	return i.all()
}

type verdict func(message *primitive.MessageExt) consumer.ConsumeResult

func accept(*primitive.MessageExt) consumer.ConsumeResult { return consumer.ConsumeSuccess }

func consume(t *testing.T, group, topic, tags string, judge verdict, options ...consumer.Option) *inbox {
	t.Helper()
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: tags}
	return consumeSelected(t, group, topic, selector, judge, options...)
}

func consumeSelected(t *testing.T, group, topic string, selector consumer.MessageSelector, judge verdict,
	options ...consumer.Option) *inbox {
	t.Helper()
	box := &inbox{}
	options = append([]consumer.Option{
		consumer.WithNsResolver(resolver()),
		consumer.WithGroupName(group),
		consumer.WithInstance(fresh("instance")),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, options...)
	c, err := rocketmq.NewPushConsumer(options...)
	must(t, err)
	must(t, c.Subscribe(topic, selector,
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			result := consumer.ConsumeSuccess
			for _, message := range messages {
				box.add(message)
				if one := judge(message); one != consumer.ConsumeSuccess {
					result = one
				}
			}
			return result, nil
		}))
	must(t, c.Start())
	t.Cleanup(func() { _ = c.Shutdown() })
	return box
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}
