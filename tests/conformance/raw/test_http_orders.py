"""Orders over HTTP against the running binary; what they did is looked at through the remoting port and the CLI."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import quote

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

ONCEMQ = os.environ["ONCEMQ"]
JSON = {"Content-Type": "application/json"}


class OrdersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.log = os.path.join(self.folder, "log")
        # Nobody is asked about half messages while a test looks at them; one check discards.
        self.broker = Broker(ONCEMQ, os.path.join(self.folder, "data"), self.log, mappedFileSizeCommitLog=1 << 20,
                             flushDiskType="SYNC_FLUSH", **self.settings())
        self.addCleanup(self.broker.close)
        self.broker.start()
        self.client = remoting.Connection(self.broker.port)
        self.addCleanup(self.client.close)

    def settings(self):
        return {}

    def http(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.broker.http_port, timeout=30)
        self.addCleanup(connection.close)
        text = None if body is None else json.dumps(body)
        connection.request(method, "/api/v1" + path, text, JSON if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer

    def order(self, method, path, body=None, status=200):
        found, answer, _ = self.http(method, path, body)
        self.assertEqual(found, status, answer)
        return answer

    def show(self, path):
        found, answer, _ = self.http("GET", path, headers={})
        self.assertEqual(found, 200, answer)
        return answer

    def cli(self, *words):
        done = subprocess.run([ONCEMQ, *words, "--namesrv", f"127.0.0.1:{self.broker.namesrv_port}", "--json"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def send(self, topic, key, queue=0):
        code, fields, *_rest = self.client.call(remoting.SEND, remoting.send_fields(topic, queue, key), b"body " + key.encode())
        self.assertEqual(code, 0)
        return fields

    def pull(self, topic, group, offset, queue=0):
        """Bodies that a consumer is given."""
        answer = self.client.call(remoting.PULL, remoting.pull_fields(topic, group, queue, offset))
        return [message.payload for message in remoting.messages(answer[2])] if answer[0] == 0 else []

    def eventually(self, ask):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = ask()
            if found:
                return found
            time.sleep(0.05)
        self.fail("it did not come true")

    def test_topics(self):
        self.order("POST", "/topics", {"name": "orders", "queues": 3, "attributes": {"message.type": "FIFO"}}, 201)
        row, = self.cli("topic", "show", "orders")
        self.assertEqual((row["readQueues"], row["writeQueues"], row["attributes"]), (3, 3, "message.type=FIFO"))
        self.order("POST", "/topics", {"name": "orders"}, 409)
        self.order("PUT", "/topics/orders", {"writeQueues": 5, "permission": 4})
        row, = self.cli("topic", "show", "orders")
        self.assertEqual((row["readQueues"], row["writeQueues"], row["perm"]), (3, 5, 4))
        self.assertEqual(self.client.call(remoting.SEND, remoting.send_fields("orders", 0, "k"), b"x")[0], 16)
        self.order("PUT", "/topics/orders", {"permission": 6})
        self.send("orders", "k")
        self.assertEqual(self.order("DELETE", "/topics/orders?dryRun=true")["messages"], 1)
        self.assertIn({"topic": "orders"}, self.cli("topic", "list"))
        self.order("DELETE", "/topics/orders")
        self.assertNotIn({"topic": "orders"}, self.cli("topic", "list"))
        self.order("DELETE", "/topics/orders", status=404)

    def test_groups_and_offsets(self):
        self.order("POST", "/groups", {"name": "g", "retryMaxTimes": 3}, 201)
        row, = self.cli("group", "show", "g")
        self.assertEqual((row["retries"], row["consume"]), (3, True))
        for i in range(4):
            self.send("t", f"k{i}")
        self.assertEqual(len(self.pull("t", "g", 0)), 4)
        commit = {"consumerGroup": "g", "topic": "t", "queueId": "0", "commitOffset": "4"}
        self.assertEqual(self.client.call(remoting.COMMIT_OFFSET, commit)[0], 0)
        ask = {"consumerGroup": "g", "topic": "t", "queueId": "0"}

        def offset():
            return self.client.call(remoting.QUERY_OFFSET, ask)[1]["offset"]

        self.order("POST", "/groups/g/reset?dryRun=true", {"topic": "t", "to": "earliest"})
        self.assertEqual(offset(), "4")
        self.order("POST", "/groups/g/reset", {"topic": "t", "queueId": 0, "offset": 1})
        self.assertEqual(offset(), "1")
        self.order("POST", "/groups/g/reset", {"topic": "t", "to": "latest"})
        self.assertEqual(offset(), "4")
        self.order("POST", "/groups/g/reset", {"topic": "t", "offset": 1}, 400)
        self.order("PUT", "/groups/g", {"consumeEnable": False})
        self.assertEqual(self.client.call(remoting.PULL, remoting.pull_fields("t", "g", 0, 0))[0], 16)
        self.order("DELETE", "/groups/g")
        self.assertNotIn({"group": "g"}, self.cli("group", "list"))

    def test_settings(self):
        def send(size):
            return self.client.call(remoting.SEND, remoting.send_fields("t", 0, "k"), b"x" * size)[0]

        self.order("PUT", "/config", {"maxMessageSize": 100})
        row, = self.cli("config", "get", "maxMessageSize")
        self.assertEqual(row["value"], "100")
        self.assertEqual((send(100), send(101)), (0, 13))
        self.order("PUT", "/config", {"maxMessageSize": "1000"})
        self.assertEqual(send(101), 0)
        self.assertIn("did you mean", self.order("PUT", "/config", {"logLevle": "warn"}, 400)["error"]["message"])
        self.order("PUT", "/config", {"listenPort": 1}, 403)

    def test_topics_are_made_by_sends_when_that_is_switched_on(self):
        """A client asks for the route of TBW102 before it sends to a topic that is not there."""
        self.broker.stop()
        self.broker.close()
        self.broker = Broker(ONCEMQ, os.path.join(self.folder, "other"), self.log, mappedFileSizeCommitLog=1 << 20,
                             autoCreateTopicEnable="false")
        self.addCleanup(self.broker.close)
        self.broker.start()
        client = remoting.Connection(self.broker.port)
        self.addCleanup(client.close)
        send = (remoting.SEND, remoting.send_fields("new", 0, "k"), b"x")
        self.assertEqual(client.call(*send)[0], 17)
        self.assertEqual(self.http("GET", "/topics/TBW102", headers={})[0], 404)
        self.order("PUT", "/config", {"autoCreateTopicEnable": True})
        self.show("/topics/TBW102")
        self.assertEqual(self.cli("topic", "show", "TBW102")[0]["perm"], 7)
        self.assertEqual(client.call(*send)[0], 0)

    def half(self, key):
        code, fields, *_rest = self.client.call(remoting.SEND, remoting.half_fields("t", 0, key, "pg"), b"half " + key.encode())
        self.assertEqual(code, 0)
        return fields

    def test_transactions(self):
        self.send("t", "first")
        self.half("TX1")
        self.half("TX2")
        rows = self.show("/transactions?limit=1")
        self.assertEqual([row["transactionId"] for row in rows["transactions"]], ["TX1"])
        rows = self.show(f"/transactions?from={rows['next']}")
        self.assertEqual([row["transactionId"] for row in rows["transactions"]], ["TX2"])
        self.assertEqual(self.pull("t", "g", 0), [b"body first"])
        # By the key index, which follows the log.
        self.eventually(lambda: self.http("GET", "/transactions/TX1", headers={})[0] == 200)
        self.order("POST", "/transactions/TX1/commit?dryRun=true")
        self.assertEqual(self.pull("t", "g", 0), [b"body first"])
        self.order("POST", "/transactions/TX1/commit")
        self.order("POST", "/transactions/TX1/commit")
        self.order("POST", "/transactions/TX1/rollback", status=409)
        half = self.show("/transactions")["transactions"][0]["halfOffset"]
        self.order("POST", f"/transactions/{half}/rollback")
        self.assertEqual(self.pull("t", "g", 0), [b"body first", b"half TX1"])
        self.assertEqual(self.cli("transaction", "list"), [])
        self.order("POST", "/transactions/nobody/commit", status=404)

    def test_timers(self):
        self.assertEqual(self.show("/timers")["waiting"], 0)
        fields = remoting.send_fields("t", 0, "later")
        now_ms = time.time() * 1000
        fields["i"] += f"TIMER_DELIVER_MS\x01{int(now_ms) + 3_600_000 * 5}\x02"
        self.assertEqual(self.client.call(remoting.SEND, fields, b"x")[0], 0)
        self.eventually(lambda: self.show("/timers")["waiting"] == 1)
        timers = self.show("/timers")
        # Behind the window it is known by its hour.
        self.assertGreater(timers["nextDueMs"], now_ms + 3_600_000 * 3)
        self.assertLess(timers["nextDueMs"], now_ms + 3_600_000 * 6)
        self.assertEqual((timers["lateMs"], timers["notYetRead"]), (0, 0))

    def test_dead_letters(self):
        self.order("POST", "/groups", {"name": "g"}, 201)
        for key in ("a", "b"):
            sent = self.send("t", key)
            back = {"offset": str(remoting.log_offset_of(sent["msgId"])), "group": "g", "delayLevel": "-1",
                    "originMsgId": sent["msgId"], "originTopic": "t", "unitMode": "false", "maxReconsumeTimes": "16"}
            self.assertEqual(self.client.call(remoting.SEND_BACK, back)[0], 0)
        letters = self.show("/dlq/g?body=true")["letters"]
        self.assertEqual([letter["body"] for letter in letters], ["body a", "body b"])
        ids = [letter["offsetMessageId"] for letter in letters]
        self.order("POST", "/dlq/g/replay?dryRun=true", {"ids": ids})
        self.assertEqual(self.pull("%RETRY%g", "g", 0), [])
        done = self.order("POST", "/dlq/g/replay", {"ids": ids[:1], "by": "ann"})
        self.assertEqual(done["letters"][0]["already"], False)
        self.assertEqual(self.pull("%RETRY%g", "g", 0), [b"body a"])
        again = self.order("POST", "/dlq/g/purge", {"ids": ids, "by": "bob"})["letters"]
        self.assertEqual([(row["already"], row["order"], row["by"]) for row in again],
                         [(True, "group", "ann"), (False, "purge", "bob")])
        self.assertEqual(self.pull("%RETRY%g", "g", 0), [b"body a"])
        row, = self.cli("dlq", "list")
        self.assertEqual((row["letters"], row["replayed"], row["purged"]), (0, 1, 1))

    def waiting_letters(self):
        """What an alarm would look at; None while the marks are being read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.broker.http_port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        found = re.search(rb'^oncemq_group_dlq_messages\{group="g"\} (\d+)$', answer.read(), re.M)
        return found and int(found.group(1))

    def test_letters_that_wait_are_counted_also_after_a_kill(self):
        self.order("POST", "/groups", {"name": "g"}, 201)
        for key in ("a", "b", "c"):
            sent = self.send("t", key)
            back = {"offset": str(remoting.log_offset_of(sent["msgId"])), "group": "g", "delayLevel": "-1",
                    "originMsgId": sent["msgId"], "originTopic": "t", "unitMode": "false", "maxReconsumeTimes": "16"}
            self.assertEqual(self.client.call(remoting.SEND_BACK, back)[0], 0)
        self.eventually(lambda: self.waiting_letters() == 3)
        ids = [letter["offsetMessageId"] for letter in self.show("/dlq/g?body=true")["letters"]]
        self.order("POST", "/dlq/g/replay", {"ids": ids[1:2], "by": "ann"})
        self.order("POST", "/dlq/g/purge", {"ids": ids[2:], "by": "ann"})
        self.assertEqual(self.waiting_letters(), 1)
        self.broker.kill()
        self.broker.start()
        self.eventually(lambda: self.waiting_letters() == 1)

    def test_dead_letters_by_what_they_are(self):
        """What the command line would take, the order takes."""
        self.order("POST", "/groups", {"name": "g"}, 201)
        for number in range(6):
            fields = remoting.send_fields("t", 0, f"k{number}", amount=number, TAGS="paid" if number < 4 else "sent")
            code, sent, *_rest = self.client.call(remoting.SEND, fields, b"body %d" % number)
            self.assertEqual(code, 0)
            back = {"offset": str(remoting.log_offset_of(sent["msgId"])), "group": "g", "delayLevel": "-1",
                    "originMsgId": sent["msgId"], "originTopic": "t", "unitMode": "false", "maxReconsumeTimes": "16"}
            self.assertEqual(self.client.call(remoting.SEND_BACK, back)[0], 0)
        for body, options in (({"where": "amount > 2"}, ("--where", "amount > 2")),
                              ({"where": "amount > 2", "tags": ["paid"]}, ("--where", "amount > 2", "--tag", "paid")),
                              ({"key": "k1"}, ("--key", "k1")), ({"ids": ["k4"]}, ("--id", "k4")),
                              ({"properties": {"amount": "5"}}, ("--property", "amount=5")),
                              ({"topic": "t", "endMs": 1}, ("--topic", "t", "--end", "1")),
                              ({"topic": "t", "limit": 4}, ("--topic", "t", "--limit", "4"))):
            would = self.order("POST", "/dlq/g/replay?dryRun=true", body)
            self.assertEqual([row["id"] for row in would["letters"]],
                             [row["id"] for row in self.cli("dlq", "replay", "g", "--dry-run", *options)], body)
        self.assertEqual(self.pull("%RETRY%g", "g", 0), [])
        self.order("POST", "/dlq/g/replay", {"where": "amount >"}, 400)
        self.order("POST", "/dlq/g/replay", {}, 400)
        done = self.order("POST", "/dlq/g/replay", {"where": "amount < 3", "limit": 2})
        self.assertEqual(len(done["letters"]), 2)
        done = self.order("POST", "/dlq/g/replay", {"where": "amount < 3", "from": done["next"]})
        self.assertEqual(len(done["letters"]), 1)
        self.assertNotIn("next", done)
        self.assertEqual(self.pull("%RETRY%g", "g", 0), [b"body 0", b"body 1", b"body 2"])
        self.assertEqual(self.order("POST", "/dlq/g/replay", {"where": "amount < 3"})["letters"], [])

    def test_what_was_ordered_outlives_a_kill(self):
        self.order("POST", "/topics", {"name": "kept", "queues": 2}, 201)
        self.order("POST", "/groups", {"name": "kept", "retryMaxTimes": 7}, 201)
        self.order("POST", "/topics", {"name": "t"}, 201)
        self.half("TX1")
        half = self.show("/transactions")["transactions"][0]["halfOffset"]
        self.order("POST", f"/transactions/{half}/rollback")
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.show("/topics/kept")["writeQueues"], 2)
        self.assertEqual(self.show("/groups/kept")["retryMaxTimes"], 7)
        self.assertEqual(self.show("/transactions")["transactions"], [])
        self.order("POST", f"/transactions/{half}/commit", status=409)

    def test_names_are_percent_encoded(self):
        self.order("POST", "/groups", {"name": "g"}, 201)
        path = "/topics/" + quote("%RETRY%g", safe="")
        self.order("PUT", path, {"readQueues": 3, "writeQueues": 3})
        self.assertEqual(self.show(path)["readQueues"], 3)

    def test_web_pages_are_refused(self):
        self.order("POST", "/topics", {"name": "mine"}, 201)
        for headers, status in (({}, 415), ({"Content-Type": "text/plain"}, 415),
                                ({**JSON, "Origin": "http://evil.example"}, 403), ({**JSON, "Origin": "null"}, 403),
                                ({**JSON, "Host": "evil.example"}, 421)):
            self.assertEqual(self.http("DELETE", "/topics/mine", headers=headers)[0], status, headers)
        self.assertEqual(self.http("DELETE", "/topics/mine?dryrun=true")[0], 400)
        found, _answer, response = self.http("POST", "/topics/mine")
        self.assertEqual((found, response.headers["Allow"]), (405, "GET, HEAD, PUT, DELETE"))
        self.assertEqual(self.show("/topics/mine")["name"], "mine")
        with open(self.log, encoding="utf-8") as log:
            lines = [line for line in log if " orders " in line]
        self.assertEqual(len(lines), 2)  # that made the topic, and the one that was misspelt
        self.assertRegex(lines[0], r'127\.0\.0\.1:\d+ orders POST /api/v1/topics \{"name": "mine"\}: 201')

    def test_bodies_are_bounded(self):
        def head(fields):
            with socket.create_connection(("127.0.0.1", self.broker.http_port), timeout=30) as peer:
                peer.sendall(b"POST /api/v1/topics HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n")
                return int(peer.recv(64).split()[1])

        self.assertEqual(head(b"Content-Length: 65537\r\n"), 413)
        self.assertEqual(head(b"Transfer-Encoding: chunked\r\n"), 411)
        self.order("POST", "/topics", {"name": "x" * 60_000}, 400)


if __name__ == "__main__":
    unittest.main()
