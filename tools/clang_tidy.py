#!/usr/bin/env python3
"""Runs clang-tidy on the sources named on stdin, in parallel, and remembers what passed.

A source that passed is not looked at again until it, something it includes, .clang-tidy or the
flags change: the memory is a folder of hashes over the preprocessed text, in ~/.cache (or
XDG_CACHE_HOME), so that clones and worktrees share it. At the end it says what was spent.

    printf '%s\\n' SOURCES | tools/clang_tidy.py BUILD_DIR
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import resource
import shlex
import subprocess
import sys

TIDY = "clang-tidy-14"
CLANG = "clang++-14"


def preprocess(entry):
    """The text that clang sees, or None when it does not get that far."""
    words = shlex.split(entry["command"])
    start = next(i for i, word in enumerate(words) if word.endswith("g++-12")) + 1
    flags = [w for w in words[start:] if w.startswith(("-D", "-I", "-std", "-isystem"))]
    result = subprocess.run([CLANG, *flags, "-E", "-P", entry["file"]], capture_output=True,
                            cwd=entry["directory"], check=False)
    return result.stdout if result.returncode == 0 else None


def cache_folder():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = pathlib.Path(home) / "oncemq" / "clang-tidy-passed"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest(settings, command, text):
    """Where the tree lies does not count."""
    root = os.getcwd().encode()
    return hashlib.sha256(
        b"\0".join([settings, command.encode(), text]).replace(root, b".")).hexdigest()


def main(argv):
    build = pathlib.Path(argv[1])
    entries = {os.path.realpath(e["file"]): e
               for e in json.loads((build / "compile_commands.json").read_text())}
    passed_folder = cache_folder()
    settings = pathlib.Path(".clang-tidy").read_bytes()
    sources = [line for line in sys.stdin.read().split("\n") if line]

    def look_at(source):
        entry = entries.get(os.path.realpath(source))
        if entry is None:
            return source, f"{source}: not in compile_commands.json\n", False
        text = preprocess(entry)
        stamp = None
        if text is not None:
            stamp = passed_folder / digest(settings, entry["command"], text)
            if stamp.exists():
                return source, "", None
        result = subprocess.run([TIDY, "-p", str(build), "--quiet", source], text=True,
                                capture_output=True, check=False)
        if result.returncode == 0:
            if stamp:
                stamp.write_text(source)
            return source, "", True
        return source, result.stdout + result.stderr, False

    failed = 0
    known = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (source, output, good) in enumerate(pool.map(look_at, sources), 1):
            print(f"[{number}/{len(sources)}] {source}", flush=True)
            known += good is None
            if good is False:
                failed += 1
                print(output, flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"summary: {known} of {len(sources)} sources are unchanged since they passed; "
          f"{used.ru_utime + used.ru_stime:.0f} CPU seconds")
    if failed:
        print(f"clang-tidy: findings in {failed} of {len(sources)} sources")
        return 1
    print(f"summary: clang-tidy has nothing to say about {len(sources)} sources")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
