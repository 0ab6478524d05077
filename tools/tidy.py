#!/usr/bin/env python3
"""Refuses calls that have a better replacement in this tree, and files that nobody uses.

A line that really needs one of them says so: `// tidy: <rule>: <reason>` at its end or on the line
above it.

    tools/tidy.py ROOT             exit status 1 when something was found
    tools/tidy.py ROOT --no-dead   the same without the search for unused files
    tools/tidy.py --rules          prints the rules
"""
import pathlib
import re
import sys


class Rule:
    """One banned thing: where it is looked for, where it is right, what to use instead."""

    def __init__(self, name, pattern, instead, within=("src/", "include/"), allowed=(),
                 in_tests=False):
        self.name = name
        self.pattern = re.compile(pattern)
        self.instead = instead
        self.within = within
        self.allowed = allowed
        self.in_tests = in_tests

    def applies_to(self, name):
        if not name.startswith(self.within) or name.startswith(self.allowed):
            return False
        return self.in_tests or not name.endswith("_test.cc")


# (?<![\w:.>]) keeps members and other namespaces out; an optional "::" or "std::" is part of a call.
def call(*names):
    return r"(?<![\w:.>])(?:std::|::)?(?:" + "|".join(names) + r")\s*\("


def kernel_call(*names):
    return r"(?<![\w>])::(?:" + "|".join(names) + r")\s*\("


CODE = ("src/", "include/")
RULES = [
    Rule("clock", r"\b(?:system|steady|high_resolution)_clock::now\b|"
         + call("clock_gettime", "gettimeofday", "time", "localtime(?:_r)?", "gmtime(?:_r)?"),
         "os::Clock", allowed=("src/os/",), in_tests=True),
    Rule("random", r"\brandom_device\b|" + call("rand", "srand", "drand48", "getrandom"),
         "os::Random", allowed=("src/os/",), in_tests=True),
    Rule("engine", r"\bmt19937(?:_64)?\b|\bdefault_random_engine\b", "os::Random",
         allowed=("src/os/",)),
    Rule("disk", kernel_call("open", "openat", "creat", "read", "pread", "readv", "preadv",
                             "write", "pwrite", "writev", "pwritev", "fsync", "fdatasync",
                             "sync_file_range", "fallocate", "ftruncate", "mmap", "unlink",
                             "rename", "mkdir", "flock")
         + "|" + call("fsync", "fdatasync", "pread", "pwrite", "fallocate", "ftruncate", "mmap",
                      "fopen", "fread", "fwrite")
         + r"|\b(?:o|i)?fstream\b|\bstd::filesystem\b",
         "os::Disk and os::File", allowed=("src/os/", "src/net/", "src/cli/")),
    Rule("socket", call("socket", "accept4", "epoll_create1", "epoll_ctl", "epoll_wait",
                        "getaddrinfo", "setsockopt", "sendmsg", "recvmsg"),
         "net", allowed=("src/net/", "src/os/")),
    Rule("thread", r"\bstd::j?thread\b(?!::id)|\bstd::async\b|\bpthread_create\b",
         "os::Thread: it has a name and a row in docs/threads.md", allowed=("src/os/",)),
    Rule("mutex", r"\bstd::(?:recursive_|shared_|timed_)?mutex\b|"
         r"\bstd::(?:lock_guard|unique_lock|shared_lock|scoped_lock)\b|\bstd::condition_variable",
         "Mutex, MutexLock, CondVar of base/mutex.h: the analysis sees them",
         allowed=("src/base/mutex.h",)),
    Rule("sleep", r"\bsleep_(?:for|until)\s*\(|" + call("sleep", "usleep", "nanosleep"),
         "a clock that the caller moves, or a wait for the event", allowed=("src/os/",),
         in_tests=True),
    Rule("process", call("system", "popen", "fork", "vfork", "execvp?e?", "posix_spawnp?"),
         "nothing: the broker starts no processes", allowed=("src/os/",)),
    Rule("exit", call("exit", "_exit", "_Exit", "quick_exit", "abort", "terminate"),
         "ONCE_CHECK for our own mistakes, Result for the rest", allowed=("src/app/", "src/base/", "src/os/")),
    Rule("throw", r"\bthrow\b", "Result", allowed=()),
    Rule("throwing-parse", call("sto(?:i|l|ll|ul|ull|f|d)") + r"|" + call("ato(?:i|l|ll|f)")
         + "|" + call("strto(?:l|ll|ul|ull|d)"), "std::from_chars"),
    Rule("assert", call("assert"), "ONCE_CHECK, which is always on"),
    Rule("c-string", call("sprintf", "vsprintf", "strcpy", "strcat", "strtok", "gets"),
         "fmt::format or std::string", within=CODE + ("fuzz/", "bench/", "tests/"), in_tests=True),
    Rule("console", r"\bstd::c(?:out|err|log)\b|" + call("printf", "puts", "putchar"),
         "base/log.h; programs print in src/app, src/cli, src/oncecli, src/outboxcli",
         allowed=("src/app/", "src/cli/", "src/oncecli/", "src/outboxcli/")),
    Rule("endl", r"\bstd::endl\b", r"'\n'", within=CODE + ("fuzz/", "bench/", "tests/"),
         in_tests=True),
    Rule("using-namespace", r"\busing namespace std\b", "the names that are meant",
         within=CODE + ("fuzz/", "bench/", "tests/"), in_tests=True),
    Rule("malloc", call("malloc", "calloc", "realloc", "free") + r"|(?<![\w.])delete\s+\w",
         "unique_ptr or a container", allowed=("src/os/",)),
]
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|not (?:yet )?implemented)\b")
WAIVER = re.compile(r"//\s*tidy:\s*([\w-]+):\s*\S")
TOKEN = re.compile(r"""
    //[^\n]* | /\*.*?\*/                                   # comments
  | (?:u8|[uUL])?R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"        # raw strings
  | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*"                       # strings
  | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'                    # characters, but not 1'000
""", re.X | re.S)


def code_only(text):
    """Blanks comments and literals, keeping every line where it is."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def check_source(name, text):
    lines = text.split("\n")
    code = code_only(text).split("\n")
    for number, line in enumerate(code, 1):
        for rule in RULES:
            if not rule.applies_to(name) or not rule.pattern.search(line):
                continue
            near = lines[max(0, number - 2):number]
            if any(m.group(1) == rule.name for m in map(WAIVER.search, near) if m):
                continue
            yield f"{name}:{number}: {rule.name}: use {rule.instead}\n    {lines[number - 1].strip()}"
    if name.endswith(".h") and "#pragma once" not in text:
        yield f"{name}:1: header without #pragma once"


def check_dead(texts):
    """Headers that nothing but their own source and test includes, fuzz corpora without target."""
    used = set()
    for name, text in texts.items():
        stem = re.sub(r"(_test)?\.(cc|h)$", "", name)
        for target in re.findall(r'#\s*include\s*"([^"]+)"', text):
            for top in ("src/", "include/", ""):
                if top + target in texts and stem != re.sub(r"\.h$", "", top + target):
                    used.add(top + target)
    for name in texts:
        if name.endswith(".h") and name not in used and not name.startswith("include/"):
            yield f"{name}: dead: only its own source and test include it"


def check(root, dead=True):
    texts, errors = {}, []
    for top in ("src", "include", "tests", "fuzz", "bench"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc") and path.is_file():
                texts[path.relative_to(root).as_posix()] = path.read_text(errors="replace")
    for name, text in texts.items():
        errors += check_source(name, text)
    if dead:
        errors += check_dead(texts)
    for name, text in texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            if UNFINISHED.search(line):
                errors.append(f"{name}:{number}: unfinished: {line.strip()}")
    corpus = root / "fuzz" / "corpus"
    for folder in sorted(corpus.iterdir()) if corpus.is_dir() else ():
        if f"fuzz/{folder.name}.cc" not in texts:
            errors.append(f"fuzz/corpus/{folder.name}: dead: there is no fuzz/{folder.name}.cc")
    for name in texts:
        if re.fullmatch(r"fuzz/\w+\.cc", name):
            folder = corpus / pathlib.Path(name).stem
            if not folder.is_dir() or not any(folder.iterdir()):
                errors.append(f"{name}: has no corpus in fuzz/corpus/{folder.name}/")
    return errors, len(texts)


def main(argv):
    dead = "--no-dead" not in argv
    argv = [word for word in argv if word != "--no-dead"]
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if argv[1] == "--rules":
        for rule in RULES:
            print(f"{rule.name:16} {rule.instead}"
                  + (f" (allowed in {' '.join(rule.allowed)})" if rule.allowed else ""))
        return 0
    errors, count = check(pathlib.Path(argv[1]), dead)
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        print(f"tidy: {len(errors)} findings", file=sys.stderr)
        return 1
    print(f"summary: {count} C++ files without banned calls, dead files or unfinished places")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
