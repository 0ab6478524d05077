"""What no official client would do, and what every broker meets: bytes made by hand against the running binary.

Run by tests/lanes/72-raw.sh; ONCEMQ names the binary.
"""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402
from ports import free_port  # noqa: E402

ONCEMQ = os.environ["ONCEMQ"]
MIB = 1 << 20


def frame(header, body=b"", mark=None):
    mark = len(header) if mark is None else mark
    return struct.pack(">II", 4 + len(header) + len(body), mark) + header + body


def json_request(code, fields=None, opaque=1, flag=0, **extra):
    return frame(json.dumps({"code": code, "language": "OTHER", "version": 479, "opaque": opaque, "flag": flag,
                             "extFields": fields or {}, **extra}).encode())


def binary_request(code, fields, opaque=1, body=b""):
    ext = b""
    for key, value in fields.items():
        key, value = key.encode(), str(value).encode()
        ext += struct.pack(">H", len(key)) + key + struct.pack(">I", len(value)) + value
    header = struct.pack(">hBhii", code, 7, 479, opaque, 0) + struct.pack(">I", 0) + struct.pack(">I", len(ext)) + ext
    return frame(header, body, mark=len(header) | 1 << 24)


def read_raw(connection):
    """(mark byte, header bytes, body) of the next frame."""
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack_from(">I", data)[0]:
        more = connection.socket.recv(65536)
        if not more:
            raise remoting.Gone("end of stream")
        data += more
    total, mark = struct.unpack_from(">II", data)
    length = mark & 0xFFFFFF
    return mark >> 24, data[8:8 + length], data[8 + length:4 + total]


class RawTest(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="oncemq-raw-")
        cls.broker = Broker(ONCEMQ, os.path.join(cls.folder, "data"), mappedFileSizeCommitLog=64 * MIB,
                            **cls.settings)
        cls.broker.start()

    @classmethod
    def tearDownClass(cls):
        code = cls.broker.stop() if cls.broker.process else 0
        cls.broker.close()
        shutil.rmtree(cls.folder)
        assert code == 0, f"exit code {code} after SIGTERM"

    def connect(self, port=None):
        connection = remoting.Connection(port or self.broker.port)
        self.addCleanup(connection.close)
        return connection

    def send(self, connection, key="k", body=b"hello", queue=0, topic="raw"):
        return connection.call(remoting.SEND, remoting.send_fields(topic, queue, key), body)

    def assert_still_serves(self):
        code, _fields, _body, remark = self.send(self.connect(), "still")
        self.assertEqual(code, 0, remark)

    def assert_closed(self, connection):
        connection.socket.settimeout(5)
        try:
            self.assertEqual(connection.socket.recv(10), b"")
        except ConnectionResetError:
            pass
        self.assert_still_serves()


class BadBytes(RawTest):
    def test_garbage_closes_its_connection_only(self):
        for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, os.urandom(4096), b"\x00" * 16):
            with self.subTest(garbage[:8]):
                bystander = self.connect()
                victim = self.connect()
                victim.write(garbage)
                self.assert_closed(victim)
                self.assertEqual(self.send(bystander)[0], 0)

    def test_lengths_that_lie(self):
        header = b"{}"
        for name, data in {
                "longer than a frame may be": struct.pack(">II", 16 * MIB + 1, 2) + header,
                "negative": struct.pack(">iI", -1, 2) + header,
                "too short for a mark": struct.pack(">I", 3) + b"\0\0\0",
                "header longer than the frame": frame(header, mark=100),
                "unknown serialization": frame(header, mark=len(header) | 9 << 24)}.items():
            with self.subTest(name):
                victim = self.connect()
                victim.write(data)
                self.assert_closed(victim)

    def test_broken_json_header(self):
        for text in (b"{", b"[]", b'{"code":}', b'{"code":310,"extFields":7}', b"{" * 5000):
            with self.subTest(text[:20]):
                victim = self.connect()
                victim.write(frame(text))
                self.assert_closed(victim)

    def test_half_a_frame_then_the_end(self):
        victim = self.connect()
        whole = json_request(105, {"topic": "raw"})
        victim.write(whole[:len(whole) // 2])
        victim.socket.shutdown(socket.SHUT_WR)
        self.assert_closed(victim)

    def test_a_frame_in_single_bytes(self):
        connection = self.connect()
        for byte in json_request(30, {"topic": "absent", "queueId": 0}, opaque=77):
            connection.write(bytes([byte]))
        self.assertEqual(connection.read()[0], 77)


class Requests(RawTest):
    def test_unknown_code(self):
        connection = self.connect()
        code, _fields, _body, remark = connection.call(9999, {})
        self.assertEqual(code, 3)
        self.assertIn("9999", remark)

    def test_one_way_gets_no_answer_even_on_error(self):
        connection = self.connect()
        connection.write(json_request(9999, opaque=5, flag=2) + json_request(11, opaque=6, flag=2))
        connection.write(json_request(30, {"topic": "raw", "queueId": "0"}, opaque=7))
        self.assertEqual(connection.read()[0], 7)

    def test_missing_and_malformed_fields_are_named(self):
        connection = self.connect()
        code, _fields, _body, remark = connection.call(30, {"queueId": 0})
        self.assertNotEqual(code, 0)
        self.assertIn("topic", remark)
        code, _fields, _body, remark = connection.call(30, {"topic": "raw", "queueId": "many"})
        self.assertNotEqual(code, 0)
        self.assertIn("queueId", remark)

    def test_pipelined_requests_are_each_answered_once(self):
        connection = self.connect()
        data = b""
        for i in range(1000):
            _opaque, one = connection.request(remoting.SEND, remoting.send_fields("pipe", i % 4, f"p{i}"), b"x" * 100)
            data += one
        writer = threading.Thread(target=connection.write, args=(data,))
        writer.start()
        answers = [connection.read() for _ in range(1000)]
        writer.join()
        self.assertEqual(sorted(a[0] for a in answers), list(range(1, 1001)))
        self.assertEqual({a[1] for a in answers}, {0})
        offsets = sorted((int(a[2]["queueId"]), int(a[2]["queueOffset"])) for a in answers)
        self.assertEqual(offsets, [(q, o) for q in range(4) for o in range(250)])

    def test_each_header_kind_is_answered_in_kind(self):
        connection = self.connect()
        fields = remoting.send_fields("kinds", 0, "bin")
        connection.write(binary_request(310, fields, opaque=3, body=b"body"))
        kind, header, _body = read_raw(connection)
        self.assertEqual(kind, 1)
        self.assertEqual(struct.unpack_from(">hBhii", header)[0], 0)
        connection.write(json_request(30, {"topic": "kinds", "queueId": "0"}))
        kind, header, _body = read_raw(connection)
        self.assertEqual(kind, 0)
        self.assertEqual(json.loads(header)["extFields"]["offset"], "1")

    def test_numbers_and_booleans_as_field_values(self):
        connection = self.connect()
        fields = {**remoting.send_fields("numbers", 0, "n"), "d": 4, "e": 0, "f": 0, "k": False}
        connection.write(json_request(310, fields)[:0] + frame(json.dumps(
            {"code": 310, "language": "CPP", "version": 49, "opaque": 9, "flag": 0, "remark": "",
             "extFields": fields}).encode(), b"from a C++ client"))
        self.assertEqual(connection.read()[1], 0)

    def test_body_over_the_limit(self):
        connection = self.connect()
        code, _fields, _body, remark = self.send(connection, body=b"x" * (4 * MIB + 1))
        self.assertEqual(code, 13, remark)
        self.assertEqual(self.send(connection, body=b"x" * (4 * MIB))[0], 0)

    def test_both_ports_serve_both_kinds_of_request(self):
        self.send(self.connect(), topic="both")
        for port in (self.broker.port, self.broker.namesrv_port, self.broker.port - 2):
            with self.subTest(port):
                connection = self.connect(port)
                code, _fields, body, remark = connection.call(105, {"topic": "both"})
                self.assertEqual(code, 0, remark)
                self.assertIn(str(self.broker.port), body.decode())
                self.assertEqual(self.send(connection, topic="both")[0], 0)

    def test_proxy_protocol(self):
        for name, prefix in {
                "version 1": b"PROXY TCP4 192.0.2.7 192.0.2.1 4242 10911\r\n",
                "version 2": b"\r\n\r\n\x00\r\nQUIT\n" + bytes([0x21, 0x11, 0, 12])
                             + bytes([192, 0, 2, 7, 192, 0, 2, 1]) + struct.pack(">HH", 4242, 10911)}.items():
            with self.subTest(name):
                connection = self.connect()
                connection.write(prefix)
                self.assertEqual(self.send(connection, key=name.replace(" ", "-"), topic="proxied")[0], 0)
                code, _fields, body, remark = connection.call(remoting.PULL, {
                    **remoting.pull_fields("proxied", "g", 0, 0)})
                self.assertEqual(code, 0, remark)
                self.assertIn(bytes([192, 0, 2, 7]) + struct.pack(">i", 4242), body)  # the born host

    def test_long_poll_is_woken_by_an_arrival(self):
        self.send(self.connect(), topic="wake")
        waiting, sending = self.connect(), self.connect()
        _opaque, pull = waiting.request(remoting.PULL, remoting.pull_fields("wake", "g", 0, 1, suspend_ms=20000))
        waiting.write(pull)
        time.sleep(0.2)
        self.assertEqual(self.send(sending, topic="wake", body=b"news")[0], 0)
        _opaque, code, _fields, body, _remark = waiting.read()
        self.assertEqual(code, 0)
        self.assertEqual([r[3] for r in remoting.records(body)], [b"news"])

    def test_long_poll_ends_at_its_deadline(self):
        self.send(self.connect(), topic="deadline")
        code, fields, _body, _remark = self.connect().call(
            remoting.PULL, remoting.pull_fields("deadline", "g", 0, 1, suspend_ms=300))
        self.assertEqual((code, fields["nextBeginOffset"]), (19, "1"))


class Hostile(RawTest):
    settings = {"maxConnections": 60}

    def test_too_many_connections(self):
        # Of 60; some of an earlier test's may not be reaped yet.
        crowd = [self.connect() for _ in range(50)]
        for connection in crowd:
            connection.call(30, {"topic": "raw", "queueId": 0})
        extra = [socket.create_connection(("127.0.0.1", self.broker.port), timeout=5) for _ in range(20)]
        closed = 0
        for one in extra:
            one.settimeout(2)
            try:
                closed += one.recv(1) == b""
            except ConnectionResetError:
                closed += 1
            except socket.timeout:
                pass
            one.close()
        self.assertGreaterEqual(closed, 10)
        self.assertEqual(self.send(crowd[0])[0], 0)
        for connection in crowd:
            connection.close()
        deadline = time.monotonic() + 5
        while True:
            try:
                self.assert_still_serves()
                break
            except (remoting.Gone, OSError):
                self.assertLess(time.monotonic(), deadline)

    def test_a_reader_that_never_reads(self):
        sender = self.connect()
        for i in range(64):
            self.assertEqual(self.send(sender, key=f"big{i}", body=b"b" * 200_000, topic="big")[0], 0)
        before = self.broker.rss_bytes()
        greedy = self.connect()
        greedy.socket.settimeout(2)
        try:
            for i in range(20000):
                greedy.write(greedy.request(remoting.PULL, remoting.pull_fields("big", "g", 0, i % 32))[1])
        except remoting.Gone:
            pass  # back-pressure: it is not read any more
        self.assertEqual(self.send(sender, topic="big")[0], 0)
        self.assertLess(self.broker.rss_bytes() - before, 96 * MIB)


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="oncemq-life-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = os.path.join(self.folder, "data")

    def broker(self, **settings):
        broker = Broker(ONCEMQ, self.data, mappedFileSizeCommitLog=MIB, **settings)
        self.addCleanup(broker.close)
        broker.start()
        return broker

    def run_oncemq(self, *arguments):
        return subprocess.run([ONCEMQ, *arguments], capture_output=True, text=True, timeout=20, check=False)

    def test_second_start_on_a_folder_in_use_names_the_holder(self):
        broker = self.broker()
        second = self.run_oncemq("serve", "--data", self.data, "--set", f"listenPort={free_port()}",
                                 "--set", f"namesrvListenPort={free_port()}", "--set", "httpListenPort=0")
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(str(broker.process.pid), second.stderr)

    def test_sigterm_with_parked_pulls_and_open_connections(self):
        broker = self.broker()
        sender = remoting.Connection(broker.port)
        self.addCleanup(sender.close)
        self.assertEqual(sender.call(remoting.SEND, remoting.send_fields("t", 0, "k"), b"x")[0], 0)
        waiting = remoting.Connection(broker.port)
        self.addCleanup(waiting.close)
        waiting.write(waiting.request(remoting.PULL, remoting.pull_fields("t", "g", 0, 1, suspend_ms=60000))[1])
        time.sleep(0.1)
        started = time.monotonic()
        self.assertEqual(broker.stop(), 0)
        self.assertLess(time.monotonic() - started, 10)
        self.assertFalse(os.path.exists(os.path.join(self.data, "abort")))

    def test_a_clean_restart_keeps_messages_and_counts_on(self):
        broker = self.broker()
        sender = remoting.Connection(broker.port)
        for i in range(300):
            code, fields, _body, _remark = sender.call(remoting.SEND, remoting.send_fields("t", 1, f"k{i}"), b"x" * 9000)
            self.assertEqual((code, fields["queueOffset"]), (0, str(i)))
        sender.close()
        self.assertEqual(broker.stop(), 0)
        broker.start()
        sender = remoting.Connection(broker.port)
        self.addCleanup(sender.close)
        code, fields, _body, _remark = sender.call(remoting.SEND, remoting.send_fields("t", 1, "last"), b"x")
        self.assertEqual((code, fields["queueOffset"]), (0, "300"))
        code, _fields, body, _remark = sender.call(remoting.PULL, remoting.pull_fields("t", "g", 1, 299))
        self.assertEqual([r[3] for r in remoting.records(body)], [b"x" * 9000, b"x"])

    def test_a_producer_killed_in_the_middle_leaves_all_or_nothing(self):
        broker = self.broker(transactionTimeOut=500, transactionCheckInterval=500)
        connection = remoting.Connection(broker.port)
        self.addCleanup(connection.close)
        members = [(b"m%d" % i, {"UNIQ_KEY": f"m{i}"}) for i in range(5)]
        fields = {**remoting.send_fields("cut", 0, "cut"), "m": "true"}
        batch = connection.request(remoting.SEND_BATCH, fields, remoting.batch_body(members))[1]
        for cut in (10, len(batch) // 2, len(batch) - 1):
            killed = remoting.Connection(broker.port)
            killed.write(batch[:cut])
            killed.close()
        # A half message whose producer dies before it reads the answer: another of its group is asked.
        killed = remoting.Connection(broker.port)
        killed.write(killed.request(remoting.SEND, remoting.half_fields("cut", 0, "half", "deciders"), b"half")[1])
        killed.socket.recv(1)  # it is stored
        killed.close()
        asked = []

        def decide(code, fields, _body):
            asked.append(code)
            connection.one_way(remoting.END_TRANSACTION, remoting.end_fields(
                "deciders", "half", fields["tranStateTableOffset"], fields["commitLogOffset"], remoting.COMMIT, True))

        connection.on_request = decide
        heartbeat = remoting.heartbeat_body("heir", "deciders")
        deadline = time.time() + 60
        found = []
        while not found and time.time() < deadline:
            self.assertEqual(connection.call(remoting.HEARTBEAT, {}, heartbeat)[0], 0)
            time.sleep(0.05)
            code, _fields, body, _remark = connection.call(remoting.PULL, remoting.pull_fields("cut", "g", 0, 0))
            found = [record.payload for record in remoting.messages(body)] if code == 0 else []
        self.assertEqual(found, [b"half"])
        self.assertEqual(set(asked), {remoting.CHECK_TRANSACTION})
        self.assertEqual(connection.call(remoting.SEND_BATCH, fields, remoting.batch_body(members))[0], 0)
        body = connection.call(remoting.PULL, remoting.pull_fields("cut", "g", 0, 0))[2]
        self.assertEqual([r.payload for r in remoting.messages(body)], [b"half"] + [m[0] for m in members])
        self.assertEqual(broker.stop(), 0)

    def test_configuration_mistakes_are_explained(self):
        unknown = self.run_oncemq("serve", "--data", self.data, "--set", "flushDiskTyp=SYNC_FLUSH")
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn("flushDiskType", unknown.stderr)
        bad = self.run_oncemq("serve", "--data", self.data, "--set", "listenPort=99999")
        self.assertNotEqual(bad.returncode, 0)
        self.assertIn("listenPort", bad.stderr)
        conf = os.path.join(self.folder, "broker.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write("# a comment\nbrokerName = b-1\nflushDiskType=SYNC_FLUSH\n")
        checked = self.run_oncemq("serve", "-c", conf, "--check-config")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        printed = self.run_oncemq("serve", "-c", conf, "--print-config")
        self.assertIn("flushDiskType=SYNC_FLUSH", printed.stdout.replace(" ", ""))

    def test_a_port_in_use_is_named(self):
        broker = self.broker()
        other = self.run_oncemq("serve", "--data", self.data + "2", "--set", f"listenPort={broker.port}",
                                "--set", f"namesrvListenPort={free_port()}", "--set", "httpListenPort=0")
        self.assertNotEqual(other.returncode, 0)
        self.assertIn(str(broker.port), other.stderr)


if __name__ == "__main__":
    unittest.main()
