#!/usr/bin/env python3
"""Fills the disk under a broker: sends are refused, consumers are served, and it recovers by itself.

The disk is a tmpfs of 48 MiB in a mount namespace of the test's own, so that it is really full. Once in each run
the broker is killed while it is full, and must start on the full disk.

Usage: disk_full.py ONCEMQ [--flush ASYNC_FLUSH|SYNC_FLUSH]
Ends with 'summary: ...' and exit code 0.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402

TOPIC = "full"
DISK_BYTES = 48 << 20
BALLAST_BYTES = 12 << 20
BODY_BYTES = 8 << 10
REFUSED = {1, 2, 14}        # system error, busy, service not available: nothing was stored
STORED_UNSYNCED = {10, 11, 12}
RECOVERY_LIMIT_S = 30


def body_of(number):
    seed = hashlib.sha256(str(number).encode()).digest()
    return f"{number}|".encode() + seed * (BODY_BYTES // len(seed))


class Run:
    def __init__(self, broker):
        self.broker = broker
        self.number = 0
        self.acknowledged, self.refused = set(), set()
        self.connection = None

    def connect(self):
        self.connection = remoting.Connection(self.broker.port)

    def send(self):
        """True when it was acknowledged."""
        self.number += 1
        code, _fields, _body, remark = self.connection.call(
            remoting.SEND, remoting.send_fields(TOPIC, 0, f"m{self.number}", queues=1), body_of(self.number))
        if code == 0:
            self.acknowledged.add(self.number)
        elif code in REFUSED:
            self.refused.add(self.number)
        elif code not in STORED_UNSYNCED:
            raise SystemExit(f"a send on a full disk was answered {code}: {remark}")
        return code == 0

    def fill(self):
        """Until ten sends in a row, over a second, were refused."""
        refusals = 0
        while refusals < 10:
            if self.send():
                refusals = 0
            else:
                refusals += 1
                time.sleep(0.1)

    def check(self, when):
        """Every acknowledged message is served, once and whole, and no refused one."""
        found, offset = [], 0
        while True:
            code, fields, body, remark = self.connection.call(
                remoting.PULL, remoting.pull_fields(TOPIC, "reader", 0, offset))
            if code == 19:
                break
            if code != 0:
                raise SystemExit(f"{when}: a pull at {offset} was answered {code}: {remark}")
            for record in remoting.messages(body):
                number = int(record.payload.split(b"|", 1)[0])
                if record.payload != body_of(number):
                    raise SystemExit(f"{when}: message {number} is damaged")
                found.append(number)
            offset = int(fields["nextBeginOffset"])
        lost = self.acknowledged - set(found)
        if lost or len(found) != len(set(found)) or self.refused & set(found):
            raise SystemExit(f"{when}: {len(lost)} lost, {len(found) - len(set(found))} doubled, "
                             f"{len(self.refused & set(found))} were refused and are there")

    def recover(self):
        """Seconds until a send is accepted."""
        begun = time.monotonic()
        while not self.send():
            if time.monotonic() - begun > RECOVERY_LIMIT_S:
                raise SystemExit(f"there is room, and sends are still refused after {RECOVERY_LIMIT_S} s")
            time.sleep(0.1)
        return time.monotonic() - begun


def work(options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", options.inside], check=True)
    data = os.path.join(options.inside, "data")
    ballast = [os.path.join(options.inside, f"ballast{i}") for i in range(2)]
    for path in ballast:
        with open(path, "wb") as file:
            file.write(bytes(BALLAST_BYTES))
    log_folder = tempfile.mkdtemp(prefix="oncemq-full-")
    os.mkdir(data)
    # All levels that would keep the disk from being full are out of the way.
    broker = Broker(options.oncemq, data, flushDiskType=options.flush, mappedFileSizeCommitLog=4 << 20,
                    mappedFileSizeConsumeQueue=20_000, freeSpaceFloor=0, diskSpaceWarningLevelRatio=100,
                    diskSpaceCleanForciblyRatio=97, cleanFileForciblyEnable="false", defaultTopicQueueNums=1,
                    log=os.path.join(log_folder, "log"))
    run = Run(broker)
    try:
        recovered = []
        broker.start()
        run.connect()
        for killed in (False, True):
            run.fill()
            run.check("full")
            if killed:
                broker.kill()
                broker.start()
                run.connect()
                run.check("started on the full disk")
            os.remove(ballast.pop())
            recovered.append(run.recover())
            run.check("with room again")
        if (code := broker.stop()) != 0:
            raise SystemExit(f"exit code {code} after SIGTERM, wanted 0")
        broker.start()
        run.connect()
        run.check("after a restart")
    except BaseException:
        broker.close()
        print(f"the log is kept in {log_folder}", flush=True)
        raise
    broker.close()
    shutil.rmtree(log_folder)
    print(f"summary: {options.flush}, twice full and once killed on it: {len(run.acknowledged)} acknowledged, "
          f"{len(run.refused)} refused, all served; room was noticed after {max(recovered):.1f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("oncemq")
    parser.add_argument("--flush", default="ASYNC_FLUSH", choices=("ASYNC_FLUSH", "SYNC_FLUSH"))
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return work(options)
    with tempfile.TemporaryDirectory(prefix="oncemq-disk-") as folder:
        done = subprocess.run(["unshare", "--map-root-user", "--mount", sys.executable, os.path.abspath(__file__),
                               os.path.abspath(options.oncemq), "--flush", options.flush, "--inside", folder])
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
