"""The pages of docs/ that `oncemq docs` prints, and the manual that is written by hand, against the program."""
import os
import re
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
DOCS = os.path.join(ROOT, "docs")
ONCEMQ = os.environ.get("ONCEMQ", os.path.join(ROOT, "build", "release", "oncemq"))
PAGES = {"compat": "compat.md", "config": "configuration.md", "metrics": "metrics.md", "cli": "cli.md",
         "man": "oncemq-commands.1"}


def printed(*words):
    return subprocess.run([ONCEMQ, *words], capture_output=True, text=True, timeout=60, check=True).stdout


def page(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


class DocsTest(unittest.TestCase):
    def test_pages_are_what_the_program_prints(self):
        for word, name in PAGES.items():
            self.assertEqual(printed("docs", word), page(name), f"oncemq docs {word} > docs/{name}")

    def test_every_page_is_compared(self):
        words = set(re.search(r"\{([a-z,]+)\}", printed("docs", "--help")).group(1).split(","))
        self.assertEqual(words, set(PAGES))

    def test_the_manual_names_every_command(self):
        manual = page("oncemq.1").replace("\\", "")
        commands = re.findall(r"^  (\w+) +\S", printed("--help").split("Subcommands:")[1], re.MULTILINE)
        self.assertIn("serve", commands)
        for command in commands:
            self.assertRegex(manual, rf"\b{command}\b")
        synopsis = re.search(r"oncemq docs\n\.RB \{ (.*) \}", manual).group(1)
        self.assertEqual(set(synopsis.split(" | ")), set(PAGES))

    def test_every_promise_names_a_test_that_there_is(self):
        files = set()
        everything = ""
        for folder, suffixes in (("src", ("_test.cc",)), ("tests", (".java", ".go", ".py", "_test.cc"))):
            for path, _, names in os.walk(os.path.join(ROOT, folder)):
                for name in names:
                    if name.endswith(suffixes):
                        with open(os.path.join(path, name), encoding="utf-8") as file:
                            everything += file.read()
                        files.add(name)
        named = 0
        for line in page("exactly-once.md").splitlines():
            cells = line.split("|")
            if len(cells) < 4 or set(cells[1]) <= set("- "):
                continue
            for name in re.findall(r"`([\w.]+)`", cells[-2]):
                known = name in files or all(re.search(rf"\b{part}\b", everything) for part in name.split("."))
                self.assertTrue(known, f"docs/exactly-once.md names {name}, which is no test")
                named += 1
        self.assertGreater(named, 15)


if __name__ == "__main__":
    unittest.main()
