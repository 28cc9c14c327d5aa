package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
)

const chatTopic = "universal-connectivity"

// Messages that may wait in each of the library's queues: those that wait to be sent to a peer, to be checked, and to be
// read. It has 32 of each, and drops in silence what is more.
const queue = 1 << 14

// patience is how long a dial may take, and whatever else has no time of its own.
const patience = 20 * time.Second

// room is a peer in its room.
type room struct {
	*teller
	host   host.Host
	gossip *pubsub.PubSub
	chat   *pubsub.Topic
	topics map[string]*pubsub.Topic // beside the room; for who obeys commands alone
	files  *files
	direct *direct
	kad    *kademlia
	found  *found
	places []ma.Multiaddr // at relays
	slots  chan struct{}
}

// newGossip returns GossipSub with the library's settings: message IDs of author and number, no scores, and as many
// messages checked at once as there are processors, so that they are not told in the order in which they came.
func newGossip(ctx context.Context, h host.Host) (*pubsub.PubSub, error) {
	return pubsub.NewGossipSub(ctx, h, pubsub.WithPeerOutboundQueueSize(queue), pubsub.WithValidateQueueSize(queue))
}

// chat is a peer from its start to its end.
func chat(ctx context.Context, o *options, commands *bufio.Scanner) error {
	t := newTeller()
	h, err := newHost(o)
	if err != nil {
		return err
	}
	defer h.Close()
	t.tell("started", values{"peer_id": h.ID()})
	r := &room{teller: t, host: h, topics: map[string]*pubsub.Topic{}, slots: make(chan struct{}, 64)}
	r.found = newFound(r)
	if err := r.watch(); err != nil {
		return err
	}
	if err := r.enter(ctx); err != nil {
		return err
	}
	if err := r.takePlaces(ctx, o.relay); err != nil {
		return err
	}
	if err := r.lookAround(ctx, o); err != nil {
		return err
	}
	t.tell("ready", values{"peer_id": h.ID(), "addresses": r.addresses()})
	for _, address := range o.connect {
		r.later(func() { r.connect(ctx, address) })
	}
	return r.obey(ctx, commands)
}

// addresses returns where this peer is reached.
func (r *room) addresses() []string {
	addresses := []string{}
	for _, address := range append(r.host.Addrs(), r.places...) {
		addresses = append(addresses, fmt.Sprintf("%s/p2p/%s", address, r.host.ID()))
	}
	return addresses
}

// watch tells of connections and of what others say they are, from now on.
func (r *room) watch() error {
	identified, err := r.host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.BufSize(256))
	if err != nil {
		return err
	}
	go func() {
		for one := range identified.Out() {
			it := one.(event.EvtPeerIdentificationCompleted)
			r.tell("identified", values{
				"peer_id": it.Peer, "protocol_version": it.ProtocolVersion, "agent_version": it.AgentVersion,
				"protocols": it.Protocols,
			})
		}
	}()
	r.host.Network().Notify(newConnections(r.teller).notifiee())
	return nil
}

// enter joins the room, and takes files and direct messages.
func (r *room) enter(ctx context.Context) (err error) {
	if r.gossip, err = newGossip(ctx, r.host); err != nil {
		return err
	}
	var heard *pubsub.Subscription
	if r.chat, heard, err = r.join(chatTopic); err != nil {
		return err
	}
	members, err := r.chat.EventHandler()
	if err != nil {
		return err
	}
	go func() {
		for {
			one, err := members.NextPeerEvent(ctx)
			if err != nil {
				return
			}
			told := "peer_joined"
			if one.Type == pubsub.PeerLeave {
				told = "peer_left"
			}
			r.tell(told, values{"peer_id": one.Peer})
		}
	}()
	go r.hear(ctx, heard, func(from peer.ID, data []byte) {
		r.tell("message_received", values{"peer_id": from, "text": string(data)})
	})
	if r.files, err = newFiles(ctx, r); err != nil {
		return err
	}
	r.direct = newDirect(ctx, r)
	return nil
}

// join subscribes to a topic.
func (r *room) join(name string) (*pubsub.Topic, *pubsub.Subscription, error) {
	topic, err := r.gossip.Join(name)
	if err != nil {
		return nil, nil, err
	}
	subscription, err := topic.Subscribe(pubsub.WithBufferSize(queue))
	return topic, subscription, err
}

// hear hands on what others say on a topic, and who has said it.
func (r *room) hear(ctx context.Context, subscription *pubsub.Subscription, of func(peer.ID, []byte)) {
	for {
		message, err := subscription.Next(ctx)
		if err != nil {
			return
		}
		if from := message.GetFrom(); from != r.host.ID() {
			of(from, message.GetData())
		}
	}
}

// elsewhere joins a topic beside the room, or says something there.
func (r *room) elsewhere(ctx context.Context, one command) error {
	if one.name == "say_on" {
		topic, joined := r.topics[one.text["topic"]]
		if !joined {
			return errors.New("it is not on that topic")
		}
		r.say(ctx, topic, one.text["text"])
		return nil
	}
	name := one.text["name"]
	topic, heard, err := r.join(name)
	if err != nil {
		return err
	}
	r.topics[name] = topic
	go r.hear(ctx, heard, func(from peer.ID, data []byte) {
		r.tell("message_received", values{"peer_id": from, "text": string(data), "topic": name})
	})
	r.tell("topic_joined", values{"topic": name})
	return nil
}

// say publishes a text, unless the library would drop it in silence.
func (r *room) say(ctx context.Context, where *pubsub.Topic, text string) {
	topic := where.String()
	frame := pb.RPC{Publish: []*pb.Message{{
		From: []byte(r.host.ID()), Seqno: make([]byte, 8), Topic: &topic, Signature: make([]byte, 64), Data: []byte(text),
	}}}
	if size := frame.Size(); size > pubsub.DefaultMaxMessageSize {
		r.tell("message_refused", values{"reason": fmt.Sprintf("it is too large: %d bytes with all around it", size)})
		return
	}
	if err := where.Publish(ctx, []byte(text)); err != nil {
		r.tell("message_refused", values{"reason": err.Error()})
		return
	}
	r.tell("message_sent", values{"text": text})
}
