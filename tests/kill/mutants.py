#!/usr/bin/env python3
"""Shows that the tests that kill can fail: builds brokers that are broken on purpose and expects to be told so.

Each mutant is one edit of the source: a promise that holds while nobody is killed and does not hold behind a kill, or
that holds until something is asked for twice. The edits are made in a copy of the sources, never here. First the tests
must pass on the copy as it is. Not part of a lane: each mutant is built and run for a minute or so.

Usage: mutants.py [--scratch FOLDER] [--only NAME,...] [--tests loop,java] [--list]
Ends with 'summary: ...' and exit code 0 when every mutant was found out, by the test that is meant to.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
TEST_LIMIT_S = 900

# `test` names a row of TESTS; `says`: what its report must name, a regular expression.
Mutant = collections.namedtuple("Mutant", "name what file old new test says")

MUTANTS = (
    Mutant("pop-ack-unlogged", "an ack of POP is answered and not in the log", "src/broker/popper_handles.cc",
           "number = stage(*slot, done);", "number = (static_cast<void>(done), 0);", "loop", r"\bI(8|12)\b"),
    Mutant("pop-rows-forgotten", "who holds popped messages is not read back at the start",
           "src/broker/popper_state.cc",
           "log_.replay(from, apply);", "log_.replay(from, [](const PopOperation&) {});", "loop", r"\bI(8|12)\b"),
    Mutant("half-committed-twice", "a verdict is not remembered, so that a repeated commit shows the message again",
           "src/broker/transactions.cc", "    index_.set(request.half, state);",
           "    if (state != TransactionState::kCommitted) index_.set(request.half, state);", "loop", r"\bI(6|9)\b"),
    Mutant("delay-delivered-twice", "which delayed messages are delivered is not looked for at the start",
           "src/broker/schedule.cc", "if (!mark.has_value() || mark->level < 1) return;",
           "if (!mark.has_value() || mark->level < 1 || !done.empty()) return;", "loop", r"\bI(6|13)\b"),
    Mutant("recall-forgotten", "a recall is answered with success and forgotten by a kill", "src/broker/timers.cc",
           "  if (timer.settled)\n",
           "  if (timer.kind == TimerRecord::Kind::kRecall) return;\n  if (timer.settled)\n", "recall", r"was recalled"),
    Mutant("replay-unmarked", "a replay of a dead letter leaves no mark in the log", "src/broker/dead_letters.cc",
           "store_.append(std::span(items).first(count));",
           "store_.append(std::span<store::AppendItem>(items).subspan(count - 1, 1));", "letters", r"DeadLetterTest"),
)


def java(name, binary):
    return ["mvn", "-o", "-q", "-B", "-ntp", "-f", "tests/conformance/java/pom.xml", "test", f"-Dtest={name}",
            f"-Doncemq.binary={binary}"]


TESTS = {
    "loop": lambda binary: [sys.executable, "tests/kill/semantics_loop.py", binary, "--rounds", "6", "--seed", "7"],
    "recall": lambda binary: java("TimerRestartTest", binary),
    "letters": lambda binary: java("DeadLetterTest#killed*", binary),
}


def run(words, folder, limit_s=None):
    """Exit code and all output; a test that does not end in its time has failed."""
    try:
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=limit_s, check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") + f"\nstopped after {limit_s} s"


class Copy:
    """The sources as they are committed or changed here, in a folder of their own with its build."""

    def __init__(self, folder):
        self.folder = folder
        self.binary = os.path.join(folder, "build", "release", "oncemq")
        names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
        for name in filter(None, names):
            self.take(name)

    def take(self, name):
        """As it is here; untouched when it is the same, so that it is not built again."""
        source, target = os.path.join(ROOT, name), os.path.join(self.folder, name)
        if not os.path.isfile(source):
            return
        with open(source, "rb") as file:
            wanted = file.read()
        if os.path.isfile(target):
            with open(target, "rb") as file:
                if file.read() == wanted:
                    return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)

    def edit(self, mutant):
        path = os.path.join(self.folder, mutant.file)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.name}: {mutant.file} has its line {text.count(mutant.old)} times, wanted once")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(mutant.old, mutant.new))

    def build(self):
        for words in (["cmake", "--preset", "release"], ["ninja", "-j", "2", "-C", "build/release", "oncemq"]):
            code, output = run(words, self.folder)
            if code != 0:
                raise SystemExit(f"{' '.join(words)}: exit code {code}\n{output[-4000:]}")

    def test(self, name):
        return run(TESTS[name](self.binary), self.folder, TEST_LIMIT_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--scratch", help="folder of the copy; kept, so that the next run builds less")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[m.name for m in MUTANTS])
    parser.add_argument("--tests", type=lambda text: text.split(","), default=list(TESTS))
    parser.add_argument("--list", action="store_true", help="name the mutants and end")
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if m.name in options.only and m.test in options.tests]
    if options.list or not chosen:
        for mutant in MUTANTS:
            print(f"{mutant.name:24} {mutant.test:8} {mutant.what}")
        return 0 if options.list else 2
    folder = os.path.abspath(options.scratch or tempfile.mkdtemp(prefix="oncemq-mutants-"))
    survivors = []
    try:
        copy = Copy(folder)
        copy.build()
        for name in sorted({mutant.test for mutant in chosen}):
            code, output = copy.test(name)
            print(f"{'as it is':24} {name:8} {'passes' if code == 0 else 'FAILS'}", flush=True)
            if code != 0:
                raise SystemExit(f"{name} fails without a mutant, so it shows nothing:\n{output[-4000:]}")
        for mutant in chosen:
            copy.edit(mutant)
            try:
                copy.build()
                code, output = copy.test(mutant.test)
            finally:
                copy.take(mutant.file)
            found = re.search(mutant.says, output) if code != 0 else None
            verdict = "survives" if code == 0 else "found out" if found else "fails for another reason"
            print(f"{mutant.name:24} {mutant.test:8} {verdict}", flush=True)
            if not found:
                survivors.append(mutant.name)
                print("  " + output[-2000:].replace("\n", "\n  "), flush=True)
    finally:
        if options.scratch is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"summary: {len(chosen) - len(survivors)} of {len(chosen)} mutants found out"
          + (f"; not: {', '.join(survivors)}" if survivors else ""))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
