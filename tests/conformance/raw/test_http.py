"""Metrics, health, admin API and the bounds of the HTTP port, against the running binary."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import remoting  # noqa: E402
from broker import Broker, free_port  # noqa: E402

ONCEMQ = os.environ["ONCEMQ"]


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.broker = Broker(ONCEMQ, os.path.join(cls.folder, "data"), mappedFileSizeCommitLog=1 << 20)
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()

    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.broker.http_port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer

    def metrics(self):
        """{series: value} of the page, with its labels as they stand."""
        status, text, _answer = self.get("/metrics")
        self.assertEqual(status, 200)
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if not line.startswith("#")}

    def raw(self, data, wait=10):
        """What comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.broker.http_port), timeout=wait) as peer:
            peer.sendall(data)
            answer = b""
            try:
                while more := peer.recv(65536):
                    answer += more
            except ConnectionResetError:
                pass
            return answer

    def send(self, topic, count, queue=0):
        sender = remoting.Connection(self.broker.port)
        self.addCleanup(sender.close)
        for i in range(count):
            self.assertEqual(sender.call(remoting.SEND, remoting.send_fields(topic, queue, f"k{i}"), b"body")[0], 0)
        return sender

    def test_health_and_readiness(self):
        self.assertEqual(self.get("/healthz")[:2], (200, "ok\n"))
        self.assertEqual(self.get("/readyz")[:2], (200, "ready\n"))

    def test_metrics_count_what_clients_did(self):
        before = self.metrics()
        consumer = self.send("counted", 5)
        self.assertEqual(consumer.call(remoting.PULL, remoting.pull_fields("counted", "gc", 0, 0))[0], 0)
        self.assertEqual(consumer.call(remoting.PULL, remoting.pull_fields("counted", "gc", 0, 2))[0], 0)
        after = self.metrics()
        grown = {name: after[name] - before.get(name, 0) for name in after}
        self.assertEqual(after['oncemq_topic_messages_in_total{topic="counted"}'], 5)
        self.assertEqual(after['oncemq_topic_messages_out_total{topic="counted"}'], 8)
        self.assertEqual(after['oncemq_group_messages_out_total{topic="counted",group="gc"}'], 8)
        self.assertEqual(after['oncemq_group_redeliveries_total{group="gc",cause="offset_back"}'], 3)
        self.assertEqual(grown["oncemq_send_answered_seconds_count"], 5)
        self.assertGreater(grown["oncemq_send_answered_seconds_sum"], 0)
        self.assertGreaterEqual(after['oncemq_log_end_bytes{mark="committed"}'], 5 * 90)
        self.assertGreater(after["oncemq_resident_memory_bytes"], 1 << 20)
        status, text, _answer = self.get("/api/v1/groups/gc/causes")
        self.assertEqual(status, 200)
        causes = json.loads(text)
        self.assertEqual(causes["redeliveries"]["offset_back"], 3)
        self.assertEqual((causes["recent"][0]["topic"], causes["recent"][0]["offset"]), ("counted", 2))

    def test_openmetrics(self):
        status, text, answer = self.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        self.assertEqual(status, 200)
        self.assertTrue(answer.headers["Content-Type"].startswith("application/openmetrics-text"))
        self.assertTrue(text.endswith("# EOF\n"))

    def test_the_dashboard_uses_only_metrics_that_exist(self):
        _status, text, _answer = self.get("/metrics")
        known = set()
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
            known |= {name + suffix for suffix in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
        with open(os.path.join(ROOT, "docs", "grafana", "oncemq.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        expressions += [variable["query"] for variable in dashboard["templating"]["list"]]
        used = set(re.findall(r"oncemq_\w+", " ".join(expressions)))
        self.assertGreater(len(used), 25)
        self.assertEqual(used - known, set())

    def test_the_page_of_metrics_is_of_the_running_program(self):
        _status, text, _answer = self.get("/metrics")
        with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
            documented = re.findall(r"^\| `(\w+)` \|", file.read(), re.M)
        self.assertEqual(re.findall(r"^# TYPE (\S+) ", text, re.M), documented)

    def test_refusals(self):
        get = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
        for data, status in ((b"\x00\x00\x01\x02\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400),
                             (get + b"Content-Length: 3\r\n\r\nabc", 413),
                             (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n", 414),
                             (get + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431),
                             (b"POST /metrics HTTP/1.0\r\n\r\n", 405),
                             (b"GET /x HTTP/1.0\r\n\r\n", 404)):
            answer = self.raw(data)
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), (data[:40], answer[:80]))
        self.assertEqual(self.get("/", Host="attacker.example")[0], 421)
        self.assertEqual(self.get("/readyz")[0], 200)

    def test_a_dripping_client_is_ended_and_hurts_nobody(self):
        with socket.create_connection(("127.0.0.1", self.broker.http_port), timeout=30) as drip:
            drip.sendall(b"GET / HTTP/1.1\r\nX: ")
            started = time.monotonic()
            ended = threading.Event()

            def read():
                try:
                    drip.recv(1)
                except OSError:
                    pass
                ended.set()

            reader = threading.Thread(target=read)
            reader.start()
            while not ended.wait(0.25) and time.monotonic() - started < 25:
                try:
                    drip.sendall(b"a")
                except OSError:
                    break
                self.assertEqual(self.get("/readyz")[0], 200)
            self.assertLess(time.monotonic() - started, 20)
            reader.join(10)

    def test_one_connection_too_many_is_closed(self):
        peers = [socket.create_connection(("127.0.0.1", self.broker.http_port), timeout=10) for _ in range(100)]
        try:
            for peer in peers:
                peer.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answers = [peer.recv(1) for peer in peers]
            self.assertEqual(sum(1 for answer in answers if answer == b"H"), 100)
            with socket.create_connection(("127.0.0.1", self.broker.http_port), timeout=10) as late:
                try:
                    self.assertEqual(late.recv(1), b"")
                except ConnectionResetError:
                    pass
        finally:
            for peer in peers:
                peer.close()
        # The clients' port takes no notice.
        self.send("unhurt", 1)


class LifeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def broker(self, **settings):
        broker = Broker(ONCEMQ, os.path.join(self.folder, "data"), mappedFileSizeCommitLog=1 << 20, **settings)
        self.addCleanup(broker.close)
        broker.start()
        return broker

    def run_oncemq(self, *settings):
        command = [ONCEMQ, "serve", "--data", os.path.join(self.folder, "other")]
        for setting in settings:
            command += ["--set", setting]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    def test_a_taken_port_is_named_with_the_way_out(self):
        broker = self.broker()
        taken = self.run_oncemq(f"listenPort={free_port()}", f"namesrvListenPort={free_port()}",
                                f"httpListenPort={broker.http_port}")
        self.assertEqual(taken.returncode, 69)
        self.assertIn(f"127.0.0.1:{broker.http_port}", taken.stderr)
        self.assertIn("httpListenPort", taken.stderr)

    def test_zero_is_off_and_one_port_is_for_one_thing(self):
        broker = self.broker(httpListenPort=0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", broker.http_port), timeout=5).close()
        self.assertEqual(broker.stop(), 0)
        twice = self.run_oncemq("listenPort=12345", "httpListenPort=12345")
        self.assertEqual(twice.returncode, 78)
        self.assertIn("httpListenPort", twice.stderr)

    def test_it_listens_on_loopback_unless_told(self):
        broker = self.broker()
        with open(f"/proc/{broker.process.pid}/net/tcp", encoding="ascii") as table:
            listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
        mine = [address for address in listening if address.endswith(f":{broker.http_port:04X}")]
        self.assertEqual(mine, [f"0100007F:{broker.http_port:04X}"])

    def test_causes_survive_a_restart(self):
        broker = self.broker()
        sender = remoting.Connection(broker.port)
        for i in range(4):
            self.assertEqual(sender.call(remoting.SEND, remoting.send_fields("t", 0, f"k{i}"), b"x")[0], 0)
        self.assertEqual(sender.call(remoting.PULL, remoting.pull_fields("t", "g", 0, 0))[0], 0)
        sender.close()
        self.assertEqual(broker.stop(), 0)
        broker.start()
        consumer = remoting.Connection(broker.port)
        self.addCleanup(consumer.close)
        self.assertEqual(consumer.call(remoting.PULL, remoting.pull_fields("t", "g", 0, 1))[0], 0)
        connection = http.client.HTTPConnection("127.0.0.1", broker.http_port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/v1/groups/g/causes")
        causes = json.loads(connection.getresponse().read())
        self.assertEqual(causes["redeliveries"]["broker_restart"], 3)


if __name__ == "__main__":
    unittest.main()
