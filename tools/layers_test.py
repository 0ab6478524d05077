#!/usr/bin/env python3
"""Tests of layers.py on small trees, good and bad."""
import pathlib
import tempfile
import unittest

import layers

TABLE = "base:\nos: base\nclient: base os\nbroker: base os\n"


class LayersTest(unittest.TestCase):
    def check(self, files, table=TABLE):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"cmake/layers.txt": table, **files}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return layers.check(root)

    def assert_refused(self, files, words, table=TABLE):
        errors = self.check(files, table)
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(words, errors[0])

    def test_downward_and_own_folder_pass(self):
        self.assertEqual([], self.check({
            "src/base/result.h": "#include <vector>\n",
            "src/os/disk.h": '#include "base/result.h"\n',
            "src/os/disk.cc": '#include "os/disk.h"\n#include "base/result.h"\n',
        }))

    def test_empty_tree_passes(self):
        self.assertEqual([], self.check({}))

    def test_upward_include(self):
        self.assert_refused({
            "src/base/result.h": '\n  # include "os/disk.h"\n',
            "src/os/disk.h": "",
        }, "src/base/result.h:2: 'base' may not include 'os'")

    def test_sideways_include(self):
        self.assert_refused({
            "src/client/a.h": '#include "broker/b.h"\n',
            "src/broker/b.h": "",
        }, "'client' may not include 'broker'")

    def test_tests_obey_the_table_too(self):
        self.assert_refused({
            "src/base/a_test.cc": '#include "os/disk.h"\n',
            "src/os/disk.h": "",
        }, "'base' may not include 'os'")

    def test_circle_of_files(self):
        self.assert_refused({
            "src/os/a.h": '#include "os/b.h"\n',
            "src/os/b.h": '#include "os/c.h"\n',
            "src/os/c.h": '#include "os/a.h"\n',
        }, "include circle: os/a.h -> os/b.h -> os/c.h -> os/a.h")

    def test_file_that_includes_itself(self):
        self.assert_refused({"src/os/a.h": '#include "os/a.h"\n'}, "os/a.h -> os/a.h")

    def test_diamond_is_no_circle(self):
        self.assertEqual([], self.check({
            "src/os/a.h": '#include "os/b.h"\n#include "os/c.h"\n',
            "src/os/b.h": '#include "os/d.h"\n',
            "src/os/c.h": '#include "os/d.h"\n',
            "src/os/d.h": "",
        }))

    def test_circle_of_folders_in_the_table(self):
        self.assert_refused({}, "'base' may not stand on 'os'", "base: os\nos: base\n")

    def test_unknown_folder(self):
        self.assert_refused({"src/misc/a.h": ""}, "folder 'misc' is not in the layer table")

    def test_include_that_does_not_start_at_src(self):
        self.assert_refused({"src/os/a.h": "", "src/os/a.cc": '#include "a.h"\n'},
                            '"a.h" does not exist')

    def test_folder_of_the_public_api_belongs_to_its_layer(self):
        table = "base:\nclient: base\nonce: base client\n"
        files = {
            "include/oncemq/message.h": "",
            "include/oncemq/once/sql.h": '#include "oncemq/message.h"\n',
            "src/once/a.h": '#include "oncemq/once/sql.h"\n',
        }
        self.assertEqual([], self.check(files, table))
        self.assert_refused({**files, "src/client/a.h": '#include "oncemq/once/sql.h"\n'},
                            "'client' may not include 'once'", table)

    def test_public_api_belongs_to_client(self):
        self.assertEqual([], self.check({
            "include/oncemq/message.h": "",
            "src/client/a.h": '#include "oncemq/message.h"\n',
        }))
        self.assert_refused({
            "include/oncemq/message.h": "",
            "src/os/a.h": '#include "oncemq/message.h"\n',
        }, "'os' may not include 'client'")
        self.assert_refused({
            "include/oncemq/message.h": '#include "os/a.h"\n',
            "src/os/a.h": "",
        }, "the public API may only include itself")


if __name__ == "__main__":
    unittest.main()
