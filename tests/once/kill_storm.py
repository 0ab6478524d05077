#!/usr/bin/env python3
"""Kills consumer, broker and database at random, while messages come twice, and counts effects.

A producer sends every key one to three times, as messages of their own, and sends again what has no answer. Two
consumers (teller_main.cc) book each key once with once::Sql. When all kills are done and everything is consumed, there
must be one booking for each key, and the account must hold as many. With --apart the consumers are broken on purpose
(the effect is written behind the record's commit): then the storm has to find something, or it shows nothing.

Usage: kill_storm.py ONCEMQ TELLER [--engine sqlite|postgresql] [--kills N] [--apart] [--seed S] [--keep]
Ends with 'summary: ...' and exit code 0, or names what is wrong, the seed and the folder that it kept.
"""
import argparse
import collections
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402
from postgres import Postgres  # noqa: E402

TOPIC = "payments"
GROUP = "bank"
QUEUES = 4
TELLERS = 2
WINDOW = 16
PAUSE_S = 0.02         # between two windows: some hundred keys a second
LIMIT_S = 240          # until everything is consumed
QUIET_S = 2.5          # what waits for another try waits one second
TABLES = ["CREATE TABLE booked (message_key VARCHAR(255))", "CREATE TABLE account (balance BIGINT)",
          "INSERT INTO account VALUES (0)"]


class SqliteBank:
    """A file. Nothing of it runs, so there is nothing to kill."""

    can_be_killed = False

    def __init__(self, folder):
        self.path = os.path.join(folder, "bank.db")
        self.url = "sqlite:" + self.path
        with sqlite3.connect(self.path) as database:
            for statement in TABLES:
                database.execute(statement)

    def value(self, query):
        database = sqlite3.connect(self.path, timeout=60)
        try:
            return int(database.execute(query).fetchone()[0])
        finally:
            database.close()

    def close(self):
        pass


class PostgresBank:
    can_be_killed = True

    def __init__(self, _folder):
        self.server = Postgres()
        self.server.start()
        self.url = self.server.url
        for statement in TABLES:
            self.server.run(statement)

    def value(self, query):
        return int(self.server.run(query))

    def restart(self):
        self.server.kill()
        self.server.start()

    def close(self):
        self.server.close()


class Producer(threading.Thread):
    """Sends until it is told to stop, and then until everything has an answer."""

    def __init__(self, port, seed):
        super().__init__()
        self.port = port
        self.rng = random.Random(seed)
        self.stopping = threading.Event()
        self.keys = 0
        self.sent = 0
        self.failure = None

    def run(self):
        try:
            todo = collections.deque()
            while not self.stopping.is_set() or todo:
                while not self.stopping.is_set() and len(todo) < WINDOW:
                    todo.extend([f"p{self.keys}"] * self.rng.choice((1, 1, 2, 3)))
                    self.keys += 1
                self.send(todo)
                time.sleep(PAUSE_S)
        except Exception as failure:  # the storm tells
            self.failure = failure

    def send(self, todo):
        """What has no answer when the connection ends stays in the list: it may be there already."""
        flying = {}
        connection = None
        try:
            connection = remoting.Connection(self.port)
            while todo:
                for _ in range(min(WINDOW, len(todo))):
                    key = todo.popleft()
                    self.sent += 1
                    fields = remoting.send_fields(TOPIC, self.rng.randrange(QUEUES), key, QUEUES)
                    fields["i"] = remoting.properties_text({"KEYS": key, "UNIQ_KEY": f"{key}-{self.sent}"})
                    opaque, frame = connection.request(remoting.SEND, fields, key.encode())
                    flying[opaque] = key
                    connection.write(frame)
                while flying:
                    opaque, code, _fields, _body, remark = connection.read()
                    if code not in (0, 10):
                        if code != 2:
                            raise RuntimeError(f"a send was refused: {code} {remark}")
                        todo.append(flying[opaque])
                    del flying[opaque]
        except (OSError, remoting.Gone):
            todo.extend(flying.values())
        finally:
            if connection:
                connection.close()


class Storm:
    def __init__(self, options, folder):
        self.options = options
        self.rng = random.Random(options.seed)
        self.bank = (PostgresBank if options.engine == "postgresql" else SqliteBank)(folder)
        self.broker = Broker(options.oncemq, os.path.join(folder, "data"))
        self.tellers = []
        self.log = open(os.path.join(folder, "tellers.log"), "ab")
        self.kills = collections.Counter()

    def hire(self):
        return subprocess.Popen(
            [self.options.teller, f"127.0.0.1:{self.broker.namesrv_port}", GROUP, TOPIC, self.bank.url,
             "apart" if self.options.apart else "together"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.log)

    def kill_one(self):
        what = self.rng.random()
        if what < 0.2 and self.bank.can_be_killed:
            self.bank.restart()
            self.kills["database"] += 1
        elif what < 0.4:
            self.broker.kill()
            self.broker.start()
            self.kills["broker"] += 1
        else:
            which = self.rng.randrange(TELLERS)
            self.tellers[which].kill()
            self.tellers[which].wait()
            self.tellers[which] = self.hire()
            self.kills["consumer"] += 1

    def behind(self):
        """Messages that the group has not consumed, also of those that wait for another try."""
        total = 0
        connection = remoting.Connection(self.broker.port)
        try:
            for topic, queues in ((TOPIC, QUEUES), ("%RETRY%" + GROUP, 1)):
                for queue in range(queues):
                    where = {"topic": topic, "queueId": queue}
                    code, fields, _body, _remark = connection.call(remoting.MAX_OFFSET, where)
                    end = int(fields["offset"]) if code == 0 else 0
                    code, fields, _body, _remark = connection.call(remoting.QUERY_OFFSET,
                                                                   {"consumerGroup": GROUP, **where})
                    total += end - (int(fields["offset"]) if code == 0 else 0)
        finally:
            connection.close()
        return total

    def drain(self):
        deadline = time.monotonic() + LIMIT_S
        quiet_since = None
        while True:
            for teller in self.tellers:
                if teller.poll() is not None:
                    raise RuntimeError(f"a consumer ended by itself with {teller.returncode}")
            rest = self.behind()
            now = time.monotonic()
            quiet_since = None if rest else quiet_since or now
            if quiet_since and now - quiet_since > QUIET_S:
                return
            if now > deadline:
                raise RuntimeError(f"{rest} messages are not consumed after {LIMIT_S} s")
            time.sleep(0.2)

    def run(self):
        self.broker.start()
        self.tellers = [self.hire() for _ in range(TELLERS)]
        producer = Producer(self.broker.port, self.rng.random())
        producer.start()
        try:
            for _ in range(self.options.kills):
                time.sleep(self.rng.uniform(0.1, 1.0))
                self.kill_one()
        finally:
            producer.stopping.set()
            producer.join()
        if producer.failure:
            raise producer.failure
        self.drain()
        bookings = self.bank.value("SELECT count(*) FROM booked")
        keys = self.bank.value("SELECT count(DISTINCT message_key) FROM booked")
        balance = self.bank.value("SELECT balance FROM account")
        print(f"{producer.keys} keys in {producer.sent} sends; {bookings} bookings of {keys} keys, balance {balance}; "
              f"killed: {dict(self.kills)}", flush=True)
        return producer.keys == bookings == keys == balance

    def close(self):
        for teller in self.tellers:
            teller.kill()
            teller.wait()
        self.broker.close()
        self.bank.close()
        self.log.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("teller")
    parser.add_argument("--engine", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="once-storm-")
    good = False
    try:
        storm = Storm(options, folder)
        try:
            good = storm.run() != options.apart
        finally:
            storm.close()
    finally:
        if good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"seed {options.seed}, kept: {folder}", file=sys.stderr)
    if not good:
        print("FAILED: " + ("effects apart from their record were not noticed" if options.apart
                            else "effects and keys differ"))
        return 1
    print(f"summary: {options.engine}, {options.kills} kills, " +
          ("broken consumers were noticed" if options.apart else "one effect for each key"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
