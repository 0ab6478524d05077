#!/usr/bin/env python3
"""Ports for servers under test. As a program it prints as many as it is told."""
import random
import socket
import sys

RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range"
LOWEST = 10000

given = set()


def highest():
    """Below the kernel's ephemeral range: no outgoing connection can take a port between the check
    and the start of the server. Where that range begins too low, above it."""
    try:
        with open(RANGE_FILE, encoding="ascii") as text:
            first = int(text.read().split()[0])
    except OSError:
        first = 32768
    return first - 1 if first > LOWEST + 1000 else 65000


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A port P with P-2 and P+1 free as well; the broker takes its neighbours. Never one twice."""
    top = highest()
    for _ in range(1000):
        # By tens, so that servers of tests that run at the same time seldom meet.
        port = random.randrange(LOWEST // 10, (top - 1) // 10) * 10 + 3
        if port not in given and all(is_free(p) for p in (port - 2, port, port + 1)):
            given.add(port)
            return port
    raise RuntimeError("no free port")


if __name__ == "__main__":
    print(*(free_port() for _ in range(int(sys.argv[1]))))
