#!/usr/bin/env python3
"""Asks the checkers about the history in a folder: for harnesses that are not written in Python.

Usage: check.py FOLDER [--leave-out I6,I12]
Prints one line per violation, at most 20, and ends with 1 when there is one.
"""
import argparse
import sys

import checks
import history


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--leave-out", type=lambda text: text.split(","), default=[])
    options = parser.parse_args()
    events = history.load(options.folder)
    found = checks.violations(events, options.leave_out)
    for number, line in found[:20]:
        print(f"{number}: {line}")
    print(f"{len(events)} events, {len(found)} violations")
    sys.exit(1 if found or not events else 0)


if __name__ == "__main__":
    main()
