"""`oncemq outbox` end to end: a real broker, a SQLite file and a real PostgreSQL. Environment: ONCEMQ, the program."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import places  # noqa: E402
from places import ONCEMQ, Postgresql, Relay, Sqlite, insert, outbox, read_topic, status, wait_until  # noqa: E402

SECRET = "geheim"


class OutboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="outbox-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.broker = places.make_broker(ONCEMQ, os.path.join(cls.folder, "data"), autoCreateTopicEnable="false")
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()
        cls.topics = 0

    def topic(self):
        """A name that no other test has."""
        type(self).topics += 1
        return f"topic{self.topics}"

    def does(self, *words):
        done = outbox(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def refused(self, code, pattern, *words, **more):
        done = outbox(*words, **more)
        self.assertEqual(done.returncode, code, done)
        self.assertRegex(done.stderr, pattern)
        return done.stderr

    def once(self, *words, url=None):
        """One run over what waits."""
        return outbox("run", "--source", url or self.database.url, "--namesrv", f"127.0.0.1:{self.broker.namesrv_port}",
                      "--once", *words)

    def relay(self, *words, port=None):
        log = os.path.join(tempfile.mkdtemp(dir=self.folder), "relay.log")
        relay = Relay(self.database.url, port or self.broker.namesrv_port, log, *words)
        self.addCleanup(lambda: relay.process.poll() is None and relay.kill())
        return relay

    def bodies(self, topic):
        return sorted(record.payload for record in read_topic(self.broker.port, topic))

    def wait_published(self, count=0):
        wait_until(lambda: status(self.database.url)["waiting"] == count, lambda: status(self.database.url))


class Story:
    """What both databases have to do; `database`."""

    def test_init_makes_the_table_and_keeps_what_is_there(self):
        self.refused(1, "'oncemq outbox init' makes it", "status", self.database.url)
        self.refused(1, "'oncemq outbox init' makes it", "run", "--source", self.database.url)
        self.does("init", self.database.url)
        insert(self.database, {"topic": "t"})
        name = status(self.database.url)["name"]
        self.does("init", self.database.url)
        told = status(self.database.url)
        self.assertEqual((told["waiting"], told["name"], told["holder"]), (1, name, ""))
        self.assertGreaterEqual(told["oldestMs"], 0)
        self.assertRegex(self.does("status", self.database.url), r"waiting +1\n")

    def test_what_init_prints_makes_the_same_table(self):
        for statement in self.does("init", self.database.url, "--print").split(";\n")[:-1]:
            self.database.run(statement)
        told = status(self.database.url)
        self.assertEqual(len(told["name"]), 32)
        self.assertEqual(told["waiting"], 0)

    def test_a_row_is_a_message(self):
        topic = self.topic()
        self.does("init", self.database.url)
        everything = bytes(range(256)) * 20
        insert(self.database,
               {"topic": topic, "aggregate": "o'1", "tag": "new", "message_keys": "k1 k2", "body": everything,
                "properties": '{"who": "J\u00f6rg", "count": 3, "good": true}'},
               {"topic": topic, "body": b"plain"})
        done = self.once()
        self.assertEqual(done.returncode, 0, done)
        name = status(self.database.url)["name"]
        found = {record.payload: record.properties for record in read_topic(self.broker.port, topic)}
        self.assertEqual(set(found), {everything, b"plain"})
        full = found[everything]
        self.assertEqual((full["TAGS"], full["KEYS"], full["who"], full["count"], full["good"], full["OUTBOX_ID"]),
                         ("new", "k1 k2", "J\u00f6rg", "3", "true", name + ":1"))
        self.assertEqual(found[b"plain"]["OUTBOX_ID"], name + ":2")
        self.assertNotIn("KEYS", found[b"plain"])
        told = status(self.database.url)
        self.assertEqual((told["waiting"], told["published"]), (0, 2))
        self.assertEqual(self.database.run("SELECT count(*) FROM oncemq_outbox"), "0\n")

    def test_rows_of_an_aggregate_are_in_one_queue_in_their_order(self):
        topic = self.topic()
        self.does("init", self.database.url)
        rows = [(f"a{n % 7}", n) for n in range(350)]
        insert(self.database, *({"topic": topic, "aggregate": one, "body": f"{one}:{n}".encode()} for one, n in rows))
        self.assertEqual(self.once("--batch", "33").returncode, 0)
        queues = {}
        for record in read_topic(self.broker.port, topic):
            one, n = record.payload.decode().split(":")
            queues.setdefault((one, record.queue), []).append(int(n))
        self.assertEqual({one: numbers for (one, _queue), numbers in queues.items()},
                         {f"a{k}": list(range(k, 350, 7)) for k in range(7)})
        self.assertEqual(len(queues), 7)
        self.assertGreater(len({queue for _one, queue in queues}), 1)

    def test_rows_can_be_kept(self):
        topic = self.topic()
        self.does("init", self.database.url)
        insert(self.database, {"topic": topic}, {"topic": topic})
        self.assertEqual(self.once("--keep").returncode, 0)
        self.assertEqual(self.database.run("SELECT count(*) FROM oncemq_outbox WHERE published_at_ms > created_at_ms - 1"),
                         "2\n")
        self.assertEqual(self.once("--keep").returncode, 0)
        self.assertEqual(len(self.bodies(topic)), 2)
        self.assertEqual(status(self.database.url)["published"], 2)

    def publishes_without_settling(self, topic):
        """A relay that dies, again and again, between the broker's answer and its own commit."""
        self.does("init", self.database.url)
        insert(self.database, {"topic": topic, "aggregate": "a", "body": b"1"},
               {"topic": topic, "aggregate": "a", "body": b"2"}, {"topic": topic, "body": b"3"})
        for statement in self.database.no_delete:
            self.database.run(statement)
        relay = self.relay()
        relay.says("held on purpose", 3)
        relay.kill()
        for statement in self.database.free_delete:
            self.database.run(statement)
        self.assertEqual(status(self.database.url)["waiting"], 3)
        relay = self.relay()
        self.wait_published()
        self.assertEqual(relay.end(), 0)
        return self.bodies(topic)

    def test_what_was_published_but_not_settled_has_one_copy(self):
        self.assertEqual(self.publishes_without_settling(self.topic()), [b"1", b"2", b"3"])

    def test_on_an_ordinary_topic_it_has_several(self):
        topic = self.topic()
        subprocess.run([ONCEMQ, "topic", "create", topic, "-n", f"127.0.0.1:{self.broker.namesrv_port}"], check=True)
        bodies = self.publishes_without_settling(topic)
        self.assertEqual(set(bodies), {b"1", b"2", b"3"})
        self.assertGreaterEqual(len(bodies), 12)  # three rounds, and the last one
        insert(self.database, {"topic": topic})
        self.assertIn(f"oncemq topic update {topic} --attributes +idempotent.key=property:OUTBOX_ID", self.once().stderr)

    def test_a_row_that_cannot_be_sent_is_parked_and_holds_up_its_aggregate_alone(self):
        topic = self.topic()
        self.does("init", self.database.url)
        insert(self.database,
               {"topic": "no such name", "aggregate": "a", "body": b"1"},
               {"topic": topic, "aggregate": "b", "body": b"2", "properties": "{"},
               {"topic": topic, "aggregate": "b", "body": b"3"},
               {"topic": topic, "aggregate": "c", "body": b"4" * 1001},
               {"topic": topic, "body": b""},
               {"topic": topic, "aggregate": "d", "body": b"6", "properties": '{"OUTBOX_ID": "mine"}'},
               {"topic": "missing" + topic, "aggregate": "e", "body": b"7"},
               {"topic": topic, "aggregate": "e", "body": b"8"})
        done = self.once("--body-max", "1000", "--no-create", "--attempts", "1")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.bodies(topic), [])  # nobody made it
        self.assertEqual(status(self.database.url)["parked"], 7)
        self.does("retry", self.database.url, "--all")
        done = self.once("--body-max", "1000", "--attempts", "1")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.bodies(topic), [b"8"])
        told = status(self.database.url)
        self.assertEqual((told["waiting"], told["parked"]), (6, 5))
        reasons = {one["row"]: one["reason"] for one in told["troubles"]}
        for row, words in (("1", "no such name"), ("2", "no JSON"), ("4", "1001 bytes, at most 1000"),
                           ("5", "body is empty"), ("6", "'OUTBOX_ID' is the relay's")):
            self.assertIn(words, reasons[row])
        self.assertIn("parked", self.does("status", self.database.url))
        # Mended, given up, and passed.
        self.database.run("UPDATE oncemq_outbox SET properties = NULL WHERE id = 2")
        self.assertEqual(self.does("retry", self.database.url, "2"), "1 parked rows are tried again\n")
        self.assertEqual(outbox("retry", self.database.url, "2").returncode, 1)
        self.database.run("DELETE FROM oncemq_outbox WHERE id = 6")
        insert(self.database, {"topic": topic, "aggregate": "c", "body": b"9"},
               {"topic": topic, "aggregate": "d", "body": b"0"})
        self.assertEqual(self.once().returncode, 0)
        self.assertEqual(self.bodies(topic), [b"0", b"2", b"3", b"8"])
        self.assertEqual(self.once("--pass").returncode, 0)
        self.assertEqual(self.bodies(topic), [b"0", b"2", b"3", b"8", b"9"])
        self.assertEqual(status(self.database.url)["parked"], 3)

    def test_a_broker_that_refuses_is_asked_again_before_a_row_is_parked(self):
        topic = self.topic()
        self.does("init", self.database.url)
        insert(self.database, {"topic": topic, "aggregate": "a", "body": b"1"},
               {"topic": topic, "aggregate": "a", "body": b"2"})
        self.assertEqual(self.once("--no-create").returncode, 1)
        told = status(self.database.url)
        self.assertEqual((told["refused"], told["parked"], told["troubles"][0]["attempts"]), (1, 0, 1))
        relay = self.relay("--no-create", "--attempts", "2")
        wait_until(lambda: status(self.database.url)["parked"] == 1, relay.log)
        self.assertEqual(relay.end(), 0)
        self.does("retry", self.database.url, "1")
        self.assertEqual(self.once().returncode, 0)
        self.assertEqual(self.bodies(topic), [b"1", b"2"])

    def test_one_of_two_relays_works_and_the_other_takes_over(self):
        topic = self.topic()
        self.does("init", self.database.url)
        first = self.relay()
        holder = wait_until(lambda: status(self.database.url)["holder"], first.log)
        second = self.relay()
        second.says("another relay works")
        insert(self.database, {"topic": topic, "body": b"1"})
        self.wait_published()
        self.assertEqual(status(self.database.url)["holder"], holder)
        first.kill()
        insert(self.database, {"topic": topic, "body": b"2"})
        self.wait_published()
        second.says("the other relay ended")
        self.assertNotEqual(status(self.database.url)["holder"], holder)
        self.assertEqual(self.bodies(topic), [b"1", b"2"])
        self.assertEqual(second.end(), 0)
        self.assertEqual(status(self.database.url)["holder"], "")

    def test_a_broker_that_is_away_is_waited_for(self):
        self.does("init", self.database.url)
        insert(self.database, {"topic": "late", "aggregate": "a", "body": b"1"},
               {"topic": "late", "aggregate": "a", "body": b"2"})
        broker = places.make_broker(ONCEMQ, os.path.join(tempfile.mkdtemp(dir=self.folder), "data"))
        self.addCleanup(broker.close)
        done = outbox("run", "--source", self.database.url, "--namesrv", f"127.0.0.1:{broker.namesrv_port}", "--once")
        self.assertEqual(done.returncode, 1, done)
        relay = self.relay(port=broker.namesrv_port)
        relay.says("topic late waits", 2)
        broker.start()
        self.wait_published()
        broker.kill()
        insert(self.database, {"topic": "late", "aggregate": "a", "body": b"3"})
        relay.says("topic late waits", relay.log().count("topic late waits") + 2)
        broker.start()
        self.wait_published()
        self.assertEqual(relay.end(), 0)
        self.assertEqual([record.payload for record in read_topic(broker.port, "late")], [b"1", b"2", b"3"])

    def test_a_newer_schema_is_refused(self):
        self.does("init", self.database.url)
        self.database.run("UPDATE oncemq_outbox_relay SET version = 2")
        for words in (("init", self.database.url), ("status", self.database.url), ("run", "--source", self.database.url),
                      ("retry", self.database.url, "--all")):
            self.refused(1, "has version 2 of the schema, this program knows 1", *words)


class SqliteTest(Story, OutboxTest):
    def setUp(self):
        self.database = Sqlite(tempfile.mkdtemp(dir=self.folder))

    def test_only_init_makes_a_file(self):
        for words in (("status",), ("run", "--source"), ("retry", "--all")):
            self.refused(1, "there is no file", *words, self.database.url)
        self.assertFalse(os.path.exists(self.database.path))


class PostgresqlTest(Story, OutboxTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = Postgresql()
        cls.addClassCleanup(cls.database.close)

    def setUp(self):
        self.database.fresh()

    def test_a_smaller_id_that_is_committed_later_is_published(self):
        topic = self.topic()
        self.does("init", self.database.url)
        relay = self.relay()
        with subprocess.Popen(self.database.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              cwd=self.database.server.folder) as slow:
            slow.stdin.write("BEGIN; INSERT INTO oncemq_outbox (topic, body) VALUES "
                             f"('{topic}', 'slow') RETURNING id;\n")
            slow.stdin.flush()
            self.assertEqual(slow.stdout.readline(), "1\n")
            insert(self.database, {"topic": topic, "body": b"quick"})
            wait_until(lambda: self.bodies(topic) == [b"quick"], relay.log)
            slow.stdin.write("COMMIT;\n")
            slow.stdin.close()
        wait_until(lambda: self.bodies(topic) == [b"quick", b"slow"], relay.log)
        self.assertEqual(relay.end(), 0)

    def test_a_row_that_is_rolled_back_is_never_seen(self):
        topic = self.topic()
        self.does("init", self.database.url)
        self.database.run(f"BEGIN; INSERT INTO oncemq_outbox (topic, body) VALUES ('{topic}', 'no'); ROLLBACK; "
                          f"INSERT INTO oncemq_outbox (topic, body) VALUES ('{topic}', 'yes')")
        self.assertEqual(self.once().returncode, 0)
        self.assertEqual(self.bodies(topic), [b"yes"])

    def test_a_database_that_is_away_is_waited_for(self):
        topic = self.topic()
        self.does("init", self.database.url)
        relay = self.relay()
        insert(self.database, {"topic": topic, "aggregate": "a", "body": b"1"})
        self.wait_published()
        self.database.server.kill()
        relay.says("the database: ", 2)
        self.database.server.start()
        insert(self.database, {"topic": topic, "aggregate": "a", "body": b"2"})
        self.wait_published()
        relay.says("the database is there again")
        self.assertEqual(relay.end(), 0)
        self.assertEqual(self.bodies(topic), [b"1", b"2"])

    def test_no_password_is_repeated(self):
        url = f"postgresql://u:{SECRET}@127.0.0.1:1/d"
        for words in (("init", url), ("status", url), ("retry", url, "--all"), ("run", "--once", "--source", url)):
            self.assertNotIn(SECRET, self.refused(1, "Is the server running", *words))


class ProgramTest(OutboxTest):
    def test_a_command_line_that_is_wrong(self):
        for words, pattern in (((), "subcommand is required"), (("status",), "url is required"),
                               (("run",), "--source is required"),
                               (("statsu", "sqlite:x"), "did you mean 'status'"),
                               (("run", "--source", "sqlite:x", "--batch", "0"), "--batch"),
                               (("run", "--source", "sqlite:x", "--lease", "10"), "--lease"),
                               (("init", "sqlite:x", "--table", "a-b"), "a table's name"),
                               (("retry", "sqlite:x"), "which rows"),
                               (("retry", "sqlite:x", "1", "--all"), "excludes"),
                               (("status", f"mysql2://u:{SECRET}@h/d"), "a database is named by"),
                               (("init", "sqlite:", "--print"), "needs a path")):
            self.assertNotIn(SECRET, self.refused(2, pattern, *words))
        self.refused(1, "is not HOST:PORT", "run", "--source", "sqlite:x", "--namesrv", "nowhere")

    def test_the_second_program_is_found_or_named(self):
        program = shutil.copy(ONCEMQ, self.folder)
        self.addCleanup(os.remove, program)
        self.refused(1, "install the Debian package oncemq-outbox", "status", "sqlite:x", program=program)
        self.assertEqual(outbox("run", "--help", program=program).returncode, 0)


if __name__ == "__main__":
    unittest.main()
