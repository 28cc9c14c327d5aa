//! Files and direct messages.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use libp2p::gossipsub::IdentTopic;
use libp2p::request_response::{Event, Message, OutboundRequestId};
use libp2p::PeerId;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::chat::{Obeyed, Peer, FILES};
use crate::direct;
use crate::exchange::{Exchanged, MAX_FILE_ID};
use crate::kademlia::encode;
use crate::lines::tell;

/// Files that are fetched at the same time, each of which is held in memory.
const FETCHES: usize = 8;

#[derive(Default)]
pub struct Transfers {
    shared: HashMap<String, Arc<Vec<u8>>>,
    fetches: HashMap<OutboundRequestId, (PeerId, String)>,
    /// Direct messages to be sent, one after the other, so that they come in order.
    unsent: VecDeque<(PeerId, String)>,
    sending: Option<(PeerId, String)>,
}

impl Peer {
    pub fn share(&mut self, path: &str) -> Obeyed {
        let body = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        let id = uuid();
        self.transfers.shared.insert(id.clone(), Arc::new(body));
        tell("file_shared", json!({"file_id": id}));
        self.offer(&id)
    }

    pub fn offer(&mut self, id: &str) -> Obeyed {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.publish(IdentTopic::new(FILES), id).map(drop).map_err(|error| error.to_string())
    }

    pub fn offered(&mut self, author: PeerId, id: &[u8]) {
        if let Ok(id) = std::str::from_utf8(id) {
            self.get(author, id);
        }
    }

    pub fn get(&mut self, peer_id: PeerId, id: &str) {
        let reason = if id.is_empty() || id.len() > MAX_FILE_ID {
            "it is no ID of a file"
        } else if self.transfers.fetches.len() >= FETCHES {
            "too many are fetched already"
        } else {
            let request = self.swarm.behaviour_mut().files.send_request(&peer_id, id.into());
            self.transfers.fetches.insert(request, (peer_id, id.into()));
            return;
        };
        let id: String = id.chars().take(MAX_FILE_ID).collect();
        tell("transfer_failed", json!({"peer_id": peer_id.to_string(), "file_id": id, "reason": reason}));
    }

    pub fn hear_files(&mut self, event: Exchanged) {
        match event {
            Event::Message { message: Message::Request { request, channel, .. }, .. } => {
                let shared = std::str::from_utf8(&request).ok().and_then(|id| self.transfers.shared.get(id));
                // Nothing is what is sent of a file that is not here. Should they have gone, it is told as an event.
                let _ = self.swarm.behaviour_mut().files.send_response(channel, shared.cloned().unwrap_or_default());
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                let Some((peer_id, id)) = self.transfers.fetches.remove(&request_id) else { return };
                let mut told = json!({"peer_id": peer_id.to_string(), "file_id": id});
                if response.is_empty() {
                    told["reason"] = "nothing came".into();
                    return tell("transfer_failed", told);
                }
                told["size"] = response.len().into();
                told["sha256"] = encode(&Sha256::digest(response.as_slice())).into();
                tell("file_received", told);
            }
            Event::OutboundFailure { request_id, error, .. } => {
                let Some((peer_id, id)) = self.transfers.fetches.remove(&request_id) else { return };
                let reason = error.to_string();
                tell("transfer_failed", json!({"peer_id": peer_id.to_string(), "file_id": id, "reason": reason}));
            }
            Event::InboundFailure { error, .. } => tell("serving_failed", json!({"reason": error.to_string()})),
            Event::ResponseSent { .. } => {}
        }
    }

    pub fn message(&mut self, peer_id: PeerId, text: &str) {
        self.transfers.unsent.push_back((peer_id, text.into()));
        self.send_next();
    }

    fn send_next(&mut self) {
        if self.transfers.sending.is_none() {
            if let Some((peer_id, text)) = self.transfers.unsent.pop_front() {
                self.swarm.behaviour_mut().direct.send_request(&peer_id, direct::request(&text));
                self.transfers.sending = Some((peer_id, text));
            }
        }
    }

    pub fn hear_direct(&mut self, event: Exchanged) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let read = direct::read_request(&request);
                let answer = if read.is_some() { direct::confirmed() } else { direct::refused("it is no message") };
                let sent = self.swarm.behaviour_mut().direct.send_response(channel, Arc::new(answer));
                if let (Some((text, kind)), Ok(())) = (read, sent) {
                    tell("direct_received", json!({"peer_id": peer.to_string(), "text": text, "type": kind}));
                }
            }
            Event::Message { message: Message::Response { response, .. }, .. } => {
                self.sent(direct::read_response(&response));
            }
            Event::OutboundFailure { error, .. } => self.sent(Err(error.to_string())),
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    fn sent(&mut self, result: Result<(), String>) {
        if let Some((peer_id, text)) = self.transfers.sending.take() {
            let mut told = json!({"peer_id": peer_id.to_string(), "text": text});
            if let Err(reason) = result {
                told["reason"] = reason.into();
                tell("direct_refused", told);
            } else {
                tell("direct_sent", told);
            }
        }
        self.send_next();
    }
}

/// A random one, of version 4.
fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
