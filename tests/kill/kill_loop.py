#!/usr/bin/env python3
"""Kills the broker again and again under load and checks what came back.

Writers send pipelined messages and note every acknowledgement; a tailing reader notes everything that it was shown.
After each kill -9 and restart all queues are read from their minimum to their maximum:

  lost      an acknowledged message is missing or stands at another offset
  phantom   a message that nobody sent
  hole      offsets of a queue are not dense
  vanished  something that a reader was shown is gone or differs
  twice     one send stands at two offsets (each send is tried once here)

Usage: kill_loop.py ONCEMQ [--rounds N] [--flush ASYNC_FLUSH|SYNC_FLUSH] [--seed S] [--keep]
Ends with 'summary: ...' and exit code 0, or names the violation, the seed and the folder that it kept.
"""
import argparse
import hashlib
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

TOPIC = "kill_topic"
QUEUES = 4
WINDOW = 32


class History:
    """What the outside knows. One lock; all methods from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}    # key -> (queue, digest)
        self.acked = {}   # key -> (queue, offset)
        self.shown = {}   # (queue, offset) -> key
        self.refused = 0

    def note_shown(self, queue, offset, key):
        with self.lock:
            before = self.shown.setdefault((queue, offset), key)
            if before != key:
                raise AssertionError(f"vanished: queue {queue} offset {offset} showed {before}, now {key}")


def payload_of(key, rng_size):
    body = (key + "|").encode() * (rng_size // (len(key) + 1) + 1)
    return body[:max(rng_size, len(key) + 1)]


def key_of(payload):
    return payload.split(b"|", 1)[0].decode()


def writer(index, port, history, stop, seed):
    rng = random.Random(seed)
    try:
        connection = remoting.Connection(port)
    except OSError:
        return
    flying = {}
    number = 0
    try:
        while not stop.is_set():
            batch = b""
            while len(flying) < WINDOW:
                key = f"w{index}-{seed}-{number}"
                number += 1
                queue = rng.randrange(QUEUES)
                body = payload_of(key, rng.choice((40, 300, 1024, 5000)))
                opaque, data = connection.request(
                    remoting.SEND, remoting.send_fields(TOPIC, queue, key), body)
                flying[opaque] = key
                with history.lock:
                    history.sent[key] = (queue, hashlib.md5(body).digest())
                batch += data
            connection.write(batch)
            for _ in range(rng.randrange(1, WINDOW)):
                opaque, code, fields, _body, _remark = connection.read()
                key = flying.pop(opaque)
                with history.lock:
                    if code == 0:
                        history.acked[key] = (int(fields["queueId"]), int(fields["queueOffset"]))
                    elif code in (10, 11, 12):
                        pass  # stored, but the promise was not met: outcome unknown
                    else:
                        history.refused += 1
    except remoting.Gone:
        pass
    finally:
        connection.close()


def tailer(port, history, stop, failures, positions):
    try:
        connection = remoting.Connection(port)
        while not stop.is_set():
            for queue in range(QUEUES):
                code, fields, body, _remark = connection.call(
                    remoting.PULL, remoting.pull_fields(TOPIC, "kill_tail", queue, positions[queue], suspend_ms=5))
                if code == 0:
                    for record_queue, offset, _log, payload in remoting.records(body):
                        history.note_shown(record_queue, offset, key_of(payload))
                if code in (0, 20):
                    positions[queue] = int(fields["nextBeginOffset"])
    except (remoting.Gone, OSError):
        pass
    except AssertionError as error:
        failures.append(str(error))


def read_all(port):
    """(queue, offset) -> (key, digest) of everything stored; fails on holes."""
    connection = remoting.Connection(port)
    found = {}
    for queue in range(QUEUES):
        code, fields, _body, remark = connection.call(remoting.MIN_OFFSET, {"topic": TOPIC, "queueId": queue})
        assert code == 0, f"min offset: {code} {remark}"
        offset = int(fields["offset"])
        end = int(connection.call(remoting.MAX_OFFSET, {"topic": TOPIC, "queueId": queue})[1]["offset"])
        while offset < end:
            code, fields, body, remark = connection.call(
                remoting.PULL, remoting.pull_fields(TOPIC, "kill_check", queue, offset))
            assert code == 0, f"hole: queue {queue} offset {offset} of {end}: code {code} {remark}"
            for record_queue, record_offset, _log, payload in remoting.records(body):
                assert (record_queue, record_offset) == (queue, offset), \
                    f"hole: wanted {queue}/{offset}, got {record_queue}/{record_offset}"
                found[(queue, offset)] = (key_of(payload), hashlib.md5(payload).digest())
                offset += 1
    connection.close()
    return found


def check(history, found):
    problems = []
    place = {}
    for where, (key, digest) in found.items():
        if key not in history.sent:
            problems.append(f"phantom: {key} at {where}")
        elif history.sent[key] != (where[0], digest):
            problems.append(f"phantom: {key} at {where} with another body or queue")
        if key in place:
            problems.append(f"twice: {key} at {place[key]} and {where}")
        place[key] = where
    for key, where in history.acked.items():
        if found.get(where, (None,))[0] != key:
            problems.append(f"lost: {key} was acknowledged at {where}, there is {found.get(where)}")
    for where, key in history.shown.items():
        if found.get(where, (None,))[0] != key:
            problems.append(f"vanished: {key} was shown at {where}, there is {found.get(where)}")
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
    folder = tempfile.mkdtemp(prefix="oncemq-kill-")
    data = os.path.join(folder, "data")
    os.mkdir(data)
    broker = Broker(options.oncemq, data, flushDiskType=options.flush, mappedFileSizeCommitLog=1048576,
                    mappedFileSizeConsumeQueue=20000)
    history = History()
    failures = []
    positions = [0] * QUEUES
    slowest = broker.start()
    started = time.monotonic()
    ok = False
    try:
        for round_number in range(options.rounds):
            stop = threading.Event()
            threads = [threading.Thread(target=writer, args=(i, broker.port, history, stop, rng.randrange(1 << 30)))
                       for i in range(3)]
            threads.append(threading.Thread(target=tailer, args=(broker.port, history, stop, failures, positions)))
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.05, 0.8))
            if rng.random() < 0.85:
                broker.kill()
            elif (code := broker.stop()) != 0:
                raise SystemExit(f"exit code {code} after SIGTERM, wanted 0")
            stop.set()
            for thread in threads:
                thread.join()
            slowest = max(slowest, broker.start())
            problems = failures + check(history, read_all(broker.port))
            if problems:
                raise SystemExit(f"round {round_number}: {len(problems)} violations, first:\n  "
                                 + "\n  ".join(problems[:10]) + f"\nseed {options.seed}, kept {folder}")
            print(f"round {round_number + 1}/{options.rounds}: {len(history.acked)} acknowledged, "
                  f"{len(history.shown)} shown, all there", flush=True)
        if len(history.acked) < 100 * options.rounds or not history.shown:
            raise SystemExit(f"the run shows nothing: only {len(history.acked)} acknowledged, {len(history.shown)} shown")
        ok = True
    finally:
        broker.close()
        if ok and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"kept {folder}, seed {options.seed}", flush=True)
    print(f"summary: {options.flush}, {options.rounds} kills and stops in {time.monotonic() - started:.0f} s, "
          f"{len(history.sent)} sent, {len(history.acked)} acknowledged, {history.refused} refused, "
          f"{len(history.shown)} shown; 0 lost, 0 phantom, 0 vanished; slowest start {slowest} ms")


if __name__ == "__main__":
    main()
