// A go-libp2p peer of the chat, configured as the Go peer of Universal Connectivity is, but for what the README of its
// folder tells. It speaks the protocol of ../README.md.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// The longest command in bytes: a text of 1 MiB in which every byte is escaped.
const longestCommand = 8 << 20

// As often as the peers in JavaScript say where they are. The big Go peer does not.
const announcements = 10 * time.Second

type options struct {
	port, ws, quic         int
	ip6                    bool
	connect                []string
	security               []string
	relay                  []string
	relayed                bool
	relayServer, unlimited bool
	dcutr                  bool
	mdns                   bool
	discovery              bool
	interval               time.Duration
	loopback               bool // listen there alone
	kademlia               bool
}

// parse reads the command line; what it does not know ends the program with 2 and a sentence.
func parse(arguments []string) *options {
	var o options
	var interval int64
	flags := flag.NewFlagSet("go-peer", flag.ExitOnError)
	port := func(to *int) func(string) error {
		*to = -1
		return func(value string) error {
			number, err := strconv.ParseUint(value, 10, 16)
			*to = int(number)
			return err
		}
	}
	several := func(to *[]string) func(string) error {
		return func(value string) error {
			*to = append(*to, value)
			return nil
		}
	}
	addresses := func(to *[]string) func(string) error {
		return func(value string) error {
			*to = append(*to, value)
			_, err := ma.NewMultiaddr(value)
			return err
		}
	}
	flags.Func("port", "listen there on TCP", port(&o.port))
	flags.Func("ws", "listen there for WebSockets", port(&o.ws))
	flags.Func("quic", "listen there on QUIC v1", port(&o.quic))
	flags.BoolVar(&o.ip6, "ip6", false, "listen on IPv6 as well")
	flags.Func("connect", "dial this multiaddr at the start; more than once", addresses(&o.connect))
	flags.Func("security", "what is offered, in this order: noise or tls", several(&o.security))
	flags.Func("relay", "have a place at this relay", addresses(&o.relay))
	flags.BoolVar(&o.relayed, "relayed", false, "be able to call through a relay")
	flags.BoolVar(&o.relayServer, "relay-server", false, "be a relay")
	flags.BoolVar(&o.unlimited, "unlimited", false, "be one without limits")
	flags.BoolVar(&o.dcutr, "dcutr", false, "go from a relayed connection to a direct one")
	flags.BoolVar(&o.mdns, "mdns", false, "find and be found by mDNS")
	flags.BoolVar(&o.discovery, "discovery", false, "find and be found on the discovery topic")
	flags.Int64Var(&interval, "interval", announcements.Milliseconds(), "milliseconds between announcements there")
	flags.BoolVar(&o.kademlia, "kademlia", false, "be a server of /ipfs/kad/1.0.0")
	_ = flags.Parse(arguments)
	o.interval = time.Duration(interval) * time.Millisecond
	if flags.NArg() > 0 || interval < 1 {
		fmt.Fprintln(flags.Output(), "what is this? ", arguments)
		os.Exit(2)
	}
	return &o
}

// listen returns the addresses to listen on.
func (o *options) listen() []string {
	var addresses []string
	hosts := []string{"/ip4/0.0.0.0"}
	if o.loopback {
		hosts = []string{"/ip4/127.0.0.1"}
	}
	if o.ip6 {
		hosts = append(hosts, "/ip6/::")
	}
	for _, host := range hosts {
		for _, one := range []struct {
			port int
			form string
		}{{o.port, "%s/tcp/%d"}, {o.ws, "%s/tcp/%d/ws"}, {o.quic, "%s/udp/%d/quic-v1"}} {
			if one.port >= 0 {
				addresses = append(addresses, fmt.Sprintf(one.form, host, one.port))
			}
		}
	}
	return addresses
}

func main() {
	run := func(ctx context.Context, commands *bufio.Scanner) error {
		return chat(ctx, parse(os.Args[1:]), commands)
	}
	if len(os.Args) == 2 && os.Args[1] == "bench" {
		run = bench
	}
	ctx, leave := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer leave()
	commands := bufio.NewScanner(os.Stdin)
	commands.Buffer(nil, longestCommand)
	if err := run(ctx, commands); err != nil {
		fmt.Fprintln(os.Stderr, "go-peer:", err)
		os.Exit(1)
	}
}
