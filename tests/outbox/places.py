"""What the tests of the outbox stand on: databases with an outbox, relays to kill, topics to read."""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import remoting  # noqa: E402
from broker import Broker  # noqa: E402
from postgres import Postgres  # noqa: E402

ONCEMQ = os.path.abspath(os.environ.get("ONCEMQ", os.path.join(HERE, "..", "..", "build", "release", "oncemq")))
LIMIT_S = 120  # of any wait: a machine may be busy
LOG_FILE_BYTES = 16 << 20  # one of 1 GiB for each broker would fill a small disk
COLUMNS = ("topic", "aggregate", "tag", "message_keys", "body", "properties")


def make_broker(program, folder, **settings):
    return Broker(program, folder, mappedFileSizeCommitLog=LOG_FILE_BYTES, **settings)


def outbox(*words, program=ONCEMQ):
    return subprocess.run([program, "outbox", *words], capture_output=True, text=True, timeout=300, check=False)


def wait_until(holds, what, limit=LIMIT_S):
    """Until `holds()`; returns what it returned."""
    deadline = time.monotonic() + limit
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError(f"not after {limit} s: {what() if callable(what) else what}")
        time.sleep(0.02)


class Sqlite:
    """A file. Nothing of it runs, so there is nothing to kill."""

    can_be_killed = False
    no_delete = ("CREATE TRIGGER held BEFORE DELETE ON oncemq_outbox BEGIN SELECT RAISE(ABORT, 'held on purpose'); END",)
    free_delete = ("DROP TRIGGER held",)

    def __init__(self, folder, name="outbox.db"):
        self.path = os.path.join(folder, name)
        self.url = "sqlite:" + self.path

    def run(self, statement):
        """What a statement answers, as text: rows as lines, columns between '|'."""
        database = sqlite3.connect(self.path, timeout=60)
        try:
            with database:
                rows = database.execute(statement).fetchall()
            return "".join("|".join("" if value is None else str(value) for value in row) + "\n" for row in rows)
        finally:
            database.close()

    def bytes(self, value):
        return f"x'{value.hex()}'"

    def close(self):
        pass


class Postgresql:
    can_be_killed = True
    no_delete = ("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                 "$$ BEGIN RAISE EXCEPTION 'held on purpose'; END $$",
                 "CREATE TRIGGER held BEFORE DELETE ON oncemq_outbox EXECUTE FUNCTION refuse()")
    free_delete = ("DROP TRIGGER held ON oncemq_outbox", "DROP FUNCTION refuse")

    def __init__(self, _folder=None):
        self.server = Postgres()
        self.server.start()
        self.base = self.url = self.server.url
        self.databases = 0

    def fresh(self):
        """Another database, without tables."""
        self.databases += 1
        self.server.run(f"CREATE DATABASE test{self.databases}")
        self.url = self.base.replace("/postgres?", f"/test{self.databases}?")

    def psql(self):
        return [f"{self.server.bin}/psql", "-XAtqv", "ON_ERROR_STOP=1", self.url]

    def run(self, statement):
        return subprocess.run([*self.psql(), "-c", statement], check=True, stdout=subprocess.PIPE,
                              cwd=self.server.folder, text=True).stdout

    def bytes(self, value):
        return f"decode('{value.hex()}', 'hex')"

    def restart(self):
        self.server.kill()
        self.server.start()

    def close(self):
        self.server.close()


def insert(database, *rows):
    """Rows as dictionaries; a body is bytes."""
    lines = []
    for row in rows:
        values = []
        for column in COLUMNS:
            value = row.get(column)
            if column == "body":
                values.append(database.bytes(value if value is not None else b"a body"))
            else:
                values.append("NULL" if value is None else "'" + value.replace("'", "''") + "'")
        lines.append("(" + ", ".join(values) + ")")
    database.run(f"INSERT INTO oncemq_outbox ({', '.join(COLUMNS)}) VALUES " + ", ".join(lines))


def status(url):
    done = outbox("status", url, "--json")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


class Relay:
    """`oncemq outbox run` in the background; what it logs goes to `log`."""

    def __init__(self, url, namesrv_port, log, *words, program=ONCEMQ):
        self.log_path = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [program, "outbox", "run", "--source", url, "--namesrv", f"127.0.0.1:{namesrv_port}", "--lease", "1000",
                 "--poll-interval", "20", "--backoff-max", "100", *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=out)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def says(self, words, times=1):
        wait_until(lambda: self.log().count(words) >= times, lambda: f"{words} in {self.log()[-2000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)


def read_topic(port, topic, queues=8):
    """All Records of a topic, by queue and offset."""
    found = []
    connection = remoting.Connection(port)
    try:
        for queue in range(queues):
            code, fields, _body, _remark = connection.call(remoting.MAX_OFFSET, {"topic": topic, "queueId": queue})
            end = int(fields["offset"]) if code == 0 else 0
            offset = 0
            while offset < end:
                code, fields, body, remark = connection.call(
                    remoting.PULL, remoting.pull_fields(topic, "reader", queue, offset))
                if code != 0:
                    raise RuntimeError(f"pull: {code} {remark}")
                found.extend(remoting.messages(body))
                offset = int(fields["nextBeginOffset"])
    finally:
        connection.close()
    return found
