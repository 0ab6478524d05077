"""A small remoting client of its own, so that the checker shares no code with what it checks.

Only what the kill loop needs: JSON headers, pipelined sends, pulls, offsets (remoting protocol as Apache RocketMQ's
clients speak it).
"""
import json
import socket
import struct
import zlib

SEND = 310
PULL = 11
MAX_OFFSET = 30
MIN_OFFSET = 31


class Gone(Exception):
    """The connection ended; what was in flight has an unknown outcome."""


class Connection:
    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opaque = 0
        self.buffer = b""

    def close(self):
        self.socket.close()

    def request(self, code, fields, body=b""):
        """Encodes a request; returns (opaque, bytes)."""
        self.opaque += 1
        header = json.dumps({"code": code, "language": "PYTHON", "version": 479, "opaque": self.opaque,
                             "flag": 0, "extFields": {k: str(v) for k, v in fields.items()}}).encode()
        return self.opaque, struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body

    def write(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from error

    def read(self):
        """Next response: (opaque, code, fields, body, remark)."""
        while True:
            if len(self.buffer) >= 4:
                total = struct.unpack_from(">I", self.buffer)[0]
                if len(self.buffer) >= 4 + total:
                    frame, self.buffer = self.buffer[4:4 + total], self.buffer[4 + total:]
                    length = struct.unpack_from(">I", frame)[0] & 0xFFFFFF
                    header = json.loads(frame[4:4 + length])
                    if header["flag"] & 1 == 0:
                        continue  # a request from the broker; nothing here needs one
                    return (header["opaque"], header["code"], header.get("extFields") or {},
                            frame[4 + length:], header.get("remark"))
            try:
                more = self.socket.recv(1 << 18)
            except OSError as error:
                raise Gone(str(error)) from error
            if not more:
                raise Gone("end of stream")
            self.buffer += more

    def call(self, code, fields, body=b""):
        opaque, data = self.request(code, fields, body)
        self.write(data)
        while True:
            answer = self.read()
            if answer[0] == opaque:
                return answer[1:]


def send_fields(topic, queue_id, key, queues=4):
    properties = f"KEYS\x01{key}\x02UNIQ_KEY\x01{key}\x02"
    return {"a": "kill_producer", "b": topic, "c": "TBW102", "d": queues, "e": queue_id, "f": 0,
            "g": 1700000000000, "h": 0, "i": properties, "j": 0, "k": "false", "m": "false"}


def pull_fields(topic, group, queue_id, offset, count=32, suspend_ms=0):
    return {"consumerGroup": group, "topic": topic, "queueId": queue_id, "queueOffset": offset,
            "maxMsgNums": count, "sysFlag": 4 | (2 if suspend_ms else 0), "commitOffset": 0,
            "suspendTimeoutMillis": suspend_ms, "subscription": "*", "subVersion": 0,
            "expressionType": "TAG"}


def records(body):
    """Yields (queue_id, queue_offset, log_offset, body) of concatenated records; checks structure and body CRC."""
    at = 0
    while at < len(body):
        total, magic, crc, queue_id, _flag, queue_offset, log_offset, sys_flag = struct.unpack_from(
            ">IIIiiqqi", body, at)
        assert magic in (0xDAA320A7, 0xDAA320AB), f"magic {magic:x}"
        position = at + 48 + (20 if sys_flag & 0x10 else 8) + 8 + (20 if sys_flag & 0x20 else 8) + 12
        length = struct.unpack_from(">i", body, position)[0]
        payload = body[position + 4:position + 4 + length]
        assert crc == zlib.crc32(payload) & 0x7FFFFFFF, f"body CRC at log offset {log_offset}"
        yield queue_id, queue_offset, log_offset, payload
        at += total
