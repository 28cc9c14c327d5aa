"""`python -m py_peer`."""

import sys

from py_peer.main import main

sys.exit(main())
