#!/bin/sh
# Tells the time to everybody who says "!time". Options go to py-peer: examples/clock.sh -c ADDR
folder=$(mktemp -d) && mkfifo "$folder/commands" "$folder/events" || exit
trap 'kill $! 2>/dev/null; rm -r "$folder"' EXIT
py-peer --json --headless --nick clock "$@" <"$folder/commands" >"$folder/events" & peer=$!
trap 'kill $peer; wait $peer; exit $?' INT TERM # a signal is heard while sh waits, not while it reads
while IFS= read -r line; do
    case $line in '{"event":"message_received",'*'"text":"!time"'*)
        printf '{"command": "say", "text": "It is %s."}\n' "$(date +%H:%M)" ;;
    esac
done >"$folder/commands" <"$folder/events" &
wait $peer
