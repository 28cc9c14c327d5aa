"""The command line: names, defaults, and an answer to every bad wish."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.processes import Workshop
from py_peer import __version__
from py_peer.frontends.arguments import Arguments, parse_arguments, refuse
from tests.frontends.fakes import ADDRESS, ANN
from tests.frontends.programs import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

ELSEWHERE = f"/dns4/peer.invalid/tcp/4001/p2p/{ANN}"


def parsed(*argv: str, environ: Mapping[str, str] | None = None) -> Arguments:
    return parse_arguments(argv, environ or {})


def complaint(capsys: pytest.CaptureFixture[str], *argv: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SystemExit) as ended:
        parsed(*argv, environ=environ)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: py-peer")
    return err.splitlines()[-1]


def test_nothing_given_makes_a_nickname_and_takes_a_free_port() -> None:
    arguments = parsed()
    assert re.fullmatch(r"user-[0-9a-f]{4}", arguments.settings.nickname)
    assert arguments.settings.transports.port == 0
    assert arguments.settings.connect == arguments.settings.bootstrap == ()
    settings = arguments.settings
    assert (settings.mdns, settings.announce, settings.remember, settings.kademlia) == (True, True, True, False)
    assert settings.mdns_interfaces == ()
    assert settings.intro
    assert not arguments.headless
    assert not arguments.verbose
    assert arguments.log_file is None


def test_everything_given_arrives() -> None:
    arguments = parsed(
        *("--nick", "Ann", "-c", ADDRESS, "--connect", ELSEWHERE, "-p", "4001", "-v", "--headless"),
        *("--bootstrap", ELSEWHERE, "--no-intro", "--log-file", "chat.log", "--ephemeral", "--no-mdns"),
    )
    settings = arguments.settings
    assert (settings.nickname, settings.transports.port, settings.intro) == ("Ann", 4001, False)
    assert settings.connect == (ADDRESS, ELSEWHERE)
    assert settings.bootstrap == (ELSEWHERE,)
    assert (arguments.headless, arguments.verbose, arguments.log_file) == (True, True, "chat.log")


def test_every_way_of_finding_others_can_be_switched_off_and_chosen() -> None:
    settings = parsed("--no-mdns", "--no-discovery", "--no-remember", "--kademlia").settings
    assert (settings.mdns, settings.announce, settings.remember, settings.kademlia) == (False, False, False, True)
    assert parsed("--mdns-interface", "lo", "--mdns-interface", "tun0").settings.mdns_interfaces == ("lo", "tun0")


def test_the_programs_of_tests_and_benchmarks_look_for_nobody_unless_they_are_told_to(tmp_path: Path) -> None:
    for environ in (os.environ, environment(), Workshop(tmp_path).environment()):
        settings = parsed(environ=environ).settings
        assert (settings.mdns, settings.announce, settings.remember, settings.kademlia) == (False,) * 4
    assert parsed(environ=environment(PY_PEER_MDNS="1")).settings.mdns


def test_where_files_go_what_is_fetched_unasked_and_whose_messages_are_taken_can_be_chosen(tmp_path: Path) -> None:
    from platformdirs import user_downloads_path

    settings = parsed().settings
    assert (settings.downloads, settings.auto_get, settings.strangers) == (user_downloads_path(), 0, True)
    settings = parsed("--downloads", str(tmp_path), "--auto-get", "1.5 MB", "--no-strangers").settings
    assert (settings.downloads, settings.auto_get, settings.strangers) == (tmp_path, 1_500_000, False)
    assert parsed("--downloads", "here").settings.downloads == Path.cwd() / "here"
    assert parsed("--demo", "--auto-get", "1 MB").settings.auto_get == 0


def test_a_peer_for_one_run_remembers_nobody() -> None:
    assert not parsed("--ephemeral").settings.remember


@pytest.mark.parametrize("nick", ["", "   ", "\x1b[2J", "\u200b\u202e"])
def test_a_nickname_of_which_nothing_can_be_seen_is_replaced(nick: str) -> None:
    assert parsed("--nick", nick).settings.nickname.startswith("user-")


def test_a_nickname_is_cleaned() -> None:
    assert parsed("--nick", " Ann\x1b[31m\nof  Arc ").settings.nickname == "Ann of Arc"


def test_a_nickname_that_is_not_utf8_does_not_end_in_a_fault() -> None:
    assert parsed("--nick", "Ann\udcff").settings.nickname == "Ann\ufffd"


def test_the_environment_names_peers_too() -> None:
    environ = {"REMOTE_PEER": ADDRESS, "BOOTSTRAP_PEERS": f"{ELSEWHERE}, /ip4/127.0.0.1/tcp/4002,"}
    settings = parsed("-c", ELSEWHERE, environ=environ).settings
    assert settings.connect == (ELSEWHERE, ADDRESS)
    assert settings.bootstrap == (ELSEWHERE, "/ip4/127.0.0.1/tcp/4002")


@pytest.mark.parametrize("port", ["x", "-1", "65536", "4001.0", "", "९", "9" * 5000, "\x1b[2J"])
def test_a_bad_port_is_a_usage_error(capsys: pytest.CaptureFixture[str], port: str) -> None:
    message = complaint(capsys, f"--port={port}")
    assert "is not a port" in message
    assert "\x1b" not in message


@pytest.mark.parametrize("option", ["-c", "--connect", "--bootstrap"])
def test_a_bad_address_is_a_usage_error_that_shows_a_good_one(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert re.search(
        r"error: argument \S*: 'localhost:4001' is not a multiaddr.*/ip4/", complaint(capsys, option, "localhost:4001")
    )


@pytest.mark.parametrize("name", ["REMOTE_PEER", "BOOTSTRAP_PEERS"])
def test_a_bad_address_in_the_environment_names_the_variable(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert f"error: {name} (environment): 'nonsense' is not a multiaddr" in complaint(
        capsys, environ={name: "nonsense"}
    )


def test_what_scripts_ask_for_arrives() -> None:
    found = parsed("--json", "--oneshot", "hello", "--timeout", "5", "--metrics", "9100", "--identity", "/key")
    assert (found.json, found.oneshot, found.timeout) == (True, "hello", 5.0)
    assert found.settings.metrics == ("127.0.0.1", 9100)
    assert str(found.settings.identity) == "/key"
    assert parsed("--ephemeral").settings.identity is None


@pytest.mark.parametrize(("text", "host"), [("9100", "127.0.0.1"), (":9100", "127.0.0.1"), ("[::1]:9100", "::1")])
def test_statistics_are_served_at_a_host_and_a_port(text: str, host: str) -> None:
    assert parsed("--metrics", text).settings.metrics == (host, 9100)


@pytest.mark.parametrize("text", ["::1:90", "::1", "[::1", "fe80::1:9100", "::1]:90"])
def test_an_ipv6_address_without_brackets_is_not_guessed_at(capsys: pytest.CaptureFixture[str], text: str) -> None:
    message = complaint(capsys, "--metrics", text)
    assert message.endswith(f"'{text}' is not HOST:PORT: an IPv6 address stands in brackets, like [::1]:9100")


@pytest.mark.parametrize("command", ["doctor", "id"])
def test_a_text_to_send_is_nothing_for_a_sub_command(capsys: pytest.CaptureFixture[str], command: str) -> None:
    message = complaint(capsys, "--oneshot", "hi", command)
    assert f"argument --oneshot: py-peer {command} sends nothing" in message


@pytest.mark.parametrize("option", [("--json",), ("--oneshot", "hello")])
@pytest.mark.parametrize("screen", ["--ui", "--demo"])
def test_the_full_screen_is_nothing_for_scripts(
    capsys: pytest.CaptureFixture[str], screen: str, option: tuple[str, ...]
) -> None:
    message = complaint(capsys, screen, *option)
    assert f"argument {option[0]}: the full screen has no use for it; leave {screen} out" in message


def test_the_full_screen_wins_over_headless() -> None:
    found = parsed("--ui", "--headless")
    assert found.ui
    assert not found.headless


def test_the_demo_is_the_full_screen_on_loopback_alone() -> None:
    found = parsed("--demo")
    assert found.ui
    assert found.settings.transports.loopback
    assert not parsed("--ui").settings.transports.loopback
    assert parsed("--demo", environ={"REMOTE_PEER": ADDRESS}).settings.connect == ()


def test_the_demo_looks_for_nobody_and_is_not_to_be_found() -> None:
    environ = {"PY_PEER_MDNS": "1", "PY_PEER_MDNS_INTERFACE": "lo", "PY_PEER_KADEMLIA": "1", "PY_PEER_REMEMBER": "1"}
    settings = parsed("--demo", environ=environ).settings
    assert (settings.mdns, settings.announce, settings.remember, settings.kademlia) == (False,) * 4
    assert settings.mdns_interfaces == ()


@pytest.mark.parametrize("wish", [("--connect", ADDRESS), ("--kademlia",), ("--mdns-interface", "eth0")])
def test_the_demo_meets_nobody_else(capsys: pytest.CaptureFixture[str], wish: tuple[str, ...]) -> None:
    words = f"argument --demo: it meets nobody but its own company; leave {wish[0]} out"
    assert words in complaint(capsys, "--demo", *wish)


@pytest.mark.parametrize("argv", [["--nic", "x"], ["--headles"], ["hello"], ["--bogus\x1b[2J"], ["--port"]])
def test_an_option_that_does_not_exist_is_a_usage_error(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert "\x1b" not in complaint(capsys, *argv)


@pytest.mark.parametrize("wrong", [["--topic", "x"], ["--bogus"], ["three"]], ids=lambda one: one[0])
def test_a_wrong_option_of_a_sub_command_shows_the_usage_of_that(
    capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    said = complaint(capsys, "kv", "put", "a", "b", *wrong)
    assert said == f"py-peer kv put: error: unrecognized arguments: {' '.join(wrong)}"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"py-peer {__version__}\n"


def test_help_names_every_option_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed("--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    options = "nick connect port bootstrap ui demo headless verbose log-file no-intro"
    for option in options.split():
        assert f"--{option} " in shown or f"--{option}\n" in shown
    assert "REMOTE_PEER" in shown


def test_a_refusal_looks_like_any_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        refuse("argument --log-file: no")
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("py-peer: error: argument --log-file: no\n")
