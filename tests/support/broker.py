"""Starts and stops the built binary for tests, by process id, on free loopback ports."""
import os
import re
import signal
import subprocess

from ports import free_port


class Broker:
    """`oncemq serve` on `folder`; keyword arguments are settings. Its log goes to `log`, a file beside the folder."""

    def __init__(self, binary, folder, log=None, **settings):
        self.port = free_port()
        self.namesrv_port = free_port()
        self.folder = folder
        self.http_port = free_port()
        settings = {"listenPort": self.port, "namesrvListenPort": self.namesrv_port,
                    "httpListenPort": self.http_port, "brokerIP1": "127.0.0.1", **settings}
        self.command = [binary, "serve", "--data", folder]
        for key, value in settings.items():
            self.command += ["--set", f"{key}={value}"]
        self.log = open(log or folder.rstrip("/") + ".log", "ab")
        self.process = None

    def start(self):
        """Returns the milliseconds that the ready line tells."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready in"):
            code = self.process.wait(10)
            with open(self.log.name, encoding="utf-8", errors="replace") as log:
                raise RuntimeError(f"the broker did not start: {line!r}, exit code {code}\n{log.read()[-2000:]}")
        return int(re.match(r"ready in (\d+) ms", line).group(1))

    def _end(self, number, limit):
        self.process.send_signal(number)
        code = self.process.wait(limit)
        self.process.stdout.close()
        self.process = None
        return code

    def kill(self):
        self._end(signal.SIGKILL, 10)

    def stop(self, limit=15):
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM, limit)

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.log.close()
