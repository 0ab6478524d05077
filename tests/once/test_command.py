"""`oncemq once` as a person uses it, on a SQLite file and on PostgreSQL. Environment: ONCEMQ, the program."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from postgres import Postgres, as_user  # noqa: E402

ONCEMQ = os.path.abspath(os.environ.get("ONCEMQ", os.path.join(HERE, "..", "..", "build", "release", "oncemq")))
HELPER = os.path.join(os.path.dirname(ONCEMQ), "oncemq-once")
SECRET = "geheim"
DAY_MS = 86_400_000
HORIZON_MS = 552_680_000  # docs/once.md: 6 days 9 h 31 min


def once(*words, program=ONCEMQ, **more):
    return subprocess.run([program, "once", *words], capture_output=True, text=True, timeout=300, check=False, **more)


class CommandTest(unittest.TestCase):
    def does(self, *words):
        done = once(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def told(self, *words):
        return json.loads(self.does(*words, "--json"))

    def refused(self, code, pattern, *words, **more):
        done = once(*words, **more)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done)
        self.assertRegex(done.stderr, pattern)
        return done.stderr


class Story:
    """What both databases have to do; `url`, and run() for what somebody else does there."""

    def test_init_makes_the_tables_and_status_shows_them(self):
        self.refused(1, "'oncemq once init' makes it", "status", self.url)
        self.refused(1, "'oncemq once init' makes it", "clean", self.url)
        self.assertIn("would make the tables of oncemq_once", self.does("init", self.url, "--dry-run"))
        self.refused(1, "'oncemq once init' makes it", "status", self.url)
        text = self.does("init", self.url)
        for words in ("version 1 in oncemq_once", "7d, in periods of 21h", "nothing", "long enough", "survives a crash"):
            self.assertIn(words, text)
        self.assertEqual(text.splitlines()[-1].split()[:2], ["1", "current"])
        told = self.told("status", self.url)
        self.assertEqual((told["version"], told["windowMs"], told["periodMs"]), (1, 7 * DAY_MS, 7 * DAY_MS // 8))
        self.assertEqual((told["longEnough"], told["durable"], told["horizonMs"]), (True, True, HORIZON_MS))
        self.assertEqual([(one["period"], one["state"], one["records"], one["due"]) for one in told["periods"]],
                         [(1, "current", 0, False)])
        self.assertEqual(told["oldestMs"], told["periods"][0]["beganAtMs"])

    def test_the_window_is_set_and_compared_with_the_way_back(self):
        self.does("init", self.url)
        self.assertEqual(self.does("init", self.url, "--window", "2h", "--dry-run"),
                         "would set the window from 7d to 2h\n")
        self.assertIn("too short, a copy can come back for 6d 9h: oncemq once init URL --window 7d",
                      self.does("init", self.url, "--window", "2h"))
        self.assertEqual(self.does("init", self.url, "--dry-run"), "nothing is to do\n")
        told = self.told("init", self.url)  # keeps what is there
        self.assertEqual((told["windowMs"], told["longEnough"]), (DAY_MS // 12, False))
        told = self.told("status", self.url, "--log-retention", "30m", "--letter-retention", "0s", "--attempts", "0")
        self.assertEqual((told["horizonMs"], told["longEnough"]), (DAY_MS // 24, True))

    def test_clean_drops_what_is_over(self):
        self.does("init", self.url, "--window", "8h")
        self.assertEqual(self.does("clean", self.url, "--dry-run"), "nothing is over\n")
        self.assertEqual(self.does("clean", self.url), "nothing was over\n")
        self.make_older(2)
        self.assertEqual(self.told("status", self.url)["periods"][0]["state"], "over")
        self.assertEqual(self.does("clean", self.url, "--dry-run"), "would begin a new period\n")
        self.assertEqual(self.told("clean", self.url), {"rotated": True, "busy": False, "dropped": []})
        self.make_older(9)
        told = self.told("status", self.url)
        self.assertEqual([(one["state"], one["due"]) for one in told["periods"]], [("due", True), ("over", False)])
        self.assertIn("1 periods: oncemq once clean URL", self.does("status", self.url))
        self.assertEqual(self.does("clean", self.url, "--dry-run"), "would drop period 1\nwould begin a new period\n")
        self.assertEqual(self.does("clean", self.url), "period 1 dropped\na new period began\n")
        self.assertEqual([one["period"] for one in self.told("status", self.url)["periods"]], [2, 3])

    def test_a_newer_schema_is_refused(self):
        self.does("init", self.url)
        self.run_there("UPDATE oncemq_once_state SET version = 2")
        for verb in ("init", "status", "clean"):
            self.refused(1, "has version 2 of the schema, this program knows 1: a newer one is needed", verb, self.url)

    def test_tables_may_have_another_name(self):
        self.does("init", self.url, "--table", "ledger")
        self.assertEqual(self.told("status", self.url, "--table", "ledger")["table"], "ledger")
        self.refused(1, "ledger2_state is missing", "status", self.url, "--table", "ledger2")
        self.refused(2, "made of a-z", "status", self.url, "--table", "x; DROP TABLE y")

    def make_older(self, hours):
        ms = hours * 3_600_000
        self.run_there(f"UPDATE oncemq_once_period SET began_at_ms = began_at_ms - {ms}, "
                       f"ended_at_ms = ended_at_ms - {ms}")


class SqliteCommandTest(Story, CommandTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="oncecli-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "ledger.db")
        self.url = "sqlite:" + self.path

    def run_there(self, statement):
        database = sqlite3.connect(self.path)
        with database:
            database.execute(statement)
        database.close()

    def test_status_makes_no_file(self):
        self.refused(1, "there is no file", "status", self.url)
        self.refused(1, "there is no file", "clean", self.url)
        self.does("init", self.url, "--dry-run")
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_cannot_be_opened_is_told(self):
        self.refused(1, "the folder has to exist", "init", "sqlite:/no/such/folder/x.db")
        self.refused(1, "this user to be allowed to write it", "init", "sqlite:/proc/x.db")
        with open(self.path, "wb") as text:
            text.write(b"This is no database. " * 100)
        for verb in ("init", "status", "clean"):
            self.refused(1, "another path is meant", verb, self.url)

    def test_a_folder_that_may_only_be_read(self):
        self.does("init", self.url, "--window", "8h")
        self.make_older(2)
        program = shutil.copy(HELPER, self.folder)  # the other user may not see where it was built
        os.chmod(self.path, 0o444)
        os.chmod(self.folder, 0o555)
        self.addCleanup(os.chmod, self.folder, 0o755)
        more = {"program": program, "cwd": "/", **as_user()}
        told = json.loads(once("status", self.url, "--json", **more).stdout)
        self.assertEqual(told["windowMs"], DAY_MS // 3)
        for words in (("clean", self.url), ("init", self.url, "--window", "9h")):
            self.refused(1, "this user needs the right to write the file and its folder", *words, **more)
        self.refused(1, "the folder has to exist, and this user", "init", f"sqlite:{self.folder}/new.db", **more)


class PostgresqlCommandTest(Story, CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        with open(os.path.join(cls.server.data, "pg_hba.conf"), encoding="ascii") as rules:
            trusting = rules.read()
        with open(os.path.join(cls.server.data, "pg_hba.conf"), "w", encoding="ascii") as rules:
            rules.write("local all locked scram-sha-256\nlocal all stranger reject\n" + trusting)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.run(f"CREATE ROLE locked LOGIN PASSWORD '{SECRET}'")
        cls.server.run("CREATE ROLE poor LOGIN")
        cls.server.run("CREATE ROLE stranger LOGIN")
        cls.databases = 0

    def setUp(self):
        type(self).databases += 1
        self.database = f"test{self.databases}"
        self.server.run(f"CREATE DATABASE {self.database}")
        self.url = self.url_of("postgres")

    def url_of(self, user):
        return f"postgresql://{user}@/{self.database}?host={self.server.folder}"

    def psql(self):
        return [f"{self.server.bin}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url]

    def run_there(self, statement):
        subprocess.run([*self.psql(), "-c", statement], check=True, cwd=self.server.folder)

    def test_records_and_sizes_are_shown(self):
        self.does("init", self.url)
        self.run_there("INSERT INTO oncemq_once SELECT 1, 'bank', 'paid', decode(to_hex(n), 'escape'), 1, 0 "
                       "FROM generate_series(1, 5000) n")
        period = self.told("status", self.url)["periods"][0]
        self.assertEqual(period["records"], 5000)
        self.assertGreater(period["bytes"], 5000 * 20)
        self.assertIn(" 5000 records, ", self.does("status", self.url))

    def test_a_password_is_used_and_never_shown(self):
        for url, more in ((self.url_of(f"locked:{SECRET}"), {}),
                          (self.url_of("locked") + f"&password={SECRET}", {}),
                          (self.url_of("locked"), {"env": {**os.environ, "PGPASSWORD": SECRET}})):
            done = once("status", url, **more)
            self.assertIn("'oncemq once init' makes it", done.stderr)  # the server let us in
            self.assertNotIn(SECRET, done.stdout + done.stderr)
        wrong = SECRET + "nicht"
        hint = "the password belongs into PGPASSWORD, ~/.pgpass or the URL"
        for url in (self.url_of(f"locked:{wrong}"), self.url_of("locked") + f"&password={wrong}"):
            for verb in ("init", "status", "clean"):
                self.assertNotIn(SECRET, self.refused(1, "authentication failed.*" + hint, verb, url))
        nobody = {"env": {**os.environ, "HOME": "/nonexistent"}}
        self.refused(1, "no password supplied.*" + hint, "status", self.url_of("locked"), **nobody)

    def test_a_password_that_is_not_escaped_is_not_repeated(self):
        for spoilt in (f"/{SECRET}", f"1/{SECRET}", f"a@{SECRET}", f"a%{SECRET}", f"%00{SECRET}", f"{SECRET}/a"):
            for verb in ("init", "status", "clean"):
                said = self.refused(2, "the URL cannot be read.*%2F", verb, f"postgresql://u:{spoilt}@127.0.0.1:1/d")
                self.assertNotIn(SECRET, said)

    def test_what_the_server_refuses_is_told_with_what_to_do(self):
        self.refused(1, "Is the server running", "status", f"postgresql://u:{SECRET}@127.0.0.1:1/d")
        self.refused(1, "the host's name in the URL is wrong", "status", "postgresql://u@no-such-host.invalid/d")
        self.refused(1, "pg_hba.conf", "init", self.url_of("stranger"))
        self.refused(1, "does not exist.*createdb", "init", f"postgresql://postgres@/nowhere?host={self.server.folder}")
        self.run_there("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        self.refused(1, "permission denied.*GRANT", "init", self.url_of("poor"))
        self.does("init", self.url)
        self.refused(1, "permission denied.*GRANT", "status", self.url_of("poor"))

    def test_clean_says_when_it_could_not(self):
        self.does("init", self.url, "--window", "8h")
        self.make_older(2)
        with subprocess.Popen(self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              cwd=self.server.folder) as other:
            other.stdin.write("BEGIN; LOCK TABLE oncemq_once_guard IN ROW EXCLUSIVE MODE; SELECT 'locked';\n")
            other.stdin.flush()
            self.assertEqual(other.stdout.readline(), "locked\n")
            self.refused(1, "a transaction is open for long: try again later", "clean", self.url)
            busy = once("clean", self.url, "--json")
            self.assertEqual(json.loads(busy.stdout), {"rotated": False, "busy": True, "dropped": []})
            other.stdin.close()
        self.assertEqual(self.does("clean", self.url), "a new period began\n")

    def test_a_database_that_may_forget_commits(self):
        careless = Postgres(fsync="off")
        self.addCleanup(careless.close)
        careless.start()
        reason = "fsync is off: a crash could lose what was committed"
        self.refused(1, reason, "init", careless.url)
        self.does("init", self.url)  # tables of one that was careful
        dump = subprocess.run([f"{careless.bin}/pg_dump", self.url], check=True, capture_output=True,
                              cwd=careless.folder).stdout
        subprocess.run([f"{careless.bin}/psql", "-Xq", careless.url], input=dump, check=True, stdout=subprocess.DEVNULL,
                       cwd=careless.folder)
        told = self.told("status", careless.url)
        self.assertFalse(told["durable"])
        self.assertIn(reason, told["notDurable"])
        self.assertIn("refused: PostgreSQL's " + reason, self.does("status", careless.url))
        self.refused(1, reason, "clean", careless.url)

    def test_a_standby_can_be_looked_at(self):
        self.does("init", self.url)
        standby = Postgres(self.server)
        self.addCleanup(standby.close)
        standby.start()
        url = self.url.replace(self.server.folder, standby.folder)
        told = self.told("status", url)
        self.assertEqual((told["version"], told["durable"]), (1, False))
        self.assertIn("a standby: its primary is needed", told["notDurable"])
        for verb in ("init", "clean"):
            self.refused(1, "a standby: its primary is needed", verb, url)


class ProgramTest(CommandTest):
    def test_a_command_line_that_is_wrong(self):
        for words, pattern in (((), "subcommand is required"), (("status",), "url is required"),
                               (("statsu", "sqlite:x"), "did you mean 'status'"),
                               (("status", "sqlite:x", "--jsno"), "did you mean '--json'"),
                               (("init", "sqlite:x", "--window", "soon"), "'soon' is no duration"),
                               (("init", "sqlite:x", "--window", "0s"), "too short"),
                               (("status", "sqlite:x", "--attempts", "-1"), "--attempts"),
                               (("status", "mysql://u:geheim@h/d"), "postgresql://USER@HOST/DATABASE or sqlite:PATH"),
                               (("init", "sqlite:"), "needs a path")):
            self.assertNotIn(SECRET, self.refused(2, pattern, *words))

    def test_the_server_s_program_needs_no_library_of_a_database(self):
        linked = subprocess.run(["ldd", ONCEMQ], check=True, capture_output=True, text=True).stdout
        self.assertIn("libc.so", linked)
        self.assertNotRegex(linked, "soci|libpq|sqlite")

    def test_the_second_program_is_found_or_named(self):
        folder = tempfile.mkdtemp(prefix="oncecli-", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder)
        for part in ("bin", "libexec/oncemq"):
            os.makedirs(os.path.join(folder, part))
        program = shutil.copy(ONCEMQ, os.path.join(folder, "bin"))
        url = f"sqlite:{folder}/x.db"
        said = self.refused(1, "install the Debian package oncemq-once", "status", url, program=program)
        self.assertIn(f"neither in {folder}/bin nor in {folder}/libexec/oncemq", said)
        self.assertEqual(once("init", "--help", program=program).returncode, 0)
        self.refused(2, "did you mean", "inti", url, program=program)
        helper = shutil.copy(HELPER, os.path.join(folder, "libexec", "oncemq"))
        self.assertEqual(once("init", url, program=program).returncode, 0)
        os.chmod(helper, 0o644)
        self.refused(1, "Permission denied", "status", url, program=program)


if __name__ == "__main__":
    unittest.main()
