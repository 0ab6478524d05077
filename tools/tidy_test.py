#!/usr/bin/env python3
"""Tests of tidy.py: what it refuses, what it must let pass."""
import pathlib
import tempfile
import unittest

import tidy


class SourceTest(unittest.TestCase):
    def rules(self, line, name="src/store/log.cc"):
        return [error.split(": ")[1] for error in tidy.check_source(name, line + "\n")]

    def test_every_rule_refuses_its_example(self):
        examples = {
            "clock": "auto now = std::chrono::steady_clock::now();",
            "random": "std::random_device seed;",
            "engine": "std::mt19937_64 engine(1);",
            "disk": "::pwrite(fd, data, size, 0);",
            "socket": "int fd = ::socket(AF_INET, SOCK_STREAM, 0);",
            "thread": "std::thread worker([] {});",
            "mutex": "std::lock_guard guard(mutex_);",
            "sleep": "std::this_thread::sleep_for(1ms);",
            "process": 'std::system("ls");',
            "exit": "std::abort();",
            "throw": "throw std::runtime_error(text);",
            "throwing-parse": "int n = std::stoi(text);",
            "assert": "assert(n > 0);",
            "c-string": 'std::sprintf(buffer, "%d", n);',
            "console": "std::cout << n;",
            "endl": "out << std::endl;",
            "using-namespace": "using namespace std;",
            "malloc": "void* p = std::malloc(10);",
        }
        self.assertEqual(sorted(examples), sorted(rule.name for rule in tidy.RULES))
        for rule, line in examples.items():
            with self.subTest(rule):
                self.assertEqual([rule], self.rules(line))

    def test_comments_and_literals_are_not_code(self):
        for line in ("// std::abort() would lose it", "/* throw\n throw */", 'say("throw");',
                     'auto text = R"x(throw ")x";', "char c = 'a'; int n = 1'000'000;"):
            with self.subTest(line):
                self.assertEqual([], self.rules(line))
        self.assertEqual(["throw"], self.rules("int n = 1'000; throw n; int m = 1'000;"))

    def test_members_and_other_names_pass(self):
        for line in ("log.open();", "disk->rename(a, b);", "file_.write_at(0, bytes);",
                     "static_assert(true);", "void lock_time(int);", "disk_time(3);",
                     "socket.accept();", "Result<File> open(Path path);", "X(const X&) = delete;",
                     "std::thread::id owner;", "clock.time(1);"):
            with self.subTest(line):
                self.assertEqual([], self.rules(line))

    def test_allowed_folders(self):
        line = "::pwrite(fd, data, size, 0);"
        self.assertEqual([], self.rules(line, "src/os/real_disk.cc"))
        self.assertEqual([], self.rules("std::cout << 1;", "src/app/main.cc"))
        self.assertEqual(["disk"], self.rules(line, "src/broker/a.cc"))

    def test_tests_may_do_some_of_it_but_never_sleep(self):
        self.assertEqual([], self.rules("std::mt19937 engine(7);", "src/store/log_test.cc"))
        self.assertEqual(["sleep"], self.rules("usleep(10);", "src/store/log_test.cc"))

    def test_waiver_needs_the_rule_and_a_reason(self):
        self.assertEqual([], self.rules("throw 1;  // tidy: throw: the callback of a C++ library"))
        self.assertEqual([], self.rules("// tidy: throw: the library wants it\nthrow 1;"))
        self.assertEqual(["throw"], self.rules("throw 1;  // tidy: exit: wrong rule"))
        self.assertEqual(["throw"], self.rules("throw 1;  // tidy: throw:"))

    def test_pragma_once(self):
        self.assertEqual(1, len(list(tidy.check_source("src/os/a.h", "int x;\n"))))
        self.assertEqual([], list(tidy.check_source("src/os/a.h", "#pragma once\n")))


class TreeTest(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return tidy.check(root)[0]

    def test_dead_header(self):
        own = '#include "os/a.h"\n'
        files = {"src/os/a.h": "#pragma once\n", "src/os/a.cc": own, "src/os/a_test.cc": own}
        self.assertEqual(["src/os/a.h: dead: only its own source and test include it"],
                         self.check(files))
        self.assertEqual([], self.check({**files, "src/app/main.cc": own}))

    def test_unfinished(self):
        word = "TO" + "DO"
        self.assertEqual(1, len(self.check({"src/os/a.cc": f"// {word}: later\n"})))

    def test_corpus_and_target_belong_together(self):
        self.assertEqual([], self.check({"fuzz/frame.cc": "", "fuzz/corpus/frame/1": "x"}))
        self.assertEqual(1, len(self.check({"fuzz/frame.cc": ""})))
        self.assertEqual(1, len(self.check({"fuzz/corpus/frame/1": "x"})))


if __name__ == "__main__":
    unittest.main()
