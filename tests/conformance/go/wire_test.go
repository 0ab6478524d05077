package conformance

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// committed is the group's offset at the broker.
func committed(t *testing.T, broker, group, topic string, queue int) (int64, bool) {
	answer, _ := call(t, broker, 14, map[string]any{"consumerGroup": group, "topic": topic, "queueId": queue,
		"setZeroIfNotFound": "false"})
	offset, err := strconv.ParseInt(answer.Fields["offset"], 10, 64)
	return offset, answer.Code == 0 && err == nil
}

type answer struct {
	Code   int               `json:"code"`
	Fields map[string]string `json:"extFields"`
}

// call is one request on a connection of its own: the client does not offer what an observer needs.
func call(t *testing.T, broker string, code int, fields map[string]any) (answer, []byte) {
	t.Helper()
	texts := map[string]string{}
	for name, value := range fields {
		texts[name] = fmt.Sprint(value)
	}
	header, err := json.Marshal(map[string]any{"code": code, "language": "GO", "version": 479, "opaque": 1, "flag": 0,
		"extFields": texts})
	must(t, err)
	connection, err := net.DialTimeout("tcp", broker, 10*time.Second)
	must(t, err)
	defer func() { _ = connection.Close() }()
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(header)))
	_, err = connection.Write(append(frame, header...))
	must(t, err)
	must(t, connection.SetReadDeadline(time.Now().Add(time.Minute)))
	head := make([]byte, 8)
	_, err = io.ReadFull(connection, head)
	must(t, err)
	rest := make([]byte, binary.BigEndian.Uint32(head)-4)
	_, err = io.ReadFull(connection, rest)
	must(t, err)
	length := binary.BigEndian.Uint32(head[4:]) & 0xFFFFFF
	var said answer
	must(t, json.Unmarshal(rest[:length], &said))
	return said, rest[length:]
}
