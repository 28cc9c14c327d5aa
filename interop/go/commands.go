package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// arguments are what each command has to be given, all of it text.
var arguments = map[string][]string{
	"connect":    {"address"},
	"disconnect": {"peer"},
	"say":        {"text"},
	"topic":      {"name"},
	"say_on":     {"topic", "text"},
	"share":      {"path"},
	"offer":      {"file"},
	"get":        {"peer", "file"},
	"msg":        {"peer", "text"},
	"ping":       {"peer"},
	"provide":    {"key"},
	"find":       {"key"},
	"put_value":  {"key", "value"},
	"get_value":  {"key"},
	"stats":      {},
}

// command is what a line of standard input says: its name, what it is given, and its ID.
type command struct {
	name string
	text map[string]string
	id   any
}

// read returns the command of a line; its name, too, where something else is wrong with it.
func read(line []byte) (one command, err error) {
	var given map[string]any // not a struct: the library would fill that in whatever the case of the letters
	if err := json.Unmarshal(line, &given); err != nil {
		return one, err
	}
	one.name, _ = given["command"].(string)
	needed, known := arguments[one.name]
	if !known {
		return one, errors.New("there is no such command")
	}
	one.id, one.text = given["id"], map[string]string{}
	for _, name := range needed {
		text, is := given[name].(string)
		if !is {
			return one, fmt.Errorf("it needs %s, as text", name)
		}
		one.text[name] = text
	}
	return one, nil
}

// obey does what it reads until there is no more, or the context ends.
func (r *room) obey(ctx context.Context, commands *bufio.Scanner) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for commands.Scan() {
			one, err := read(commands.Bytes())
			if err == nil {
				err = r.do(ctx, one)
			}
			if err != nil {
				r.refuse(one.name, err)
			}
		}
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return commands.Err() // a line that is too long
	}
}

// refuse says that a command is not one, or not one for this peer.
func (r *room) refuse(command string, err error) {
	r.tell("error", values{"command": command, "reason": err.Error()})
}

// later does what takes time, beside other things; the next command waits when too many are at it.
func (r *room) later(do func()) {
	r.slots <- struct{}{}
	go func() {
		defer func() { <-r.slots }()
		do()
	}()
}

func (r *room) do(ctx context.Context, one command) error {
	switch one.name {
	case "connect":
		r.later(func() { r.connect(ctx, one.text["address"]) })
	case "say":
		r.say(ctx, r.chat, one.text["text"])
	case "topic", "say_on":
		return r.elsewhere(ctx, one)
	case "share":
		return r.files.share(ctx, one.text["path"])
	case "offer":
		return r.files.offer(ctx, one.text["file"])
	case "provide", "find", "put_value", "get_value":
		if r.kad == nil {
			return errNoKademlia
		}
		r.later(func() { r.kad.do(ctx, one) })
	case "stats":
		return r.stats(one.id)
	case "disconnect", "get", "msg", "ping":
		return r.doWith(ctx, one)
	default:
		return errors.New("there is no such command")
	}
	return nil
}

// doWith does what has to do with one peer.
func (r *room) doWith(ctx context.Context, one command) error {
	id, err := peer.Decode(one.text["peer"])
	if err != nil {
		return err
	}
	switch one.name {
	case "disconnect":
		if !connected(r.host, id) {
			return errors.New("there is no connection to it")
		}
		return r.host.Network().ClosePeer(id)
	case "get":
		r.files.want(offered{id, one.text["file"]})
	case "msg":
		r.direct.letters <- letter{id, one.text["text"]}
	case "ping":
		r.later(func() { r.ping(ctx, id) })
	}
	return nil
}

func (r *room) connect(ctx context.Context, address string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := dial(ctx, r.host, address); err != nil {
		r.tell("dial_failed", values{"address": address, "cause": err.Error()})
	}
}

func (r *room) ping(ctx context.Context, id peer.ID) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	result, answered := <-ping.Ping(ctx, r.host, id)
	switch {
	case !answered:
		r.tell("ping_failed", values{"peer_id": id, "reason": "no answer"})
	case result.Error != nil:
		r.tell("ping_failed", values{"peer_id": id, "reason": result.Error.Error()})
	default:
		r.tell("pinged", values{"peer_id": id, "rtt": result.RTT.Seconds()})
	}
}

// stats tells what this process holds and has used.
func (r *room) stats(id any) error {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	seconds := func(time syscall.Timeval) float64 { return float64(time.Nano()) / 1e9 }
	memory, err := residentMemory()
	if err != nil {
		return err
	}
	r.tell("statistics", values{
		"id": id, "memory_bytes": memory, "cpu_seconds": seconds(used.Utime) + seconds(used.Stime),
	})
	return nil
}

// residentMemory returns the bytes of memory that this process holds now; only Linux tells it so.
func residentMemory() (int, error) {
	told, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var all, resident int
	if _, err := fmt.Fscan(strings.NewReader(string(told)), &all, &resident); err != nil {
		return 0, err
	}
	return resident * os.Getpagesize(), nil
}
