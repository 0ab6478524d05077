#!/usr/bin/env python3
"""A PostgreSQL of its own for a test: made in a folder, reached by a Unix socket there, ended by process id.

As a program: postgres.py [--standby] [NAME=VALUE...] makes and starts one with these settings, prints its URL, and ends
it with everything that it made when standard input ends. With --standby there are two, and the URL is the standby's.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

USER = "postgres"  # of the package; the server refuses to run as root
START_S = 60


def programs():
    """The folder of the newest installed server's programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    if not found:
        raise SystemExit("no PostgreSQL server is installed: tools/packages.txt, section [databases]")
    return found[-1]


def as_user():
    """Arguments of subprocess.Popen that make it somebody who is not root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Postgres:
    def __init__(self, primary=None, **settings):
        """With `primary`, one that runs, it becomes a standby of it."""
        # Short: the path of a Unix socket has 107 characters at most.
        self.folder = tempfile.mkdtemp(prefix="oncepg-", dir="/tmp")
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER)
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        self.bin = programs()
        self.url = f"postgresql://{USER}@/postgres?host={self.folder}"
        self.process = None
        self.log = open(os.path.join(self.folder, "log"), "ab")
        make = [f"{self.bin}/initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        if primary:
            make = [f"{self.bin}/pg_basebackup", "-d", primary.url, "-D", self.data, "-R", "-c", "fast", "--no-sync"]
        made = subprocess.run(make, cwd=self.folder, stdout=self.log, stderr=self.log, **as_user())
        if made.returncode != 0:
            raise SystemExit(f"{make[0]} failed: {self.log_text()}")
        # A vacuum would hold what the end of a period wants, for a moment and at random.
        self.settings = {"listen_addresses": "", "unix_socket_directories": self.folder, "shared_buffers": "16MB",
                         "autovacuum": "off",
                         **settings}

    def log_text(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as text:
            return text.read()[-3000:]

    def start(self):
        """Until it answers; after a kill also until the old server's processes are gone."""
        command = [f"{self.bin}/postgres", "-D", self.data]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log,
                                            stderr=self.log, start_new_session=True, **as_user())
            while self.process.poll() is None and time.monotonic() < deadline:
                if self.answers():
                    return
                time.sleep(0.05)
            time.sleep(0.05)
        raise SystemExit(f"PostgreSQL does not start: {self.log_text()}")

    def answers(self):
        return subprocess.run([f"{self.bin}/pg_isready", "-q", "-h", self.folder], check=False,
                              cwd=self.folder).returncode == 0

    def run(self, statement):
        """What a statement answers, as text."""
        return subprocess.run([f"{self.bin}/psql", "-XAtqv", "ON_ERROR_STOP=1", "-c", statement, self.url],
                              check=True, stdout=subprocess.PIPE, cwd=self.folder, text=True).stdout

    def children(self):
        pids = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="ascii", errors="replace") as stat:
                    text = stat.read()
            except OSError:
                continue
            if int(text.rsplit(")", 1)[1].split()[1]) == self.process.pid:
                pids.append(int(path.split("/")[2]))
        return pids

    def kill(self):
        """kill -9 of all of it, the one that would clean up first."""
        children = self.children()
        self.process.kill()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    words = sys.argv[1:]
    settings = dict(word.split("=", 1) for word in words if word != "--standby")
    servers = []
    try:
        for _ in range(2 if "--standby" in words else 1):
            servers.append(Postgres(servers[0] if servers else None, **settings))
            servers[-1].start()
        print(servers[-1].url, flush=True)
        sys.stdin.read()
    finally:
        for server in reversed(servers):
            server.close()


if __name__ == "__main__":
    main()
