package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// event is what this package reads of a history; tests/checkers/history.py has all of it.
type event struct {
	Time   int64  `json:"t"`
	Kind   string `json:"e"`
	ID     string `json:"id"`
	Group  string `json:"group"`
	Topic  string `json:"topic"`
	Line   string `json:"line"`
	Result string `json:"result"`
	Fate   string `json:"fate"`
	Hidden bool   `json:"hidden"`
	Poison int    `json:"poison"`
}

// history writes one line per event; it is with the kernel when note returns, so a kill takes nothing back.
type history struct {
	mutex sync.Mutex
	out   *os.File
}

func newHistory(folder, name string) *history {
	out, err := os.OpenFile(filepath.Join(folder, name+".jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return &history{out: out}
}

func (h *history) note(kind string, fields ...any) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	one := map[string]any{"t": now(), "e": kind}
	for i := 0; i < len(fields); i += 2 {
		one[fields[i].(string)] = fields[i+1]
	}
	line, err := json.Marshal(one)
	if err == nil {
		_, err = h.out.Write(append(line, '\n'))
	}
	if err != nil {
		panic(err)
	}
}

func bodyOf(id string) []byte   { return []byte(id + "|" + strings.Repeat("x", 40)) }
func idOf(body []byte) string   { return strings.SplitN(string(body), "|", 2)[0] }
func digest(body []byte) string { return fmt.Sprintf("%x", crc32.ChecksumIEEE(body)) }

// numberOf is the number at the end of an id.
func numberOf(id string) int {
	number, err := strconv.Atoi(id[strings.LastIndex(id, "-")+1:])
	if err != nil {
		panic(err)
	}
	return number
}

// role is this binary run again, as all producers or as all consumers, until standard input ends.
type role struct {
	*history
	name, prefix string
	holds, quiet bool
	mutex        sync.Mutex
	taken        map[string]int
}

// playRole is called first of all in a child.
func playRole() {
	r := &role{history: newHistory(os.Getenv("KILL_FOLDER"), os.Getenv("KILL_NAME")), name: os.Getenv("KILL_NAME"),
		prefix: os.Getenv("KILL_PREFIX"), holds: os.Getenv("KILL_MODE") == "hold",
		quiet: os.Getenv("KILL_MODE") == "be quiet", taken: map[string]int{}}
	namesrv = os.Getenv("KILL_NAMESRV")
	if os.Getenv("KILL_ROLE") == "send" {
		r.send()
	} else {
		r.receive()
	}
	started := filepath.Join(os.Getenv("KILL_FOLDER"), r.name+".started")
	if err := os.WriteFile(started, nil, 0o600); err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func (r *role) topic(word string) string { return r.prefix + "-" + word }
func (r *role) group(word string) string { return r.prefix + "-" + word + "-group" }

// -- producers ------------------------------------------------------------------------------------------------------

func (r *role) producerOptions(group string) []producer.Option {
	return []producer.Option{
		producer.WithNsResolver(resolver()), producer.WithGroupName(r.prefix + "-" + group),
		producer.WithInstanceName(r.name + "-" + group), producer.WithRetry(0),
		producer.WithSendMsgTimeout(3 * time.Second)}
}

func (r *role) producer(group string, options ...producer.Option) rocketmq.Producer {
	p, err := rocketmq.NewProducer(append(r.producerOptions(group), options...)...)
	check(err)
	check(p.Start())
	return p
}

func (r *role) message(topic, id string) *primitive.Message {
	return primitive.NewMessage(r.topic(topic), bodyOf(id)).WithKeys([]string{id})
}

func (r *role) begin(id string, m *primitive.Message, more ...any) {
	r.note("send_inv", append([]any{"id", id, "topic", m.Topic, "digest", digest(m.Body)}, more...)...)
}

// end notes the outcome; of what waits elsewhere its place is not told.
func (r *role) end(id string, result *primitive.SendResult, err error, index int) {
	switch {
	case err != nil || result.Status != primitive.SendOK:
		r.note("send_unk", "id", id)
	case index < 0:
		r.note("send_ok", "id", id)
	default:
		r.note("send_ok", "id", id, "queue", result.MessageQueue.QueueId, "offset", result.QueueOffset+int64(index))
	}
}

func (r *role) send() {
	p := r.producer("senders")
	hashed := r.producer("hashers", producer.WithQueueSelector(producer.NewHashQueueSelector()))
	deciding, err := rocketmq.NewTransactionProducer(verdicts{r}, r.producerOptions("deciders")...)
	check(err)
	check(deciding.Start())
	sync := func(id string, m *primitive.Message, index int, more ...any) {
		r.begin(id, m, more...)
		result, err := p.SendSync(context.Background(), m)
		r.end(id, result, err, index)
	}
	decided := func(id string) {
		m := r.message("tx", id)
		fate := "rollback"
		if commits(id) {
			fate = "commit"
		}
		r.begin(id, m, "tx", true, "fate", fate)
		if _, err := deciding.SendMessageInTransaction(context.Background(), m); err != nil {
			r.note("send_unk", "id", id)
		}
	}
	// The broker asks producers that it knows from a heartbeat; clients send it to brokers of topics that they know.
	decided(r.name + "-first-0")
	if r.quiet {
		return
	}
	for _, word := range []string{"plain", "broadcast", "poll"} {
		word := word
		r.line(word, 25, func(id string) { sync(id, r.message(word, id), 0) })
	}
	r.line("tx", 50, decided)
	r.line("txheld", 50, decided)
	r.line("ordered", 25, func(id string) {
		key := fmt.Sprint(numberOf(id) % 4)
		m := r.message("ordered", id).WithShardingKey(key)
		r.begin(id, m, "key", r.name+"/"+key)
		result, err := hashed.SendSync(context.Background(), m)
		r.end(id, result, err, 0)
	})
	r.line("sql", 25, func(id string) {
		m := r.message("sql", id)
		price := numberOf(id) % 10
		m.WithProperty("price", fmt.Sprint(price))
		sync(id, m, 0, "hidden", price <= 4)
	})
	r.line("poison", 100, func(id string) {
		if m := r.message("poison", id); numberOf(id)%4 == 0 {
			sync(id, m.WithTag("poison"), 0, "poison", killReconsume)
		} else {
			sync(id, m, 0)
		}
	})
	r.line("batch", 50, func(id string) {
		var members []*primitive.Message
		for i := 0; i < 3; i++ {
			member := fmt.Sprint(id, ".", i)
			members = append(members, r.message("batch", member))
			r.begin(member, members[i], "batch", id)
		}
		result, err := p.SendSync(context.Background(), members...)
		for i := 0; i < 3; i++ {
			r.end(fmt.Sprint(id, ".", i), result, err, i)
		}
	})
	// Levels 1 and 2 are one and two seconds.
	r.line("delay", 50, func(id string) {
		level := 1 + numberOf(id)%2
		sync(id, r.message("delay", id).WithDelayTimeLevel(level), -1, "due_ms", time.Now().UnixMilli()+int64(level)*1000)
	})
	// This client has no call for timers, but hands on the property.
	r.line("timer", 50, func(id string) {
		ms := int64(200 + numberOf(id)%20*100)
		m := r.message("timer", id)
		m.WithProperty("TIMER_DELAY_MS", fmt.Sprint(ms))
		sync(id, m, -1, "due_ms", time.Now().UnixMilli()+ms)
	})
	r.line("ask", 50, func(id string) {
		m := r.message("ask", id)
		r.begin(id, m)
		r.note("send_unk", "id", id)
		r.note("ask", "id", id, "client", r.name)
		result := "ok"
		reply, err := p.Request(context.Background(), 3*time.Second, m)
		switch {
		case err != nil:
			result = "failed"
		case idOf(reply.Body) != id:
			result = "wrong"
		}
		r.note("told", "id", id, "result", result)
	})
}

func (r *role) line(word string, pauseMs int, step func(id string)) {
	go func() {
		for number := 0; ; number++ {
			step(fmt.Sprint(r.name, "-", word, "-", number))
			time.Sleep(time.Duration(pauseMs) * time.Millisecond)
		}
	}()
}

// Two of four transactions are decided at once, the others when the broker asks.
func commits(id string) bool { return numberOf(id)%2 == 0 }

type verdicts struct{ *role }

func (v verdicts) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	id := idOf(m.Body)
	v.note("send_ok", "id", id) // the half message is accepted, or this were not called
	if v.holds && strings.Contains(id, "-txheld-") && numberOf(id) == 8 {
		v.note("held", "line", "half")
		select {}
	}
	if numberOf(id)%4 < 2 {
		return v.say(id)
	}
	return primitive.UnknowState
}

func (v verdicts) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	return v.say(idOf(m.Body))
}

func (v verdicts) say(id string) primitive.LocalTransactionState {
	if commits(id) {
		v.note("tx_end", "id", id, "verdict", "commit", "result", "unk")
		return primitive.CommitMessageState
	}
	v.note("tx_end", "id", id, "verdict", "rollback", "result", "unk")
	return primitive.RollbackMessageState
}

// -- consumers ------------------------------------------------------------------------------------------------------

func (r *role) receive() {
	replier := r.producer("repliers")
	all := consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}
	r.consumer("push", killLines["push"], all, nil)
	r.consumer("sql", []string{"sql"}, consumer.MessageSelector{Type: consumer.SQL92, Expression: "price > 4"}, nil)
	r.consumer("poison", []string{"poison"}, all, nil, consumer.WithMaxReconsumeTimes(killReconsume))
	r.consumer("ordered", []string{"ordered"}, all, nil, consumer.WithConsumerOrder(true))
	r.consumer("broadcast", []string{"broadcast"}, all, nil, consumer.WithConsumerModel(consumer.BroadCasting))
	r.consumer("ask", []string{"ask"}, all, func(m *primitive.MessageExt) {
		if reply, err := consumer.CreateReplyMessage(m, nil); err == nil {
			reply.Body = m.Body // v2.1.2 does not set it
			_, _ = replier.SendSync(context.Background(), reply)
		}
	})
	poll, err := rocketmq.NewPullConsumer(r.consumerOptions("poll")...)
	check(err)
	check(poll.Subscribe(r.topic("poll"), all))
	check(poll.Start())
	go func() {
		for {
			request, err := poll.Poll(context.Background(), time.Second)
			if err != nil {
				continue
			}
			for _, m := range request.GetMsgList() {
				r.take(r.group("poll"), "poll", m)
			}
			for _, m := range request.GetMsgList() {
				r.note("done", "group", r.group("poll"), "id", idOf(m.Body))
			}
			poll.ACK(context.Background(), request, consumer.ConsumeSuccess)
		}
	}()
}

func (r *role) consumerOptions(word string) []consumer.Option {
	return []consumer.Option{consumer.WithNsResolver(resolver()), consumer.WithGroupName(r.group(word)),
		// A broadcasting consumer keeps its offsets in a file that has this name.
		consumer.WithInstance("receivers-" + word), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)}
}

func (r *role) consumer(word string, topics []string, selector consumer.MessageSelector, act func(*primitive.MessageExt),
	options ...consumer.Option) {
	c, err := rocketmq.NewPushConsumer(append(r.consumerOptions(word), options...)...)
	check(err)
	for _, topic := range topics {
		topic := topic
		check(c.Subscribe(r.topic(topic), selector,
			func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
				for _, m := range messages {
					r.take(r.group(word), topic, m)
					if m.GetTags() == "poison" {
						return consumer.ConsumeRetryLater, nil
					}
					if act != nil {
						act(m)
					}
					r.note("done", "group", r.group(word), "id", idOf(m.Body))
				}
				return consumer.ConsumeSuccess, nil
			}))
	}
	check(c.Start())
}

func (r *role) take(group, line string, m *primitive.MessageExt) {
	topic := r.topic(line)
	// The count of rounds does not tell: what cannot be sent back is counted and tried again by the client.
	if m.GetProperty(primitive.PropertyRetryTopic) != "" {
		topic = "%RETRY%" + group
	}
	r.note("recv", "group", group, "topic", topic, "queue", m.Queue.QueueId, "offset", m.QueueOffset, "id", idOf(m.Body),
		"digest", digest(m.Body), "attempt", m.ReconsumeTimes, "wall_ms", time.Now().UnixMilli())
	// Of poison the one that is in the middle of its rounds.
	if !r.holds || line == "poison" && m.ReconsumeTimes != 1 {
		return
	}
	r.mutex.Lock()
	r.taken[line]++
	hold := r.taken[line] == 8
	r.mutex.Unlock()
	if hold {
		r.note("held", "line", line)
		select {}
	}
}
