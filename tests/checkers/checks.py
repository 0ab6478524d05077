"""Invariants of a message broker over a recorded history (history.py). They know nothing of the broker.

Each check takes a Facts and yields one line per violation; CHECKS lists them by the number that they have in the
reliability goals. A check must be able to fail: test_checks.py breaks a good history once for each.
"""
import collections


class Facts:
    """A history sorted into what checks ask for. Read-only afterwards."""

    def __init__(self, events):
        self.events = events
        self.by_kind = collections.defaultdict(list)
        for event in events:
            self.by_kind[event["e"]].append(event)
        self.sent = {e["id"]: e for e in self.by_kind["send_inv"]}
        self.acked = {e["id"]: e for e in self.by_kind["send_ok"]}
        self.failed = {e["id"] for e in self.by_kind["send_fail"]}
        self.verdicts = collections.defaultdict(list)
        for event in self.by_kind["tx_end"]:
            self.verdicts[event["id"]].append(event)
        self.deliveries = collections.defaultdict(list)  # (group, id) -> recv
        for event in self.by_kind["recv"]:
            self.deliveries[event["group"], event["id"]].append(event)
        self.stored = collections.defaultdict(list)  # id -> scan
        for event in self.by_kind["scan"]:
            self.stored[event["id"]].append(event)

    def committed(self, event):
        """Whether a sent message must be seen: acknowledged and, in a transaction, committed for certain."""
        if event["id"] not in self.acked:
            return False
        if not event.get("tx"):
            return True
        return any(v["verdict"] == "commit" and v["result"] == "ok" for v in self.verdicts[event["id"]])


def nothing_acknowledged_is_lost(facts):
    letters = {(e["group"], e["id"]) for e in facts.by_kind["dlq"]}
    for subscription in facts.by_kind["subscribe"]:
        group, topic = subscription["group"], subscription["topic"]
        for sent in facts.sent.values():
            if sent["topic"] != topic or sent.get("hidden") or not facts.committed(sent):
                continue
            if (group, sent["id"]) not in facts.deliveries and (group, sent["id"]) not in letters:
                yield f"{sent['id']} was acknowledged at {where(facts.acked[sent['id']], topic)}; {group} never got it"


def nothing_from_nowhere(facts):
    for event in facts.by_kind["recv"] + facts.by_kind["scan"]:
        sent = facts.sent.get(event["id"])
        if sent is None:
            yield f"{event['id']} at {where(event)} was never sent"
        elif event["id"] in facts.failed:
            yield f"{event['id']} at {where(event)} had been refused for certain"
        elif event["digest"] != sent["digest"]:
            yield f"{event['id']} at {where(event)} has another body than was sent"
        elif event["e"] == "recv" and sent.get("hidden"):
            yield f"{event['id']} at {where(event)} passed the filter of {event['group']}"


def one_message_per_offset(facts):
    owner = {}
    def claim(place, event):
        first = owner.setdefault(place, event["id"])
        if first != event["id"]:
            yield f"{place} was {first} and is {event['id']} ({event['e']})"
    for event in facts.events:
        if event["e"] in ("recv", "scan"):
            yield from claim((event["topic"], event["queue"], event["offset"]), event)
        elif event["e"] == "send_ok" and not facts.sent[event["id"]].get("tx") and "offset" in event:
            yield from claim((facts.sent[event["id"]]["topic"], event["queue"], event["offset"]), event)


def offsets_are_dense_and_stable(facts):
    found = collections.defaultdict(set)
    for event in facts.by_kind["scan"]:
        found[event["topic"], event["queue"]].add(event["offset"])
    highest = {}
    for event in facts.by_kind["bounds"]:
        queue = event["topic"], event["queue"]
        if event["max"] < highest.get(queue, 0):
            yield f"the end of {queue} went from {highest[queue]} back to {event['max']}"
        highest[queue] = event["max"]
    last = {(e["topic"], e["queue"]): e for e in facts.by_kind["bounds"]}
    for queue, event in last.items():
        missing = set(range(event["min"], event["max"])) - found[queue]
        if missing:
            yield f"{queue} has no message at {sorted(missing)[:5]} of [{event['min']}, {event['max']})"
    for identity, event in facts.acked.items():
        topic = facts.sent[identity]["topic"]
        bounds = last.get((topic, event.get("queue")))
        if bounds is None or facts.sent[identity].get("tx") or event["offset"] < bounds["min"]:
            continue
        if not any(e["queue"] == event["queue"] and e["offset"] == event["offset"] for e in facts.stored[identity]):
            yield f"{identity} was acknowledged at {where(event, topic)} and is stored at " \
                  f"{[where(e) for e in facts.stored[identity]]}"


def what_was_shown_stays(facts):
    last = {(e["topic"], e["queue"]): e for e in facts.by_kind["bounds"]}
    at = {(e["topic"], e["queue"], e["offset"]): e["id"] for e in facts.by_kind["scan"]}
    for event in facts.by_kind["recv"]:
        bounds = last.get((event["topic"], event["queue"]))
        if bounds is None or event["offset"] < bounds["min"]:
            continue
        if at.get((event["topic"], event["queue"], event["offset"])) != event["id"]:
            yield f"{event['id']} was shown at {where(event)} and is gone"


def stored_once_per_send(facts):
    """For harnesses whose clients never repeat a send: one copy in its own topic."""
    for identity, copies in facts.stored.items():
        own = [e for e in copies if identity in facts.sent and e["topic"] == facts.sent[identity]["topic"]]
        if len(own) > 1:
            yield f"{identity} was sent once and is stored at {[where(e) for e in own]}"


def committed_offsets_hold(facts):
    committed = {}
    got = collections.defaultdict(set)
    stored = collections.defaultdict(set)
    for event in facts.by_kind["scan"]:
        stored[event["topic"], event["queue"]].add(event["offset"])
    for event in facts.events:
        if event["e"] == "recv":
            got[event["group"], event["topic"], event["queue"]].add(event["offset"])
        if event["e"] == "fault":
            committed.clear()  # it may go back to what was saved; it may not skip
        if event["e"] not in ("commit_ok", "reset", "resume"):
            continue
        line = event["group"], event["topic"], event["queue"]
        if event["e"] == "resume":
            if event["offset"] > committed.get(line, 0):
                skipped = {o for o in stored[line[1], line[2]] if o < event["offset"]} - got[line]
                if skipped:
                    yield f"{line} resumes at {event['offset']} and never got {sorted(skipped)[:5]}"
            elif event["offset"] < committed.get(line, 0):
                yield f"{line} had committed {committed[line]} and resumes at {event['offset']}"
        elif event["e"] == "commit_ok" and event["offset"] < committed.get(line, 0):
            yield f"{line} went from {committed[line]} back to {event['offset']}"
        if event["e"] != "resume":
            committed[line] = event["offset"]


def what_is_settled_does_not_come_again(facts):
    settled = {}
    for event in facts.events:
        line = event.get("group"), event.get("topic"), event.get("queue")
        if event["e"] == "settled":
            settled[line] = max(event["offset"], settled.get(line, 0))
        elif event["e"] == "reset":
            settled.pop(line, None)
        elif event["e"] == "recv" and event["offset"] < settled.get(line, 0):
            yield f"{event['id']} came to {line[0]} from {where(event)}, where all below {settled[line]} was settled"


def transactions_have_one_verdict(facts):
    seen = collections.Counter()
    for event in facts.by_kind["scan"]:
        if facts.sent.get(event["id"], {}).get("tx"):
            seen[event["id"]] += 1
    shown = {e["id"] for e in facts.by_kind["recv"]}
    for identity, sent in facts.sent.items():
        if not sent.get("tx"):
            continue
        accepted = {v["verdict"] for v in facts.verdicts[identity] if v["result"] == "ok"}
        asked = {v["verdict"] for v in facts.verdicts[identity] if v["result"] != "refused"}
        if len(accepted) > 1:
            yield f"{identity}: both verdicts were accepted"
        if seen[identity] > 1:
            yield f"{identity} is visible {seen[identity]} times"
        visible = seen[identity] > 0 or identity in shown
        if "rollback" in accepted and visible:
            yield f"{identity} was rolled back and is visible"
        if "commit" in accepted and seen[identity] == 0:
            yield f"{identity} was committed and is not there"
        if visible and "commit" not in asked:
            yield f"{identity} is visible and nobody committed it"


def keys_are_processed_in_order(facts):
    """Of each key the first successful processings come in the order of the queue; not for groups that want none."""
    unordered = {e["group"] for e in facts.by_kind["subscribe"] if e.get("unordered")}
    place = {e["id"]: (e["topic"], e["queue"], e["offset"]) for e in facts.by_kind["scan"]}
    processed = set()
    last = {}
    for event in facts.by_kind["done"]:
        sent = facts.sent.get(event["id"], {})
        key = sent.get("key")
        if key is None or event["id"] not in place or event["group"] in unordered or \
                (event["group"], event["id"]) in processed:
            continue
        processed.add((event["group"], event["id"]))
        line = event["group"], key
        before = last.get(line)
        if before is not None and place[before][:2] == place[event["id"]][:2] and \
                place[before][2] > place[event["id"]][2]:
            yield f"{line}: {event['id']} was processed after {before}, which stands behind it"
        last[line] = event["id"]


def poison_ends_in_the_dead_letters(facts):
    letters = collections.defaultdict(list)
    for event in facts.by_kind["dlq"]:
        letters[event["group"], event["id"]].append(event)
    done = {(e["group"], e["id"]) for e in facts.by_kind["done"]}
    crashed = any(e["on"] for e in facts.by_kind["fault"])
    for subscription in facts.by_kind["subscribe"]:
        if subscription.get("accepts_poison"):
            continue
        for sent in facts.sent.values():
            if sent["topic"] != subscription["topic"] or not sent.get("poison") or not facts.committed(sent):
                continue
            found = letters.get((subscription["group"], sent["id"]), [])
            if len(found) != 1 and not (crashed and found):
                yield f"poison {sent['id']} is {len(found)} times in the dead letters of {subscription['group']}"
            for letter in found:
                wanted = sent["poison"] + 1
                if letter["attempts"] != wanted and not (crashed and letter["attempts"] > wanted):
                    yield f"poison {sent['id']} had {letter['attempts']} attempts instead of {wanted}"
    for (group, identity) in letters:
        if (group, identity) in done:
            yield f"{identity} was accepted by {group} and is in its dead letters"


def pop_has_one_holder(facts, slack_ms=2_000):
    """Broker clock, and its order: a client may see late what it was given early. A holder's time ends with its
    accepted ack or change, or when the invisible time has passed."""
    turns = collections.defaultdict(list)  # (group, id) -> deliveries and accepted changes
    acked = {(e["group"], e["id"], e["handle"]) for e in facts.by_kind["ack_ok"] if "handle" in e}
    for event in facts.events:
        if event["e"] in ("recv", "change_ok") and "handle" in event:
            turns[event["group"], event["id"]].append(event)
    calm = not any(f["on"] for f in facts.by_kind["fault"])
    for line, events in turns.items():
        events.sort(key=lambda event: event["pop_ms"])
        for before, event in zip(events, events[1:]):
            if line + (before["handle"],) in acked:
                yield f"{line} was acked and came again, or a stale ack was accepted, at {where(event)}"
            if event["e"] != "recv":
                continue
            since = event["pop_ms"] - before["pop_ms"] - before["invisible_ms"]
            if since < 0:
                yield f"{line} has two holders: the first one's time ends {-since} ms after the second one's begins"
            if since > slack_ms and calm:
                yield f"{line} came again {since} ms after its time had passed"


def delayed_messages_come_once_and_in_time(facts, slack_ms=1_000):
    broken = any(e["on"] for e in facts.by_kind["fault"])
    for identity, sent in facts.sent.items():
        if "due_ms" not in sent:
            continue
        copies = [e for e in facts.stored[identity] if e["topic"] == sent["topic"]]
        if len(copies) > 1:
            yield f"delayed {identity} was delivered {len(copies)} times"
        if identity in facts.acked and not copies:
            yield f"delayed {identity} never came"
        for event in facts.by_kind["recv"]:
            if event["id"] != identity:
                continue
            late = event["wall_ms"] - sent["due_ms"]
            if late < 0:
                yield f"delayed {identity} came {-late} ms early"
            if late > slack_ms and not broken:
                yield f"delayed {identity} came {late} ms late"
            break


def batches_are_whole(facts):
    batches = collections.defaultdict(list)
    for identity, sent in facts.sent.items():
        if "batch" in sent:
            batches[sent["batch"]].append(identity)
    for batch, members in batches.items():
        places = [facts.stored[m][0] for m in members if facts.stored[m]]
        if not places:
            continue
        if len(places) != len(members):
            yield f"batch {batch}: {len(places)} of {len(members)} are stored"
            continue
        offsets = sorted(p["offset"] for p in places)
        if len({(p["topic"], p["queue"]) for p in places}) != 1 or \
                offsets != list(range(offsets[0], offsets[0] + len(offsets))):
            yield f"batch {batch} stands at {[where(p) for p in places]}"


def metadata_survives(facts):
    found = {e["name"]: e["value"] for e in facts.by_kind["found"]}
    last = {e["name"]: e["value"] for e in facts.by_kind["setting"]}
    for name, value in last.items():
        if found.get(name) != value:
            yield f"{name} was set to {value} and is {found.get(name)}"


def everything_answers(facts):
    told = {e["id"]: e["result"] for e in facts.by_kind["told"]}
    gone = {e["client"] for e in facts.by_kind["gone"]}
    for event in facts.by_kind["ask"]:
        result = told.get(event["id"])
        if result in ("wrong", "never") or (result is None and event["client"] not in gone):
            yield f"the request {event['id']} ended with {result}"
    for event in facts.by_kind["call"]:
        if event["ms"] > event["timeout_ms"] + 1_000:
            yield f"{event['what']} took {event['ms']} ms with a time-out of {event['timeout_ms']} ms"


def queue_locks_have_one_owner(facts):
    held = collections.defaultdict(list)  # queue -> [from, until, client]
    for event in facts.events:
        if event["e"] == "lock_ok":
            line = event["group"], event["topic"], event["queue"]
            for begin, until, client in held[line]:
                if client != event["client"] and begin < event["until_ms"] and event["from_ms"] < until:
                    yield f"{line} is locked by {client} until {until} and by {event['client']} from {event['from_ms']}"
            held[line].append([event["from_ms"], event["until_ms"], event["client"]])
        elif event["e"] == "unlock":
            for lock in held[event["group"], event["topic"], event["queue"]]:
                if lock[2] == event["client"]:
                    lock[1] = min(lock[1], event["at_ms"])


def where(event, topic=None):
    return f"{topic or event.get('topic')}/{event.get('queue')}@{event.get('offset')}"


CHECKS = {
    "I1": nothing_acknowledged_is_lost,
    "I2": nothing_from_nowhere,
    "I3": one_message_per_offset,
    "I4": offsets_are_dense_and_stable,
    "I5": what_was_shown_stays,
    "I6": stored_once_per_send,
    "I8": committed_offsets_hold,
    "I8 settled": what_is_settled_does_not_come_again,
    "I9": transactions_have_one_verdict,
    "I10": keys_are_processed_in_order,
    "I11": poison_ends_in_the_dead_letters,
    "I12": pop_has_one_holder,
    "I13": delayed_messages_come_once_and_in_time,
    "I17": metadata_survives,
    "I22": batches_are_whole,
    "I23": everything_answers,
    "I24": queue_locks_have_one_owner,
}


def violations_of(facts, leave_out=()):
    """[(number, line)] of all checks but those named in `leave_out`."""
    return [(number, line) for number, check in CHECKS.items() if number not in leave_out for line in check(facts)]


def violations(events, leave_out=()):
    return violations_of(Facts(events), leave_out)
