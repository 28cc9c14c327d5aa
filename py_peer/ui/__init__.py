"""The full screen: `ChatUI` shows the room, the peers and the program's own lines, and reads what is typed.

One file a widget; app.py wires them, chat.py drives the service behind them.
"""

from py_peer.ui.app import ChatUI

__all__ = ["ChatUI"]
