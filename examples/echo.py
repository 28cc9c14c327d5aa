"""Says again what follows "!echo". Options go to py-peer: python examples/echo.py -c ADDR."""

import json
import sys
from contextlib import suppress
from signal import SIGTERM, signal
from subprocess import PIPE, Popen

command = ["py-peer", "--json", "--headless", "--nick", "echo", *sys.argv[1:]]
with Popen(command, stdin=PIPE, stdout=PIPE, encoding="utf-8") as peer, suppress(KeyboardInterrupt):
    signal(SIGTERM, lambda *_: peer.terminate())
    for line in peer.stdout:
        event = json.loads(line)
        if event["event"] == "message_received" and event["text"].startswith("!echo "):
            answer = {"command": "say", "text": event["text"].removeprefix("!echo ")}
            print(json.dumps(answer), file=peer.stdin, flush=True)
sys.exit(peer.returncode)
