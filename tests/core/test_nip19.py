"""npub, nsec, note, nevent and nprofile, held to NIP-19 and to what another hand makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from nostr_sdk import EventId, Keys, Kind, Nip19Event, Nip19Profile, PublicKey, RelayUrl, SecretKey

from py_peer.core import limits_nostr, nip19
from py_peer.core.nip19 import Entity, decode, encode
from py_peer.core.schnorr import NostrError

NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
PROFILE = (
    "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuump"
    "v34kytnrdaksjlyr9p"
)
FIATJAF = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"
VECTORS = {
    "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6": Entity("npub", bytes.fromhex(FIATJAF)),
    NPUB: Entity("npub", bytes.fromhex("7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e")),
    "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5": Entity(
        "nsec", bytes.fromhex("67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa")
    ),
    PROFILE: Entity("nprofile", bytes.fromhex(FIATJAF), ("wss://r.x.com", "wss://djbas.sadkb.com")),
}
"""Those of NIP-19 itself."""

bytes_32 = some.binary(min_size=32, max_size=32)
public = some.integers(1, 2**200).map(lambda number: Keys(SecretKey.parse(f"{number:064x}")).public_key())
relays = some.lists(some.sampled_from(["wss://a.example", "ws://127.0.0.1:7777", "wss://b.example/nostr"]), max_size=3)


@pytest.mark.parametrize(("text", "entity"), VECTORS.items(), ids=[text[:9] for text in VECTORS])
def test_the_examples_of_nip_19_in_and_out(text: str, entity: Entity) -> None:
    assert decode(text) == entity
    assert encode(entity) == text
    assert decode(text.upper()) == decode(f"nostr:{text}") == entity


@given(public)
def test_npub_and_nsec_are_those_of_another_hand(key: PublicKey) -> None:
    assert nip19.npub(key.to_hex()) == nip19.npub(bytes.fromhex(key.to_hex())) == key.to_bech32()
    secret = SecretKey.parse(key.to_hex())
    assert encode(Entity("nsec", bytes.fromhex(key.to_hex()))) == secret.to_bech32()


@given(bytes_32, relays, some.none() | public, some.none() | some.integers(0, 65_535))
def test_note_nevent_and_nprofile_are_read_there_and_theirs_here(
    data: bytes, named: list[str], author: PublicKey | None, kind: int | None
) -> None:
    theirs_id = EventId.parse(data.hex())
    assert encode(Entity("note", data)) == theirs_id.to_bech32()
    ours = Entity("nevent", data, tuple(named), author and bytes.fromhex(author.to_hex()), kind)
    theirs = Nip19Event.from_bech32(encode(ours))
    assert (theirs.event_id().to_hex(), [str(one) for one in theirs.relays()]) == (data.hex(), named)
    assert (theirs.author(), theirs.kind()) == (author, None if kind is None else Kind(kind))
    urls = [RelayUrl.parse(one) for one in named]
    again = Nip19Event(theirs_id, author, None if kind is None else Kind(kind), urls)
    assert decode(again.to_bech32()) == decode(encode(ours)) == ours
    if author is not None:
        profile = Nip19Profile(author, urls).to_bech32()
        assert decode(profile) == Entity("nprofile", bytes.fromhex(author.to_hex()), tuple(named))


@given(bytes_32.filter(any), some.integers(0, 62), some.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_no_letter_of_an_npub_can_be_another(data: bytes, place: int, letter: str) -> None:
    text = nip19.npub(data)
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(NostrError):
            decode(changed)


@given(some.text() | some.text(alphabet="npub1evtsc02345qzx:", max_size=80) | some.binary().map(bytes.hex))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    for one in (text, f"npub1{text}", f"nevent1{text}"):
        with pytest.raises(NostrError) as refused:
            decode(one)
        assert str(refused.value)


def entries(*pairs: tuple[int, bytes]) -> str:
    """Return a nevent of these entries, whole or not."""
    return nip19._to_bech32("nevent", b"".join(bytes((number, len(value))) + value for number, value in pairs))


@given(some.lists(some.tuples(some.integers(0, 255), some.binary(max_size=255)), max_size=8))
def test_any_entries_are_read_or_refused(pairs: list[tuple[int, bytes]]) -> None:
    try:
        found = decode(entries(*pairs))
    except NostrError:
        return
    assert found.data == next(value for number, value in pairs if number == 0)
    assert all(relay.isascii() for relay in found.relays)


EVENT_ID = b"\1" * 32


def test_entries_of_unknown_types_are_skipped_and_of_two_the_first_holds() -> None:
    text = entries((9, b"later"), (0, EVENT_ID), (1, b"wss://a"), (0, b"\2" * 32), (1, "wss://ä".encode()))
    assert decode(text) == Entity("nevent", EVENT_ID, ("wss://a",))


def test_a_nevent_names_so_many_relays_and_no_more() -> None:
    many = [(1, b"wss://%d" % number) for number in range(limits_nostr.MAX_NIP19_RELAYS + 5)]
    assert len(decode(entries((0, EVENT_ID), *many)).relays) == limits_nostr.MAX_NIP19_RELAYS


NOTHING_SPECIAL = entries((1, b"wss://a.example"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no npub"),
        ("npub", "no npub"),
        ("npub1", "not whole"),
        (NPUB[:-1], "not whole"),
        (NPUB[:-1] + "G", "mixed"),
        (f"{NPUB} ", "no npub"),
        ("n" * 5_001, "more than 5,000 characters"),
        (nip19._to_bech32("npub", b"\1" * 31), "has 31 bytes, where it needs 32"),
        (nip19._to_bech32("nsec", bytes(32)), "no secret key"),
        (nip19._to_bech32("naddr", b"\0\0"), "only npub"),
        (nip19._to_bech32("nevent", b"\0\x20" + bytes(31)), "middle of an entry"),
        (nip19._to_bech32("nevent", b"\0"), "middle of an entry|needs 32"),
        (entries((0, b"short")), "5 bytes, where it needs 32"),
        (entries((0, EVENT_ID), (3, b"\1")), "needs 4"),
        (NOTHING_SPECIAL, "does not say"),
    ],
    ids=str,
)
def test_what_is_refused_is_said(text: str, words: str) -> None:
    with pytest.raises(NostrError, match=words):
        decode(text)


def test_bits_that_belong_to_nothing_are_refused() -> None:
    values = [*[0] * 51, 1]  # 32 bytes are 51 groups of five bits and one bit more
    check = nip19._checksum([*nip19._expanded("npub"), *values, *[0] * 6]) ^ 1
    values += [check >> 5 * (5 - index) & 31 for index in range(6)]
    with pytest.raises(NostrError, match="belong to nothing"):
        decode("npub1" + "".join(nip19._CHARSET[value] for value in values))


@pytest.mark.parametrize(
    "entity",
    [
        Entity("npub", b"\1" * 31),
        Entity("nevent", EVENT_ID, ("wss://ä",)),
        Entity("nevent", EVENT_ID, ("w" * 256,)),
        Entity("nevent", EVENT_ID, kind=2**32),
        Entity("nevent", EVENT_ID, ("w" * 255,) * 20),
    ],
    ids=["size", "letter", "length", "kind", "sum"],
)
def test_what_cannot_be_written_is_refused(entity: Entity) -> None:
    with pytest.raises(NostrError):
        encode(entity)


def test_a_secret_is_not_shown_where_its_entity_is() -> None:
    secret = b"\1" * 32
    assert secret.hex() not in repr(Entity("nsec", secret))
    assert secret.hex() in repr(Entity("npub", secret))
