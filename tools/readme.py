#!/usr/bin/env python3
"""Takes the snippets out of README.md, so that a test can run what a reader would run.

A fence whose info string has file=FOLDER/NAME is written to that file, one with run=FOLDER becomes
FOLDER/run.sh. The name server's usual address is replaced by the one given, and every relative link
of the page must lead somewhere.

    tools/readme.py README.md OUT HOST:PORT
"""
import pathlib
import re
import sys

FENCE = re.compile(r"^```(\w+)(?: (file|run)=(\S+))?\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
USUAL = "127.0.0.1:9876"


def snippets(text):
    """Returns {relative path: content} of the marked fences."""
    result = {}
    for _, kind, name, content in FENCE.findall(text):
        if kind == "file":
            result[name] = content
        elif kind == "run":
            result[name + "/run.sh"] = "set -euo pipefail\n" + content
    return result


def dead_links(text, root):
    return [target for target in LINK.findall(text) if not (root / target).exists()]


def main(argv):
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    page = pathlib.Path(argv[1])
    text = page.read_text()
    dead = dead_links(text, page.parent)
    if dead:
        print(f"{page}: links that lead nowhere: {', '.join(dead)}", file=sys.stderr)
        return 1
    for name, content in snippets(text).items():
        path = pathlib.Path(argv[2]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace(USUAL, argv[3]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
