"""A tripwire for upgrades of py-libp2p: the faults that py_peer.net works around are still there.

When this fails the library has mended something: the workaround that the scene is for can go. It stands last in this
folder, so that `stock.py` has run beside the other tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable

STILL_THERE: dict[str, Callable[[Any], bool]] = {
    # What ends the host
    "malformed_frame": lambda outcome: outcome == "ended by DecodeError",
    "garbage_key": lambda outcome: outcome == "ended by DecodeError",
    "raising_handler": lambda outcome: outcome == "ended by RuntimeError",
    "early_peer": lambda outcome: outcome.startswith("ended by"),
    # What is lost
    "burst": lambda heard: heard < 300,
    "order": lambda kept: not kept,
    "same_number": lambda heard: heard == 1,
    "restart": lambda heard: heard == 0,
    "own_echo": lambda heard: heard == 1,
    "closed_stream_noticed": lambda noticed: not noticed,
    # What a stranger can make it do
    "slots_leak": lambda held: held == 5,
    "plaintext_accepted": lambda accepted: accepted,
    "endless_line_refused": lambda refused: not refused,
    "window_kept": lambda kept: not kept,
    "hundred_streams": lambda streams: streams == 100,
    "window_updates": lambda updates: updates >= 100,
    "iwant_answers": lambda answers: answers == 100,
    "strange_ids_asked_for": lambda asked: not asked,
    "prunes_remembered": lambda topics: topics >= 100,
    "largest_rpc": lambda size: size > limits.MAX_RPC_OUT,
    "pings_by_itself": lambda pings: pings == 0,
    "ghost_in_mesh": lambda there: there,
    # Dialling, listening, noise
    "dial_seconds": lambda seconds: seconds >= 0.25,
    "dial_without_id": lambda outcome: outcome != "taken",
    "taken_port": lambda outcome: outcome == "no error, 0 listeners",
    "shared_port": lambda listeners: listeners == 1,
    "advertises_any": lambda does: does,
    "root_handlers": lambda handlers: handlers == ["StreamHandler"],
    # Kademlia
    "silence_locks_out": lambda does: does,
    "client_in_table": lambda size: size == 1,
    "provider_without_address_kept": lambda kept: not kept,
    "others_found_beside_oneself": lambda found: found == 0,
}


def test_every_fault_that_is_worked_around_is_still_in_the_library(stock: dict[str, Any]) -> None:
    assert stock.keys() == STILL_THERE.keys()
    mended = {name: stock[name] for name, fault in STILL_THERE.items() if not fault(stock[name])}
    assert mended == {}, "the library behaves differently: look whether a workaround can go"
