"""What an option is, wherever it is written: a flag, a variable of the environment, a key of the configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from py_peer.frontends.checks import any_text

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX: Final = "PY_PEER_"
"""Of our variables in the environment."""

NSEC: Final = f"{PREFIX}NSEC"
"""The variable that holds a secret key. It is no option, as what holds of options is printed."""


@final
@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table. Without `flags` it is a positional argument, without `metavar` a switch."""

    name: str
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    check: Callable[[str], Any] = any_text
    """Turns what was written into a value. Raises ArgumentTypeError, with a sentence."""

    default: Any = None
    """A switch's flags set it to the opposite of this."""

    default_text: str = ""
    """How the documents call the default, where it is not plain."""

    bare: bool = False
    """Whether its flag may stand without a value; that, and a word for yes, is True, its opposite is the default. Of a
    positional argument: whether it may be left out."""

    many: bool = False
    """Whether it may be repeated; in the environment there are commas between the values."""

    adds_up: bool = False
    """For `many`: whether those of the flags and of the environment all hold; else those of the flags alone do."""

    never_blank: bool = False
    """For `many`: whether a variable that holds blanks and no value is a mistake, and not as if it were not set."""

    kept: bool = True
    """Whether it may stand in the file and the environment; others are wishes for one run."""

    second_variable: str = ""
    """Another variable of the environment with the same meaning."""

    kind: type = str
    """What it is in the file: bool, int, float or str; a list of them for `many`."""

    is_file: bool = False
    is_folder: bool = False
    required: bool = False
    """Whether nothing can be done without it, though it has a flag."""

    choices: tuple[str, ...] = ()
    action: str = ""
    """argparse's, where it does all that is to be done."""

    aliases: tuple[str, ...] = ()
    """Flags that mean the same, for those who know them from gnostr."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that set it."""
        own = (f"{PREFIX}{self.name.upper()}",) if self.kept or self.name == "config" else ()
        return (*own, self.second_variable) if self.second_variable else own

    @property
    def is_switch(self) -> bool:
        """Whether it is either on or off."""
        return bool(self.flags) and not self.metavar

    @property
    def can_be_undone(self) -> bool:
        """Whether it has an opposite."""
        return self.kept and (self.is_switch or self.bare)

    @property
    def opposite(self) -> str:
        """The flag that sets a switch to its default, against the environment and the file."""
        flag = self.flags[-1]
        return f"--{flag[5:]}" if flag.startswith("--no-") else f"--no-{flag[2:]}"

    @property
    def shown_metavar(self) -> str:
        """What stands behind its flag."""
        return f"[{self.metavar}{' ...' * (self.many and not self.flags)}]" if self.bare else self.metavar

    @property
    def usage(self) -> str:
        """The flags as the README shows them."""
        return (
            ", ".join(f"`{flag}`" for flag in self.flags[:-1])
            + ", " * (len(self.flags) > 1)
            + (f"`{self.flags[-1]} {self.shown_metavar}`" if self.metavar else f"`{self.flags[-1]}`")
        )

    @property
    def full_help(self) -> str:
        """What it does, and what holds without it."""
        more = "; may be repeated" if self.many else ""
        more += f"; also {', '.join(self.aliases)}" if self.aliases else ""
        default = self.default_text or (f"{self.default:g}" if isinstance(self.default, float) else "")
        return self.help + more + (f" (default: {default})" if default else "")
