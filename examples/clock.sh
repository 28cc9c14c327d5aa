#!/bin/sh
# Tells the time to everybody who says "!time". Options go to py-peer: examples/clock.sh -c ADDR
folder=$(mktemp -d) && mkfifo "$folder/commands" && trap 'rm -r "$folder"' EXIT && trap exit INT TERM
py-peer --json --headless --nick clock "$@" <"$folder/commands" | {
    exec 3>"$folder/commands"
    while IFS= read -r line; do
        case $line in '{"event":"message_received",'*'"text":"!time"'*)
            printf '{"command": "say", "text": "It is %s."}\n' "$(date +%H:%M)" >&3 ;;
        esac
    done
}
