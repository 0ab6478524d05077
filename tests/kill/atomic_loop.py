#!/usr/bin/env python3
"""Kills the broker again and again under transactions over acks and messages (docs/atomic-commits.md).

Workers of a popping group and of a pulling group make one to three results of each message of a topic and commit
results and acks together. Commits whose answer was lost are asked for again; some workers are so slow that somebody
else has their messages before they commit. Checked after each kill -9 and restart, and at the end:

  twice    a result is there twice
  torn     of a message some results are there and others are not
  lost     a commit was answered with success and its results are not there
  zombie   a commit was refused as fenced and its results are there
  open     at the end: a message that was sent has no results though its group works

Results say which attempt made them, so what a zombie made is not taken for what its successor made.

Usage: atomic_loop.py ONCEMQ [--rounds N] [--flush ASYNC_FLUSH|SYNC_FLUSH] [--seed S] [--keep]
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
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

IN = "kill_in"
OUT = {"popper": "kill_popped", "puller": "kill_pulled"}
QUEUES = 4
INVISIBLE_MS = 1500
FENCED = 40902
TIMEOUT = 210
NO_TOPIC = 17
STOPPING = 209


class History:
    """What the outside knows. One lock; all methods from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = set()     # keys whose send was answered
        self.done = {}        # transaction id -> its results, answered with success
        self.fenced = {}      # transaction id -> its results, refused
        self.repeated = 0


def results_of(key, transaction, rng):
    count = rng.randrange(1, 4)
    return [f"{key}|{number}/{count}|{transaction}" for number in range(count)]


class Worker:
    """One consumer; what it was about to commit outlives the broker."""

    def __init__(self, history, seed):
        self.history = history
        self.rng = random.Random(seed)
        self.open = None  # (id, group, acks, moves, results) whose answer was lost

    def run(self, port, stop):
        connection = None
        try:
            connection = remoting.Connection(port)
            while not stop.is_set():
                if self.open is None:
                    self.open = self.work(connection)
                if self.open is None:
                    continue
                self.commit(connection)
        except (remoting.Gone, OSError):
            pass
        finally:
            if connection:
                connection.close()

    def commit(self, connection):
        transaction, group, acks, moves, results = self.open
        sends = [(OUT[group], hash(result) % QUEUES, result, result.encode() * self.rng.choice((1, 1, 50)))
                 for result in results]
        code, fields, _body, remark = connection.call(
            remoting.COMMIT_ATOMICALLY, {"transactionId": transaction, "producerGroup": group},
            remoting.atomic_body(acks, moves, sends))
        if code in (0, FENCED):
            with self.history.lock:
                (self.history.done if code == 0 else self.history.fenced)[transaction] = (group, results)
                self.history.repeated += fields.get("repeated") == "true"
        elif code not in (2, 14):
            raise AssertionError(f"a commit was answered with {code} {remark}")
        else:
            return
        self.open = None
        self.committed(moves, code)

    def committed(self, moves, code):
        """The commit was answered with 0 or FENCED."""


class Popper(Worker):
    def __init__(self, history, seed, slow):
        super().__init__(history, seed)
        self.slow = slow

    def work(self, connection):
        code, fields, body, remark = connection.call(remoting.POP, {
            "consumerGroup": "popper", "topic": IN, "queueId": -1, "maxMsgNums": self.rng.randrange(1, 9),
            "invisibleTime": INVISIBLE_MS, "pollTime": 200, "bornTime": int(time.time() * 1000) + 60_000, "initMode": 0})
        if code in (TIMEOUT, STOPPING, NO_TOPIC, 2, 14):
            time.sleep(0.01)
            return None
        if code != 0:
            raise AssertionError(f"pop: {code} {remark}")
        starts = {(t, q): s for t, q, s in (entry.split(" ") for entry in fields["startOffsetInfo"].split(";"))}
        transaction = uuid.uuid4().hex
        acks, results = [], []
        for record in remoting.messages(body):
            handle = " ".join((starts["0", str(record.queue)], fields["popTime"], fields["invisibleTime"],
                               fields["reviveQid"], "0", "b", str(record.queue), str(record.offset)))
            acks.append(("popper", IN, record.queue, record.offset, handle))
            results += results_of(record.properties["KEYS"], transaction, self.rng)
        if self.slow and self.rng.random() < 0.3:
            time.sleep(INVISIBLE_MS / 1000 + 0.3)
        return transaction, "popper", acks, [], results


class Puller(Worker):
    """Two of them share all queues without knowing of each other: the offset decides who is right."""

    def __init__(self, history, seed):
        super().__init__(history, seed)
        self.place = {}  # queue -> where it goes on; others may be ahead

    def committed(self, moves, code):
        for _group, _topic, queue, _old, new in moves:
            if code == 0:
                self.place[queue] = new
            else:
                self.place.pop(queue, None)

    def work(self, connection):
        queue = self.rng.randrange(QUEUES)
        at = self.place.get(queue)
        if at is None:
            code, fields, _body, _remark = connection.call(
                remoting.QUERY_OFFSET, {"consumerGroup": "puller", "topic": IN, "queueId": queue})
            at = int(fields["offset"]) if code == 0 else -1
        code, fields, body, remark = connection.call(
            remoting.PULL, remoting.pull_fields(IN, "puller", queue, max(at, 0), count=self.rng.randrange(1, 17)))
        if code != 0:
            time.sleep(0.01)
            return None
        transaction = uuid.uuid4().hex
        results = []
        for record in remoting.messages(body):
            results += results_of(record.properties["KEYS"], transaction, self.rng)
            last = record.offset
        return transaction, "puller", [], [("puller", IN, queue, at, last + 1)], results


def feeder(index, port, history, stop, seed):
    rng = random.Random(seed)
    number = 0
    connection = None
    try:
        connection = remoting.Connection(port)
        while not stop.is_set():
            key = f"m{index}-{seed}-{number}"
            number += 1
            code = connection.call(remoting.SEND, remoting.send_fields(IN, rng.randrange(QUEUES), key), key.encode())[0]
            if code == 0:
                with history.lock:
                    history.sent.add(key)
            time.sleep(rng.uniform(0, 0.004))
    except (remoting.Gone, OSError):
        pass
    finally:
        if connection:
            connection.close()


def read_all(port, group):
    """result -> how often it is there."""
    found = collections.Counter()
    connection = remoting.Connection(port)
    for queue in range(QUEUES):
        where = {"topic": OUT[group], "queueId": queue}
        code, fields, _body, _remark = connection.call(remoting.MIN_OFFSET, where)
        if code != 0:
            continue  # the topic does not exist yet
        offset = int(fields["offset"])
        end = int(connection.call(remoting.MAX_OFFSET, where)[1]["offset"])
        while offset < end:
            code, _fields, body, remark = connection.call(
                remoting.PULL, remoting.pull_fields(OUT[group], "kill_check", queue, offset))
            assert code == 0, f"hole: queue {queue} offset {offset} of {end}: code {code} {remark}"
            for record in remoting.messages(body):
                assert record.properties.get("ONCE_ATOMIC_ID") == record.properties["KEYS"].rsplit("|", 1)[1]
                found[record.properties["KEYS"]] += 1
                offset = record.offset + 1
    connection.close()
    return found


def check(history, found):
    """`found`: group -> results. The violations."""
    problems = []
    with history.lock:
        for group, results in found.items():
            makers = collections.defaultdict(set)
            parts = collections.Counter()
            wanted = {}
            for result, times in results.items():
                if times > 1:
                    problems.append(f"twice: {result}, {times} times")
                key, part, transaction = result.split("|")
                makers[key].add(transaction)
                parts[key, transaction] += 1
                wanted[key, transaction] = int(part.split("/")[1])
            problems += [f"twice: {key} was worked on by {len(who)} transactions of {group}"
                         for key, who in makers.items() if len(who) > 1]
            problems += [f"torn: {key}: {parts[key, who]} of {count} results"
                         for (key, who), count in wanted.items() if parts[key, who] != count]
        for transaction, (group, results) in history.done.items():
            if any(result not in found[group] for result in results):
                problems.append(f"lost: {transaction} of {group} was answered, its results are not there")
        for transaction, (group, results) in history.fenced.items():
            if any(result in found[group] for result in results):
                problems.append(f"zombie: {transaction} of {group} was fenced, its results are there")
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
    folder = tempfile.mkdtemp(prefix="oncemq-kill-atomic-")
    data = os.path.join(folder, "data")
    os.mkdir(data)
    broker = Broker(options.oncemq, data, flushDiskType=options.flush, mappedFileSizeCommitLog=1048576,
                    mappedFileSizeConsumeQueue=20000)
    history = History()
    workers = [Popper(history, rng.randrange(1 << 30), slow) for slow in (False, False, True)]
    workers += [Puller(history, rng.randrange(1 << 30)) for _ in range(2)]
    failures = []
    broker.start()
    started = time.monotonic()
    ok = False

    def guarded(work, *arguments):
        try:
            work(*arguments)
        except AssertionError as error:
            failures.append(str(error))

    def run(with_feeders):
        stop = threading.Event()
        jobs = [(worker.run, broker.port, stop) for worker in workers]
        if with_feeders:
            jobs += [(feeder, index, broker.port, history, stop, rng.randrange(1 << 30)) for index in range(2)]
        threads = [threading.Thread(target=guarded, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        return stop, threads

    def look(when):
        problems = failures + check(history, {group: read_all(broker.port, group) for group in OUT})
        if problems:
            raise SystemExit(f"{when}: {len(problems)} violations, first:\n  " + "\n  ".join(problems[:10])
                             + f"\nseed {options.seed}, kept {folder}")

    try:
        for round_number in range(options.rounds):
            stop, threads = run(with_feeders=True)
            time.sleep(rng.uniform(0.2, 1.5))
            if rng.random() < 0.85:
                broker.kill()
            elif (code := broker.stop()) != 0:
                raise SystemExit(f"exit code {code} after SIGTERM, wanted 0")
            stop.set()
            for thread in threads:
                thread.join()
            broker.start()
            look(f"round {round_number}")
        stop, threads = run(with_feeders=False)
        deadline = time.monotonic() + 60
        while True:
            with history.lock:
                sent = set(history.sent)
            # Read while there is work, so this says what is there and not what is missing.
            missing = [(group, key) for group in OUT
                       for key in sent - {result.split("|")[0] for result in read_all(broker.port, group)}]
            if not missing:
                break
            if time.monotonic() > deadline:
                raise SystemExit(f"open: {len(missing)} messages have no results, first {missing[0]}\n"
                                 f"seed {options.seed}, kept {folder}")
            time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        look("end")
        # A run in which nothing happened shows nothing.
        if not sent or not history.done or not history.fenced:
            raise SystemExit(f"vacuous: {len(sent)} sent, {len(history.done)} commits, {len(history.fenced)} fenced")
        broker.stop()
        ok = True
        print(f"summary: {options.flush}: {options.rounds} kills and restarts, {len(sent)} messages, "
              f"{len(history.done)} commits, {history.repeated} asked for again, {len(history.fenced)} fenced, "
              f"each result there once, {time.monotonic() - started:.0f} s, seed {options.seed}")
    finally:
        broker.close()
        if ok and not options.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
