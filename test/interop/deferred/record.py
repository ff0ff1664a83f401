"""Prints random programs for Deferreds, with what Twisted makes of them: one JSON object a line.

    python3 test/interop/deferred/record.py 1 80 > test/defer/twisted.jsonl

test/defer/twisted.test.ts plays them again. Pausing is left out, and so is (by the choice of the seed) a Deferred
that is returned while callbacks of its own are still due: there hawser differs on purpose (docs/deferred.md).
Recorded with Twisted 26.4.0.
"""

import json
import random
import sys

from twisted.internet.defer import AlreadyCalledError, Deferred
from twisted.python.failure import Failure

DEFERREDS = 5


class Named(Exception):
    """An error that is known by its name on both sides."""


def behaviour(rng, index, depth):
    """What a callback does first, and what it returns or raises."""
    result = rng.choice(["value", "raise", "deferred", "same"])
    if result == "value":
        ending = [result, rng.randrange(100)]
    elif result == "raise":
        ending = [result, "E%d" % rng.randrange(10)]
    elif result == "deferred" and index + 1 < DEFERREDS:
        # Only of higher index, so that no ring can come about.
        ending = [result, rng.randrange(index + 1, DEFERREDS)]
    else:
        ending = ["same", 0]
    count = rng.randrange(3) if depth < 2 and rng.random() < 0.3 else 0
    return {"steps": [step(rng, depth + 1, index) for _ in range(count)], "ending": ending}


def step(rng, depth, lowest):
    index = rng.randrange(lowest, DEFERREDS)
    chance = rng.random()
    if chance < 0.25:
        return ["callback", index, rng.randrange(100)]
    if chance < 0.35:
        return ["errback", index, "F%d" % rng.randrange(10)]
    if chance < 0.85:
        pair = [behaviour(rng, index, depth) if rng.random() < share else None for share in (0.8, 0.7)]
        return ["add", index, *pair]
    if chance < 0.95 or index + 1 == DEFERREDS:
        return ["cancel", index]
    return ["chain", index, rng.randrange(index + 1, DEFERREDS)]


def shown(result):
    if not isinstance(result, Failure):
        return "nothing" if result is None else str(result)
    return str(result.value) if isinstance(result.value, Named) else type(result.value).__name__


class Player:
    def __init__(self, cancellers):
        self.log = []
        self.pairs = 0
        self.deferreds = [Deferred(self.canceller(kind)) for kind in cancellers]

    def canceller(self, kind):
        if kind == "none":
            return None

        def cancel(deferred):
            self.log.append("cancelled")
            if kind == "value":
                deferred.callback(7)
            if kind == "error":
                deferred.errback(Named("C"))

        return cancel

    def function(self, behaviour, name):
        if behaviour is None:
            return lambda result: result

        def call(result):
            self.log.append(name + shown(result))
            for each in behaviour["steps"]:
                self.play(each)
            verb, what = behaviour["ending"]
            if verb == "raise":
                raise Named(what)
            return {"value": what, "same": result}.get(verb) if verb != "deferred" else self.deferreds[what]

        return call

    def play(self, each):
        verb, index, *rest = each
        deferred = self.deferreds[index]
        try:
            if verb == "callback":
                deferred.callback(rest[0])
            elif verb == "errback":
                deferred.errback(Named(rest[0]))
            elif verb == "cancel":
                deferred.cancel()
            elif verb == "chain":
                deferred.chainDeferred(self.deferreds[rest[0]])
            else:
                self.pairs += 1
                names = ["%d+ " % self.pairs, "%d- " % self.pairs]
                deferred.addCallbacks(*[self.function(*each) for each in zip(rest, names)])
        except AlreadyCalledError:
            self.log.append("already called")


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        cancellers = [rng.choice(["none", "none", "silent", "value", "error"]) for _ in range(DEFERREDS)]
        steps = [step(rng, 0, 0) for _ in range(rng.randrange(10, 20))]
        player = Player(cancellers)
        for each in steps:
            player.play(each)
            player.log.append("|")
        for deferred in player.deferreds:
            deferred.addBoth(lambda result: player.log.append("end " + shown(result)))
        print(json.dumps({"cancellers": cancellers, "steps": steps, "log": player.log}, separators=(",", ":")))


main()
