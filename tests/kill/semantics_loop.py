#!/usr/bin/env python3
"""Kills the broker under consumers, retries, batches and delayed messages, and asks the checkers what came of it.

Writers send to four queues: single messages with an order key, batches, delayed messages, and poison that every
consumer refuses. Two groups pull with offsets kept at the broker; what they refuse they send back, until it is in
their dead letters. A third group pops, acks most of what it holds, extends some and lets the rest come again.
Transactional writers end their transactions, say it twice, try the opposite, or leave it to the check. Each round
ends with kill -9 or SIGTERM. At the end everything is drained and read once more, and the history goes through
tests/checkers.

Usage: semantics_loop.py ONCEMQ [--rounds N] [--flush ASYNC_FLUSH|SYNC_FLUSH] [--seed S]
                         [--without pop,transactions] [--keep]
Ends with 'summary: ...' and exit code 0, or names the violations, the seed and the folder that it kept.
"""
import argparse
import hashlib
import json
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

TOPIC = "semantics"
QUEUES = 4
GROUPS = ("reader-1", "reader-2")
POP_GROUP = "popper"
TX_GROUP = "deciders"
BROKER = "broker-semantics"
INVISIBLE_MS = 1_500
MAX_RECONSUME = 2
DELAY_MS = 1_000          # of level 1
DRAIN_LIMIT_S = 60
CALL_LIMIT_MS = 10_000


def digest_of(payload):
    return hashlib.md5(payload).hexdigest()[:12]


def key_of(payload):
    return payload.split(b"|", 1)[0].decode()


class Client(threading.Thread):
    """A connection with a recorder of its own. Works until it is told to stop or the broker goes."""

    def __init__(self, port, folder, name):
        super().__init__(name=name)
        self.connection = remoting.Connection(port, timeout=CALL_LIMIT_MS / 1000)
        self.recorder = history.Recorder(folder, name)
        self.stopping = threading.Event()
        self.failure = None
        self.taken = 0  # messages that came

    def run(self):
        try:
            self.work()
        except remoting.Gone:
            pass
        except BaseException as failure:  # finish() raises it
            self.failure = failure

    def call(self, what, code, fields, body=b""):
        begun = time.monotonic()
        answer = self.connection.call(code, fields, body)
        self.recorder.note("call", what=what, ms=int((time.monotonic() - begun) * 1000), timeout_ms=CALL_LIMIT_MS)
        return answer

    def close(self):
        self.connection.close()
        self.recorder.close()


class Writer(Client):
    """One send at a time, so that the order of a key is the order of its sends."""

    def __init__(self, port, folder, name, rng):
        super().__init__(port, folder, name)
        self.rng = rng

    def work(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            identity = f"{self.name}-{number}"
            queue = self.rng.randrange(QUEUES)
            what = self.rng.random()
            if what < 0.1:
                self.batch(identity, queue)
            elif what < 0.2:
                self.single(identity, queue, delay=True)
            elif what < 0.23:
                self.single(identity, queue, poison=True)
            else:
                self.single(identity, queue, key=f"{self.name}/{queue}")

    def single(self, identity, queue, key=None, delay=False, poison=False):
        payload = f"{identity}|{'poison' if poison else ''}|".encode() + b"x" * 200
        extra = {}
        properties = {}
        if key:
            extra["key"] = key
        if poison:
            extra["poison"] = MAX_RECONSUME
        if delay:
            properties["DELAY"] = 1
            extra["due_ms"] = int(time.time() * 1000) + DELAY_MS
        self.recorder.note("send_inv", id=identity, topic=TOPIC, digest=digest_of(payload), **extra)
        try:
            code, fields, _body, _remark = self.call(
                "send", remoting.SEND, remoting.send_fields(TOPIC, queue, identity, **properties), payload)
        except remoting.Gone:
            self.recorder.note("send_unk", id=identity)
            raise
        self.answered(code, fields, [identity], delay)

    def batch(self, name, queue):
        members = [f"{name}.{i}" for i in range(self.rng.randrange(2, 9))]
        payloads = [f"{member}||".encode() + b"y" * 100 for member in members]
        for member, payload in zip(members, payloads):
            self.recorder.note("send_inv", id=member, topic=TOPIC, digest=digest_of(payload), batch=name)
        body = remoting.batch_body((p, {"UNIQ_KEY": m, "KEYS": m}) for m, p in zip(members, payloads))
        fields = remoting.send_fields(TOPIC, queue, name)
        fields["m"] = "true"
        try:
            code, answer, _body, _remark = self.call("batch", remoting.SEND_BATCH, fields, body)
        except remoting.Gone:
            for member in members:
                self.recorder.note("send_unk", id=member)
            raise
        self.answered(code, answer, members, False)

    def answered(self, code, fields, members, delayed):
        for index, identity in enumerate(members):
            if code == 0 and delayed:
                self.recorder.note("send_ok", id=identity)  # its place is that of the schedule topic
            elif code == 0:
                self.recorder.note("send_ok", id=identity, queue=int(fields["queueId"]),
                                   offset=int(fields["queueOffset"]) + index)
            elif code in (10, 11, 12):
                self.recorder.note("send_unk", id=identity)  # stored, but the promise was not met
            else:
                self.recorder.note("send_fail", id=identity)


class Reader(Client):
    """A consumer group of one: the topic's queues and its own retry queue, offsets at the broker."""

    def __init__(self, port, folder, name, group):
        super().__init__(port, folder, name)
        self.group = group
        self.lines = [(TOPIC, queue) for queue in range(QUEUES)] + [("%RETRY%" + group, 0)]
        self.at = {}

    def work(self):
        for line in self.lines:
            self.resume(line)
        while not self.stopping.is_set():
            if not any([self.pull(line) for line in self.lines]):
                time.sleep(0.01)

    def resume(self, line):
        topic, queue = line
        code, fields, _body, _remark = self.call(
            "offset", remoting.QUERY_OFFSET, {"consumerGroup": self.group, "topic": topic, "queueId": queue,
                                              "setZeroIfNotFound": "false"})
        self.at[line] = int(fields["offset"]) if code == 0 else 0
        self.recorder.note("resume", group=self.group, topic=topic, queue=queue, offset=self.at[line])

    def pull(self, line):
        """True when something came."""
        topic, queue = line
        code, fields, body, _remark = self.call(
            "pull", remoting.PULL, remoting.pull_fields(topic, self.group, queue, self.at[line], count=16))
        if code != 0:
            if code in (20, 21):
                self.at[line] = int(fields["nextBeginOffset"])
            return False
        for record in remoting.messages(body):
            self.taken += 1
            identity = key_of(record.payload)
            self.recorder.note("recv", group=self.group, topic=topic, queue=queue, offset=record.offset, id=identity,
                               digest=digest_of(record.payload), attempt=record.reconsumed,
                               wall_ms=int(time.time() * 1000))
            if b"|poison|" in record.payload:
                self.send_back(record)
            else:
                self.recorder.note("done", group=self.group, id=identity)
        self.at[line] = int(fields["nextBeginOffset"])
        code, _fields, _body, _remark = self.call(
            "commit", remoting.COMMIT_OFFSET, {"consumerGroup": self.group, "topic": topic, "queueId": queue,
                                               "commitOffset": self.at[line]})
        if code == 0:
            self.recorder.note("commit_ok", group=self.group, topic=topic, queue=queue, offset=self.at[line])
        return True

    def send_back(self, record):
        code, _fields, _body, remark = self.call(
            "send-back", remoting.SEND_BACK, {"offset": record.log_offset, "group": self.group, "delayLevel": 1,
                                              "originTopic": TOPIC, "maxReconsumeTimes": MAX_RECONSUME})
        if code != 0:
            raise SystemExit(f"send-back: {code} {remark}")


def verdict_of(identity):
    """What becomes of a transaction: the same whoever asks."""
    return remoting.COMMIT if hashlib.md5(identity.encode()).digest()[0] % 3 else remoting.ROLLBACK


class Decider(Client):
    """Transactions of its own, and the answers to checks of others'."""

    def __init__(self, port, folder, name, writes):
        super().__init__(port, folder, name)
        self.writes = writes
        self.connection.on_request = self.asked

    def work(self):
        body = remoting.heartbeat_body(self.name, TX_GROUP)
        self.call("heartbeat", remoting.HEARTBEAT, {}, body)
        number = 0
        while not self.stopping.is_set():
            if self.writes:
                number += 1
                self.transaction(f"{self.name}-{number}", number)
            else:
                self.call("heartbeat", remoting.HEARTBEAT, {}, body)
            time.sleep(0.02)

    def transaction(self, identity, number):
        payload = f"{identity}||".encode() + b"t" * 50
        self.recorder.note("send_inv", id=identity, topic=TOPIC, digest=digest_of(payload), tx=True)
        fields = remoting.half_fields(TOPIC, number % QUEUES, identity, TX_GROUP)
        try:
            code, answer, _body, remark = self.call("half", remoting.SEND, fields, payload)
        except remoting.Gone:
            self.recorder.note("send_unk", id=identity)
            raise
        if code != 0:
            self.recorder.note("send_fail" if code not in (10, 11, 12) else "send_unk", id=identity)
            return
        self.recorder.note("send_ok", id=identity)
        place = answer["queueOffset"], remoting.log_offset_of(answer["msgId"])
        if number % 4 == 0:
            return  # the check will ask
        verdict = verdict_of(identity)
        self.end(identity, place, verdict)
        if number % 4 == 1:
            self.end(identity, place, verdict)
        if number % 4 == 2:
            self.end(identity, place, remoting.COMMIT + remoting.ROLLBACK - verdict)

    def end(self, identity, place, verdict):
        name = "commit" if verdict == remoting.COMMIT else "rollback"
        try:
            code, _fields, _body, _remark = self.call(
                "end", remoting.END_TRANSACTION, remoting.end_fields(TX_GROUP, identity, *place, verdict))
        except remoting.Gone:
            self.recorder.note("tx_end", id=identity, verdict=name, result="unk")
            raise
        self.recorder.note("tx_end", id=identity, verdict=name, result="ok" if code == 0 else "refused")

    def asked(self, code, fields, body):
        if code != remoting.CHECK_TRANSACTION:
            return
        identity = key_of(next(remoting.messages(body)).payload)
        verdict = verdict_of(identity)
        self.recorder.note("tx_end", id=identity, verdict="commit" if verdict == remoting.COMMIT else "rollback", result="unk")
        self.connection.one_way(remoting.END_TRANSACTION, remoting.end_fields(
            TX_GROUP, identity, fields["tranStateTableOffset"], fields["commitLogOffset"], verdict, from_check=True))


class Popper(Client):
    """A POP consumer. `careless` lets the time of some messages pass."""

    def __init__(self, port, folder, name, rng, careless):
        super().__init__(port, folder, name)
        self.rng = rng
        self.careless = careless

    def work(self):
        while not self.stopping.is_set():
            if not self.pop():
                time.sleep(0.02)

    def pop(self):
        code, fields, body, remark = self.call("pop", remoting.POP, {
            "consumerGroup": POP_GROUP, "topic": TOPIC, "queueId": -1, "maxMsgNums": 16, "invisibleTime": INVISIBLE_MS,
            "pollTime": 0, "bornTime": int(time.time() * 1000), "initMode": 0, "expType": "TAG", "exp": "*",
            "order": "false"})
        if code != 0:
            if code not in (19, 209, 210):
                raise AssertionError(f"pop: {code} {remark}")
            return False
        starts = dict((tuple(entry.split(" ")[:2]), entry.split(" ")[2])
                      for entry in fields["startOffsetInfo"].split(";"))
        held = []
        for record in remoting.messages(body):
            handle = record.properties.get("POP_CK") or " ".join(
                (starts["0", str(record.queue)], fields["popTime"], fields["invisibleTime"], fields["reviveQid"], "0",
                 BROKER, str(record.queue), str(record.offset)))
            held.append((key_of(record.payload), handle, self.take(record, handle)))
        for identity, handle, place in held:
            self.decide(identity, handle, *place)
        return True

    def take(self, record, handle):
        """Notes the delivery; returns the handle's parts and what an ack says of the place."""
        parts = handle.split(" ")
        topic = {"0": TOPIC, "1": f"%RETRY%{POP_GROUP}_{TOPIC}", "2": f"%RETRY%{POP_GROUP}+{TOPIC}"}[parts[4]]
        queue, offset = int(parts[6]), int(parts[7])
        self.taken += 1
        self.recorder.note("recv", group=POP_GROUP, topic=topic, queue=queue, offset=offset, id=key_of(record.payload),
                           digest=digest_of(record.payload), handle=handle, pop_ms=int(parts[1]),
                           invisible_ms=int(parts[2]), wall_ms=int(time.time() * 1000))
        return parts, {"consumerGroup": POP_GROUP, "topic": topic, "queueId": queue, "offset": offset}

    def decide(self, identity, handle, parts, place):
        chance = self.rng.random() if self.careless else 1.0
        if chance < 0.05:
            return
        if chance < 0.1:
            code, fields, _body, _remark = self.call("change", remoting.POP_CHANGE, {
                **place, "extraInfo": handle, "invisibleTime": INVISIBLE_MS})
            if code != 0:
                return
            parts[1:4] = fields["popTime"], fields["invisibleTime"], fields["reviveQid"]
            parts[0] = str(place["offset"])
            handle = " ".join(parts)
            self.recorder.note("change_ok", group=POP_GROUP, id=identity, handle=handle,
                               pop_ms=int(fields["popTime"]), invisible_ms=int(fields["invisibleTime"]))
        code, _fields, _body, _remark = self.call("ack", remoting.POP_ACK, {**place, "extraInfo": handle})
        if code == 0:
            self.recorder.note("ack_ok", group=POP_GROUP, id=identity, handle=handle)
            self.recorder.note("done", group=POP_GROUP, id=identity)


def prepare(port, folder, without):
    client = Client(port, folder, "admin")
    code, *_rest, remark = client.call("topic", remoting.CREATE_TOPIC, {
        "topic": TOPIC, "defaultTopic": "TBW102", "readQueueNums": QUEUES, "writeQueueNums": QUEUES, "perm": 6,
        "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"})
    assert code == 0, remark
    client.recorder.note("setting", name="queues", value=QUEUES)
    for group in GROUPS + (() if "pop" in without else (POP_GROUP,)):
        # Poppers that are starved of time let it pass often; what they hold is not poison.
        body = json.dumps({"groupName": group, "consumeEnable": True, "retryQueueNums": 1,
                           "retryMaxTimes": MAX_RECONSUME if group in GROUPS else 1000}).encode()
        code, *_rest, remark = client.call("group", remoting.CREATE_GROUP, {}, body)
        assert code == 0, remark
        client.recorder.note("subscribe", group=group, topic=TOPIC, accepts_poison=group == POP_GROUP,
                             unordered=group == POP_GROUP)
    client.close()


def bounds_of(client, topic, queue):
    answers = []
    for code in (remoting.MIN_OFFSET, remoting.MAX_OFFSET):
        status, fields, _body, _remark = client.call("bounds", code, {"topic": topic, "queueId": queue})
        answers.append(int(fields["offset"]) if status == 0 else 0)
    return answers


def read_queue(client, topic, queue):
    """All records of a queue; stops the run when one is missing."""
    offset, end = bounds_of(client, topic, queue)
    client.recorder.note("bounds", topic=topic, queue=queue, min=offset, max=end)
    while offset < end:
        code, _fields, body, remark = client.call("scan", remoting.PULL,
                                                  remoting.pull_fields(topic, "scanner", queue, offset))
        if code != 0:
            raise SystemExit(f"{topic}/{queue}@{offset} of {end} cannot be read: {code} {remark}")
        for record in remoting.messages(body):
            yield record
            offset = record.offset + 1


def scan(port, folder, name):
    client = Client(port, folder, name)
    client.recorder.note("found", name="queues", value=QUEUES if bounds_of(client, TOPIC, QUEUES - 1) else 0)
    own = ["%RETRY%" + group for group in GROUPS] + ["%DLQ%" + group for group in GROUPS + (POP_GROUP,)]
    for topic in [TOPIC, f"%RETRY%{POP_GROUP}_{TOPIC}", f"%RETRY%{POP_GROUP}+{TOPIC}"] + own:
        for queue in range(QUEUES if topic == TOPIC else 1):
            for record in read_queue(client, topic, queue):
                client.recorder.note("scan", topic=topic, queue=queue, offset=record.offset,
                                     id=key_of(record.payload), digest=digest_of(record.payload))
                if topic.startswith("%DLQ%"):
                    client.recorder.note("dlq", group=topic.removeprefix("%DLQ%"), id=key_of(record.payload),
                                         attempts=record.reconsumed)
    client.close()


def start_clients(broker, folder, tag, rng, writes, without):
    """All roles; `writes` is false when only what is owed is to be taken."""
    port = broker.port
    clients = [Reader(port, folder, f"{tag}-{group}", group) for group in GROUPS]
    if "pop" not in without:
        clients += [Popper(port, folder, f"{tag}-p{i}", random.Random(rng.random()), careless=writes)
                    for i in range(2)]
    if "transactions" not in without:
        clients += [Decider(port, folder, f"{tag}-d", writes=False)]
    if writes:
        clients += [Writer(port, folder, f"{tag}-w{i}", random.Random(rng.random())) for i in range(2)]
        if "transactions" not in without:
            clients += [Decider(port, folder, f"{tag}-t", writes=True)]
    for client in clients:
        client.start()
    return clients


def finish(clients):
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join()
        client.close()
        if client.failure is not None:
            raise client.failure


def drain(broker, folder, rng, without):
    """Consumers alone, until nothing came for longer than a retry takes; the checkers judge what is owed."""
    clients = start_clients(broker, folder, "drain", rng, False, without)
    deadline = time.monotonic() + DRAIN_LIMIT_S
    quiet_since = time.monotonic()
    before = None
    while time.monotonic() < min(deadline, quiet_since + 4 * DELAY_MS / 1000):
        time.sleep(0.1)
        now = sum(client.taken for client in clients)
        if now != before:
            before, quiet_since = now, time.monotonic()
    finish(clients)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--flush", default="ASYNC_FLUSH", choices=("ASYNC_FLUSH", "SYNC_FLUSH"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--without", type=lambda text: text.split(","), default=[])
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    home = tempfile.mkdtemp(prefix="oncemq-semantics-")
    data, folder = os.path.join(home, "data"), os.path.join(home, "history")
    os.mkdir(data)
    os.mkdir(folder)
    broker = Broker(options.oncemq, data, flushDiskType=options.flush, mappedFileSizeCommitLog=1 << 20,
                    mappedFileSizeConsumeQueue=20_000, messageDelayLevel="1s 1s 1s", flushConsumerOffsetInterval=200,
                    brokerName=BROKER, **({} if "transactions" in options.without else
                                         {"transactionCheckInterval": 500, "transactionTimeOut": 1000}))
    begun = time.monotonic()
    ok = False
    try:
        broker.start()
        prepare(broker.port, folder, options.without)
        faults = history.Recorder(folder, "faults")
        for number in range(options.rounds):
            clients = start_clients(broker, folder, f"r{number}", rng, True, options.without)
            time.sleep(rng.uniform(0.3, 1.5))
            faults.note("fault", what="end", on=True)
            if rng.random() < 0.8:
                broker.kill()
            elif (code := broker.stop()) != 0:
                raise SystemExit(f"exit code {code} after SIGTERM, wanted 0")
            finish(clients)
            broker.start()
            faults.note("fault", what="end", on=False)
        faults.close()
        drain(broker, folder, rng, options.without)
        scan(broker.port, folder, "scan")
        events = history.load(folder)
        found = checks.violations(events)
        if found:
            raise SystemExit(f"{len(found)} violations, first:\n  " + "\n  ".join(f"{n}: {t}" for n, t in found[:12])
                             + f"\nseed {options.seed}, kept {home}")
        facts = checks.Facts(events)
        counts = {kind: len(facts.by_kind[kind])
                  for kind in ("send_ok", "send_unk", "recv", "dlq", "commit_ok", "ack_ok", "change_ok", "tx_end")}
        wanted = set(counts) - {"send_unk"}
        if "pop" in options.without:
            wanted -= {"ack_ok", "change_ok"}
        if "transactions" in options.without:
            wanted -= {"tx_end"}
        delayed = sum("due_ms" in e and e["id"] in facts.acked for e in facts.sent.values())
        if min(delayed, *(counts[kind] for kind in wanted)) == 0:
            raise SystemExit(f"the run shows nothing: {counts}, {delayed} delayed")
        ok = True
    finally:
        broker.close()
        if ok and not options.keep:
            shutil.rmtree(home)
        else:
            print(f"kept {home}, seed {options.seed}", flush=True)
    print(f"summary: {options.flush}, {options.rounds} kills and stops in {time.monotonic() - begun:.0f} s: "
          f"{counts['send_ok']} acknowledged ({delayed} delayed), {counts['send_unk']} unknown, {counts['recv']} "
          f"received, {counts['ack_ok']} popped, {counts['dlq']} dead letters, {counts['tx_end']} verdicts; "
          f"{len(checks.CHECKS)} invariants hold")


if __name__ == "__main__":
    main()
