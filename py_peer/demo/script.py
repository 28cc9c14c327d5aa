"""What the peers of the demo say, and when: data and pure functions. Times in seconds since the demo began.

Everybody plays from one timetable, worked out with a fixed seed: a process needs no cue but the clock. `Echo` answers
whatever the user says; the others talk with each other, and answer when they are named.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final, final

NAMES: Final = ("Echo", "Noor", "Kenji", "Mia")

LEAVES: Final = ""
"""In the place of a text: who is named leaves, until it is their turn again."""

DIRECTLY: Final = "/msg "
"""Begins a text for the user alone."""

SHARES: Final = "/share"
"""In the place of a text: this file is offered."""

_CODE: Final = """\
I wrote this last night:

def is_new(author, number):
    key = (author, number)
    if key in seen:
        return False  # heard it already
    seen.add(key)
    return True"""

_SCRIPT: Final = (
    ("Echo", "Hello, I am Echo, a peer on your own machine. Say something, and I say something back: ping, or help."),
    ("Noor", "Hi, Noor here. Is this the room?"),
    ("Echo", "It is. {nick} is a person; the rest of us are scripted."),
    ("Kenji", "Kenji here. みなさん、こんにちは 👋"),
    ("Noor", "こんにちは Kenji! How is Osaka?"),
    ("Kenji", "Raining ☔ 雨です. So I stay in and read about gossip."),
    ("Mia", "Hi all, this is Mia. Which gossip? 👀"),
    (
        "Kenji",
        "GossipSub: each peer passes a message on to a few others, and in a moment everybody has it. 速いですよ。",
    ),
    ("Noor", "And no server?"),
    ("Kenji", "No server. What you read here comes from other processes, each a peer of its own."),
    ("Mia", "So when one of us pulls the plug, the room goes on?"),
    ("Kenji", "It does. Try it 🙂"),
    ("Noor", "Other peers are written in Go, Rust and JavaScript: https://github.com/libp2p/universal-connectivity"),
    ("Mia", "Nice. Now I fetch some tea 🍵"),
    ("Mia", LEAVES),
    ("Noor", "There she goes: one peer less in the panel."),
    ("Noor", _CODE),
    ("Noor", "A paste stays in one piece, as it should."),
    (
        "Noor",
        f"{DIRECTLY}Noor here. Only you read this: F6 leads here, F5 back, and what you type here goes to me alone.",
    ),
    ("Kenji", "きれいですね. But what keeps it from growing for ever?"),
    ("Noor", "Good question. Nothing, so far 😅"),
    ("Mia", "Mia again, with tea. A new session is a new peer ID: another colour, and its end beside my name."),
    ("Kenji", "おかえり!"),
    ("Noor", "You have missed some code, Mia. The log of the others has it: Ctrl-F finds it."),
    ("Kenji", "All that we say is in one file, which I offer now. A click on the line below, and Enter, fetch it."),
    ("Kenji", SHARES),
    ("Mia", "Let me guess: keep the newest few thousand, forget the rest?"),
    ("Noor", "That is what this program does: 32,768 of them."),
    ("Kenji", "👨‍👩‍👧 wants dinner. 今夜はカレーです 🍛"),
    ("Mia", "🍛 > 🍵"),
    ("Echo", "I do not eat. Talk to me instead."),
    ("Noor", "That was all that we have rehearsed. Name one of us, Noor, Kenji or Mia, and we answer."),
    ("Mia", "See you around ✨"),
    ("Kenji", "またね 👋"),
)
_SEED: Final = 4
_LEAD: Final = 4.0
"""A process is started this long before its first line: it has to import libp2p and to connect."""

_ECHO_HELP: Final = (
    "I answer to ping and help, and turn round what you say, here or in a direct message. F1 shows the keys and the "
    "commands; the others answer when you name them."
)
_QUOTED_CHARS: Final = 200
_INTRODUCTION: Final = re.compile(r"Hello from .* \(py-peer\)")

_ANSWERS: Final = {
    "Noor": (
        "Yes? I am here, a script in a process of its own.",
        "I would have to look that up. /status tells what this program knows.",
        "Ask Kenji, who reads more than I do.",
    ),
    "Kenji": (
        "はい! Here I am.",
        "I am reading. 面白いです 📖",
        "Mia may know. Or she has gone for tea again 🍵",
    ),
    "Mia": (
        "Hi! Did somebody say tea? 🍵",
        "I come and go. So do peers.",
        "Noor pasted something about that, further up.",
    ),
}


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A text, and when it is said."""

    at: float
    text: str


@final
@dataclass(frozen=True, slots=True)
class Visit:
    """What one peer says between coming, at `come`, and leaving. Who `stays` does not leave after the last line."""

    come: float
    lines: tuple[Line, ...]
    stays: bool


def visits(name: str, nick: str) -> tuple[Visit, ...]:
    """Return what `name` says to a user whose nickname is `nick`."""
    found: list[Visit] = []
    lines: list[Line] = []
    for who, line in _timetable(nick):
        if who != name:
            continue
        if line.text != LEAVES:
            lines.append(line)
        else:
            found.append(_visit(lines, stays=False))
            lines = []
    return (*found, _visit(lines, stays=True))


def reply(name: str, text: str, count: int, *, directly: bool = False) -> str:
    """Return what `name` answers to `text` of the user, or "" for nothing; `count` answers were given before.

    `directly`: the text was for `name` alone.
    """
    if _INTRODUCTION.fullmatch(text):  # the program's own words, which the user does not even see
        return ""
    if name == "Echo":
        return _echo(text.strip(), count)
    # A name inside of a word is none: nobody is meant by Miami.
    if directly or re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE):
        return _ANSWERS[name][count % len(_ANSWERS[name])]
    return ""


def _timetable(nick: str) -> list[tuple[str, Line]]:
    pauses = random.Random(_SEED)
    table: list[tuple[str, Line]] = []
    now = 0.0
    for who, text in _SCRIPT:
        # replace, not format: neither the code nor the nickname is a pattern.
        table.append((who, Line(round(now, 1), text.replace("{nick}", nick))))
        # Whoever comes next has to read this and to type an answer.
        now += 1.8 + min(len(text) * 0.03, 4.0) + pauses.random()
    return table


def _visit(lines: list[Line], *, stays: bool) -> Visit:
    return Visit(max(0.0, lines[0].at - _LEAD), tuple(lines), stays)


def _echo(text: str, count: int) -> str:
    match text.casefold():
        case "ping":
            return "pong 🏓"
        case "help":
            return _ECHO_HELP
        case _ if len(text) > _QUOTED_CHARS or "\n" in text:
            lines = text.count("\n") + 1
            return f"All of it has arrived: {len(text):,} characters in {lines:,} line{'s' if lines > 1 else ''}."
        case _ if count % 2 and len(words := text.split()) > 1:
            return f"Or, turned round: {' '.join(reversed(words))}"
        case _:
            return f"You said: “{text}”. I heard you."
