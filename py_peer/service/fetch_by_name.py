"""A file is fetched by its name: who provides it is found in the DHT, and asked until one of them gives it.

Those who say with their signature which file it is come first: of several files the one that most of them have, in
pieces from all of these at once, each held to the hash. Then come those of whom nobody can say what they send. Who is
silent is not waited for: the next one is asked beside him (`py_peer.service.first_to_answer`).
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import chain, pairwise, zip_longest
from typing import TYPE_CHECKING, Final, cast, final

import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.by_name import announcement_key, file_id, groups
from py_peer.core.offers import Offered
from py_peer.core.records import RecordRefusedError
from py_peer.net.dial import DialError
from py_peer.net.file_announcements import read_announcement
from py_peer.net.file_exchange import WrongHashError, open_source
from py_peer.net.named_files import open_named
from py_peer.net.part_files import PartError
from py_peer.net.streams import StreamFaultError
from py_peer.service.data import why_none
from py_peer.service.fetching import in_words
from py_peer.service.first_to_answer import Begun, Way, Ways
from py_peer.service.jobs import FetchError, NobodyProvidesError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from py_peer.core.by_name import Wanted
    from py_peer.core.file_record import FileRecord
    from py_peer.core.findings import Finding
    from py_peer.net.kademlia import Kademlia
    from py_peer.service.fetching import Fetcher
    from py_peer.service.jobs import Fetched, Job
    from py_peer.service.sources import Sources

LOOKED_UP_AT_ONCE: Final = 4
"""Announcements that are looked for at the same time: those who keep them take no more of one peer."""

WAYS_TRIED: Final = 4
"""Of a provider's whereabouts, where those who tell of it say different things."""

FIRST_SECONDS: Final = 1.0
"""When one of those who have a file has answered, the others are waited for so long before it is fetched."""

MOST_REASONS: Final = 3


@final
class ByName:
    """Fetches files by their names."""

    def __init__(self, fetcher: Fetcher, sources: Sources, tell: Callable[[str], None]) -> None:
        """`tell` is given sentences for the user."""
        self._fetcher = fetcher
        self._sources = sources
        self._tell = tell
        self.somebody_to_ask: Callable[[], Awaitable[Kademlia]]
        """Waits until somebody is in the table of the DHT, or nobody is to be expected."""

    async def fetch(self, job: Job) -> Fetched:
        """Fetch what is wanted by its name. Raises NobodyProvidesError, FetchError."""
        wanted = cast("Wanted", job.wanted)
        dht = await self.somebody_to_ask()
        providers = await self._find(dht, wanted.name)
        announced = await self._announced(dht, wanted.name, providers)
        files = groups(announced.values(), wanted.root, str(self._sources.host.get_id()))
        plain = [peer_id for peer_id in providers if peer_id not in announced]
        plain.sort(key=lambda peer_id: not self._sources.is_here(ID.from_string(peer_id)))
        self._tell(_told(job, len(providers), files, len(plain)))
        ways = [
            Way(self._sources.name(same[0].offerer), partial(self._begin_with_all, job, same), lead)
            for same, lead in zip(files, _leads(files), strict=True)
        ]
        for peer_id in plain:
            begin = partial(self._begin_with_one, job, wanted, peer_id)
            ways.append(Way(self._sources.name(peer_id), begin, limits.NEXT_PROVIDER_AFTER))
        return await self._from_first(job, Ways(ways))

    async def _from_first(self, job: Job, ways: Ways) -> Fetched:
        """Fetch it from the first who begins to give it, and goes on with it. Raises FetchError."""
        failures: list[FetchError] = []
        tried: set[Way] = set()
        while not ways.are_over:
            job.start_over()
            found = await ways.first(limits.PROVIDER_SECONDS, limits.FILE_SILENCE, failures)
            if found is None:
                continue
            way, begun = found
            job.has_others = not ways.are_over
            try:
                return await begun.take()
            except PartError as error:
                raise in_words(error) from error
            except FetchError as error:
                failures.append(error)
                if job.has_others and not error.wrong_hash and way not in tried:
                    ways.again(way)  # it was not waited for as long as the last one is
                tried.add(way)
        if not failures:
            raise FetchError("none of those who provide it has the file of that hash", wrong_hash=True)
        reasons = "; ".join(dict.fromkeys(str(error) for error in failures[-MOST_REASONS:]))
        raise FetchError(reasons, wrong_hash=any(error.wrong_hash for error in failures))

    # --- Who has it -------------------------------------------------------------------------------

    async def _find(self, dht: Kademlia, name: str) -> list[str]:
        """Return the peer IDs of those who provide a name, and remember where they are. Raises as `fetch`."""
        ourselves = str(self._sources.host.get_id())
        said: defaultdict[str, list[Finding]] = defaultdict(list)  # by who says so

        def take(finding: Finding) -> None:
            if finding.peer_id != ourselves and len(said[finding.teller]) < limits.PROVIDERS_ASKED:
                said[finding.teller].append(finding)

        providers = await dht.find_providers(name.encode(), take)
        where: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in chain.from_iterable(zip_longest(*said.values())):  # of each who says so one after the other
            if finding is not None and (finding.peer_id in where or len(where) < limits.PROVIDERS_ASKED):
                where[finding.peer_id].append(finding)
        for peer_id, findings in where.items():
            known = [finding for finding in findings if finding.addresses]
            self._sources.told(peer_id, list({finding.addresses: finding for finding in known}.values())[:WAYS_TRIED])
        if where:
            return list(where)
        if providers.peers:
            raise FetchError("you provide it yourself, and nobody else does")
        text = why_none(providers, "knows who provides it")
        raise NobodyProvidesError(text, providers.asked, providers.unasked)

    async def _look_again(self, name: str, record: FileRecord) -> list[ID]:
        """Return who provides that very file by now."""
        try:
            dht = await self.somebody_to_ask()
            providers = await self._find(dht, name)
        except (FetchError, NobodyProvidesError):
            return []
        announced = await self._announced(dht, name, providers)
        return [ID.from_string(peer_id) for peer_id, one in announced.items() if one.root == record.root]

    async def _announced(self, dht: Kademlia, name: str, providers: list[str]) -> dict[str, FileRecord]:
        """Return what those provide who say it with their signature, in the DHT or to us, by peer ID."""
        found: dict[str, FileRecord] = {}
        limiter = trio.CapacityLimiter(LOOKED_UP_AT_ONCE)

        async def ask(peer_id: str) -> None:
            async with trio.open_nursery() as nursery:

                def take(record: FileRecord | None) -> None:
                    if record is not None:
                        found.setdefault(peer_id, record)
                        nursery.cancel_scope.cancel()

                async def look_up() -> None:
                    async with limiter:
                        take(await self._in_the_dht(dht, name, peer_id))

                async def hear() -> None:
                    take(await self._of_itself(name, peer_id))

                nursery.start_soon(look_up)
                nursery.start_soon(hear)

        with trio.move_on_after(limits.ANNOUNCED_SECONDS):
            async with trio.open_nursery() as nursery:
                for peer_id in providers:
                    nursery.start_soon(ask, peer_id)
        return found

    async def _in_the_dht(self, dht: Kademlia, name: str, peer_id: str) -> FileRecord | None:
        try:
            record = (await dht.get_value(announcement_key(name, peer_id))).record
            return None if record is None else read_announcement(record.key, record.value)
        except RecordRefusedError:
            return None

    async def _of_itself(self, name: str, peer_id: str) -> FileRecord | None:
        try:
            provider = await self._sources.reach(peer_id)
            await self._sources.know(provider)
            if self._sources.speaks(provider):
                return await self._sources.describe(provider, file_id(name), peer_id)
        except (DialError, StreamFaultError):
            pass
        return None

    # --- Fetching ---------------------------------------------------------------------------------

    async def _begin_with_all(self, job: Job, records: list[FileRecord]) -> Begun:
        """Ask all who have announced a file for the hashes of its pieces, until one has sent them. Raises FetchError.

        It keeps the name that it was asked for by; what its provider calls it is the provider's wish.
        """
        if records[0].size > job.most:
            raise FetchError(f"it has {records[0].size:,} bytes, and {job.most:,} are allowed")
        holders: dict[ID, FileRecord] = {}
        found: list[bytes] = []
        failures: list[FetchError] = []
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def ask(record: FileRecord) -> None:
                    try:
                        provider, leaves = await self._leaves(record)
                    except FetchError as error:
                        failures.append(error)
                        return
                    holders[provider] = record
                    found.append(leaves)
                    scope.deadline = min(scope.deadline, trio.current_time() + FIRST_SECONDS)

                for record in records:
                    nursery.start_soon(ask, record)
        if not found:
            reasons = "; ".join(dict.fromkeys(str(error) for error in failures[:MOST_REASONS]))
            raise FetchError(reasons, wrong_hash=any(error.wrong_hash for error in failures))

        async def take() -> Fetched:
            record = next(iter(holders.values()))
            job.offer = Offered(record.file_id, record.offerer, trio.current_time(), record)
            job.look_again = partial(self._look_again, cast("Wanted", job.wanted).name)
            return await self._fetcher.fetch_pieces(job, record, tuple(holders), found[0])

        return Begun(take)

    async def _leaves(self, record: FileRecord) -> tuple[ID, bytes]:
        """Return the provider of a file, connected, and the hashes of its pieces. Raises FetchError."""
        name = self._sources.name(record.offerer)
        try:
            provider = await self._sources.reach(record.offerer)
        except DialError as error:
            raise FetchError(f"{name} cannot be reached: {error}") from error
        try:
            async with open_source(self._sources.host, provider) as source:
                if not await source.has(record):
                    raise FetchError(f"{name} does not have it any more")
                return provider, await source.leaves(record)
        except StreamFaultError as error:
            self._sources.blame(provider, error)
            wrong_hash = isinstance(error, WrongHashError)
            raise FetchError(f"{name} did not send it: {error}", wrong_hash=wrong_hash) from error

    async def _begin_with_one(self, job: Job, wanted: Wanted, peer_id: str) -> Begun:
        """Ask one for a file who says nothing of what it is. Raises FetchError."""
        name = self._sources.name(peer_id)
        try:
            provider = await self._sources.reach(peer_id)
        except DialError as error:
            raise FetchError(f"{name} cannot be reached: {error}") from error
        try:
            fetch = await open_named(self._sources.host, provider, wanted.name, min(job.most, limits.MAX_NAMED_ANSWER))
        except StreamFaultError as error:
            self._sources.blame(provider, error)
            raise FetchError(f"{name} did not send it: {error}") from error

        async def take() -> Fetched:
            job.offer = Offered(job.file_id, peer_id, trio.current_time())
            return await self._fetcher.take(job, fetch, provider, wanted.root)

        return Begun(take, fetch.aclose)


def _leads(files: list[list[FileRecord]]) -> Iterator[float]:
    """Say for how long each file is asked for before the next one: longer where more have it, longest for the last.

    After the last come those whose files nobody can verify.
    """
    for file, after in pairwise([*files, []]):
        if not after:
            yield limits.VERIFIED_LEAD
        else:
            yield limits.MAJORITY_LEAD if len(file) > len(after) else limits.NEXT_PROVIDER_AFTER


def _told(job: Job, providers: int, files: list[list[FileRecord]], plain: int) -> str:
    """Return what is known of a file before it is fetched."""
    says = [f"{providers} peer(s) provide {job.asked_for}"]
    if len(files) > 1:
        says.append(
            f"they have {len(files)} different files, of which that of {len(files[0])} of them is asked for first"
        )
    if plain:
        says.append(f"what {plain} of them would send cannot be verified")
    return "; ".join(says)
