#!/usr/bin/env python3
"""Creates N topics of Q queues on a broker and sends one message to each: HOST:PORT N Q."""

import json
import socket
import struct
import sys
import time


def frame(code, opaque, fields, body=b""):
    header = json.dumps({"code": code, "language": "OTHER", "version": 479, "opaque": opaque,
                         "flag": 0, "extFields": fields}).encode()
    return struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body


def exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise SystemExit("the broker closed the connection")
    return data


def call_all(connection, frames, window=64):
    """Sends frames with some in flight; every answer must be a success."""
    stream = connection.makefile("rb")
    pending = 0
    for one in frames:
        connection.sendall(one)
        pending += 1
        if pending == window:
            check(stream)
            pending -= 1
    for _ in range(pending):
        check(stream)


def check(stream):
    (total,) = struct.unpack(">I", exactly(stream, 4))
    data = exactly(stream, total)
    (mark,) = struct.unpack(">I", data[:4])
    header = json.loads(data[4:4 + (mark & 0xFFFFFF)])
    if header["code"] != 0:
        raise SystemExit(header)


def main():
    address, topics, queues = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    host, port = address.split(":")
    names = [f"topic-{i:05}" for i in range(topics)]
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        call_all(connection, (
            frame(17, i, {"topic": name, "defaultTopic": "TBW102", "readQueueNums": str(queues),
                          "writeQueueNums": str(queues), "perm": "6",
                          "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false"})
            for i, name in enumerate(names)))
        call_all(connection, (
            frame(310, i, {"a": "make-topics", "b": name, "c": "TBW102", "d": "4",
                           "e": str(queue), "f": "0", "g": str(int(time.time() * 1000)), "h": "0",
                           "i": "", "j": "0", "k": "false", "m": "false"}, b"x" * 100)
            for i, (name, queue) in enumerate((n, q) for n in names for q in range(queues))))


if __name__ == "__main__":
    main()
