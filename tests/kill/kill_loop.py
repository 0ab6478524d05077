#!/usr/bin/env python3
"""Kills the broker again and again under load and checks what came back.

Writers send pipelined messages and note every acknowledgement; a tailing reader notes everything that it was shown.
After each kill -9 and restart all queues are read from their minimum to their maximum, and the checkers (tests/checkers)
look for what was lost, came from nowhere, vanished after it was shown, stands at two offsets, or left a hole.

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

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "checkers")]
import checks  # noqa: E402
import history  # noqa: E402
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

TOPIC = "kill_topic"
QUEUES = 4
WINDOW = 32


def payload_of(key, rng_size):
    body = (key + "|").encode() * (rng_size // (len(key) + 1) + 1)
    return body[:max(rng_size, len(key) + 1)]


def digest_of(payload):
    return hashlib.md5(payload).hexdigest()[:12]


def key_of(payload):
    return payload.split(b"|", 1)[0].decode()


def writer(index, port, notes, stop, seed):
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
                notes.note("send_inv", id=key, topic=TOPIC, digest=digest_of(body))
                batch += data
            connection.write(batch)
            for _ in range(rng.randrange(1, WINDOW)):
                opaque, code, fields, _body, _remark = connection.read()
                key = flying.pop(opaque)
                if code == 0:
                    notes.note("send_ok", id=key, queue=int(fields["queueId"]), offset=int(fields["queueOffset"]))
                elif code in (10, 11, 12):
                    notes.note("send_unk", id=key)  # stored, but the promise was not met
                else:
                    notes.note("send_fail", id=key)
    except remoting.Gone:
        pass
    finally:
        connection.close()


def tailer(port, notes, stop, positions):
    try:
        connection = remoting.Connection(port)
        while not stop.is_set():
            for queue in range(QUEUES):
                code, fields, body, _remark = connection.call(
                    remoting.PULL, remoting.pull_fields(TOPIC, "kill_tail", queue, positions[queue], suspend_ms=5))
                if code == 0:
                    for record_queue, offset, _log, payload in remoting.records(body):
                        notes.note("recv", group="tail", topic=TOPIC, queue=record_queue, offset=offset,
                                   id=key_of(payload), digest=digest_of(payload))
                if code in (0, 20):
                    positions[queue] = int(fields["nextBeginOffset"])
    except (remoting.Gone, OSError):
        pass


def read_all(port, notes):
    """Notes everything stored; stops the run at a record that cannot be read."""
    connection = remoting.Connection(port)
    for queue in range(QUEUES):
        offset, end = (int(connection.call(code, {"topic": TOPIC, "queueId": queue})[1]["offset"])
                       for code in (remoting.MIN_OFFSET, remoting.MAX_OFFSET))
        notes.note("bounds", topic=TOPIC, queue=queue, min=offset, max=end)
        while offset < end:
            code, _fields, body, remark = connection.call(
                remoting.PULL, remoting.pull_fields(TOPIC, "kill_check", queue, offset))
            if code != 0:
                raise SystemExit(f"hole: queue {queue} offset {offset} of {end}: code {code} {remark}")
            for record_queue, record_offset, _log, payload in remoting.records(body):
                notes.note("scan", topic=TOPIC, queue=record_queue, offset=record_offset, id=key_of(payload),
                           digest=digest_of(payload))
                offset = record_offset + 1
    connection.close()


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
    known = history.Memory()  # without the readings of earlier rounds
    positions = [0] * QUEUES
    slowest = broker.start()
    started = time.monotonic()
    ok = False
    try:
        for round_number in range(options.rounds):
            stop = threading.Event()
            threads = [threading.Thread(target=writer, args=(i, broker.port, known, stop, rng.randrange(1 << 30)))
                       for i in range(3)]
            threads.append(threading.Thread(target=tailer, args=(broker.port, known, stop, positions)))
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
            reading = history.Memory()
            read_all(broker.port, reading)
            facts = checks.Facts(known.events + reading.events)
            problems = [f"{number}: {line}" for number, line in checks.violations_of(facts)]
            if problems:
                raise SystemExit(f"round {round_number}: {len(problems)} violations, first:\n  "
                                 + "\n  ".join(problems[:10]) + f"\nseed {options.seed}, kept {folder}")
            counts = {kind: len(facts.by_kind[kind]) for kind in ("send_inv", "send_ok", "send_fail", "recv")}
            print(f"round {round_number + 1}/{options.rounds}: {counts['send_ok']} acknowledged, "
                  f"{counts['recv']} shown, all there", flush=True)
        if counts["send_ok"] < 100 * options.rounds or counts["recv"] == 0:
            raise SystemExit(f"the run shows nothing: {counts}")
        ok = True
    finally:
        broker.close()
        if ok and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"kept {folder}, seed {options.seed}", flush=True)
    print(f"summary: {options.flush}, {options.rounds} kills and stops in {time.monotonic() - started:.0f} s, "
          f"{counts['send_inv']} sent, {counts['send_ok']} acknowledged, {counts['send_fail']} refused, "
          f"{counts['recv']} shown; 0 lost, 0 phantom, 0 vanished; slowest start {slowest} ms")


if __name__ == "__main__":
    main()
