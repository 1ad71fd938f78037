"""How fast rules are matched, beside the standard library's ``re`` in the same run.

Run it as ``python -m tests.benchmarks.signals [--json]``. Rules are of four kinds, as measured in
the notes: keyword lists (60 %), counts (10 %), "verb with X" (15 %), gaps (15 %).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

from livekit_plugins_analytics.signals import Listener, Rule, RuleSet, Signal
from livekit_plugins_analytics.signals.utterance import Utterance

RULES = (10, 100, 1_000, 10_000)
WORDS = (10, 50, 200, 500)

# Frequent words of speech; the rules' own words are made up and appear now and then.
COMMON = [
    "the",
    "a",
    "to",
    "and",
    "of",
    "in",
    "is",
    "it",
    "you",
    "that",
    "we",
    "for",
    "on",
    "with",
    "as",
    "have",
    "be",
    "at",
    "this",
    "but",
    "not",
    "from",
    "they",
    "our",
    "so",
    "what",
    "about",
    "can",
    "do",
    "just",
    "like",
    "get",
    "there",
    "know",
    "right",
    "okay",
    "yeah",
    "going",
    "would",
    "need",
    "think",
    "want",
    "time",
    "people",
    "work",
    "team",
    "really",
    "make",
    "good",
    "great",
    "sure",
    "also",
    "how",
    "when",
    "much",
    "last",
    "next",
    "week",
    "call",
]
# As long as ``re`` takes a tenth of a second: each further character doubles the time of most.
CATASTROPHIC = {
    r"(a+)+$": "a" * 20 + "b",
    r"(a|aa)+$": "a" * 28 + "b",
    r"(.*,){8}P": "1," * 16,
    r"(x+x+)+y": "x" * 20,
    r"(\d+,?)+ people$": "1" * 20,
    r".*.*=.*": "a" * 700,
}


def patterns(count: int, rng: random.Random) -> tuple[list[str], list[str]]:
    """RE2 patterns, and the words in them."""
    made, words = [], []
    for number in range(count):
        own = [
            "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(5, 9))) for _ in "1234"
        ]
        words += own
        kind = number % 20
        if kind < 12:
            made.append(f"(?:{'|'.join(own)})")
        elif kind < 14:
            made.append(rf"\d+ (?:{own[0]}|{own[1]})s?")
        elif kind < 17:
            made.append(f"(?:use|need|want|work) (?:with )?{own[0]}")
        else:
            made.append(f"{own[0]} .{{0,40}}{own[1]}")
    return made, words


def text(count: int, words: list[str], rng: random.Random) -> str:
    """Speech in which every fiftieth word is a rule's."""
    return " ".join(rng.choice(words if rng.random() < 0.02 else COMMON) for _ in range(count))


def milliseconds(action: Callable[[], Any], budget: float = 0.4) -> float:
    """The median of as many runs as the budget of seconds allows, at least three."""
    times: list[float] = []
    end = time.perf_counter() + budget
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        begin = time.perf_counter()
        action()
        times.append((time.perf_counter() - begin) * 1_000)
    return statistics.median(times)


def scaling() -> list[dict[str, float]]:
    """Matching of one turn, per number of rules and words."""
    rng = random.Random(7)
    rows = []
    for count in RULES:
        made, words = patterns(count, rng)
        begin = time.perf_counter()
        rules = RuleSet(
            name="bench",
            version=1,
            signals=[Signal(name="s", type="list")],
            rules=[
                Rule(name=f"r{i}", signal="s", patterns=(p,), value=i) for i, p in enumerate(made)
            ],
        )
        build = (time.perf_counter() - begin) * 1_000
        plain = [re.compile(rf"\b(?:{p})\b") for p in made]
        for length in WORDS:
            said = [text(length, words, rng) for _ in range(10)]

            def ours(said: list[str] = said, rules: RuleSet = rules) -> None:
                for one in said:
                    rules.hits(Utterance(one))

            # A tenth of the turns is enough of a wait for ten thousand rules.
            def theirs(said: list[str] = said, plain: list[re.Pattern[str]] = plain) -> None:
                for one in said[:1]:
                    for pattern in plain:
                        for match in pattern.finditer(one):
                            match.span()

            def turn(said: list[str] = said, rules: RuleSet = rules) -> None:
                for one in said:
                    Listener(rules).user_said("1", one)

            mine, other, whole = (
                milliseconds(ours) / 10,
                milliseconds(theirs),
                milliseconds(turn) / 10,
            )
            rows.append(
                {
                    "rules": count,
                    "words": length,
                    "signals_ms": round(mine, 4),
                    "turn_ms": round(whole, 4),
                    "re_ms": round(other, 4),
                    "ratio": round(other / mine, 1),
                    "build_ms": round(build, 1),
                }
            )
    return rows


def catastrophes() -> list[dict[str, Any]]:
    """Patterns that hold a backtracking engine."""
    rows = []
    for pattern, said in CATASTROPHIC.items():
        rules = RuleSet(
            name="bench",
            version=1,
            signals=[Signal(name="s", type="text")],
            rules=[Rule(name="r", signal="s", patterns=(pattern,), value="v")],
        )
        utterance = Utterance(said)
        mine = milliseconds(lambda u=utterance, r=rules: r.hits(u), 0.05)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        begin = time.perf_counter()
        re.search(pattern, said)
        other = (time.perf_counter() - begin) * 1_000
        rows.append(
            {
                "pattern": pattern,
                "signals_ms": round(mine, 4),
                "re_ms": round(other, 3),
                "ratio": round(other / mine, 1),
            }
        )
    return rows


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    results: dict[str, Any] = {
        "scaling": scaling(),
        "catastrophic": catastrophes(),
        "sales": sales(),
    }
    if arguments.json:
        print(json.dumps(results))
        return
    print(f"{'rules':>7} {'words':>6} {'signals ms':>11} {'turn ms':>9} {'re ms':>10} {'ratio':>8}")
    for row in results["scaling"]:
        print(
            f"{row['rules']:>7} {row['words']:>6} {row['signals_ms']:>11.3f} "
            f"{row['turn_ms']:>9.3f} {row['re_ms']:>10.2f} {row['ratio']:>7.0f}x"
        )
    for row in results["catastrophic"]:
        print(
            f"{row['pattern']:>24} {row['signals_ms']:>9.3f} "
            f"{row['re_ms']:>10.2f} {row['ratio']:>7.0f}x"
        )
    print("the sales pack, ms a turn:", results["sales"])


def sales() -> dict[str, float]:
    """The pack that ships: a plain turn, a turn full of signals, keyword spam."""
    rules = RuleSet.load("sales")
    rng = random.Random(7)
    turns = {
        "plain 20 words": text(20, COMMON, rng),
        "plain 500 words": text(500, COMMON, rng),
        "rich": "Team of 25, we don't use Slack but Salesforce, and send 100 quotes a month",
        "spam 1000 characters": ("salesforce errors 25 reps 10 quotes a month urgent " * 20)[
            :1_000
        ],
    }
    return {
        name: round(milliseconds(lambda s=said: Listener(rules).user_said("1", s)), 3)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        for name, said in turns.items()
    }


if __name__ == "__main__":
    main()
