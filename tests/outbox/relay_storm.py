#!/usr/bin/env python3
"""Kills relays, broker and database at random, while transactions write rows, and compares topics with what was committed.

Writers insert rows for aggregates of their own, and note in the same transaction what they wrote; some transactions roll
back. Two relays run at the same time. When all kills are done and no row waits any more, there must be one message for
each committed row and none for another, and those of an aggregate must stand in one queue in their order. (That copies
would be found is shown by test_relay.py, on a topic that does not know its rows.)

Usage: relay_storm.py ONCEMQ [--engine sqlite|postgresql] [--kills N] [--seed S] [--keep]
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
sys.path.insert(0, HERE)
import places  # noqa: E402

TOPIC = "booked"
WRITERS = 3
AGGREGATES = 4         # of each writer
RELAYS = 2
ROLLED_BACK = 0.2      # of the transactions
PAUSE_S = 0.01         # between two transactions
LIMIT_S = 240          # until no row waits


class SqliteWriting:
    def __init__(self, database):
        self.connection = sqlite3.connect(database.path, timeout=60, isolation_level=None)

    def run(self, statements):
        for statement in statements:
            self.connection.execute(statement)

    def close(self):
        self.connection.close()


class PostgresqlWriting:
    def __init__(self, database):
        self.process = subprocess.Popen([*database.psql(), "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, cwd=database.server.folder)

    def run(self, statements):
        try:
            self.process.stdin.write("; ".join(statements) + "; SELECT 'done';\n")
            self.process.stdin.flush()
        except OSError as error:
            raise ConnectionError from error
        if self.process.stdout.readline() != "done\n":
            raise ConnectionError

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:  # what was not written yet; psql ended with its server
            pass
        self.process.stdout.close()
        self.process.wait()


class Writer(threading.Thread):
    """One transaction after the other. What is in doubt is told by the table `wrote`; numbers are not used again."""

    def __init__(self, database, name, seed):
        super().__init__()
        self.database = database
        self.name = name
        self.rng = random.Random(seed)
        self.stopping = threading.Event()
        self.number = 0
        self.failure = None

    def transaction(self):
        statements = ["BEGIN IMMEDIATE" if isinstance(self.database, places.Sqlite) else "BEGIN"]
        for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
            self.number += 1
            aggregate = f"{self.name}-{self.rng.randrange(AGGREGATES)}"
            body = f"{aggregate}:{self.number}"
            statements.append(f"INSERT INTO oncemq_outbox (topic, aggregate, body) VALUES ('{TOPIC}', '{aggregate}', "
                              f"{self.database.bytes(body.encode())})")
            statements.append(f"INSERT INTO wrote VALUES ('{body}')")
        statements.append("ROLLBACK" if self.rng.random() < ROLLED_BACK else "COMMIT")
        return statements

    def run(self):
        kind = SqliteWriting if isinstance(self.database, places.Sqlite) else PostgresqlWriting
        connection = None
        try:
            while not self.stopping.is_set():
                try:
                    connection = connection or kind(self.database)
                    connection.run(self.transaction())
                except ConnectionError:
                    connection.close()
                    connection = None
                time.sleep(PAUSE_S)
        except Exception as failure:  # the storm tells
            self.failure = failure
        finally:
            if connection:
                connection.close()


class Storm:
    def __init__(self, options, folder):
        self.options = options
        self.rng = random.Random(options.seed)
        self.folder = folder
        self.database = places.Postgresql() if options.engine == "postgresql" else places.Sqlite(folder)
        self.broker = places.make_broker(options.oncemq, os.path.join(folder, "data"))
        self.relays = []
        self.kills = collections.Counter()

    def relay(self):
        return places.Relay(self.database.url, self.broker.namesrv_port, os.path.join(self.folder, "relays.log"),
                            "--batch", "20", program=self.options.oncemq)

    def kill_one(self):
        what = self.rng.random()
        if what < 0.15 and self.database.can_be_killed:
            self.database.restart()
            self.kills["database"] += 1
        elif what < 0.3:
            self.broker.kill()
            self.broker.start()
            self.kills["broker"] += 1
        else:
            which = self.rng.randrange(RELAYS)
            self.relays[which].kill()
            self.relays[which] = self.relay()
            self.kills["relay"] += 1

    def drain(self):
        def is_empty():
            for relay in self.relays:
                if relay.process.poll() is not None:
                    raise RuntimeError(f"a relay ended by itself with {relay.process.returncode}")
            return places.status(self.database.url)["waiting"] == 0
        places.wait_until(is_empty, lambda: places.status(self.database.url), LIMIT_S)
        for relay in self.relays:
            if relay.end() != 0:
                raise RuntimeError("a relay did not end well")

    def run(self):
        self.broker.start()
        made = places.outbox("init", self.database.url, program=self.options.oncemq)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        self.database.run("CREATE TABLE wrote (body VARCHAR(100) PRIMARY KEY)")
        self.relays = [self.relay() for _ in range(RELAYS)]
        writers = [Writer(self.database, f"w{n}", self.rng.random()) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(self.options.kills):
                time.sleep(self.rng.uniform(0.1, 1.2))
                self.kill_one()
        finally:
            for writer in writers:
                writer.stopping.set()
            for writer in writers:
                writer.join()
        for writer in writers:
            if writer.failure:
                raise writer.failure
        self.drain()
        return self.compare()

    def compare(self):
        committed = set(self.database.run("SELECT body FROM wrote").split())
        records = places.read_topic(self.broker.port, TOPIC)
        copies = collections.Counter(record.payload.decode() for record in records)
        queues = collections.defaultdict(set)
        last = {}
        out_of_order = 0
        for record in records:
            aggregate, number = record.payload.decode().split(":")
            queues[aggregate].add(record.queue)
            out_of_order += int(number) <= last.get(aggregate, 0)
            last[aggregate] = int(number)
        wrong = {"missing": len(committed - set(copies)), "never committed": len(set(copies) - committed),
                 "copies": sum(copies.values()) - len(copies), "out of order": out_of_order,
                 "aggregates in several queues": sum(len(one) > 1 for one in queues.values())}
        print(f"{len(committed)} committed rows, {len(records)} messages; {wrong}; killed: {dict(self.kills)}", flush=True)
        return committed and not any(wrong.values())

    def close(self):
        for relay in self.relays:
            if relay.process.poll() is None:
                relay.kill()
        self.broker.close()
        self.database.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--engine", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="outbox-storm-")
    good = False
    try:
        storm = Storm(options, folder)
        try:
            good = storm.run()
        finally:
            storm.close()
    finally:
        if good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"seed {options.seed}, kept: {folder}", file=sys.stderr)
    if not good:
        print("FAILED: messages and committed rows differ")
        return 1
    print(f"summary: {options.engine}, {options.kills} kills, one message for each committed row, in order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
