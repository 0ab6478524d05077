#!/usr/bin/env python3
"""Tests of readme.py."""
import pathlib
import unittest

import readme

PAGE = "# x\n```sh\nno\n```\n\n```go file=go/a.go\npackage a\n```\n\n```sh run=go\ngo run .\n```\n"


class ReadmeTest(unittest.TestCase):
    def test_only_marked_fences_are_taken(self):
        self.assertEqual({"go/a.go": "package a\n", "go/run.sh": "set -euo pipefail\ngo run .\n"},
                         readme.snippets(PAGE))

    def test_dead_links(self):
        here = pathlib.Path(__file__).parent
        text = "[a](readme.py) [b](https://example.org/x) [c](#top) [d](missing.md#part)"
        self.assertEqual(["missing.md"], readme.dead_links(text, here))

    def test_this_readme_has_a_java_and_a_go_client(self):
        root = pathlib.Path(__file__).resolve().parent.parent
        text = (root / "README.md").read_text()
        self.assertEqual({"java/pom.xml", "java/Hello.java", "java/run.sh", "go/hello.go",
                          "go/run.sh"}, set(readme.snippets(text)))
        self.assertEqual([], readme.dead_links(text, root))


if __name__ == "__main__":
    unittest.main()
