#!/usr/bin/env python3
"""What open transactions cost: memory for each, CPU of waiting and of a check, time of a restart.

Usage: open_transactions.py ONCEMQ [--count N] [--folder DIR]
Sends N (1,000,000) half messages of 100 bytes that nobody decides, then lets them wait without a client, answers
checks with "unknown" for a while, commits some, and restarts the broker after an orderly stop and after kill -9.
"""
import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

TOPIC = "open_transactions"
GROUP = "open_producers"
WINDOW = 500
WAIT_S = 10
UNKNOWN = 0


def cpu_s(broker):
    with open(f"/proc/{broker.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_bytes(broker):
    with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("RssAnon"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no RssAnon")


def send_halves(broker, begin, end):
    connection = remoting.Connection(broker.port, timeout=60)
    body = b"x" * 100
    for first in range(begin, end, WINDOW):
        batch = b""
        count = min(WINDOW, end - first)
        for number in range(first, first + count):
            batch += connection.request(remoting.SEND,
                                        remoting.half_fields(TOPIC, number % 4, f"o{number}", GROUP), body)[1]
        connection.write(batch)
        for _ in range(count):
            answer = connection.read()
            if answer[1] != 0:
                raise RuntimeError(f"refused: {answer[1]} {answer[4]}")
    connection.close()


class Responder(threading.Thread):
    """Answers each check with `verdict`, as one client of the group."""

    def __init__(self, broker, verdict):
        super().__init__()
        self.connection = remoting.Connection(broker.port, timeout=0.5)
        self.connection.on_request = self.decide
        self.verdict = verdict
        self.checks = 0
        self.done = threading.Event()

    def decide(self, code, fields, _body):
        if code != remoting.CHECK_TRANSACTION:
            return
        self.checks += 1
        self.connection.one_way(remoting.END_TRANSACTION, remoting.end_fields(
            GROUP, fields["msgId"], fields["tranStateTableOffset"], fields["commitLogOffset"], self.verdict,
            from_check=True))

    def run(self):
        self.connection.write(self.connection.request(
            remoting.HEARTBEAT, {}, remoting.heartbeat_body(f"responder-{random.random()}", GROUP))[1])
        while not self.done.is_set():
            try:
                self.connection.read()
            except remoting.Gone as gone:
                if "timed out" not in str(gone):
                    raise

    def finish(self):
        self.done.set()
        self.join()
        self.connection.close()


def answered(broker, verdict, seconds):
    """CPU seconds of the broker for 100,000 checks and their answers."""
    responder = Responder(broker, verdict)
    before = cpu_s(broker)
    responder.start()
    time.sleep(seconds)
    spent = cpu_s(broker) - before
    checks = responder.checks
    responder.finish()
    return checks, spent / max(1, checks) * 100_000


def waiting(broker):
    before = cpu_s(broker)
    time.sleep(WAIT_S)
    return (cpu_s(broker) - before) / WAIT_S * 100


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--folder")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="oncemq-open-", dir=options.folder)
    data = os.path.join(folder, "data")
    os.mkdir(data)
    broker = Broker(options.oncemq, data, transactionTimeOut=1000, transactionCheckInterval=3_600_000,
                    transactionCheckMax=200)
    try:
        empty_ms = broker.start()
        send_halves(broker, 0, 10_000)
        time.sleep(3)
        print(f"waiting, 10,000 open, no client: {waiting(broker):.2f} % of a processor")
        memory = private_bytes(broker)
        send_halves(broker, 10_000, options.count)
        # Each has been read once and waits for a client when the queue of due ones is complete.
        time.sleep(5)
        while waiting(broker) > 20:
            pass
        more = private_bytes(broker) - memory
        print(f"memory: {more / (options.count - 10_000):.1f} bytes for each open transaction")
        print(f"waiting, {options.count:,} open, no client: {waiting(broker):.2f} % of a processor")
        checks, each = answered(broker, UNKNOWN, 20)
        print(f"{checks} checks answered 'unknown': {each:.2f} CPU seconds for 100,000")
        checks, each = answered(broker, remoting.COMMIT, 10)
        if checks:  # the first phase leaves some only when there are many
            print(f"{checks} checks answered 'commit': {each:.2f} CPU seconds for 100,000")
        time.sleep(12)  # the index has been saved
        broker.kill()
        killed_ms = broker.start()
        before = cpu_s(broker)
        time.sleep(WAIT_S)
        print(f"open ones read again after the start: {cpu_s(broker) - before:.2f} CPU seconds")
        broker.stop(60)
        stopped_ms = broker.start()
        with open(broker.log.name, encoding="utf-8", errors="replace") as log:
            for line in log:
                if "transactions: half messages" in line:
                    print("log: " + line.split("transactions: ", 1)[1].strip())
        print(f"ready: {empty_ms} ms empty, {killed_ms} ms after kill -9, {stopped_ms} ms after a stop")
        broker.stop(60)
    finally:
        broker.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
