"""A network that is named is the one whose peers are asked; without a name nobody far away is."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

import pytest

from py_peer.core.addresses import parse_named_address
from py_peer.core.settings import KademliaPart
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.networks import read_networks, run
from py_peer.frontends.options import NETWORKS
from py_peer.frontends.sub_commands import SUB_COMMANDS, Runs
from py_peer.net.kad_messages import KAD
from tests.frontends.programs import ROOT

if TYPE_CHECKING:
    from py_peer.core.settings import Settings

ADDRESS = "/ip4/192.0.2.7/tcp/4001"


def settings(*argv: str) -> Settings:
    return parse_arguments(argv, {}).settings


def own(name: str) -> list[str]:
    """Return the arguments that a sub-command cannot do without."""
    wanted = [one for one in SUB_COMMANDS[name].own if one.required or not one.flags]
    return [part for one in wanted for part in (*one.flags[-1:], "x")]


def of_command(name: str, *argv: str) -> Settings:
    return settings(*name.split(), *argv, *own(name))


RUNNING = [name for name, entry in SUB_COMMANDS.items() if entry.runs is not Runs.NO_PEER]


def test_the_networks_of_the_option_are_those_of_the_file_and_can_be_used() -> None:
    networks = read_networks()
    assert tuple(networks) == NETWORKS
    for network in networks.values():
        assert network.protocol.startswith("/")
        assert [parse_named_address(one).text for one in network.bootstrap] == list(network.bootstrap)
        assert all(parse_named_address(one).peer_id for one in network.bootstrap)
        assert bool(network.bootstrap) == network.public
    assert networks["none"].protocol == KAD


@pytest.mark.parametrize("argv", [(), ("--kademlia",), ("--dht",), ("--network", "none")], ids=" ".join)
def test_without_a_network_nobody_is_asked_who_is_not_named(argv: tuple[str, ...]) -> None:
    found = settings(*argv)
    assert (found.bootstrap, found.connect, found.kademlia_protocol) == ((), (), KAD)
    assert found.kademlia == (argv not in ((), ("--network", "none")))
    assert found.kademlia_part is KademliaPart.SERVER


@pytest.mark.parametrize("name", RUNNING)
def test_a_sub_command_names_nobody_by_itself_and_is_not_in_the_room(name: str) -> None:
    found = of_command(name)
    assert (found.bootstrap, found.connect, found.transports.relays) == ((), (), ())
    assert (found.kademlia, found.room, found.announce) == (True, False, False)
    errand = SUB_COMMANDS[name].runs is Runs.ERRAND
    assert found.kademlia_part is (KademliaPart.CLIENT if errand else KademliaPart.SERVER)
    assert parse_arguments(["--upnp", *name.split(), *own(name)], {}).settings.transports.upnp != errand


def test_who_names_a_public_network_asks_its_peers_and_serves_when_it_is_reached() -> None:
    found = settings("--network", "ipfs", "--bootstrap", ADDRESS)
    assert found.bootstrap == (ADDRESS, *read_networks()["ipfs"].bootstrap)
    assert (found.kademlia, found.room, found.kademlia_part) == (True, True, KademliaPart.SERVER_WHEN_REACHED)
    assert settings("--network", "kusama").kademlia_protocol == "/ksmcc3/kad"
    assert settings("--network", "ipfs-lan").kademlia_part is KademliaPart.SERVER


def test_an_errand_is_a_client_also_in_a_public_network() -> None:
    assert of_command("kv get", "--network", "ipfs").kademlia_part is KademliaPart.CLIENT
    assert of_command("kv shell", "--network", "ipfs").kademlia_part is KademliaPart.SERVER_WHEN_REACHED


def test_the_demo_has_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        settings("--demo", "--network", "ipfs")
    assert ended.value.code == 2
    assert "argument --demo: it meets nobody but its own company; leave --network out" in capsys.readouterr().err


def test_the_names_of_other_programs_mean_the_same() -> None:
    found = settings("--peer", ADDRESS, "--listen-address", "/ip4/127.0.0.1/tcp/0", "--dht", "-c", f"{ADDRESS}/ws")
    assert found.connect == (ADDRESS, f"{ADDRESS}/ws")
    assert found.transports.listen == ("/ip4/127.0.0.1/tcp/0",)
    assert found.kademlia


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert run(parse_arguments(["network", *argv], {})) == 0
    return capsys.readouterr().out


def test_networks_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines] == list(NETWORKS)
    assert json.loads(shown(capsys, "list", "--json"))["networks"][0]["name"] == "none"
    text = shown(capsys, "show", "ipfs")
    assert "  Kademlia protocol: /ipfs/kad/1.0.0\n" in text
    assert all(f"    {address}\n" in text for address in read_networks()["ipfs"].bootstrap)
    assert json.loads(shown(capsys, "show", "ursa", "--json"))["protocol"] == "/ursa/kad/0.0.1"
    assert "  Bootstrap peers: none\n" in shown(capsys, "show", "ipfs-lan")


def test_the_page_shows_what_the_program_shows(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "discovery.md").read_text(encoding="utf-8")
    found = re.search(r"^    \$ py-peer network show (\S+)\n((?:    .*\n)+)", page, re.MULTILINE)
    assert found is not None
    assert shown(capsys, "show", found[1]) == textwrap.dedent(found[2])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("network",), "py-peer network: error: the following arguments are required: list|show"),
        (("network", "show", "ipf"), "'ipf' is not known; did you mean 'ipfs'?"),
        (("network", "remove"), "invalid choice: 'remove'"),
        (("kv",), "the following arguments are required: put|forget|get|provide|providers|shell"),
        (("kv", "put", "k"), "the following arguments are required: VALUE"),
        (("kv", "get", "k", "--ui"), "unrecognized arguments: --ui"),
        (("--demo", "kv", "get", "k"), "argument --demo: py-peer kv get has no use for it"),
        (("--oneshot", "hi", "kv", "get", "k"), "argument --oneshot: py-peer kv get sends nothing"),
        (("kv", "get", "\udcff"), "argument KEY: it is not UTF-8"),
        (("--secret-key-seed", "256"), "'256' is not a seed: it is a number from 0 to 255"),
        (("--secret-key-seed=-1",), "'-1' is not a seed"),  # by itself -1 is gnostr's --oneshot
        (("--secret-key-seed", "1", "--ephemeral"), "--secret-key-seed: it says which key this run has, and so does"),
        (("--secret-key-seed", "0", "--identity", "k"), "--secret-key-seed: it says which key this run has"),
    ],
    ids=lambda part: " ".join(part).encode("ascii", "replace").decode() if isinstance(part, tuple) else "",
)
def test_what_cannot_be_is_refused(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(argv, {})
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
