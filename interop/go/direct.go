package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	directProtocol = "/universal-connectivity/dm/1.0.0"
	directTime     = 5 * time.Second
	largestDirect  = 256 << 10 // bytes of a whole frame
	directWaiting  = 1 << 10

	statusOK = 200
)

// letter is a direct message that is to be sent.
type letter struct {
	to   peer.ID
	text string
}

// direct sends and takes direct messages.
type direct struct {
	*room
	letters chan letter
}

func newDirect(ctx context.Context, r *room) *direct {
	d := &direct{r, make(chan letter, directWaiting)}
	r.host.SetStreamHandler(directProtocol, d.receive)
	go func() { // one after the other, as a person does
		for one := range d.letters {
			d.send(ctx, one)
		}
	}()
	return d
}

func (d *direct) send(ctx context.Context, one letter) {
	told := values{"peer_id": one.to, "text": one.text}
	event := "direct_sent"
	if err := d.deliver(ctx, one); err != nil {
		event, told["reason"] = "direct_refused", err.Error()
	}
	d.tell(event, told)
}

// deliver sends a message and waits until it is confirmed.
func (d *direct) deliver(ctx context.Context, one letter) error {
	ctx, cancel := context.WithTimeout(ctx, directTime)
	defer cancel()
	stream, err := d.host.NewStream(ctx, one.to, directProtocol)
	if err != nil {
		return err
	}
	defer stream.Reset() // nothing, once it is closed
	if err := stream.SetDeadline(time.Now().Add(directTime)); err != nil {
		return err
	}
	request := appendBytes(nil, 1, metadata())
	request = appendBytes(request, 2, []byte(one.text))
	request = appendBytes(request, 3, []byte("text/plain"))
	if _, err := stream.Write(framed(request)); err != nil {
		return err
	}
	answer, err := readFramed(bufio.NewReader(stream), largestDirect)
	if err != nil {
		return err
	}
	found, err := fields(answer)
	if err != nil {
		return err
	}
	var status uint64
	var text []byte
	for _, one := range found {
		switch one.name {
		case 2:
			status = one.number
		case 3:
			text = one.bytes
		}
	}
	if status != statusOK {
		return fmt.Errorf("status %d %s", status, text)
	}
	_ = stream.Close() // the other has closed it already, and QUIC calls that an error
	return nil
}

// receive takes a message, confirms it, and tells of it.
func (d *direct) receive(stream network.Stream) {
	text, kind, err := take(stream)
	if err != nil {
		_ = stream.Reset()
		return
	}
	d.tell("direct_received", values{"peer_id": stream.Conn().RemotePeer(), "text": text, "type": kind})
}

func take(stream network.Stream) (text, kind string, err error) {
	if err := stream.SetDeadline(time.Now().Add(directTime)); err != nil {
		return "", "", err
	}
	request, err := readFramed(bufio.NewReader(stream), largestDirect)
	if err != nil {
		return "", "", err
	}
	found, err := fields(request)
	if err != nil {
		return "", "", err
	}
	known := false
	for _, one := range found {
		switch one.name {
		case 1:
			known = true
		case 2:
			text = string(one.bytes)
		case 3:
			kind = string(one.bytes)
		}
	}
	if !known {
		return "", "", errors.New("no metadata")
	}
	response := appendNumber(appendBytes(nil, 1, metadata()), 2, statusOK)
	if _, err := stream.Write(framed(response)); err != nil {
		return "", "", err
	}
	return text, kind, stream.Close()
}

// metadata returns what stands before every message: what has sent it, and when.
func metadata() []byte {
	return appendNumber(appendBytes(nil, 1, []byte(agent)), 2, uint64(time.Now().UnixMilli()))
}
