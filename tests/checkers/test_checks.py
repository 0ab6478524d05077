"""Each check is shown a history that it must accept, and that history broken so that it must not."""
import copy
import os
import tempfile
import unittest

import checks
import history


def good():
    """A small run in which everything that is looked for happens, and is right."""
    events = []

    def note(kind, **fields):
        events.append({"t": len(events), "e": kind, **fields})

    def send(identity, offset, topic="orders", **more):
        note("send_inv", id=identity, topic=topic, digest="d-" + identity, **more)
        note("send_ok", id=identity, queue=0, offset=offset)

    def recv(identity, offset, topic="orders", **more):
        note("recv", group="g", topic=topic, queue=0, offset=offset, id=identity, digest="d-" + identity, **more)

    def scan(identity, offset, topic="orders"):
        note("scan", topic=topic, queue=0, offset=offset, id=identity, digest="d-" + identity)

    note("setting", name="orders", value=4)
    note("subscribe", group="g", topic="orders")
    send("a", 0, key="k")
    send("b", 1, key="k")
    send("bad", 2, poison=2)
    send("b1", 3, batch="B")
    send("b2", 4, batch="B")
    note("send_inv", id="lost-answer", topic="orders", digest="d-lost-answer")
    note("send_unk", id="lost-answer")
    note("send_inv", id="refused", topic="orders", digest="d-refused")
    note("send_fail", id="refused")
    send("late", 6, due_ms=1_000)
    for identity, verdict in (("tx-yes", "commit"), ("tx-no", "rollback")):
        send(identity, 0, tx=True)
        note("tx_end", id=identity, verdict=verdict, result="ok")
    recv("a", 0, handle="h1", pop_ms=0, invisible_ms=100)
    recv("a", 0, handle="h2", pop_ms=150, invisible_ms=100)
    note("ack_ok", group="g", id="a", handle="h2")
    note("done", group="g", id="a")
    for identity, offset in (("b", 1), ("b1", 3), ("b2", 4)):
        recv(identity, offset)
        note("done", group="g", id=identity)
    note("settled", group="g", topic="orders", queue=0, offset=5)
    recv("late", 6, wall_ms=1_010)
    recv("tx-yes", 7)
    note("commit_ok", group="g", topic="orders", queue=0, offset=2)
    note("resume", group="g", topic="orders", queue=0, offset=2)
    note("lock_ok", group="g", topic="orders", queue=0, client="c1", from_ms=0, until_ms=60)
    note("unlock", group="g", topic="orders", queue=0, client="c1", at_ms=30)
    note("lock_ok", group="g", topic="orders", queue=0, client="c2", from_ms=30, until_ms=90)
    note("call", what="send", ms=40, timeout_ms=3_000)
    note("ask", id="q1", client="c1")
    note("told", id="q1", result="ok")
    note("ask", id="q2", client="c2")
    note("gone", client="c2")
    note("bounds", topic="orders", queue=0, min=0, max=8)
    for offset, identity in enumerate(("a", "b", "bad", "b1", "b2", "lost-answer", "late", "tx-yes")):
        scan(identity, offset)
    note("dlq", group="g", id="bad", attempts=3)
    note("found", name="orders", value=4)
    return events


def change(events, kind, which, **fields):
    """The events with one of them changed; the first of `kind` that has all of `which`."""
    events = copy.deepcopy(events)
    for event in events:
        if event["e"] == kind and all(event.get(k) == v for k, v in which.items()):
            event.update(fields)
            return events
    raise AssertionError(f"no {kind} with {which}")


def drop(events, kind, **which):
    kept = [e for e in events if not (e["e"] == kind and all(e.get(k) == v for k, v in which.items()))]
    assert len(kept) < len(events), f"no {kind} with {which}"
    return kept


def add(events, kind, **fields):
    return events + [{"t": len(events), "e": kind, **fields}]


PLACE = {"topic": "orders", "queue": 0}

# number of the check that must speak -> ways to break the history
BROKEN = {
    "I1": [lambda e: drop(e, "recv", id="b1"), lambda e: drop(e, "dlq", id="bad"),
           lambda e: drop(e, "recv", id="tx-yes")],
    "I2": [lambda e: add(e, "scan", **PLACE, offset=9, id="ghost", digest="x"),
           lambda e: add(e, "recv", **PLACE, group="g", offset=9, id="refused", digest="d-refused"),
           lambda e: change(e, "scan", {"id": "b"}, digest="other"),
           lambda e: change(e, "send_inv", {"id": "b"}, hidden=True)],
    "I3": [lambda e: change(e, "recv", {"id": "b1"}, offset=1), lambda e: change(e, "send_ok", {"id": "a"}, offset=1)],
    "I4": [lambda e: drop(e, "scan", id="lost-answer"), lambda e: change(e, "send_ok", {"id": "b"}, offset=40),
           lambda e: add(e, "bounds", **PLACE, min=0, max=3)],
    "I5": [lambda e: drop(e, "scan", id="tx-yes")],
    "I6": [lambda e: add(e, "scan", **PLACE, offset=8, id="a", digest="d-a")],
    "I8": [lambda e: change(e, "resume", {}, offset=1), lambda e: change(e, "resume", {}, offset=6),
           lambda e: add(e, "commit_ok", **PLACE, group="g", offset=1)],
    "I8 settled": [lambda e: add(e, "recv", **PLACE, group="g", offset=4, id="b2", digest="d-b2")],
    "I9": [lambda e: add(e, "scan", **PLACE, offset=8, id="tx-no", digest="d-tx-no"),
           lambda e: add(e, "tx_end", id="tx-yes", verdict="rollback", result="ok"),
           lambda e: add(e, "scan", **PLACE, offset=8, id="tx-yes", digest="d-tx-yes"),
           lambda e: drop(e, "scan", id="tx-yes"), lambda e: drop(e, "tx_end", id="tx-yes")],
    "I10": [lambda e: add(add(drop(drop(e, "done", id="a"), "done", id="b"), "done", group="g", id="b"),
                          "done", group="g", id="a")],
    "I11": [lambda e: change(e, "dlq", {}, attempts=2), lambda e: add(e, "dlq", group="g", id="bad", attempts=3),
            lambda e: add(e, "dlq", group="g", id="a", attempts=3)],
    "I12": [lambda e: change(e, "recv", {"handle": "h2"}, pop_ms=99),
            lambda e: change(e, "recv", {"handle": "h2"}, pop_ms=5_000),
            lambda e: change(e, "ack_ok", {}, handle="h1"),
            lambda e: add(e, "recv", **PLACE, group="g", offset=0, id="a", digest="d-a", handle="h3", pop_ms=300,
                          invisible_ms=100)],
    "I13": [lambda e: change(e, "recv", {"id": "late"}, wall_ms=999),
            lambda e: change(e, "recv", {"id": "late"}, wall_ms=2_500),
            lambda e: add(e, "scan", **PLACE, offset=8, id="late", digest="d-late"),
            lambda e: drop(e, "scan", id="late")],
    "I17": [lambda e: change(e, "found", {}, value=8), lambda e: drop(e, "found")],
    "I22": [lambda e: drop(e, "scan", id="b2"), lambda e: change(e, "scan", {"id": "b2"}, offset=11)],
    "I23": [lambda e: change(e, "call", {}, ms=4_100), lambda e: drop(e, "told", id="q1"),
            lambda e: change(e, "told", {}, result="wrong"), lambda e: drop(e, "gone", client="c2")],
    "I24": [lambda e: drop(e, "unlock"), lambda e: change(e, "lock_ok", {"client": "c2"}, from_ms=29)],
}


class ChecksTest(unittest.TestCase):
    def test_a_good_history_passes(self):
        self.assertEqual([], checks.violations(good()))

    def test_every_check_can_fail(self):
        self.assertEqual(set(checks.CHECKS), set(BROKEN))
        for number, breakings in BROKEN.items():
            for way, breaking in enumerate(breakings):
                with self.subTest(check=number, way=way):
                    found = {n for n, _ in checks.violations(breaking(good()))}
                    self.assertIn(number, found)

    def test_a_check_can_be_left_out(self):
        broken = BROKEN["I23"][0](good())
        self.assertEqual([], checks.violations(broken, leave_out=("I23",)))

    def test_what_no_filter_lets_through_is_not_owed(self):
        lost = BROKEN["I1"][0](good())
        self.assertEqual([], checks.violations(change(drop(lost, "done", id="b1"), "send_inv", {"id": "b1"}, hidden=True)))

    def test_a_reset_takes_back_what_was_settled(self):
        again = add(good(), "reset", **PLACE, group="g", offset=0)
        self.assertEqual([], checks.violations(BROKEN["I8 settled"][0](again)))

    def test_a_group_that_pops_owes_no_order(self):
        broken = BROKEN["I10"][0](good())
        self.assertEqual([], checks.violations(change(broken, "subscribe", {}, unordered=True)))

    def test_unknown_outcomes_are_legal_both_ways(self):
        events = [e for e in good() if e.get("id") != "lost-answer"]
        for event in events:  # as if it had never been stored
            if event.get("offset", -1) > 5 and event["e"] in ("scan", "recv", "send_ok"):
                event["offset"] -= 1
            if event["e"] == "bounds":
                event["max"] = 7
        self.assertEqual([], checks.violations(events))

    def test_files_of_several_clients_become_one_history(self):
        with tempfile.TemporaryDirectory() as folder:
            one, two = history.Recorder(folder, "one"), history.Recorder(folder, "two")
            one.note("send_inv", id="a", topic="t", digest="d")
            two.note("send_fail", id="a")
            one.note("fault", what="kill", on=True)
            one.close()
            two.close()
            with open(os.path.join(folder, "notes.txt"), "w", encoding="utf-8") as other:
                other.write("not ours")
            self.assertEqual(["send_inv", "send_fail", "fault"], [e["e"] for e in history.load(folder)])


if __name__ == "__main__":
    unittest.main()
