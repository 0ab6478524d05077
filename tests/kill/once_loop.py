#!/usr/bin/env python3
"""Kills the broker under producers that send everything again, and looks for what was stored twice.

Producers share their keys: the same message is sent by several of them, again when its connection ended before the
answer, and now and then although it was acknowledged. The topic is idempotent. Each round ends with kill -9 or
SIGTERM, sometimes the remembered keys are deleted between the two lives. At the end every message that has no answer is
sent until it has one; then each must be stored once, at the place that every answer named.

Usage: once_loop.py ONCEMQ [--rounds N] [--flush ASYNC_FLUSH|SYNC_FLUSH] [--seed S] [--keep]
Ends with 'summary: ...' and exit code 0, or names the violation, the seed and the folder that it kept.
"""
import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "checkers")]
import checks  # noqa: E402
import history  # noqa: E402
import remoting  # noqa: E402
from broker import Broker  # noqa: E402
from kill_loop import QUEUES, TOPIC, digest_of, payload_of, read_all  # noqa: E402

PRODUCERS = 3
WINDOW = 32
KEYS_MAX = 80_000  # a partition for each 4,000 keys: several of them in a run
NEW_MAX = KEYS_MAX // 2  # what is older than the last KEYS_MAX may be forgotten, however fast this machine is
BUSY = 2
LIMIT_S = 120  # for the answers at the end


class Keys:
    """What the producers have in common."""

    def __init__(self, seed, notes):
        self.seed = seed
        self.notes = notes
        self.lock = threading.Lock()
        self.sizes = []                                   # of the body, by key
        self.places = collections.defaultdict(set)        # (queue, offset) of every answer, by key
        self.unanswered = set()
        self.duplicates = 0
        self.refused = 0

    @staticmethod
    def name(number):
        return f"k{number}"

    def body(self, number):
        return payload_of(self.name(number), self.sizes[number])

    def choose(self, rng):
        """A new key, one that somebody else may be sending right now, or an old one."""
        with self.lock:
            what = rng.random()
            if not self.sizes or (what < 0.6 and len(self.sizes) < NEW_MAX):
                self.sizes.append(rng.choice((40, 300, 1024)))
                number = len(self.sizes) - 1
                self.unanswered.add(number)
                self.notes.note("send_inv", id=self.name(number), topic=TOPIC, digest=digest_of(self.body(number)))
                return number
            if what < 0.9:
                return max(0, len(self.sizes) - 1 - rng.randrange(100))
            return rng.randrange(len(self.sizes))

    def answered(self, number, code, fields, remark):
        with self.lock:
            if code == BUSY:
                self.refused += 1
                return
            if code not in (0, 10):
                raise SystemExit(f"{self.name(number)}: code {code} {remark}")
            self.duplicates += int(fields.get("onceDuplicates", 0))
            self.places[number].add((int(fields["queueId"]), int(fields["queueOffset"])))
            self.unanswered.discard(number)


def send(connection, keys, rng, choose, flying):
    """Fills the window and takes one answer."""
    data = b""
    while len(flying) < WINDOW:
        number = choose()
        if number is None:
            break
        opaque, frame = connection.request(
            remoting.SEND, remoting.send_fields(TOPIC, rng.randrange(QUEUES), keys.name(number)), keys.body(number))
        flying[opaque] = number
        data += frame
    connection.write(data)
    opaque, code, fields, _body, remark = connection.read()
    keys.answered(flying.pop(opaque), code, fields, remark)


def producer(port, keys, stop, seed):
    rng = random.Random(seed)
    flying = {}
    try:
        connection = remoting.Connection(port)
    except OSError:
        return
    try:
        while not stop.is_set():
            send(connection, keys, rng, lambda: keys.choose(rng), flying)
    except remoting.Gone:
        pass
    finally:
        connection.close()


def send_the_rest(port, keys, rng):
    connection = remoting.Connection(port)
    deadline = time.monotonic() + LIMIT_S
    while keys.unanswered:
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(keys.unanswered)} messages are not taken, {keys.refused} times told to try again")
        rest = sorted(keys.unanswered)
        flying = {}
        while rest or flying:
            send(connection, keys, rng, lambda: rest.pop() if rest else None, flying)
    connection.close()


def verify(keys, reading):
    facts = checks.Facts(keys.notes.events + reading.events)
    problems = [f"{number}: {line}" for number, line in checks.violations_of(facts)]
    stored = {}
    for event in reading.events:
        if event["e"] == "scan":
            stored.setdefault(event["id"], []).append((event["queue"], event["offset"]))
    for number, places in keys.places.items():
        if len(places) != 1 or stored.get(keys.name(number)) != list(places):
            problems.append(f"{keys.name(number)} was answered with {sorted(places)} and is stored at "
                            f"{stored.get(keys.name(number))}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--flush", default="ASYNC_FLUSH", choices=("ASYNC_FLUSH", "SYNC_FLUSH"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    folder = tempfile.mkdtemp(prefix="oncemq-once-")
    data = os.path.join(folder, "data")
    os.mkdir(data)
    broker = Broker(options.oncemq, data, flushDiskType=options.flush, mappedFileSizeCommitLog=1048576,
                    mappedFileSizeConsumeQueue=20000, idempotentKey="UNIQ_KEY", idempotentKeysMax=KEYS_MAX)
    keys = Keys(options.seed, history.Memory())
    kills = forgotten = 0
    started = time.monotonic()
    ok = False
    try:
        broker.start()
        for _ in range(options.rounds):
            stop = threading.Event()
            threads = [threading.Thread(target=producer, args=(broker.port, keys, stop, rng.randrange(1 << 30)))
                       for _ in range(PRODUCERS)]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.1, 1.2))
            if rng.random() < 0.85:
                broker.kill()
                kills += 1
            elif (code := broker.stop()) != 0:
                raise SystemExit(f"exit code {code} after SIGTERM, wanted 0")
            stop.set()
            for thread in threads:
                thread.join()
            if rng.random() < 0.2:
                shutil.rmtree(os.path.join(data, "once", "keys"), ignore_errors=True)
                forgotten += 1
            broker.start()
        send_the_rest(broker.port, keys, rng)
        reading = history.Memory()
        read_all(broker.port, reading)
        problems = verify(keys, reading)
        if problems:
            raise SystemExit(f"{len(problems)} violations, first:\n  " + "\n  ".join(problems[:10])
                             + f"\nseed {options.seed}, kept {folder}")
        if len(keys.sizes) < 100 * options.rounds or keys.duplicates < 100:
            raise SystemExit(f"the run shows nothing: {len(keys.sizes)} messages, {keys.duplicates} duplicates")
        ok = True
    finally:
        broker.close()
        if ok and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"kept {folder}, seed {options.seed}", flush=True)
    print(f"summary: {options.flush}, {kills} kills and {options.rounds - kills} stops in "
          f"{time.monotonic() - started:.0f} s, index deleted {forgotten} times; {len(keys.sizes)} messages, each stored "
          f"once; {keys.duplicates} duplicates left out, {keys.refused} told to try again")


if __name__ == "__main__":
    main()
