//! A peer that talks as gnostr's own chat does, set up as that is: GossipSub with the library's own message IDs, strict,
//! a heartbeat in 10 s, TCP and QUIC, and mDNS, which makes explicit peers of those that it finds.
//!
//! `peer gnostr --topic NAME [--name NAME] [--connect MULTIADDR] [--mdns]`. It obeys {"command": "say", "text": …} and
//! {"command": "say_in_chunks", "text": …}, and tells ready, connected, peer_found, topic_peer_joined, heard (a message
//! that could be read, whole) and unreadable (one that could not).

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use futures::StreamExt;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{identify, mdns, noise, ping, tcp, yamux, Multiaddr, Swarm, SwarmBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::{sleep, sleep_until, Instant};

use crate::lines::{self, tell};

const HEARTBEAT: Duration = Duration::from_secs(10);
/// gnostr says that it has come so long after its start.
const JOIN_AFTER: Duration = Duration::from_secs(1);
/// It waits so long after it has said that it goes.
const LEAVE: Duration = Duration::from_millis(500);
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";
/// Characters of a chunk.
const CHUNK: usize = 80;

/// What a message is; any other word is an error to it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
enum Kind {
    Chat,
    Join,
    Leave,
    System,
    Raw,
    Command,
    GitCommitId,
    GitCommitParent,
    GitCommitTree,
    GitCommitAuthor,
    GitCommitName,
    GitCommitEmail,
    GitCommitMessagePart,
    GitCommitHeader,
    GitCommitBody,
    GitCommitTime,
    NostrEvent,
    GitDiff,
    OneShot,
    Debug,
}

/// The message, with its keys in the order in which they are written.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Said {
    from: String,
    content: Vec<String>,
    kind: Kind,
    commit_id: String,
    nostr_event: Option<Value>,
    message_id: Option<String>,
    sequence_num: Option<usize>,
    total_chunks: Option<usize>,
}

#[derive(NetworkBehaviour)]
struct Parts {
    gossip: gossipsub::Behaviour,
    identify: identify::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
    ping: ping::Behaviour,
}

struct Peer {
    swarm: Swarm<Parts>,
    topic: IdentTopic,
    name: String,
    said: usize,
    chunks: HashMap<String, Vec<Option<String>>>,
}

type Done = Result<(), Box<dyn Error>>;

/// Runs the peer until the end of its input, or SIGTERM.
pub async fn run(arguments: &[String]) -> Done {
    let (mut topic, mut name, mut mdns, mut connect) = ("gnostr".to_string(), "carol".to_string(), false, Vec::new());
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--topic" => topic = value()?.clone(),
            "--name" => name = value()?.clone(),
            "--connect" => connect.push(value()?.parse::<Multiaddr>()?),
            "--mdns" => mdns = true,
            _ => return Err(format!("there is no option {option}").into()),
        }
    }
    let topic = IdentTopic::new(topic);
    let mut peer = Peer { swarm: swarm(mdns)?, topic, name, said: 0, chunks: HashMap::new() };
    peer.swarm.behaviour_mut().gossip.subscribe(&peer.topic)?;
    let place = if mdns { "0.0.0.0" } else { "127.0.0.1" };
    for way in ["udp/0/quic-v1", "tcp/0"] {
        peer.swarm.listen_on(format!("/ip4/{place}/{way}").parse()?)?;
    }
    for address in connect {
        peer.swarm.dial(address)?;
    }
    tell("started", json!({"peer_id": peer.swarm.local_peer_id().to_string()}));
    tell("ready", json!({"peer_id": peer.swarm.local_peer_id().to_string()}));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut lines = lines::read();
    let join = sleep_until(Instant::now() + JOIN_AFTER);
    tokio::pin!(join);
    let mut joined = false;
    loop {
        tokio::select! {
            event = peer.swarm.select_next_some() => peer.hear(event),
            () = &mut join, if !joined => {
                joined = true;
                peer.publish("", Kind::Join, None);
            }
            line = lines.recv() => match line {
                Some(line) => peer.obey(&line?)?,
                None => break,
            },
            _ = terminate.recv() => break,
        }
    }
    peer.publish("", Kind::Leave, None);
    let over = sleep(LEAVE);
    tokio::pin!(over);
    loop {
        tokio::select! {
            event = peer.swarm.select_next_some() => peer.hear(event),
            () = &mut over => return Ok(()),
        }
    }
}

fn swarm(with_mdns: bool) -> Result<Swarm<Parts>, Box<dyn Error>> {
    Ok(SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
        .with_quic()
        .with_behaviour(|key| {
            let me = key.public().to_peer_id();
            let config = gossipsub::ConfigBuilder::default()
                .heartbeat_interval(HEARTBEAT)
                .validation_mode(ValidationMode::Strict)
                .build()?;
            let mdns = with_mdns.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), me)).transpose()?;
            Ok(Parts {
                gossip: gossipsub::Behaviour::new(MessageAuthenticity::Signed(key.clone()), config)?,
                identify: identify::Behaviour::new(identify::Config::new("/ipfs/id/1.0.0".into(), key.public())),
                mdns: mdns.into(),
                ping: ping::Behaviour::default(),
            })
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build())
}

impl Peer {
    fn hear(&mut self, event: SwarmEvent<PartsEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                tell("connected", json!({"peer_id": peer_id.to_string()}))
            }
            SwarmEvent::Behaviour(PartsEvent::Mdns(mdns::Event::Discovered(found))) => {
                for (peer_id, address) in found {
                    tell("peer_found", json!({"peer_id": peer_id.to_string(), "address": address.to_string()}));
                    self.swarm.behaviour_mut().gossip.add_explicit_peer(&peer_id);
                }
            }
            SwarmEvent::Behaviour(PartsEvent::Mdns(mdns::Event::Expired(gone))) => {
                for (peer_id, _) in gone {
                    self.swarm.behaviour_mut().gossip.remove_explicit_peer(&peer_id);
                }
            }
            SwarmEvent::Behaviour(PartsEvent::Gossip(gossipsub::Event::Subscribed { peer_id, topic })) => {
                tell("topic_peer_joined", json!({"peer_id": peer_id.to_string(), "topic": topic.as_str()}));
            }
            SwarmEvent::Behaviour(PartsEvent::Gossip(gossipsub::Event::Message { message, .. })) => {
                self.read(message.source.map(|id| id.to_string()), &message.data);
            }
            _ => {}
        }
    }

    fn read(&mut self, peer_id: Option<String>, data: &[u8]) {
        let said = match serde_json::from_slice::<Said>(data) {
            Ok(said) => said,
            Err(error) => {
                let text = String::from_utf8_lossy(data);
                tell("unreadable", json!({"peer_id": peer_id, "reason": error.to_string(), "text": text}));
                return;
            }
        };
        let first = said.content.first().cloned().unwrap_or_default();
        let text = match (said.message_id, said.sequence_num, said.total_chunks) {
            (Some(id), Some(number), Some(total)) if number < total => {
                let chunks = self.chunks.entry(id.clone()).or_insert_with(|| vec![None; total]);
                if let Some(place) = chunks.get_mut(number) {
                    *place = Some(first);
                }
                let Some(whole) = chunks.iter().cloned().collect::<Option<String>>() else { return };
                self.chunks.remove(&id);
                whole
            }
            _ => first,
        };
        tell("heard", json!({"peer_id": peer_id, "from": said.from, "kind": said.kind, "text": text}));
    }

    fn obey(&mut self, line: &Value) -> Done {
        let text = line["text"].as_str().unwrap_or_default();
        match line["command"].as_str().unwrap_or_default() {
            "say" => self.publish(text, Kind::Chat, Some((0, 1))),
            "say_in_chunks" => {
                let characters: Vec<char> = text.chars().collect();
                let parts: Vec<String> = characters.chunks(CHUNK).map(|part| part.iter().collect()).collect();
                for (number, part) in parts.iter().enumerate() {
                    self.publish(part, Kind::Chat, Some((number, parts.len())));
                }
                self.said += 1;
            }
            other => return Err(format!("there is no command {other}").into()),
        }
        Ok(())
    }

    fn publish(&mut self, text: &str, kind: Kind, chunk: Option<(usize, usize)>) {
        let said = Said {
            from: self.name.clone(),
            content: vec![text.into(), String::new()],
            kind,
            commit_id: NO_COMMIT.into(),
            nostr_event: None,
            message_id: chunk.map(|_| format!("{}-{}", self.swarm.local_peer_id(), self.said)),
            sequence_num: chunk.map(|(number, _)| number),
            total_chunks: chunk.map(|(_, total)| total),
        };
        if chunk.is_some_and(|(_, total)| total == 1) {
            self.said += 1;
        }
        let data = serde_json::to_vec(&said).expect("texts and numbers");
        let said = self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), data);
        if let Err(error) = said {
            tell("not_said", json!({"kind": kind, "reason": error.to_string()}));
        }
    }
}
