package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sys/unix"
)

const (
	benchTopic = "bench"
	textBytes  = 100
	zeros      = "/py-peer/bench/1.0.0"
	block      = 256 << 10
)

// bencher is a node with nothing on top, and what it has heard.
type bencher struct {
	*teller
	host  host.Host
	topic *pubsub.Topic

	mutex       sync.Mutex
	expected    int
	numbers     []int
	delays      []float64
	first, last float64
}

// now returns the seconds of the system's monotonic clock, which is the same in all processes.
func now() float64 {
	var time unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &time)
	return float64(time.Nano()) / 1e9
}

// bench does what benchmarks/node_peer.py does, but for what is counted.
func bench(ctx context.Context, commands *bufio.Scanner) error {
	h, err := newHost(&options{port: 0, ws: -1, quic: -1, loopback: true})
	if err != nil {
		return err
	}
	defer h.Close()
	b := &bencher{teller: newTeller(), host: h}
	gossip, err := newGossip(ctx, h)
	if err != nil {
		return err
	}
	r := &room{teller: b.teller, host: h, gossip: gossip}
	var heard *pubsub.Subscription
	if b.topic, heard, err = r.join(benchTopic); err != nil {
		return err
	}
	if err := b.watch(ctx); err != nil {
		return err
	}
	h.SetStreamHandler(zeros, b.serveZeros)
	go r.hear(ctx, heard, b.hear)
	b.tell("ready", values{"address": r.addresses()[0]})
	for commands.Scan() {
		if err := b.do(ctx, commands.Bytes()); err != nil {
			b.tell("failed", values{"reason": err.Error()})
		}
	}
	return nil
}

// watch tells when somebody is there, and when somebody is gone.
func (b *bencher) watch(ctx context.Context) error {
	members, err := b.topic.EventHandler()
	if err != nil {
		return err
	}
	go func() {
		for {
			one, err := members.NextPeerEvent(ctx)
			if err != nil {
				return
			}
			if one.Type == pubsub.PeerJoin {
				b.tell("joined", nil)
			} else {
				b.tell("failed", values{"reason": "the other has left the room"})
			}
		}
	}()
	return nil
}

// hear takes note of a text.
func (b *bencher) hear(_ peer.ID, data []byte) {
	var number int
	var saidAt float64
	if _, err := fmt.Fscan(strings.NewReader(string(data)), &number, &saidAt); err != nil {
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.last = now()
	if b.first == 0 {
		b.first = b.last
	}
	b.numbers = append(b.numbers, number)
	b.delays = append(b.delays, b.last-saidAt)
	if len(b.numbers) == b.expected {
		b.report()
	}
}

func (b *bencher) report() {
	distinct := map[int]bool{}
	for _, number := range b.numbers {
		distinct[number] = true
	}
	b.tell("received", values{
		"delays": b.delays, "in_order": slices.IsSorted(b.numbers), "distinct": len(distinct),
		"seconds": b.last - b.first,
	})
}

func (b *bencher) do(ctx context.Context, line []byte) error {
	var one struct {
		Do      string
		Address string
		Count   int
		Rate    float64
	}
	if err := json.Unmarshal(line, &one); err != nil {
		return err
	}
	switch one.Do {
	case "dial":
		return dial(ctx, b.host, one.Address)
	case "expect":
		b.mutex.Lock()
		defer b.mutex.Unlock()
		b.expected, b.numbers, b.delays, b.first = one.Count, nil, []float64{}, 0
		b.tell("expecting", nil)
	case "send":
		return b.send(ctx, one.Count, one.Rate)
	case "report":
		b.mutex.Lock()
		defer b.mutex.Unlock()
		b.report()
	case "fetch":
		return b.fetch(ctx, one.Address, one.Count)
	default:
		return fmt.Errorf("what is %q?", one.Do)
	}
	return nil
}

// send says so many texts, evenly, at a rate a second, or as fast as they go.
func (b *bencher) send(ctx context.Context, count int, rate float64) error {
	start := time.Now()
	for number := range count {
		if rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(float64(number) / rate * float64(time.Second)))))
		}
		text := fmt.Sprintf("%d %.6f ", number, now())
		text += strings.Repeat(".", textBytes-len(text))
		if err := b.topic.Publish(ctx, []byte(text)); err != nil {
			return err
		}
	}
	b.tell("sent", nil)
	return nil
}

// serveZeros sends as many zeros as are asked for: eight bytes say how many.
func (b *bencher) serveZeros(stream network.Stream) {
	var asked [8]byte
	_, err := io.ReadFull(stream, asked[:])
	left := binary.BigEndian.Uint64(asked[:])
	body := make([]byte, block)
	for err == nil && left > 0 {
		part := min(left, block)
		_, err = stream.Write(body[:part])
		left -= part
	}
	if err != nil {
		_ = stream.Reset()
		b.tell("failed", values{"reason": err.Error()})
		return
	}
	_ = stream.Close()
}

// fetch asks for so many bytes and reads them all.
func (b *bencher) fetch(ctx context.Context, address string, count int) error {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	if err := b.host.Connect(ctx, *info); err != nil {
		return err
	}
	stream, err := b.host.NewStream(ctx, info.ID, zeros)
	if err != nil {
		return err
	}
	defer stream.Reset() // nothing, once it is closed
	start := time.Now()
	if _, err := stream.Write(binary.BigEndian.AppendUint64(nil, uint64(count))); err != nil {
		return err
	}
	read, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{stream}, make([]byte, block))
	if err != nil {
		return err
	}
	if read != int64(count) {
		return fmt.Errorf("%d bytes of %d came", read, count)
	}
	b.tell("fetched", values{"seconds": time.Since(start).Seconds()})
	return nil
}
