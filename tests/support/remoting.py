"""A small remoting client of its own, so that the checker shares no code with what it checks.

Only what the loops of tests/kill need: JSON headers, pipelined sends, pulls, offsets, send-back (remoting protocol as
Apache RocketMQ's clients speak it).
"""
import dataclasses
import json
import socket
import struct
import zlib

SEND = 310
PULL = 11
MAX_OFFSET = 30
MIN_OFFSET = 31
QUERY_OFFSET = 14
COMMIT_OFFSET = 15
CREATE_TOPIC = 17
CREATE_GROUP = 200
SEND_BACK = 36
END_TRANSACTION = 37
CHECK_TRANSACTION = 39
HEARTBEAT = 34
POP = 200050
POP_ACK = 200051
POP_CHANGE = 200053
SEND_BATCH = 320
COMMIT_ATOMICALLY = 31061

COMMIT = 8
ROLLBACK = 12


class Gone(Exception):
    """The connection ended; what was in flight has an unknown outcome."""


class Connection:
    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opaque = 0
        self.buffer = b""
        self.on_request = None  # called with (code, fields, body) of what the broker asks

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
                        if self.on_request is not None:
                            self.on_request(header["code"], header.get("extFields") or {}, frame[4 + length:])
                        continue
                    return (header["opaque"], header["code"], header.get("extFields") or {},
                            frame[4 + length:], header.get("remark"))
            try:
                more = self.socket.recv(1 << 18)
            except OSError as error:
                raise Gone(str(error)) from error
            if not more:
                raise Gone("end of stream")
            self.buffer += more

    def one_way(self, code, fields, body=b""):
        _opaque, data = self.request(code, fields, body)
        at = data.index(b'"flag": 0')
        self.write(data[:at] + b'"flag": 2' + data[at + 9:])

    def call(self, code, fields, body=b""):
        opaque, data = self.request(code, fields, body)
        self.write(data)
        while True:
            answer = self.read()
            if answer[0] == opaque:
                return answer[1:]


def send_fields(topic, queue_id, key, queues=4, **more):
    properties = properties_text({"KEYS": key, "UNIQ_KEY": key, **more})
    return {"a": "kill_producer", "b": topic, "c": "TBW102", "d": queues, "e": queue_id, "f": 0,
            "g": 1700000000000, "h": 0, "i": properties, "j": 0, "k": "false", "m": "false"}


def properties_text(properties):
    return "".join(f"{name}\x01{value}\x02" for name, value in properties.items())


def batch_body(messages_):
    """Body of a batch of (payload, properties)."""
    out = b""
    for payload, properties in messages_:
        text = properties_text(properties).encode()
        one = struct.pack(">iiii", 0, 0, 0, len(payload)) + payload + struct.pack(">h", len(text)) + text
        out += struct.pack(">i", 4 + len(one)) + one
    return out


def half_fields(topic, queue_id, key, group, queues=4):
    fields = send_fields(topic, queue_id, key, queues)
    fields.update(a=group, f=4, i=fields["i"] + f"TRAN_MSG\x01true\x02PGROUP\x01{group}\x02")
    return fields


def end_fields(group, key, half_offset, log_offset, verdict, from_check=False):
    return {"producerGroup": group, "tranStateTableOffset": half_offset, "commitLogOffset": log_offset,
            "commitOrRollback": verdict, "fromTransactionCheck": str(from_check).lower(), "msgId": key,
            "transactionId": key}


def heartbeat_body(client_id, producer_group):
    return json.dumps({"clientID": client_id, "consumerDataSet": [],
                       "producerDataSet": [{"groupName": producer_group}]}).encode()


def _varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _signed(number):
    return _varint((number << 1 ^ number >> 63) & (1 << 64) - 1)


def _sized(text):
    data = text if isinstance(text, bytes) else text.encode()
    return _varint(len(data)) + data


def atomic_body(acks, moves, sends):
    """Body of COMMIT_ATOMICALLY: acks (group, topic, queue, offset, handle), moves (group, topic, queue, from, to),
    sends (topic, queue, key, payload)."""
    out = b"\x01" + _varint(len(acks))
    for group, topic, queue, offset, handle in acks:
        out += _sized(group) + _sized(topic) + _signed(queue) + _signed(offset) + _sized(handle)
    out += _varint(len(moves))
    for group, topic, queue, old, new in moves:
        out += _sized(group) + _sized(topic) + _signed(queue) + _signed(old) + _signed(new)
    out += _varint(len(sends))
    for topic, queue, key, payload in sends:
        out += (_sized(topic) + _signed(queue) + _signed(0) + _signed(0) + _signed(1700000000000)
                + _sized(properties_text({"KEYS": key, "UNIQ_KEY": key})) + _sized(payload))
    return out


def log_offset_of(offset_message_id):
    return int(offset_message_id[-16:], 16)


def pull_fields(topic, group, queue_id, offset, count=32, suspend_ms=0):
    return {"consumerGroup": group, "topic": topic, "queueId": queue_id, "queueOffset": offset,
            "maxMsgNums": count, "sysFlag": 4 | (2 if suspend_ms else 0), "commitOffset": 0,
            "suspendTimeoutMillis": suspend_ms, "subscription": "*", "subVersion": 0,
            "expressionType": "TAG"}


@dataclasses.dataclass
class Record:
    """One stored message as a pull returns it."""
    queue: int
    offset: int
    log_offset: int
    sys_flag: int
    born_ms: int
    stored_ms: int
    reconsumed: int
    payload: bytes
    topic: str
    properties: dict


def messages(body):
    """Yields the Records of a pull's body; checks structure and body CRC."""
    at = 0
    while at < len(body):
        total, magic, crc, queue, _flag, offset, log_offset, sys_flag, born_ms = struct.unpack_from(
            ">IIIiiqqiq", body, at)
        assert magic in (0xDAA320A7, 0xDAA320AB), f"magic {magic:x}"
        position = at + 48 + (20 if sys_flag & 0x10 else 8)
        stored_ms = struct.unpack_from(">q", body, position)[0]
        position += 8 + (20 if sys_flag & 0x20 else 8)
        reconsumed, _prepared, length = struct.unpack_from(">iqi", body, position)
        position += 16
        payload = body[position:position + length]
        assert crc == zlib.crc32(payload) & 0x7FFFFFFF, f"body CRC at log offset {log_offset}"
        position += length
        topic_length = 1 if magic == 0xDAA320A7 else 2
        size = int.from_bytes(body[position:position + topic_length], "big")
        position += topic_length
        topic = body[position:position + size].decode()
        position += size
        size = struct.unpack_from(">H", body, position)[0]
        text = body[position + 2:position + 2 + size].decode()
        properties = dict(pair.split("\x01", 1) for pair in text.split("\x02") if pair)
        yield Record(queue, offset, log_offset, sys_flag, born_ms, stored_ms, reconsumed, payload, topic, properties)
        at += total


def records(body):
    """The same as (queue, offset, log_offset, payload), for loops that ask for no more."""
    for record in messages(body):
        yield record.queue, record.offset, record.log_offset, record.payload
