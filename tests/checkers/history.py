"""What clients saw, as one line of JSON per event; the only thing that the checkers look at.

A recorder per client writes its own file, so that a crash of the harness loses nothing that was noted.
Every event has `t` (monotonic ns of the harness) and `e`, its kind; the other fields by kind:

  send_inv   id topic digest [key] [tx] [batch] [due_ms] [poison] [hidden]   before the bytes leave; hidden: no
             subscription's filter lets it through
  send_ok    id queue offset                      acknowledged: committed, says the broker
  send_fail  id                                   refused for certain: it must never show
  send_unk   id                                   connection lost, time-out: both outcomes are legal, for ever
  subscribe  group topic [accepts_poison, unordered]  from here on the group is owed everything of the topic
  recv       group topic queue offset id digest [attempt] [wall_ms] [handle pop_ms invisible_ms]
  done       group id                             a listener accepted it
  ack_ok     group id handle                      an accepted POP ack
  change_ok  group id handle pop_ms invisible_ms  an accepted change of invisible time: a new handle
  commit_ok  group topic queue offset             an accepted consumer offset
  reset      group topic queue offset             an operator moved it, in either direction
  resume     group topic queue offset             what the broker answered to "where was I?"
  settled    group topic queue offset             the broker counts all below as done: it may not come again
  tx_end     id verdict result                    verdict commit|rollback; result ok|refused|unk
  scan       topic queue offset id digest         the final reading of everything, by pull
  bounds     topic queue min max                  before that reading
  dlq        group id attempts                    the final reading of the dead letters
  lock_ok    group topic queue client from_ms until_ms     the broker's own clock; unlocking ends it
  unlock     group topic queue client at_ms
  ask        id client                            a request that waits for a reply
  told       id result                            its end; result ok|timeout|failed|wrong|never
  gone       client                               was killed: what it asked may stay open
  call       what ms timeout_ms                   how long an operation took; for liveness
  fault      what on                              something was broken (true) or healed (false)
  setting    topic queue|name value               metadata that was acknowledged, by name
  found      name value                           the same, read back at the end
"""
import json
import os
import time


class Recorder:
    """Appends to one file. One per client; not for two threads at once."""

    def __init__(self, folder, name):
        self._out = open(os.path.join(folder, name + ".jsonl"), "a", encoding="utf-8")

    def note(self, kind, **fields):
        fields["t"] = time.monotonic_ns()
        fields["e"] = kind
        self._out.write(json.dumps(fields, separators=(",", ":")) + "\n")

    def close(self):
        self._out.close()


class Memory:
    """The same in memory, for any number of threads; `events` is the history."""

    def __init__(self):
        self.events = []

    def note(self, kind, **fields):
        fields["t"] = time.monotonic_ns()
        fields["e"] = kind
        self.events.append(fields)  # one step under the interpreter's lock

    def close(self):
        pass


def load(folder):
    """All events of a folder in the order of their time."""
    events = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jsonl"):
            with open(os.path.join(folder, name), encoding="utf-8") as lines:
                events.extend(json.loads(line) for line in lines)
    events.sort(key=lambda event: event["t"])
    return events
