//! The parts of rust-libp2p, set up as in the Rust peer of Universal Connectivity.

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{self, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::kad::store::MemoryStore;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{dcutr, identify, kad, mdns, relay, tcp, yamux, StreamProtocol, Swarm, SwarmBuilder};

use crate::exchange::{self, Exchange};
use crate::named::{self, Named};
use crate::options::Options;
use crate::security::Offered;

pub const KADEMLIA: StreamProtocol = StreamProtocol::new("/ipfs/kad/1.0.0");

#[derive(NetworkBehaviour)]
pub struct Parts {
    pub limits: connection_limits::Behaviour,
    pub gossip: gossipsub::Behaviour,
    pub identify: identify::Behaviour,
    pub files: Exchange,
    pub direct: Exchange,
    pub named: Named,
    pub kademlia: Toggle<kad::Behaviour<MemoryStore>>,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub dcutr: Toggle<dcutr::Behaviour>,
    pub relay_client: relay::client::Behaviour,
    pub relay_server: Toggle<relay::Behaviour>,
}

pub async fn swarm(options: &Options, key: Keypair) -> Result<Swarm<Parts>, Box<dyn Error>> {
    let secure = |key: &Keypair| Offered::new(key, &options.security);
    Ok(SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default(), secure, yamux::Config::default)?
        .with_quic()
        .with_dns()?
        .with_websocket(secure, yamux::Config::default)
        .await?
        .with_relay_client(secure, yamux::Config::default)?
        .with_behaviour(|key, relay_client| parts(options, key, relay_client))?
        .build())
}

fn parts(
    options: &Options,
    key: &Keypair,
    relay_client: relay::client::Behaviour,
) -> Result<Parts, Box<dyn Error + Send + Sync>> {
    let me = key.public().to_peer_id();
    let kademlia = || {
        let mut behaviour = kad::Behaviour::with_config(me, MemoryStore::new(me), kad::Config::new(KADEMLIA));
        behaviour.set_mode(Some(kad::Mode::Server));
        behaviour
    };
    let mdns = options.mdns.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), me)).transpose()?;
    let relay_config = || match options.unlimited {
        false => relay::Config::default(),
        true => relay::Config {
            max_circuit_duration: Duration::from_secs(u64::from(u32::MAX)),
            max_circuit_bytes: 0,
            reservation_rate_limiters: Vec::new(),
            circuit_src_rate_limiters: Vec::new(),
            ..Default::default()
        },
    };
    Ok(Parts {
        limits: connection_limits::Behaviour::new(
            ConnectionLimits::default()
                .with_max_pending_incoming(Some(100))
                .with_max_pending_outgoing(Some(100))
                .with_max_established_per_peer(Some(10))
                .with_max_established(Some(1000)),
        ),
        gossip: gossip(key)?,
        identify: identify(key),
        files: exchange::files(),
        direct: exchange::direct(),
        named: named::named(),
        kademlia: options.kademlia.then(kademlia).into(),
        mdns: mdns.into(),
        dcutr: options.dcutr.then(|| dcutr::Behaviour::new(me)).into(),
        relay_client,
        relay_server: options.relay_server.then(|| relay::Behaviour::new(me, relay_config())).into(),
    })
}

/// The ID of a message is a hash of what it says, so the same text is not heard twice, whoever says it.
pub fn gossip(key: &Keypair) -> Result<gossipsub::Behaviour, Box<dyn Error + Send + Sync>> {
    let message_id = |message: &gossipsub::Message| {
        let mut hasher = DefaultHasher::new();
        message.data.hash(&mut hasher);
        MessageId::from(hasher.finish().to_string())
    };
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Permissive)
        .message_id_fn(message_id)
        .mesh_outbound_min(1)
        .mesh_n_low(1)
        .flood_publish(true)
        .build()?;
    Ok(gossipsub::Behaviour::new(MessageAuthenticity::Signed(key.clone()), config)?)
}

pub fn identify(key: &Keypair) -> identify::Behaviour {
    let config = identify::Config::new("/ipfs/id/1.0.0".into(), key.public());
    identify::Behaviour::new(config.with_agent_version("universal-connectivity/0.1.0".into()))
}
