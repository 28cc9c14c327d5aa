"""The commands about keys and values in the DHT, as every chat does them, and what of them is not answered yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.dht_events import KeyProvided, LookupFailed, ValuePut
from py_peer.core.events import Answer
from py_peer.core.exit_codes import ExitCode
from py_peer.core.requests import FindProviders, ForgetValue, GetValue, ProvideKey, PutValue
from py_peer.core.sizes import without_surrogates

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.frontends.front_end import FrontEnd
    from py_peer.frontends.interactive import Handler


@final
class KeyValue:
    """Does the commands for a front-end, and remembers what has become of them."""

    def __init__(self, chat: FrontEnd) -> None:
        self._chat = chat
        self.asked: dict[int, Request] = {}
        """What has no answer yet, by its ticket; each is answered within a few minutes."""

        self.not_found = 0
        self.not_taken = 0
        """Values and keys that were to be written down and are not, by anybody who is there."""

        self.refused = 0
        """Other requests that were refused."""

        self.alone = 0
        """Requests for which nobody was there to ask."""

        self.handlers: dict[str, Handler] = {
            "kv put": self._put,
            "kv forget": lambda key: self.ask(ForgetValue(self._ticket(), without_surrogates(key))),
            "kv get": lambda key: self.ask(GetValue(self._ticket(), without_surrogates(key))),
            "kv provide": lambda key: self.ask(ProvideKey(self._ticket(), without_surrogates(key))),
            "kv providers": lambda key: self.ask(FindProviders(self._ticket(), without_surrogates(key))),
        }

    def note(self, event: Event) -> None:
        """Remember what an event says."""
        request = self.asked.pop(getattr(event, "ticket", 0), None)
        match event:
            case _ if request is None:
                pass
            case ValuePut(asked=0) | KeyProvided(asked=0) | LookupFailed(asked=0):
                self.alone += 1
            case LookupFailed():
                self.not_found += 1
            case ValuePut(peers=0) | KeyProvided(peers=0):
                self.not_taken += 1
            case Answer(failed=True) if isinstance(request, PutValue | ProvideKey):
                self.not_taken += 1
            case Answer(failed=True):
                self.refused += 1

    def last_lines(self) -> list[str]:
        """Return what is said at the end of a script."""
        says = {
            "⚠️  Not taken by the DHT: {} key(s)": self.not_taken,
            "⚠️  Not found in the DHT: {} key(s)": self.not_found,
            "⚠️  Refused: {} request(s) about keys": self.refused,
            "⚠️  Nobody was there who takes part in the DHT, for {} request(s)": self.alone,
        }
        return [text.format(count) for text, count in says.items() if count]

    def exit_code(self) -> ExitCode:
        """Return what a script ends with of which all else went well."""
        if self.not_taken or self.refused:
            return ExitCode.NOT_SENT
        if self.not_found or self.asked:
            return ExitCode.NOT_FOUND
        return ExitCode.NOBODY_REACHED if self.alone else ExitCode.OK

    # --- Commands ---------------------------------------------------------------------------------

    async def _put(self, key: str, value: str) -> None:
        await self.ask(PutValue(self._ticket(), without_surrogates(key), without_surrogates(value)))

    def _ticket(self) -> int:
        return self._chat.service.new_ticket()

    async def ask(self, request: Request) -> None:
        """Ask the service."""
        self.asked[request.ticket] = request
        await self._chat.ask(request)
