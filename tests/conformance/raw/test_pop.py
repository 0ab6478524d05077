"""POP by raw requests against the running binary: handles, kill -9, waiting, order (docs/pop.md).

Run by tests/lanes/72-raw.sh; ONCEMQ names the binary.
"""
import base64
import http.client
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

ONCEMQ = os.environ["ONCEMQ"]
POP, ACK, PEEK, CHANGE, NOTIFY, POLLING, BATCH_ACK = 200050, 200051, 200052, 200053, 200054, 200055, 200151
DELETE_GROUP = 207
STALE = 40013
TIMEOUT = 210


class Message:
    def __init__(self, topic, group, fields, source, queue, start, offset, payload):
        self.topic, self.group, self.queue, self.offset = topic, group, queue, offset
        self.source, self.start, self.payload = source, start, payload
        self.pop_time, self.invisible, self.revive = (fields[k] for k in ("popTime", "invisibleTime", "reviveQid"))

    @property
    def handle(self):
        return (f"{self.start} {self.pop_time} {self.invisible} {self.revive} {self.source} b {self.queue} "
                f"{self.offset}")


class PopTest(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="oncemq-pop-")
        self.broker = Broker(ONCEMQ, os.path.join(self.folder, "data"), mappedFileSizeCommitLog=64 << 20,
                             **self.settings)
        self.broker.start()
        self.connection = self.connect()

    def tearDown(self):
        code = self.broker.stop() if self.broker.process else 0
        self.broker.close()
        shutil.rmtree(self.folder)
        self.assertEqual(code, 0, "exit code after SIGTERM")

    def connect(self):
        connection = remoting.Connection(self.broker.port)
        self.addCleanup(connection.close)
        return connection

    def kill_and_start(self):
        self.broker.kill()
        self.broker.start()
        self.connection = self.connect()

    def send(self, count, queue=0, topic="popped", first=0):
        for i in range(first, first + count):
            code, _fields, _body, remark = self.connection.call(
                remoting.SEND, remoting.send_fields(topic, queue, f"k{i}"), b"m%d" % i)
            self.assertEqual(code, 0, remark)

    def pop_raw(self, count=32, invisible=60_000, poll=0, topic="popped", group="g", queue=-1, connection=None, **more):
        fields = {"consumerGroup": group, "topic": topic, "queueId": queue, "maxMsgNums": count,
                  "invisibleTime": invisible, "pollTime": poll, "bornTime": int(time.time() * 1000) + 60_000, "initMode": 0,
                  **more}
        return (connection or self.connection).call(POP, fields)

    def pop(self, count=32, invisible=60_000, topic="popped", group="g", **more):
        code, fields, body, remark = self.pop_raw(count, invisible, topic=topic, group=group, **more)
        if code == TIMEOUT:
            return []
        self.assertEqual(code, 0, remark)
        starts = {(t, q): int(s) for t, q, s in (e.split(" ") for e in fields["startOffsetInfo"].split(";"))}
        listed = [(t, int(q), int(o)) for t, q, os_ in (e.split(" ") for e in fields["msgOffsetInfo"].split(";"))
                  for o in os_.split(",")]
        found = list(remoting.records(body))
        self.assertEqual([(q, o) for _t, q, o in listed], [(q, o) for q, o, _l, _p in found])
        return [Message(topic, group, fields, t, q, starts[(t, str(q))], o, payload)
                for (t, q, o), (_q, _o, _l, payload) in zip(listed, found)]

    def fields_of(self, message, **more):
        return {"consumerGroup": message.group, "topic": message.topic, "queueId": message.queue,
                "extraInfo": message.handle, "offset": message.offset, **more}

    def ack(self, message):
        return self.connection.call(ACK, self.fields_of(message))[0]

    def change(self, message, invisible):
        code, fields, _body, remark = self.connection.call(CHANGE, self.fields_of(message, invisibleTime=invisible))
        if code == 0:
            message.pop_time, message.invisible = fields["popTime"], fields["invisibleTime"]
            message.start = message.offset
        return code

    def test_acked_is_done_and_the_rest_comes_again(self):
        self.send(10)
        got = self.pop(invisible=3_000)
        self.assertEqual(len(got), 10)
        self.assertEqual(self.pop(), [])
        for message in got[:7]:
            self.assertEqual(self.ack(message), 0)
        begun = time.time()
        again = self.pop(poll=10_000)
        self.assertEqual([m.offset for m in again], [7, 8, 9])
        self.assertLess(time.time() - begun, 8)
        self.assertEqual(self.ack(got[8]), STALE)
        self.assertEqual(self.change(got[8], 0), STALE)
        for message in again:
            self.assertEqual(self.ack(message), 0)
            self.assertEqual(self.ack(message), 0)  # repeated
        time.sleep(1.3)
        self.assertEqual(self.pop(), [])

    def test_nack_comes_at_once(self):
        self.send(1)
        message = self.pop()[0]
        old = message.handle
        begun = time.time()
        self.assertEqual(self.change(message, 0), 0)
        self.assertNotEqual(message.handle, old)
        self.assertEqual(len(self.pop(poll=5_000)), 1)
        self.assertLess(time.time() - begun, 4)

    def test_kill_keeps_acks_handles_and_what_is_held(self):
        self.send(40)
        got = self.pop(count=32, invisible=4_000) + self.pop(count=8, invisible=4_000)
        self.assertEqual(len(got), 40)
        acked, kept = got[::2], got[1::2]
        for message in acked:
            self.assertEqual(self.ack(message), 0)
        self.kill_and_start()
        self.assertEqual(self.ack(kept[0]), 0)  # a handle of before
        back = {}
        deadline = time.time() + 60
        while len(back) < len(kept) - 1 and time.time() < deadline:
            for message in self.pop(poll=1_000):
                self.assertNotIn(message.offset, back)
                back[message.offset] = message
        self.assertEqual(sorted(back), sorted(m.offset for m in kept[1:]))
        self.kill_and_start()
        for message in back.values():
            self.assertEqual(self.ack(message), 0)
        self.kill_and_start()
        self.assertEqual(self.pop(poll=500), [])

    def test_kill_loop_loses_and_doubles_nothing_that_was_acked(self):
        self.send(300)
        acked = set()
        asked = set()  # the answer may be lost with the broker
        delivered_after_ack = []
        for _round in range(4):
            stop = threading.Event()

            def consume():
                connection = remoting.Connection(self.broker.port)
                try:
                    while not stop.is_set():
                        for message in self.pop(count=8, invisible=2_000, poll=200, connection=connection):
                            if message.offset in acked:
                                delivered_after_ack.append(message.offset)
                            if message.offset % 5 == 0 and _round < 3:
                                continue
                            asked.add(message.offset)
                            if connection.call(ACK, self.fields_of(message))[0] == 0:
                                acked.add(message.offset)
                except remoting.Gone:
                    pass
                finally:
                    connection.close()

            thread = threading.Thread(target=consume)
            thread.start()
            time.sleep(0.7 if _round < 3 else 5)
            if _round == 3:
                stop.set()
            else:
                self.broker.kill()
            thread.join()
            if _round < 3:
                self.broker.start()
        self.connection = self.connect()
        self.assertEqual(delivered_after_ack, [])
        deadline = time.time() + 60
        quiet = 0
        while quiet < 6 and time.time() < deadline:
            got = self.pop(invisible=2_000, poll=500)
            quiet = 0 if got else quiet + 1
            for message in got:
                self.assertNotIn(message.offset, acked)
                if self.ack(message) == 0:
                    acked.add(message.offset)
        self.assertEqual(len(acked | asked), 300)
        self.assertGreater(len(acked), 290)

    def test_batch_ack(self):
        self.send(12)
        got = self.pop()
        bits = bytearray(2)
        for message in got[:9]:
            bits[(message.offset - message.start) // 8] |= 1 << (message.offset - message.start) % 8
        entry = {"c": "g", "t": "popped", "r": "0", "so": got[0].start, "q": got[0].queue, "rq": 0,
                 "pt": int(got[0].pop_time), "it": 60_000, "b": base64.b64encode(bytes(bits)).decode()}
        body = json.dumps({"brokerName": "b", "acks": [entry]}).encode()
        self.assertEqual(self.connection.call(BATCH_ACK, {}, body)[0], 0)
        for message in got[9:]:
            self.assertEqual(self.change(message, 0), 0)
        self.assertEqual([m.offset for m in self.pop()], [9, 10, 11])
        entry["pt"] += 1
        code, _fields, _body, remark = self.connection.call(
            BATCH_ACK, {}, json.dumps({"brokerName": "b", "acks": [entry]}).encode())
        self.assertEqual(code, STALE)
        self.assertIn("9 of 9", remark)

    def test_a_waiting_pop_is_woken_by_the_message(self):
        self.send(1)
        self.assertEqual(self.ack(self.pop()[0]), 0)
        waiting = self.connect()
        took = []

        def wait():
            begun = time.time()
            code = self.pop_raw(poll=10_000, connection=waiting)[0]
            took.append((code, time.time() - begun))

        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.time() + 8
        while time.time() < deadline:
            polling = self.connection.call(POLLING, {"consumerGroup": "g", "topic": "popped", "queueId": -1})[1]
            if polling["pollingNum"] == "1":
                break
        self.assertEqual(polling["pollingNum"], "1")
        self.send(1, queue=2, first=1)
        thread.join()
        self.assertEqual(took[0][0], 0)
        self.assertLess(took[0][1], 5)

    def test_poll_times_out(self):
        self.send(1)
        self.pop()
        begun = time.time()
        self.assertEqual(self.pop_raw(poll=700)[0], TIMEOUT)
        self.assertGreater(time.time() - begun, 0.6)

    def test_notification_and_peek_take_nothing(self):
        self.send(2)
        ask = {"consumerGroup": "g", "topic": "popped", "queueId": -1, "pollTime": 0, "bornTime": 0}
        self.assertEqual(self.connection.call(NOTIFY, ask)[1]["hasMsg"], "true")
        peeked = self.connection.call(PEEK, {"consumerGroup": "g", "topic": "popped", "queueId": -1, "maxMsgNums": 1})
        self.assertEqual(peeked[0], 0)
        self.assertEqual(len(list(remoting.records(peeked[2]))), 1)
        self.assertEqual(len(self.pop()), 2)
        self.assertEqual(self.connection.call(NOTIFY, ask)[1]["hasMsg"], "false")

    def test_ordered_one_at_a_time(self):
        self.send(4)
        order = {"order": "true", "queue": 0}
        first = self.pop(count=2, **order)
        self.assertEqual([m.offset for m in first], [0, 1])
        self.assertEqual(first[0].revive, "999")
        self.assertEqual(self.pop(**order), [])
        self.assertEqual(self.ack(first[1]), 0)
        self.assertEqual(self.pop(**order), [])
        self.assertEqual(self.change(first[0], 0), 0)
        again = self.pop(**order)
        self.assertEqual([m.offset for m in again], [0])
        self.assertEqual(self.ack(again[0]), 0)
        self.assertEqual([m.offset for m in self.pop(**order)], [2, 3])

    def come_again(self, before, **more):
        """Waits for the next delivery of each of `before`, which must not be sooner than its time is over."""
        deadline = time.time() + 60
        again = []
        while len(again) < len(before) and time.time() < deadline:
            again += self.pop(poll=2_000, **more)
        again.sort(key=lambda message: message.offset)
        self.assertEqual([m.offset for m in again], [m.offset for m in before])
        for old, new in zip(before, again):
            self.assertGreaterEqual(int(new.pop_time), int(old.pop_time) + int(old.invisible))
            self.assertEqual(self.ack(old), STALE)
        return again

    def test_a_killed_popper_holds_until_its_time_is_over(self):
        self.send(3)
        killed = self.connect()
        held = self.pop(count=3, invisible=3_000, connection=killed)
        waiting = self.connect()
        waiting.write(waiting.request(POP, {"consumerGroup": "g", "topic": "popped", "queueId": -1, "maxMsgNums": 1,
                                            "invisibleTime": 3_000, "pollTime": 30_000, "initMode": 0,
                                            "bornTime": int(time.time() * 1000)})[1])
        # Whoever waits when its client dies is given nothing, or what it is given comes again.
        waiting.close()
        killed.close()
        for message in self.come_again(held):
            self.assertEqual(self.ack(message), 0)

    def test_ordered_pops_outlive_kills(self):
        self.send(4)
        order = {"order": "true", "queue": 0}
        held = self.pop(count=2, invisible=3_000, **order)
        self.assertEqual([m.offset for m in held], [0, 1])
        self.kill_and_start()
        again = self.come_again(held, count=2, **order)
        self.assertEqual(self.ack(again[0]), 0)
        self.kill_and_start()
        self.assertEqual(self.pop(**order), [])  # the second is held, so nothing behind it is given out
        self.assertEqual(self.ack(again[1]), 0)
        self.kill_and_start()
        self.assertEqual([m.offset for m in self.pop(**order)], [2, 3])

    def delete_group(self, group="g"):
        code, _fields, _body, remark = self.connection.call(
            DELETE_GROUP, {"groupName": group, "cleanOffset": "true"})
        self.assertEqual(code, 0, remark)

    def test_a_deleted_group_leaves_nothing_to_the_next_of_its_name(self):
        self.send(6)
        old = self.pop(count=4)
        self.assertEqual(self.ack(old[0]), 0)
        self.delete_group()
        for message in old:
            self.assertEqual(self.ack(message), STALE)
            self.assertEqual(self.change(message, 1_000), STALE)
        fresh = self.pop(count=4)  # makes the group again
        self.assertEqual([m.offset for m in fresh], [0, 1, 2, 3])
        self.kill_and_start()
        for message in old:
            self.assertEqual(self.ack(message), STALE)
        for message in fresh:
            self.assertEqual(self.ack(message), 0)
        rest = self.pop()
        self.assertEqual([m.offset for m in rest], [4, 5])
        self.delete_group()
        self.kill_and_start()  # the answer to the deletion was the last that it said
        for message in rest:
            self.assertEqual(self.ack(message), STALE)
        self.assertEqual([m.offset for m in self.pop()], [0, 1, 2, 3, 4, 5])

    def test_filter(self):
        fields = remoting.send_fields("popped", 0, "tagged")
        fields["i"] += "TAGS\x01wanted\x02"
        self.send(2)
        self.assertEqual(self.connection.call(remoting.SEND, fields, b"x")[0], 0)
        self.assertEqual([m.offset for m in self.pop(exp="wanted", expType="TAG")], [2])
        fields["i"] += "price\x0112\x02"
        self.assertEqual(self.connection.call(remoting.SEND, fields, b"y")[0], 0)
        self.assertEqual([m.offset for m in self.pop(exp="price > 10", expType="SQL92", group="sql")], [3])
        self.assertEqual(self.pop_raw(exp="price >", expType="SQL92")[0], 23)

    def test_an_expression_that_costs_too_much_is_told_of(self):
        fields = remoting.send_fields("popped", 0, "long")
        fields["i"] += "a\x01" + "x" * 20_000 + "\x02n\x012\x02"
        self.assertEqual(self.connection.call(remoting.SEND, fields, b"withheld")[0], 0)
        fields = remoting.send_fields("popped", 0, "short")
        fields["i"] += "n\x012\x02"
        self.assertEqual(self.connection.call(remoting.SEND, fields, b"given")[0], 0)
        hostile = "".join(f"NOT (a CONTAINS 'xy{i}') AND " for i in range(40)) + "n = 1 OR n = 2"
        self.assertEqual([m.payload for m in self.pop(exp=hostile, expType="SQL92", group="sql")], [b"given"])
        connection = http.client.HTTPConnection("127.0.0.1", self.broker.http_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/metrics")
        self.assertIn(b'\noncemq_group_filter_over_total{group="sql"} 1\n', connection.getresponse().read())
        with open(self.broker.log.name, encoding="utf-8") as log:
            self.assertIn("SQL92 work bound reached: group=sql topic=popped messages=1 expression=NOT (a CONTAINS", log.read())

    def test_refusals(self):
        self.send(1)
        message = self.pop()[0]
        bad = self.fields_of(message)
        for name, value, code in (("extraInfo", "x", 13), ("offset", 1, 13), ("topic", "absent", 17), ("queueId", 99, 13)):
            self.assertEqual(self.connection.call(ACK, {**bad, name: value})[0], code, name)
        self.assertEqual(self.pop_raw(count=33)[0], 29)
        self.assertEqual(self.pop_raw(invisible=0)[0], 29)
        self.assertEqual(self.pop_raw(topic="absent")[0], 17)
        self.assertEqual(self.pop_raw(bornTime=1)[0], TIMEOUT)
        self.assertEqual(self.ack(message), 0)


class PopSyncTest(PopTest):
    """The same with answers that wait for the disk."""
    settings = {"flushDiskType": "SYNC_FLUSH"}


if __name__ == "__main__":
    unittest.main(verbosity=2)
