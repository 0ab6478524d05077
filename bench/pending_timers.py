#!/usr/bin/env python3
"""What timers cost and how well they keep time: memory and disk of N that wait, restarts, lateness at 10,000 a second.

Usage: pending_timers.py ONCEMQ [--count N] [--rate N] [--seconds S] [--folder DIR] [--parts fill,restart,accuracy]
One broker on an empty folder (16 GiB free for 10,000,000), in this order; every part can be left out:

fill      sends N (10,000,000) timers with bodies of 100 bytes that are due in 1 ... 72 hours; tells what memory and
          disk they take
restart   starts again after SIGTERM, after kill -9, and without the index as after a power failure; timers that are
          due meanwhile are looked at one by one: none early, none lost, none twice
accuracy  on top of what waits, 10,000 a second are due for 60 s and are received by waiting pulls

Prints a line for each figure to stderr as it comes, and all of them as JSON to stdout. Exit code 1: a goal is missed.
"""
import argparse
import collections
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

MIB = 1 << 20
HOUR_MS = 3_600_000
MEMORY_MAX = 64 * MIB
DISK_MAX = 1024 * MIB
LATE_MAX_MS = 100
SAMPLE_TOPIC = "timer_sample"
SAMPLES = 4000
SAMPLE_MS = 24_000


class Figures(dict):
    def tell(self, name, value):
        self[name] = value
        print(f"{name}: {value}", file=sys.stderr, flush=True)


def status_bytes(broker):
    fields = {}
    with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                fields[name] = int(value.split()[0]) * 1024
    return fields


class MemoryWatch(threading.Thread):
    """The most memory that the broker's process takes while this runs."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.broker = broker
        self.most = collections.Counter()
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.1):
            for name, value in status_bytes(self.broker).items():
                self.most[name] = max(self.most[name], value)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def metric(broker, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{broker.http_port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    raise RuntimeError(f"no metric {name}")


def await_waiting(broker, count, limit_s=300):
    """Seconds until all timers are taken up and `count` of them wait; the number that waits."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit_s:
        waiting = metric(broker, "oncemq_timers_waiting")
        if metric(broker, "oncemq_timers_unread") == 0 and waiting >= count:
            return round(time.monotonic() - begun, 2), int(waiting)
        time.sleep(0.05)
    raise RuntimeError(f"only {waiting} timers wait, {count} should")


def bench(oncemq, broker, *arguments):
    command = [oncemq, "bench", *map(str, arguments), "--broker", f"127.0.0.1:{broker.port}", "--broker-pid",
               str(broker.process.pid), "--size", "100", "--quiet", "--json", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def disk_bytes(folder):
    """Blocks that files occupy."""
    total = 0
    for root, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(root, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def fill(options, broker, figures):
    # What a broker takes that has served: buffers, code, the window of the log that stays mapped.
    with MemoryWatch(broker) as watch:
        bench(options.oncemq, broker, "send", "--count", 2_000_000, "--topic", "ordinary")
    figures.tell("rssMiBMostOrdinary", watch.most["VmRSS"] // MIB)
    time.sleep(12)
    served = status_bytes(broker)
    data = broker.folder
    before = {name: disk_bytes(os.path.join(data, name)) for name in ("consumequeue", "index", "once")}
    with MemoryWatch(broker) as watch:
        report = bench(options.oncemq, broker, "send", "--count", options.count, "--topic", "filled", "--delay-ms",
                       HOUR_MS, "--delay-spread-ms", 71 * HOUR_MS)
        await_waiting(broker, options.count)
    figures.tell("fillPerSecond", round(report["messagesPerSecond"]))
    figures.tell("fillBrokerCpuSeconds", round(report["brokerCpuSeconds"], 1))
    time.sleep(12)
    after = status_bytes(broker)
    figures.tell("rssMiBIdle", options.idle["VmRSS"] // MIB)
    figures.tell("rssMiBServed", served["VmRSS"] // MIB)
    figures.tell("rssMiBWaiting", after["VmRSS"] // MIB)
    figures.tell("rssMiBMost", watch.most["VmRSS"] // MIB)
    figures.tell("rssAnonMiBWaiting", after["RssAnon"] // MIB)
    figures.tell("rssAnonMiBMost", watch.most["RssAnon"] // MIB)
    # Beside an idle broker that has served nobody: the harder one of the two questions.
    added = after["VmRSS"] - options.idle["VmRSS"]
    figures.tell("rssAddedMiB", round(added / MIB, 1))
    figures.tell("rssAddedMostMiB", round((watch.most["VmRSS"] - options.idle["VmRSS"]) / MIB, 1))
    disk = {name: disk_bytes(os.path.join(data, name)) - size for name, size in before.items()}
    for name, size in disk.items():
        figures.tell(f"disk.{name}MiB", round(size / MIB, 1))
    figures.tell("diskMiB", round(sum(disk.values()) / MIB, 1))
    figures.tell("memoryGoalMet", added <= MEMORY_MAX)
    figures.tell("diskGoalMet", sum(disk.values()) <= DISK_MAX)


# ---- timers that become due while the broker is stopped and started


def send_samples(broker, due_ms):
    connection = remoting.Connection(broker.port, timeout=60)
    data = b""
    for number, due in enumerate(due_ms):
        fields = remoting.send_fields(SAMPLE_TOPIC, number % 4, f"s{number}", TIMER_DELIVER_MS=str(due))
        data += connection.request(remoting.SEND, fields, str(number).encode())[1]
    connection.write(data)
    for _ in due_ms:
        answer = connection.read()
        if answer[1] != 0:
            raise RuntimeError(f"refused: {answer[1]} {answer[4]}")
    connection.close()


def receive_samples(broker, due_ms, limit_s=120):
    """Everything in the topic; checks that it is what was due, once each, and not before its time."""
    connection = remoting.Connection(broker.port, timeout=60)
    seen = collections.Counter()
    early = 0
    offsets = [0] * 4
    end = time.monotonic() + limit_s
    complete = False
    while time.monotonic() < end:
        if len(seen) == len(due_ms) and not complete:
            complete = True
            # What comes twice comes a moment later.
            end = min(end, time.monotonic() + 3)
        for queue in range(4):
            code, fields, body, _remark = connection.call(
                remoting.PULL, remoting.pull_fields(SAMPLE_TOPIC, "samplers", queue, offsets[queue]))
            offsets[queue] = int(fields["nextBeginOffset"])
            for record in remoting.messages(body) if code == 0 else ():
                number = int(record.payload)
                seen[number] += 1
                early += record.stored_ms < due_ms[number]
        time.sleep(0.05)
    connection.close()
    return {"sent": len(due_ms), "lost": len(due_ms) - len(seen), "early": early,
            "doubled": sum(seen.values()) - len(seen)}


def restart(options, broker, figures):
    expected = int(metric(broker, "oncemq_timers_waiting"))
    create = {"topic": SAMPLE_TOPIC, "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4, "perm": 6,
              "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}
    connection = remoting.Connection(broker.port)
    assert connection.call(remoting.CREATE_TOPIC, create)[0] == 0
    connection.close()
    first = int(time.time() * 1000) + 3000
    due_ms = [first + number * SAMPLE_MS // SAMPLES for number in range(SAMPLES)]
    send_samples(broker, due_ms)
    time.sleep(5)
    begun = time.monotonic()
    broker.stop(120)
    figures.tell("stopSeconds", round(time.monotonic() - begun, 2))
    figures.tell("readyMsAfterStop", broker.start())
    # Some of the sample are still waiting.
    figures.tell("takenUpSecondsAfterStop", await_waiting(broker, expected)[0])
    time.sleep(4)
    broker.kill()
    figures.tell("readyMsAfterKill", broker.start())
    figures.tell("takenUpSecondsAfterKill", await_waiting(broker, expected)[0])
    time.sleep(4)
    broker.kill()
    # After a power failure the index and its checkpoint are not trusted; without them nothing else is left.
    for name in os.listdir(os.path.join(broker.folder, "once")):
        path = os.path.join(broker.folder, "once", name)
        if name == "timers":
            shutil.rmtree(path)
        elif name.startswith("timers.json"):
            os.remove(path)
    with MemoryWatch(broker_started(broker, figures, "readyMsWithoutIndex")) as watch:
        figures.tell("takenUpSecondsWithoutIndex", await_waiting(broker, expected)[0])
    figures.tell("rssMiBMostWithoutIndex", watch.most["VmRSS"] // MIB)
    figures.tell("rssAnonMiBMostWithoutIndex", watch.most["RssAnon"] // MIB)
    sample = receive_samples(broker, due_ms)
    figures.tell("sample", sample)
    _, waiting = await_waiting(broker, expected)
    figures.tell("waitingAfterAll", waiting)
    figures.tell("restartGoalMet", waiting == expected and sample["lost"] + sample["early"] + sample["doubled"] == 0)


def broker_started(broker, figures, name):
    figures.tell(name, broker.start())
    return broker


def accuracy(options, broker, figures):
    figures.tell("loadAverageBefore", os.getloadavg()[0])
    with MemoryWatch(broker) as watch:
        report = bench(options.oncemq, broker, "e2e", "--rate", options.rate, "--duration", options.seconds,
                       "--delay-ms", 15_000, "--connections", 4, "--topic", "punctual")
    figures.tell("dueTimers", report["acknowledged"])
    figures.tell("receivedLateMs", {k: report["latencyMs"][k] for k in ("p50", "p99", "p999", "max")})
    figures.tell("storedLateMs", report["storedLatenessMs"])
    figures.tell("early", report["early"])
    figures.tell("doubled", report["doubled"])
    figures.tell("missing", report["acknowledged"] - report["messages"] + report["doubled"])
    figures.tell("brokerCpuSeconds", round(report["brokerCpuSeconds"], 2))
    figures.tell("rssMiBMostAtRate", watch.most["VmRSS"] // MIB)
    figures.tell("accuracyGoalMet", report["latencyMs"]["max"] <= LATE_MAX_MS
                 and figures["early"] + figures["doubled"] + figures["missing"] == 0)


PARTS = {"fill": fill, "restart": restart, "accuracy": accuracy}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder")
    parser.add_argument("--parts", default=",".join(PARTS))
    options = parser.parse_args()
    parts = options.parts.split(",")
    if not set(parts) <= set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    folder = tempfile.mkdtemp(prefix="oncemq-timers-", dir=options.folder)
    data = os.path.join(folder, "data")
    os.mkdir(data)
    broker = Broker(options.oncemq, data)
    figures = Figures()
    begun = time.monotonic()
    try:
        figures.tell("machine", f"{os.cpu_count()} cores, {platform.release()}")
        figures.tell("loadAverage", os.getloadavg()[0])
        figures.tell("count", options.count if "fill" in parts else 0)
        broker.start()
        time.sleep(2)
        options.idle = status_bytes(broker)
        for part in parts:
            PARTS[part](options, broker, figures)
        broker.stop(120)
        with open(broker.log.name, encoding="utf-8", errors="replace") as log:
            figures.tell("errorsInLog", len(re.findall(r"\berror\b", log.read())))
    finally:
        broker.close()
        shutil.rmtree(folder)
    figures.tell("seconds", round(time.monotonic() - begun))
    print(json.dumps(figures, indent=1))
    sys.exit(0 if all(value for name, value in figures.items() if name.endswith("GoalMet")) else 1)


if __name__ == "__main__":
    main()
