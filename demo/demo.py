#!/usr/bin/env python3
"""The demonstration: a bank that books every payment once, whatever goes wrong; beside it, one that does not.

Payments go to two topics: an idempotent one whose consumers book with once::Sql, and an ordinary one whose consumers
book what comes. The broker loses answers and acknowledgements and delivers twice on purpose, consumers are killed
(kill -9) and begin again. At the end the first ledger must have each payment once and the sum must match; exit code 0
only then. The second one shows what at-least-once means.

Usage: demo.py ONCEMQ BANK [--payments N] [--store URL] [--broker HOST:PORT] [--keep]
--store: sqlite:PATH or postgresql://... instead of a new SQLite file; its tables are called oncemq_demo_*.
--broker: the name server of a running OnceMQ or Apache RocketMQ instead of a broker of its own; then nothing is lost
on purpose, and consumers are killed all the same.
"""
import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOPIC, PLAIN = "demo_payments", "demo_payments_plain"
CONSUMERS = 2           # of each kind
KILL_EVERY_S = 0.8
QUIET_S = 3.0           # what was refused comes again after a second
LIMIT_S = 120
FAULTS = [("lose-send-response", TOPIC, None, 0.05), ("lose-send-response", PLAIN, None, 0.05),
          ("deliver-twice", TOPIC, "demo_bank", 0.2), ("deliver-twice", PLAIN, "demo_bank_plain", 0.2),
          ("lose-ack", TOPIC, "demo_bank", 0.2), ("lose-ack", PLAIN, "demo_bank_plain", 0.2)]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Demo:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.store = options.store or "sqlite:" + os.path.join(folder, "bank.db")
        self.names = options.broker
        self.run_id = f"{random.SystemRandom().randrange(1 << 32):08x}"
        self.children = []
        self.log = open(os.path.join(folder, "programs.log"), "ab")
        self.sent = 0
        self.kills = 0
        self.begun = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.begun:5.1f} s  {text}", flush=True)

    def oncemq(self, *words, check=True):
        done = subprocess.run([self.options.oncemq, *words, "--namesrv", self.names], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if check and done.returncode != 0:
            raise SystemExit(f"oncemq {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def bank(self, *words):
        return subprocess.run([self.options.bank, *words], stdout=subprocess.PIPE, text=True, check=True).stdout

    def child(self, *words, **more):
        one = subprocess.Popen([self.options.bank, *words], stdin=subprocess.PIPE, stderr=self.log, **more)
        self.children.append(one)
        return one

    def start_broker(self):
        port, names, http = free_ports(3)
        self.names = f"127.0.0.1:{names}"
        broker = subprocess.Popen(
            [self.options.oncemq, "serve", "--allow-faults", "--data", os.path.join(self.folder, "data"),
             "--set", f"listenPort={port}", "--set", f"namesrvListenPort={names}", "--set", f"httpListenPort={http}",
             "--set", "brokerIP1=127.0.0.1"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.children.append(broker)
        ready = broker.stdout.readline().strip()
        if not ready.startswith("ready"):
            raise SystemExit("the broker did not start, see " + self.log.name)
        self.say("broker: " + ready.split(":")[0])

    def set_up(self):
        if self.names is None:
            self.start_broker()
        once = self.oncemq("topic", "create", TOPIC, "--attributes", "+idempotent.key=UNIQ_KEY", check=False)
        if once.returncode != 0:  # not ours: once::Sql has to do all of it
            self.say("no idempotent topics here, so only the consumers remember")
            self.oncemq("topic", "create", TOPIC)
        self.oncemq("topic", "create", PLAIN)
        if self.options.broker is None:
            for kind, topic, group, probability in FAULTS:
                self.oncemq("fault", "add", kind, "--topic", topic, "--probability", str(probability),
                            *(["--group", group] if group else []))
            self.say("the broker loses 5 % of its answers to senders, delivers 20 % of the pages twice and loses "
                     "20 % of the acknowledged offsets")
        self.bank("prepare", self.store)

    def hire(self, kind):
        return kind, self.child("consume", self.names, self.store, kind, stdout=subprocess.DEVNULL)

    def progress(self, report):
        plain, once = report["plain"], report["once"]
        self.say(f"sent {self.sent:,}, consumers killed {self.kills} | plain: {plain['bookings']:,} booked, "
                 f"{plain['bookings'] - plain['payments']:,} of them again | OnceMQ: {once['bookings']:,} booked, "
                 f"{once['bookings'] - once['payments']:,} of them again")

    def report(self):
        return json.loads(self.bank("report", self.store))

    def follow(self, sender):
        for line in sender.stdout:
            self.sent = int(line)

    def storm(self):
        """Sends, kills, and tells each second how it goes."""
        staff = [self.hire(kind) for kind in ("plain", "once") for _ in range(CONSUMERS)]
        sender = self.child("send", self.names, self.run_id, str(self.options.payments), stdout=subprocess.PIPE,
                            text=True)
        follower = threading.Thread(target=self.follow, args=(sender,))
        follower.start()
        rng = random.SystemRandom()
        next_kill = time.monotonic() + 2
        next_line = time.monotonic() + 1
        while sender.poll() is None:
            now = time.monotonic()
            if now > next_kill:
                which = rng.randrange(len(staff))
                kind, one = staff[which]
                one.kill()
                one.wait()
                staff[which] = self.hire(kind)
                self.kills += 1
                next_kill = now + KILL_EVERY_S
            if now > next_line:
                self.progress(self.report())
                next_line = now + 1
            time.sleep(0.05)
        follower.join()
        if sender.returncode != 0:
            raise SystemExit("the sender failed, see " + self.log.name)

    def drain(self):
        """Until every payment was booked and nothing comes any more."""
        self.say("all is sent; the faults end, what is left comes in")
        if self.options.broker is None:
            self.oncemq("fault", "clear", "--all")
        deadline = time.monotonic() + LIMIT_S
        last, since = None, time.monotonic()
        while time.monotonic() < deadline:
            report = self.report()
            if report != last:
                last, since = report, time.monotonic()
            done = all(one["payments"] >= self.options.payments for one in report.values())
            if done and time.monotonic() - since > QUIET_S:
                return report
            time.sleep(0.2)
        return last

    def tell(self, report):
        payments = self.options.payments
        wanted = sum(100 + number % 900 for number in range(payments))
        print(f"\n{'':14}{'payments':>10}{'booked':>10}{'again':>10}{'sum':>14}{'difference':>14}")
        print(f"{'sent':14}{payments:>10,}{'':>20}{wanted:>14,}")
        for kind, name in (("plain", "at least once"), ("once", "OnceMQ")):
            one = report[kind]
            print(f"{name:14}{one['payments']:>10,}{one['bookings']:>10,}{one['bookings'] - one['payments']:>10,}"
                  f"{one['balance']:>14,}{one['balance'] - wanted:>+14,}")
        if self.options.broker is None:
            print()
            for row in json.loads(self.oncemq("fault", "list", "--json").stdout):
                print(f"{row['fault']} on {row['topic']}: {row['struck']} times")
        self.tell_why(report["plain"]["twice"])
        once = report["once"]
        return once["payments"] == once["bookings"] == payments and once["balance"] == wanted

    def tell_why(self, payment):
        """Of other brokers nobody can ask."""
        told = []
        for topic in (PLAIN, TOPIC) if payment else ():
            why = self.oncemq("message", "why", payment, "--topic", topic, check=False)
            if why.returncode == 0:
                told.append(f"\n{topic}\n{why.stdout.rstrip()}")
        if told:
            print(f"\nWhy {payment} was booked again, in the words of 'oncemq message why':")
            print("\n".join(told))

    def run(self):
        self.set_up()
        self.storm()
        return self.tell(self.drain())

    def close(self):
        for one in reversed(self.children):
            if one.poll() is None:
                one.kill()
            one.wait()
        self.log.close()


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description="A bank that books every payment once, whatever "
                                     "goes wrong; beside it, one that does not.")
    parser.add_argument("oncemq", help=argparse.SUPPRESS)
    parser.add_argument("bank", help=argparse.SUPPRESS)
    parser.add_argument("--payments", type=int, default=3000)
    parser.add_argument("--store", help="sqlite:PATH or postgresql://...; default: a new SQLite file")
    parser.add_argument("--broker", metavar="HOST:PORT", help="name server of a running OnceMQ or Apache RocketMQ")
    parser.add_argument("--keep", action="store_true", help="keep the files")
    options = parser.parse_args()
    if options.payments < 1:
        parser.error("--payments: at least 1")
    folder = tempfile.mkdtemp(prefix="oncemq-demo-")
    demo = Demo(options, folder)
    good = False
    try:
        good = demo.run()
    finally:
        demo.close()
        if good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"files: {folder}", file=sys.stderr)
    print("\nEvery payment was booked once, and the sums match." if good else "\nThe ledger is wrong.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
