"""Flags before environment before file before defaults; what cannot be used is said, with where it stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from py_peer.frontends.arguments import Arguments, parse_arguments
from py_peer.frontends.options import KEPT, OPTIONS, THEMES
from py_peer.frontends.parser import make_parser
from tests.frontends.fakes import ADDRESS, ANN

if TYPE_CHECKING:
    from collections.abc import Mapping

ELSEWHERE = f"/dns4/peer.invalid/tcp/4001/p2p/{ANN}"
THIRD = "/ip4/127.0.0.1/tcp/4003"
LISTEN = ("/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/2/ws")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default configuration file; there is none yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "py-peer").mkdir()
    return tmp_path / "py-peer" / "config.toml"


def parsed(*argv: str, environ: Mapping[str, str] | None = None) -> Arguments:
    return parse_arguments(argv, environ or {})


def refused(capsys: pytest.CaptureFixture[str], *argv: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SystemExit) as ended:
        parsed(*argv, environ=environ)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].removeprefix("py-peer: error: ")


def test_a_flag_beats_the_environment_and_that_the_file_and_that_the_default(file: Path) -> None:
    file.write_text("port = 1")
    assert parsed("-p", "3", environ={"PY_PEER_PORT": "2"}).settings.transports.port == 3
    assert parsed(environ={"PY_PEER_PORT": "2"}).settings.transports.port == 2
    assert parsed().settings.transports.port == 1
    file.unlink()
    assert parsed().settings.transports.port == 0


VALUES: dict[str, tuple[str, str, Any]] = {
    "nick": ("Ann", '"Ann"', "Ann"),
    "connect": (f"{ADDRESS}, {ELSEWHERE}", f'["{ADDRESS}", "{ELSEWHERE}"]', (ADDRESS, ELSEWHERE)),
    "port": ("4001", "4001", 4001),
    "upnp": ("0", "false", False),
    "relay_server": ("1", "true", True),
    "relay": (f"{ADDRESS}, {ELSEWHERE}", f'["{ADDRESS}", "{ELSEWHERE}"]', (ADDRESS, ELSEWHERE)),
    "nostr_relay": (
        "wss://a.example, ws://b.example",
        '["wss://a.example", "ws://b.example"]',
        ("wss://a.example", "ws://b.example"),
    ),
    "quic": ("0", "false", False),
    "bootstrap": (ADDRESS, f'["{ADDRESS}"]', (ADDRESS,)),
    "listen": ("/ip4/0.0.0.0/tcp/1, /ip6/::/tcp/2/ws", '["/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/2/ws"]', LISTEN),
    "announce": (ELSEWHERE, f'["{ELSEWHERE}"]', (ELSEWHERE,)),
    "ws": ("8080", "8080", 8080),
    "wss_cert": ("/c", '"/c"', "/c"),
    "wss_key": ("/k", '"/k"', "/k"),
    "mdns": ("0", "false", False),
    "mdns_interface": ("lo, Ethernet 2", '["lo", "Ethernet 2"]', ("lo", "Ethernet 2")),
    "discovery": ("0", "false", False),
    "kademlia": ("1", "true", True),
    "remember": ("0", "false", False),
    "topic": ("#news, art of code", '["#news", "art of code"]', ("news", "art of code")),
    "wire": ("gnostr", '"gnostr"', "gnostr"),
    "intro": ("no", "false", False),
    "identity": ("/k", '"/k"', "/k"),
    "nostr": ("1", "true", True),
    "nostr_key": ("/n", '"/n"', "/n"),
    "ephemeral": ("1", "true", True),
    "downloads": ("/d", '"/d"', "/d"),
    "auto_get": ("10 MB", '"10 MB"', "10 MB"),
    "strangers": ("0", "false", False),
    "ui": ("Yes", "true", True),
    "headless": ("on", "true", True),
    "network": ("ipfs", '"ipfs"', "ipfs"),
    "theme": ("nord", '"nord"', "nord"),
    "bell": ("off", "false", False),
    "notify": ("FALSE", "false", False),
    "timeout": ("2.5", "2.5", 2.5),
    "metrics": ("9100", '"9100"', ("127.0.0.1", 9100)),
    "verbose": ("true", "true", True),
    "log_file": ("/l", '"/l"', "/l"),
}


@pytest.mark.parametrize("name", KEPT)
def test_every_kept_option_can_be_set_by_the_environment_and_by_the_file(file: Path, name: str) -> None:
    from py_peer.frontends.configuration import resolve

    word, toml, value = VALUES[name]
    held = resolve({}, {f"PY_PEER_{name.upper()}": word})[name]
    assert (held.value, held.origin) == (value, f"PY_PEER_{name.upper()}")
    file.write_text(f"{name} = {toml}")
    held = resolve({}, {})[name]
    assert (held.value, held.origin) == (value, str(file))


@pytest.mark.parametrize("name", [name for name, option in KEPT.items() if option.can_be_undone])
def test_every_kept_switch_can_be_undone_for_one_run(file: Path, name: str) -> None:
    from py_peer.frontends.configuration import resolve

    option = OPTIONS[name]
    file.write_text(f"{name} = {str(not option.default).lower()}")
    given = {name: option.default}
    assert vars(make_parser().parse_args([option.opposite]))[name] is option.default
    assert resolve(given, {})[name].value is option.default


@pytest.mark.parametrize(
    ("word", "toml", "value"),
    [("1", "true", True), ("yes", "true", True), ("0", "false", False), ("off", "false", False), ("80", "80", 80)],
)
def test_an_option_whose_value_may_be_left_out_is_a_switch_too(
    file: Path,
    word: str,
    toml: str,
    value: bool | int,
) -> None:
    from py_peer.frontends.configuration import resolve

    assert resolve({}, {"PY_PEER_WS": word})["ws"].value is value
    file.write_text(f"ws = {toml}")
    assert resolve({}, {})["ws"].value is value
    file.write_text("ws = 0")
    assert resolve({}, {})["ws"].value is not False  # a free port


def test_websockets_are_told_of_on_the_tcp_port_or_one_of_their_own_or_not(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    for argv, told in (((), (False, None)), (("--ws",), (True, None)), (("--ws", "0"), (True, 0))):
        transports = parsed(*argv).settings.transports
        assert (transports.ws, transports.ws_port) == told
    file.write_text("ws = true")
    assert parsed().settings.transports.ws
    assert not parsed("--no-ws").settings.transports.ws
    file.write_text("ws = 'x'")
    assert "key 'ws': 'x' is not a whole number or true" in refused(capsys)
    file.unlink()
    assert "'x' is not a port" in refused(capsys, "--ws", "x")


def test_places_to_listen_on_and_a_port_go_not_together_unless_one_is_nearer(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    place = ("--listen", "/ip4/127.0.0.1/tcp/5")
    assert refused(capsys, *place, "-p", "1") == (
        "argument --listen: it says on which ports to listen, and so does argument --port; leave one out"
    )
    transports = parsed(*place, "--ws", "1").settings.transports
    assert (transports.listen, transports.ws_port) == (place[1:], 1)
    file.write_text("port = 1")
    transports = parsed(*place, "--ws").settings.transports
    assert (transports.listen, transports.port, transports.ws) == (place[1:], 0, True)
    file.write_text(f'listen = ["{place[1]}"]')
    transports = parsed("-p", "1").settings.transports
    assert (transports.listen, transports.port) == ((), 1)


def test_a_certificate_and_its_key_go_together_and_a_place_inside_tls_needs_them(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text('wss_cert = "cert.pem"')
    assert refused(capsys) == f"{file}: key 'wss_cert': a certificate and its key go together; add --wss-key"
    assert "go together; add --wss-cert" in refused(capsys, "--config", os.devnull, "--wss-key", "k")
    transports = parsed("--wss-key", "/k").settings.transports
    assert transports.wss == (file.parent / "cert.pem", Path("/k"))
    file.unlink()
    secured = ("--listen", "/ip4/0.0.0.0/tcp/443/tls/ws")
    assert "is answered with a certificate; add --wss-cert and --wss-key" in refused(capsys, *secured)
    assert parsed(*secured, "--wss-cert", "c", "--wss-key", "k").settings.transports.listen == secured[1:]


def test_what_listens_elsewhere_is_refused_where_there_is_no_place_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    relay = ("--relay", THIRD)
    for argv in (
        ("--listen", LISTEN[0]),
        ("--announce", THIRD),
        ("--ws",),
        ("--wss-cert", "c", "--wss-key", "k"),
        relay,
        ("--relay-server",),
    ):
        assert f"it meets nobody but its own company; leave {argv[0]} out" in refused(capsys, "--demo", *argv)
    assert "answer no WebSockets here; leave --stock-net out" in refused(capsys, "--stock-net", "--ws")
    assert "use no relay here; leave --stock-net out" in refused(capsys, "--stock-net", *relay)
    assert "are no relay here; leave --stock-net out" in refused(capsys, "--stock-net", "--relay-server")
    for place in ("/ip4/0.0.0.0/tcp/0/ws", "/ip4/0.0.0.0/udp/0/quic-v1"):
        assert refused(capsys, "--stock-net", "--listen", "/ip4/0.0.0.0/tcp/0", "--listen", place) == (
            "argument --listen: py-libp2p's own classes listen on TCP alone here, "
            f"not at {place}; leave --stock-net out"
        )
    assert parsed("--demo", environ={"PY_PEER_LISTEN": LISTEN[0], "PY_PEER_WS": "1"}).settings.transports.listen == ()


def test_a_transport_that_is_off_or_has_no_port_is_not_listened_on(capsys: pytest.CaptureFixture[str]) -> None:
    quic = "/ip4/0.0.0.0/udp/0/quic-v1"
    assert refused(capsys, "--listen", quic, "--no-quic") == (
        f"argument --listen: {quic} is QUIC, which is off, as argument --no-quic says; leave one out"
    )
    assert parsed("--listen", quic, environ={"PY_PEER_QUIC": "0"}).settings.transports.listen == (quic,)
    for more in (("--ws",), ("--wss-cert", "c", "--wss-key", "k")):
        assert refused(capsys, "--listen", quic, *more) == (
            f"argument {more[0]}: WebSockets are on TCP, of which argument --listen names no port; name one, too"
        )
    assert parsed("--listen", quic, "--ws", "8080").settings.transports.ws_port == 8080


def test_a_place_that_is_named_takes_the_place_of_those_that_are_kept() -> None:
    environ = {"PY_PEER_LISTEN": LISTEN[0], "PY_PEER_ANNOUNCE": THIRD, "PY_PEER_MDNS_INTERFACE": "lo"}
    argv = ("--listen", LISTEN[1], "--announce", ADDRESS, "--mdns-interface", "eth0")
    settings = parsed(*argv, environ=environ).settings
    assert (settings.transports.listen, settings.transports.told) == ((LISTEN[1],), (ADDRESS,))
    assert settings.mdns_interfaces == ("eth0",)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--listen", "4001"), "is no place to listen on"),
        (("--listen", "/ip6/fe80::1/tcp/1"), "is link-local"),
        (("--announce", "/ip4/0.0.0.0/tcp/1"), "is no address that one can dial"),
        (("--announce", "me"), "is not a multiaddr"),
        (("--relay", f"{THIRD}/p2p/{ANN}/p2p-circuit/p2p/{ANN}"), "leads through a relay itself"),
    ],
)
def test_a_bad_place_is_said_to_be_one(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], words: str) -> None:
    message = refused(capsys, *argv)
    assert message.startswith(f"argument {argv[0]}: ")
    assert words in message


def test_addresses_of_flags_and_environment_add_up_and_the_files_hold_when_there_are_none(file: Path) -> None:
    file.write_text(f'connect = ["{THIRD}"]')
    environ = {"PY_PEER_CONNECT": ELSEWHERE, "REMOTE_PEER": f"{ADDRESS},"}
    assert parsed().settings.connect == (THIRD,)
    assert parsed(environ=environ).settings.connect == (ELSEWHERE, ADDRESS)
    assert parsed("-c", THIRD, environ=environ).settings.connect == (THIRD, ELSEWHERE, ADDRESS)
    assert parsed("-c", ADDRESS).settings.connect == (ADDRESS,)


def test_an_empty_variable_is_none_at_all() -> None:
    assert (
        parsed(environ=dict.fromkeys(("PY_PEER_PORT", "PY_PEER_THEME", "PY_PEER_UI", "REMOTE_PEER"), " ")).theme is None
    )


@pytest.mark.parametrize("blank", ["  ", ",", "\t"], ids=["spaces", "comma", "tab"])
def test_blanks_for_a_topic_are_a_mistake_for_what_is_said_would_go_to_the_room(
    capsys: pytest.CaptureFixture[str], blank: str
) -> None:
    assert refused(capsys, environ={"PY_PEER_TOPIC": blank}) == "PY_PEER_TOPIC (environment): say which topic"
    assert parsed(environ={"PY_PEER_TOPIC": ""}).settings.topics == ()


def test_a_file_of_the_users_choice_takes_the_place_of_the_usual_one(file: Path, tmp_path: Path) -> None:
    file.write_text("port = 1")
    other = tmp_path / "other.toml"
    other.write_text("port = 2")
    assert parsed("--config", str(other)).settings.transports.port == 2
    assert parsed(environ={"PY_PEER_CONFIG": str(other)}).settings.transports.port == 2
    assert parsed("--config", os.devnull).settings.transports.port == 0


def test_files_named_in_the_file_are_beside_it(file: Path) -> None:
    file.write_text('log_file = "a.log"\nidentity = "/k"')
    found = parsed()
    assert found.log_file == str(file.parent / "a.log")
    assert str(found.settings.identity) == "/k"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 4001", "'prot' is not a key of the configuration; did you mean 'port'?"),
        ("log-file = 'x'", "did you mean 'log_file'?"),
        ("zzz = 1", "the keys are nick, connect, port"),
        ("json = true", "'json' is not a key"),
        ("[networks]\nport = 1", "'networks' is not a key"),
        ("port = 'x'", "key 'port': 'x' is not a whole number"),
        ("port = true", "key 'port': 'True' is not a whole number"),
        ("port = 65536", "key 'port': '65536' is not a port"),
        ("nick = 1", "key 'nick': '1' is not a text in quotes"),
        ("intro = 'no'", "key 'intro': 'no' is not true or false"),
        ("connect = '/ip4/127.0.0.1/tcp/1'", "key 'connect': it is a list of texts"),
        ("connect = ['nonsense']", "key 'connect': 'nonsense' is not a multiaddr"),
        ("theme = 'nrd'", "'nrd' is not known; did you mean 'nord'?"),
        ("timeout = 0", "key 'timeout': '0' is not a time"),
        ("timeout = nan", "key 'timeout': 'nan' is not a time"),
        ("metrics = '1.2.3.4:x'", "key 'metrics': 'x' is not a port"),
        ("identity = ''", "key 'identity': it names no file"),
        ("mdns_interface = ['a/b']", "key 'mdns_interface': 'a/b' is not the name of an interface, like eth0"),
        ("port = ", "is not TOML: Invalid value (at "),
        ("port = 1\nport = 2", "is not TOML: Cannot overwrite a value"),
        ("a = " + "[" * 5000, "is not TOML: "),
        ("#" * 300_000, "has more than 262,144 bytes"),
        ("nick = '\x1b[2J'", "is not TOML"),
    ],
)
def test_what_cannot_be_used_is_said_with_file_and_key_and_what_to_do(
    capsys: pytest.CaptureFixture[str], file: Path, text: str, words: str
) -> None:
    file.write_text(text)
    message = refused(capsys)
    assert message.startswith(str(file))
    assert words in message
    assert "\x1b" not in message


def test_a_file_that_is_no_text_is_refused(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(b"nick = '\xff'")
    assert "save the file as UTF-8" in refused(capsys)


def test_a_folder_is_no_configuration(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.mkdir()
    assert f"{file} is no configuration of py-peer: it is a folder; --config names another" in refused(capsys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_pipe_is_no_configuration_and_is_not_waited_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    message = refused(capsys, "--config", str(tmp_path / "pipe"))
    assert message.startswith(f"{tmp_path / 'pipe'} is no configuration of py-peer: it is not an ordinary file")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfport = 1")
    assert parsed().settings.transports.port == 1


@pytest.mark.parametrize("environ", [{}, {"PY_PEER_CONFIG": "/nowhere/c.toml"}])
def test_a_named_file_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str], environ: dict[str, str]) -> None:
    argv = () if environ else ("--config", "/nowhere/c.toml")
    names = "PY_PEER_CONFIG" if environ else "--config"
    assert refused(capsys, *argv, environ=environ).startswith(f"/nowhere/c.toml, which {names} names, is not there")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PY_PEER_PORT", "x", "'x' is not a port"),
        ("PY_PEER_UI", "maybe", "'maybe' is neither on (1, true, yes, on) nor off"),
        ("PY_PEER_CONNECT", f"{ADDRESS},nonsense", "'nonsense' is not a multiaddr"),
        ("PY_PEER_METRICS", "a b:1", "is not HOST:PORT"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], name: str, value: str, words: str
) -> None:
    message = refused(capsys, environ={name: value})
    assert message.startswith(f"{name} (environment): ")
    assert words in message


def test_a_variable_that_is_none_of_ours_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    parsed(environ={"PY_PEER_NICKNAME": "foo", "PY_PEER_\x1b[2JZZZ": "1", "PY_PEER_NICK": "ann", "NICK": "bob"})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sorted(shown.err.splitlines()) == [
        "py-peer: warning: PY_PEER_NICKNAME (environment) means nothing here; did you mean 'PY_PEER_NICK'?",
        "py-peer: warning: PY_PEER_ZZZ (environment) means nothing here",
    ]


@pytest.mark.parametrize(
    ("word", "value"),
    [("127.0.0.1:1", ("127.0.0.1", 1)), (":2", ("127.0.0.1", 2)), ("3", ("127.0.0.1", 3)), ("[::1]:4", ("::1", 4))],
)
def test_a_place_for_statistics_is_on_loopback_unless_told(word: str, value: tuple[str, int]) -> None:
    from py_peer.frontends.configuration import resolve

    assert resolve({}, {"PY_PEER_METRICS": word})["metrics"].value == value


# --- What holds together --------------------------------------------------------------------------


def test_a_mode_that_is_asked_for_now_beats_the_one_that_is_kept(file: Path) -> None:
    file.write_text("ui = true")
    assert parsed().ui
    assert parsed("--headless").headless
    assert parsed(environ={"PY_PEER_HEADLESS": "1"}).headless
    assert parsed("--ui", "--headless").ui
    assert not parsed("--no-ui").ui


def test_a_named_key_beats_a_kept_wish_for_none_and_the_other_way_round(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text("ephemeral = true")
    assert str(parsed("--identity", "/k").settings.identity) == "/k"
    assert parsed().settings.identity is None
    file.write_text("identity = '/k'")
    assert parsed("--ephemeral").settings.identity is None
    assert "argument --ephemeral: no key is kept, but argument --identity names one" in refused(
        capsys, "--ephemeral", "--identity", "/k"
    )


def test_the_demo_takes_nobody_and_no_key_from_environment_and_file(file: Path) -> None:
    file.write_text(f'connect = ["{ADDRESS}"]\nidentity = "/k"')
    settings = parsed("--demo", environ={"BOOTSTRAP_PEERS": ADDRESS}).settings
    assert (settings.connect, settings.bootstrap, settings.identity, settings.data) == ((), (), None, None)


def test_an_interface_that_is_named_while_mdns_is_off_is_refused_unless_it_is_off_for_this_run(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text("mdns = false")
    assert refused(capsys, "--mdns-interface", "eth0") == (
        f"argument --mdns-interface: mDNS is off, as {file}: key 'mdns' says; leave one out"
    )
    assert parsed("--mdns", "--mdns-interface", "eth0").settings.mdns_interfaces == ("eth0",)
    file.write_text("mdns_interface = ['eth0']")
    assert not parsed("--no-mdns").settings.mdns


# --- What is printed ------------------------------------------------------------------------------


def printed(capsys: pytest.CaptureFixture[str], *argv: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SystemExit) as ended:
        parsed("--print-config", *argv, environ=environ)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_what_holds_is_printed_with_where_it_comes_from(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_text("bell = false")
    lines = printed(
        capsys, "--no-intro", "-c", ADDRESS, environ={"PY_PEER_PORT": "1", "REMOTE_PEER": THIRD}
    ).splitlines()
    rows = dict(line.split("  # ", 1) for line in lines if "  # " in line)
    shown = {line.rstrip(): origin for line, origin in rows.items()}
    assert shown["bell = false"] == str(file)
    assert shown["intro = false"] == "--no-intro"
    assert shown["port = 1"] == "PY_PEER_PORT"
    assert shown[f'connect = ["{ADDRESS}", "{THIRD}"]'] == "--connect, REMOTE_PEER"
    assert shown["# identity ="] == "default"
    assert lines[0] == f"# configuration: {file}"


def test_what_is_printed_is_a_configuration_that_holds_the_same(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    from py_peer.frontends.configuration import resolve

    environ = {f"PY_PEER_{name.upper()}": word for name, (word, _, _) in VALUES.items()}
    for name in ("EPHEMERAL", "MDNS", "LISTEN"):  # which others of them contradict
        del environ[f"PY_PEER_{name}"]
    environ["PY_PEER_NICK"] = '"A\\n\u2028 ☎\x7f\U0001f600'
    file.write_text(printed(capsys, environ=environ), encoding="utf-8")
    again, before = resolve({}, {}), resolve({}, environ)
    assert {name: again[name].value for name in KEPT} == {name: before[name].value for name in KEPT}


def test_files_are_printed_as_they_are_found_from_everywhere(
    capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    file.write_text(printed(capsys, "--identity", "my.key", environ={"PY_PEER_LOG_FILE": "rel.log"}))
    found = parsed()
    assert found.log_file == str(tmp_path / "elsewhere" / "rel.log")
    assert found.settings.identity == tmp_path / "elsewhere" / "my.key"


def test_what_a_run_refuses_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no key is kept" in refused(capsys, "--print-config", "--identity", "a", "--ephemeral")
    environ = {"PY_PEER_IDENTITY": "a", "PY_PEER_EPHEMERAL": "1"}
    assert "no key is kept" in refused(capsys, "--print-config", environ=environ)


def test_of_a_key_and_a_kept_wish_for_none_the_one_that_holds_is_printed(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text("ephemeral = true")
    file.write_text(printed(capsys, "--identity", "/k"))
    assert str(parsed().settings.identity) == "/k"
    file.write_text(printed(capsys, "--ephemeral"))
    assert parsed().settings.identity is None


def test_what_is_printed_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J.toml").write_text("port = 1")
    assert "\x1b" not in printed(capsys, "--config", str(tmp_path / "\x1b[2J.toml"))
    assert "\x1b" not in printed(capsys, "--nick", "\x1b[2J\udcff", "--log-file", "\x1b]2;x\a")


def test_the_themes_are_textuals_own() -> None:
    from textual.theme import BUILTIN_THEMES

    assert set(THEMES) == set(BUILTIN_THEMES)
