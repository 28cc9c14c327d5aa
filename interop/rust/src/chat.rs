//! The peer in its room: what it sees of the others.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use libp2p::core::transport::{ListenerId, TransportError};
use libp2p::core::ConnectedPoint;
use libp2p::gossipsub::{self, IdentTopic};
use libp2p::identity::{Keypair, PublicKey};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{identify, kad, Multiaddr, PeerId, Swarm};
use serde_json::json;
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::{interval, timeout};

use crate::discovery::DISCOVERY;
use crate::kademlia::Lookup;
use crate::lines::{self, tell};
use crate::named::Names;
use crate::node::{self, Parts, PartsEvent, KADEMLIA};
use crate::options::Options;
use crate::transfers::Transfers;

pub const CHAT: &str = "universal-connectivity";
pub const FILES: &str = "universal-connectivity-file";
/// Addresses that are taken of one peer.
pub const ADDRESSES: usize = 32;

/// For connections to end in good order.
const GOODBYE: Duration = Duration::from_secs(1);

/// What came of a command: an error is one of who gave it.
pub type Obeyed = Result<(), String>;

pub struct Peer {
    pub key: PublicKey,
    pub swarm: Swarm<Parts>,
    pub transfers: Transfers,
    pub names: Names,
    pub lookups: HashMap<kad::QueryId, Lookup>,
    /// Keys, in hex, whose values are looked for.
    pub wanted: HashMap<kad::QueryId, String>,
    /// Dials that were asked for, and the addresses as they were given.
    pub dials: HashMap<ConnectionId, String>,
    room: HashSet<PeerId>,
    /// Where it does not yet know what it listens on, as it was asked for.
    unheard: HashMap<ListenerId, Multiaddr>,
}

/// Runs a peer until it is told to leave.
pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let key = Keypair::generate_ed25519();
    let mut peer = Peer {
        key: key.public(),
        swarm: node::swarm(&options, key).await?,
        transfers: Transfers::default(),
        names: Names::default(),
        lookups: HashMap::new(),
        wanted: HashMap::new(),
        dials: HashMap::new(),
        room: HashSet::new(),
        unheard: HashMap::new(),
    };
    tell("started", json!({"peer_id": peer.swarm.local_peer_id().to_string()}));
    peer.listen(&options)?;
    for topic in [CHAT, FILES].into_iter().chain(options.discovery.then_some(DISCOVERY)) {
        peer.swarm.behaviour_mut().gossip.subscribe(&IdentTopic::new(topic))?;
    }
    tokio::select! {
        ready = peer.get_ready() => ready?,
        _ = terminate.recv() => return Ok(()),
    }
    for address in &options.connect {
        peer.connect(address.clone());
    }
    let mut lines = lines::read();
    let mut announce = interval(options.interval);
    loop {
        tokio::select! {
            event = peer.swarm.select_next_some() => peer.hear(event),
            line = lines.recv() => match line {
                Some(line) => peer.obey(line),
                None => break,
            },
            _ = announce.tick(), if options.discovery => peer.announce(),
            _ = terminate.recv() => break,
        }
    }
    peer.leave().await;
    Ok(())
}

impl Peer {
    fn listen(&mut self, options: &Options) -> Result<(), Box<dyn Error>> {
        let hosts = ["/ip4/0.0.0.0", "/ip6/::"];
        for host in &hosts[..if options.ip6 { 2 } else { 1 }] {
            let tcp = options.port.map(|port| format!("{host}/tcp/{port}"));
            let ws = options.ws.map(|port| format!("{host}/tcp/{port}/ws"));
            let quic = options.quic.map(|port| format!("{host}/udp/{port}/quic-v1"));
            for address in [tcp, ws, quic].into_iter().flatten() {
                self.listen_on(address.parse()?)?;
            }
        }
        for relay in &options.relay {
            self.listen_on(relay.clone().with(Protocol::P2pCircuit))?;
        }
        Ok(())
    }

    fn listen_on(&mut self, address: Multiaddr) -> Result<(), String> {
        let listener = match self.swarm.listen_on(address.clone()) {
            Ok(listener) => listener,
            // The library's own sentence is empty.
            Err(TransportError::Other(error)) => return Err(format!("cannot listen on {address}: {error}")),
            Err(error) => return Err(format!("cannot listen on {address}: {error}")),
        };
        self.unheard.insert(listener, address);
        Ok(())
    }

    /// Waits until it listens wherever it is to, at relays, too, and tells it.
    async fn get_ready(&mut self) -> Result<(), String> {
        while !self.unheard.is_empty() {
            let event = self.swarm.select_next_some().await;
            if let SwarmEvent::ListenerClosed { listener_id, reason, .. } = &event {
                if let Some(address) = self.unheard.get(listener_id) {
                    let why = reason
                        .as_ref()
                        .err()
                        .map_or("the relay is not reached, or gives no place".into(), ToString::to_string);
                    return Err(format!("cannot listen on {address}: {why}"));
                }
            }
            self.hear(event);
        }
        // One listener has an address for each interface.
        while let Some(Some(event)) = self.swarm.next().now_or_never() {
            self.hear(event);
        }
        let me = *self.swarm.local_peer_id();
        let with_id = |address: &Multiaddr| address.clone().with_p2p(me).unwrap_or_else(|address| address).to_string();
        let addresses: Vec<_> = self.swarm.listeners().map(with_id).collect();
        tell("ready", json!({"peer_id": me.to_string(), "addresses": addresses}));
        Ok(())
    }

    async fn leave(&mut self) {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closed = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        let _ = timeout(GOODBYE, closed).await;
    }

    fn hear(&mut self, event: SwarmEvent<PartsEvent>) {
        match event {
            SwarmEvent::Behaviour(PartsEvent::Gossip(event)) => self.hear_gossip(event),
            SwarmEvent::Behaviour(PartsEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                self.identified(peer_id, info);
            }
            SwarmEvent::Behaviour(PartsEvent::Files(event)) => self.hear_files(event),
            SwarmEvent::Behaviour(PartsEvent::Direct(event)) => self.hear_direct(event),
            SwarmEvent::Behaviour(PartsEvent::Named(event)) => self.hear_named(event),
            SwarmEvent::Behaviour(PartsEvent::Kademlia(event)) => self.hear_kademlia(event),
            SwarmEvent::Behaviour(PartsEvent::Mdns(event)) => self.hear_mdns(event),
            SwarmEvent::NewListenAddr { listener_id, address } => {
                self.unheard.remove(&listener_id);
                if !address.iter().any(|part| part == Protocol::P2pCircuit) {
                    // Without it a relay tells no address of its own, and Kademlia none of a provider.
                    self.swarm.add_external_address(address);
                }
            }
            SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                eprintln!("listening has ended: {addresses:?}: {error}");
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.dials.remove(&connection_id);
                let (address, inbound) = match endpoint {
                    ConnectedPoint::Dialer { address, .. } => (address, false),
                    // Of who comes through a relay nothing is known but the relay.
                    ConnectedPoint::Listener { local_addr, .. } if endpoint.is_relayed() => (local_addr, true),
                    ConnectedPoint::Listener { send_back_addr, .. } => (send_back_addr, true),
                };
                let address = address.to_string();
                tell("peer_connected", json!({"peer_id": peer_id.to_string(), "address": address, "inbound": inbound}));
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                tell("peer_disconnected", json!({"peer_id": peer_id.to_string()}));
                self.left(peer_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                let cause = error.to_string();
                if let Some(address) = self.dials.remove(&connection_id) {
                    tell("dial_failed", json!({"address": address, "cause": cause}));
                } else if let Some(peer_id) = peer_id {
                    tell("dial_failed", json!({"peer_id": peer_id.to_string(), "cause": cause}));
                }
            }
            _ => {}
        }
    }

    fn hear_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Subscribed { peer_id, topic } if topic.as_str() == CHAT => self.joined(peer_id),
            gossipsub::Event::Unsubscribed { peer_id, topic } if topic.as_str() == CHAT => self.left(peer_id),
            gossipsub::Event::Message { message, .. } => {
                // What is not signed is passed on, but nobody can be said to have said it.
                let Some(author) = message.source else { return };
                match message.topic.as_str() {
                    CHAT => {
                        let text = String::from_utf8_lossy(&message.data);
                        tell("message_received", json!({"peer_id": author.to_string(), "text": text}));
                    }
                    FILES => self.offered(author, &message.data),
                    DISCOVERY => self.announced(&message.data),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn joined(&mut self, peer_id: PeerId) {
        if self.room.insert(peer_id) {
            tell("peer_joined", json!({"peer_id": peer_id.to_string()}));
        }
    }

    fn left(&mut self, peer_id: PeerId) {
        if self.room.remove(&peer_id) {
            tell("peer_left", json!({"peer_id": peer_id.to_string()}));
        }
    }

    fn identified(&mut self, peer_id: PeerId, info: identify::Info) {
        if let Some(kademlia) = self.swarm.behaviour_mut().kademlia.as_mut() {
            if info.protocols.contains(&KADEMLIA) {
                for address in info.listen_addrs.into_iter().take(ADDRESSES) {
                    kademlia.add_address(&peer_id, address);
                }
            }
        }
        let protocols: Vec<_> = info.protocols.iter().map(ToString::to_string).collect();
        let told = json!({
            "peer_id": peer_id.to_string(),
            "protocol_version": info.protocol_version,
            "agent_version": info.agent_version,
            "protocols": protocols,
        });
        tell("identified", told);
    }
}
