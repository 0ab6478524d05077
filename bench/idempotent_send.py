#!/usr/bin/env python3
"""What idempotent produce costs from outside: an ordinary and an idempotent topic of one broker, sent to in turn.

Usage: idempotent_send.py ONCEMQ [--keys N] [--rounds N] [--seconds S] [--rate N] [--size BYTES] [--folder DIR]
Fills the idempotent topic with N (20,000,000; 7 GiB of disk) messages of different keys, then in each round sends to
both topics in random order: as fast as it goes (messages per broker CPU-second) and at a rate (p99). Medians, their
ratio and the bounds of it to stderr, all figures as JSON to stdout. Exit code 1: a goal is missed.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "support"))
from broker import Broker  # noqa: E402

TOPICS = {"plain": [], "idempotent": ["--attributes", "+idempotent.key=UNIQ_KEY"]}
COST_MAX = 0.05
P99_MAX = 0.10


def send(options, broker, topic, *arguments, may_refuse=False):
    out = subprocess.run(
        [options.oncemq, "bench", "send", "--broker", f"127.0.0.1:{broker.port}", "--broker-pid",
         str(broker.process.pid), "--topic", topic, "--no-create", "--quiet", "--json", "-", *arguments],
        check=True, stdout=subprocess.PIPE).stdout
    report = json.loads(out)
    if (report["refused"] and not may_refuse) or report["lost"] or report.get("error"):
        raise RuntimeError(f"{topic}: {report['refused']} refused, {report['lost']} lost, {report.get('error')}")
    return report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--keys", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--header", default="json")
    parser.add_argument("--folder")
    options = parser.parse_args()
    options.oncemq = os.path.abspath(options.oncemq)
    folder = tempfile.mkdtemp(prefix="oncemq-idempotent-", dir=options.folder)
    broker = Broker(options.oncemq, os.path.join(folder, "data"), idempotentKeysMax=2 * options.keys)
    try:
        broker.start()
        for topic, attributes in TOPICS.items():
            subprocess.run([options.oncemq, "topic", "create", topic, "--queues", "8", *attributes, "--namesrv",
                            f"127.0.0.1:{broker.namesrv_port}"], check=True, stdout=subprocess.DEVNULL)
        remembered = 0
        while remembered < options.keys:
            fill = send(options, broker, "idempotent", "--count", str(options.keys - remembered), "--batch", "64",
                        "--size", "100", may_refuse=True)
            remembered += fill["acknowledged"]
            print(f"{fill['acknowledged']:,} keys remembered, {fill['refused']:,} refused, "
                  f"{fill['messagesPerBrokerCpuSecond']:,.0f} per broker CPU-second", file=sys.stderr)
        fast = {topic: [] for topic in TOPICS}
        paced = {topic: [] for topic in TOPICS}
        common = ["--size", str(options.size), "--header", options.header, "--duration", str(options.seconds)]
        for number in range(options.rounds):
            for topic in random.sample(list(TOPICS), len(TOPICS)):
                fast[topic].append(send(options, broker, topic, *common)["messagesPerBrokerCpuSecond"])
            for topic in random.sample(list(TOPICS), len(TOPICS)):
                report = send(options, broker, topic, *common, "--rate", str(options.rate))
                paced[topic].append(report["latencyMs"])
            print(f"round {number + 1}: " + ", ".join(
                f"{topic} {fast[topic][-1]:,.0f}/CPU-s, p99 {paced[topic][-1]['p99']} ms" for topic in TOPICS),
                file=sys.stderr, flush=True)
        ratios = [once / plain for once, plain in zip(fast["idempotent"], fast["plain"])]
        cost = 1 - statistics.median(ratios)
        late = {p: {topic: statistics.median(one[p] for one in paced[topic]) for topic in TOPICS}
                for p in ("p50", "p99")}
        slower = late["p99"]["idempotent"] / late["p99"]["plain"] - 1
        print(f"cost in messages per broker CPU-second: {cost:.1%} (rounds {1 - max(ratios):.1%} ... "
              f"{1 - min(ratios):.1%}), goal at most {COST_MAX:.0%}\n"
              f"p50 {late['p50']}, p99 {late['p99']} ms: {slower:+.1%}, goal at most +{P99_MAX:.0%}", file=sys.stderr)
        json.dump({"fast": fast, "paced": paced, "cost": cost, "p99": slower}, sys.stdout, indent=1)
        print()
        return cost > COST_MAX or slower > P99_MAX
    finally:
        broker.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
