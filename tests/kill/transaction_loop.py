#!/usr/bin/env python3
"""Kills the broker again and again under transactions and checks invariant I9 from the outside.

Every message has its intent before it is sent: commit or rollback. Producers send half messages and then say their
intent by an answered request, by a one-way request, twice from two connections, or not at all; what is left open is
answered by a responder that the broker asks (check-back). Checked after each kill -9 and restart, and at the end:

  aborted   a message that was to be rolled back is visible
  twice     a committed message is visible at two offsets
  lost      a commit was answered with success and its message is not visible
  changed   an answered verdict is not final: the same one is not a success, or the opposite one is not refused (4)
  open      at the end: a half message that was stored is still undecided though its group answers every check

Usage: transaction_loop.py ONCEMQ [--rounds N] [--flush ASYNC_FLUSH|SYNC_FLUSH] [--seed S] [--keep]
Ends with 'summary: ...' and exit code 0, or names the violation, the seed and the folder that it kept.
"""
import argparse
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

TOPIC = "kill_tx_topic"
GROUP = "kill_tx_producers"
QUEUES = 4
SAMPLE = 40  # verdicts per restart that are repeated and contradicted


class History:
    """What the outside knows. One lock; all methods from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.intent = {}   # key -> COMMIT or ROLLBACK
        self.half = {}     # key -> (half offset, log offset), when the half message was acknowledged
        self.decided = {}  # key -> verdict that was answered with success
        self.checks = 0


def opposite(verdict):
    return remoting.ROLLBACK if verdict == remoting.COMMIT else remoting.COMMIT


def producer(index, port, history, stop, seed):
    rng = random.Random(seed)
    number = 0
    connections = []
    try:
        connections = [remoting.Connection(port), remoting.Connection(port)]
        one, two = connections
        while not stop.is_set():
            keys = []
            batch = b""
            for _ in range(rng.randrange(1, 12)):
                key = f"t{index}-{seed}-{number}"
                number += 1
                with history.lock:
                    history.intent[key] = remoting.COMMIT if rng.random() < 0.6 else remoting.ROLLBACK
                body = (key + "|").encode() * rng.choice((1, 20, 200))
                opaque, data = one.request(remoting.SEND,
                                           remoting.half_fields(TOPIC, rng.randrange(QUEUES), key, GROUP), body)
                keys.append(key)
                batch += data
            one.write(batch)
            for key in keys:
                _opaque, code, fields, _body, _remark = one.read()
                if code == 0:
                    with history.lock:
                        history.half[key] = (int(fields["queueOffset"]), remoting.log_offset_of(fields["msgId"]))
            for key in keys:
                if key not in history.half:
                    continue
                fields = remoting.end_fields(GROUP, key, *history.half[key], history.intent[key])
                way = rng.random()
                if way < 0.2:
                    continue  # nobody says anything: the check decides
                if way < 0.4:
                    one.one_way(remoting.END_TRANSACTION, fields)
                    continue
                answering = [one, two] if way < 0.6 else [one]
                opaques = []
                for connection in answering:
                    opaque, data = connection.request(remoting.END_TRANSACTION, fields)
                    connection.write(data)
                    opaques.append(opaque)
                for connection, opaque in zip(answering, opaques):
                    answer = connection.read()
                    assert answer[0] == opaque
                    if answer[1] == 0:
                        with history.lock:
                            history.decided[key] = history.intent[key]
                    elif answer[1] == 4:
                        raise AssertionError(f"changed: {key} was refused its only verdict: {answer[4]}")
    except (remoting.Gone, OSError):
        pass
    finally:
        for connection in connections:
            connection.close()


def responder(port, history, stop):
    """Answers checks with the intent, as another client of the group."""
    connection = None

    def decide(code, fields, _body):
        if code != remoting.CHECK_TRANSACTION:
            return
        key = fields["msgId"]
        with history.lock:
            history.checks += 1
            verdict = history.intent[key]
        connection.one_way(remoting.END_TRANSACTION,
                           remoting.end_fields(GROUP, key, fields["tranStateTableOffset"],
                                               fields["commitLogOffset"], verdict, from_check=True))

    try:
        connection = remoting.Connection(port, timeout=0.3)
        connection.on_request = decide
        connection.write(connection.request(remoting.HEARTBEAT, {},
                                            remoting.heartbeat_body(f"responder-{os.getpid()}", GROUP))[1])
        while not stop.is_set():
            try:
                connection.read()
            except remoting.Gone as gone:
                if "timed out" not in str(gone):
                    raise
    except (remoting.Gone, OSError):
        pass


def read_all(port):
    """key -> list of (queue, offset) of everything visible."""
    connection = remoting.Connection(port)
    found = {}
    for queue in range(QUEUES):
        where = {"topic": TOPIC, "queueId": queue}
        code, fields, _body, remark = connection.call(remoting.MIN_OFFSET, where)
        if code != 0:
            continue  # the topic does not exist yet
        offset = int(fields["offset"])
        end = int(connection.call(remoting.MAX_OFFSET, where)[1]["offset"])
        while offset < end:
            code, fields, body, remark = connection.call(
                remoting.PULL, remoting.pull_fields(TOPIC, "kill_check", queue, offset))
            assert code == 0, f"hole: queue {queue} offset {offset} of {end}: code {code} {remark}"
            for _queue, record_offset, _log, payload in remoting.records(body):
                found.setdefault(payload.split(b"|", 1)[0].decode(), []).append((queue, record_offset))
                offset = record_offset + 1
    connection.close()
    return found


def check_visible(history, found):
    problems = []
    with history.lock:
        for key, places in found.items():
            if history.intent.get(key) != remoting.COMMIT:
                problems.append(f"aborted: {key} is visible at {places}")
            if len(places) > 1:
                problems.append(f"twice: {key} at {places}")
        for key, verdict in history.decided.items():
            if verdict == remoting.COMMIT and key not in found:
                problems.append(f"lost: the commit of {key} was answered, its message is not there")
    return problems


def check_final(port, history, rng):
    connection = remoting.Connection(port)
    problems = []
    keys = list(history.decided)
    for key in rng.sample(keys, min(SAMPLE, len(keys))):
        verdict = history.decided[key]
        for asked, wanted in ((verdict, 0), (opposite(verdict), 4), (verdict, 0)):
            code, _fields, _body, remark = connection.call(
                remoting.END_TRANSACTION, remoting.end_fields(GROUP, key, *history.half[key], asked))
            if code != wanted:
                problems.append(f"changed: {key} decided {verdict}, asked {asked}: code {code} {remark}")
    connection.close()
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
    folder = tempfile.mkdtemp(prefix="oncemq-kill-tx-")
    data = os.path.join(folder, "data")
    os.mkdir(data)
    broker = Broker(options.oncemq, data, flushDiskType=options.flush, mappedFileSizeCommitLog=1048576,
                    mappedFileSizeConsumeQueue=20000, transactionTimeOut=300, transactionCheckInterval=300,
                    transactionCheckMax=200)
    history = History()
    failures = []
    broker.start()
    started = time.monotonic()
    ok = False

    def guarded(work, *arguments):
        try:
            work(*arguments)
        except AssertionError as error:
            failures.append(str(error))

    def run_responder():
        stop = threading.Event()
        thread = threading.Thread(target=guarded, args=(responder, broker.port, history, stop))
        thread.start()
        return stop, thread

    try:
        for round_number in range(options.rounds):
            stop = threading.Event()
            threads = [threading.Thread(target=guarded, args=(producer, i, broker.port, history, stop,
                                                              rng.randrange(1 << 30)))
                       for i in range(3)]
            for thread in threads:
                thread.start()
            # In some rounds nobody answers, so that checks happen in a later life.
            answering = run_responder() if rng.random() < 0.6 else None
            time.sleep(rng.uniform(0.1, 1.2))
            if rng.random() < 0.85:
                broker.kill()
            elif (code := broker.stop()) != 0:
                raise SystemExit(f"exit code {code} after SIGTERM, wanted 0")
            stop.set()
            if answering:
                answering[0].set()
                answering[1].join()
            for thread in threads:
                thread.join()
            broker.start()
            problems = failures + check_visible(history, read_all(broker.port)) \
                + check_final(broker.port, history, rng)
            if problems:
                raise SystemExit(f"round {round_number}: {len(problems)} violations, first:\n  "
                                 + "\n  ".join(problems[:10]) + f"\nseed {options.seed}, kept {folder}")
        # Everything that was stored is decided once its group answers.
        answering = run_responder()
        deadline = time.monotonic() + 60
        while True:
            found = read_all(broker.port)
            missing = [key for key in history.half
                       if history.intent[key] == remoting.COMMIT and key not in found]
            if not missing:
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"open: {len(missing)} committed half messages are not visible, first "
                                 f"{missing[0]}\nseed {options.seed}, kept {folder}")
            time.sleep(0.2)
        answering[0].set()
        answering[1].join()
        problems = failures + check_visible(history, found) + check_final(broker.port, history, rng)
        if problems:
            raise SystemExit(f"end: {len(problems)} violations, first:\n  " + "\n  ".join(problems[:10])
                             + f"\nseed {options.seed}, kept {folder}")
        # A run in which nothing happened shows nothing.
        if not history.decided or not found or history.checks == 0:
            raise SystemExit(f"vacuous: {len(history.decided)} decided, {len(found)} visible, {history.checks} checks")
        broker.stop()
        ok = True
        print(f"summary: {options.flush}: {options.rounds} kills and restarts, {len(history.half)} half messages, "
              f"{len(history.decided)} answered verdicts, {history.checks} checks, {len(found)} visible once, "
              f"{time.monotonic() - started:.0f} s, seed {options.seed}")
    finally:
        broker.close()
        if ok and not options.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
