"""The tree hash of files."""

from __future__ import annotations

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits, tree_hash

LEAVES = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first 0 to 8 leaves, as the reference implementation of RFC 6962 has them (certificate-transparency)."""


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


@pytest.mark.parametrize("count", range(len(ROOTS)))
def test_the_roots_are_those_of_the_reference_implementation(count: int) -> None:
    assert tree_hash.root(b"".join(map(tree_hash.leaf, LEAVES[:count]))).hex() == ROOTS[count]


@given(st.integers(0, 200), st.binary(max_size=8))
def test_the_root_is_the_one_of_the_definition(count: int, salt: bytes) -> None:
    leaves = [tree_hash.leaf(salt + bytes([number])) for number in range(count)]
    assert tree_hash.root(b"".join(leaves)) == by_definition(leaves)


def test_a_hash_that_is_not_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="not whole"):
        tree_hash.root(bytes(33))


def test_the_largest_tree_takes_next_to_no_memory() -> None:
    leaves = bytes(tree_hash.HASH_BYTES * limits.MAX_PIECES)
    tracemalloc.start()
    tree_hash.root(leaves)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


@given(st.integers(0, limits.MAX_FILE_BYTES))
def test_pieces_are_as_small_as_their_number_allows_and_make_up_the_file(size: int) -> None:
    length = tree_hash.piece_size(size)
    count = tree_hash.pieces(size, length)
    assert limits.SMALLEST_PIECE <= length <= limits.LARGEST_PIECE
    assert count <= limits.MAX_PIECES
    assert length == limits.SMALLEST_PIECE or tree_hash.pieces(size, length // 2) > limits.MAX_PIECES
    if count:
        last = tree_hash.piece_length(size, length, count - 1)
        assert 0 < last <= length
        assert (count - 1) * length + last == size
        assert count == 1 or tree_hash.piece_length(size, length, 0) == length


@pytest.mark.parametrize(
    ("size", "length", "count"),
    [
        (0, 262_144, 0),
        (1, 262_144, 1),
        (262_144, 262_144, 1),
        (262_145, 262_144, 2),
        (16 * 2**30, 262_144, 65_536),
        (16 * 2**30 + 1, 524_288, 32_769),
        (256 * 2**30, 4_194_304, 65_536),
    ],
)
def test_pieces_of_files_at_the_edges(size: int, length: int, count: int) -> None:
    assert tree_hash.piece_size(size) == length
    assert tree_hash.pieces(size, length) == count


@pytest.mark.parametrize("size", [-1, limits.MAX_FILE_BYTES + 1])
def test_a_size_that_no_file_has_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="a file of"):
        tree_hash.piece_size(size)
