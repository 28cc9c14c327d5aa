"""Where the user's files are: the folders of the system's own custom, which on Linux the XDG variables move.

platformdirs takes some milliseconds to import, so it is asked when a place is wanted, and not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

NAME: Final = "py-peer"


def config_file() -> Path:
    """Return where the configuration is read from; it need not be there."""
    from platformdirs import user_config_path  # noqa: PLC0415 - see above

    return user_config_path(NAME, appauthor=False) / "config.toml"


def data_folder() -> Path:
    """Return the folder of what is kept from one run to the next: the key, who is ignored. It need not be there."""
    from platformdirs import user_data_path  # noqa: PLC0415 - see above

    return user_data_path(NAME, appauthor=False)


def downloads_folder() -> Path:
    """Return the system's folder for downloads. It need not be there."""
    from platformdirs import user_downloads_path  # noqa: PLC0415 - see above

    return user_downloads_path()


def state_folder() -> Path:
    """Return the folder of the reports on crashes. It need not be there."""
    from platformdirs import user_state_path  # noqa: PLC0415 - see above

    return user_state_path(NAME, appauthor=False)


def identity_file() -> Path:
    """Return where the key is kept unless the user names another file."""
    return data_folder() / "identity.key"


def nostr_key_file() -> Path:
    """Return where the key of Nostr is kept unless the user names another file."""
    return data_folder() / "nostr.key"
