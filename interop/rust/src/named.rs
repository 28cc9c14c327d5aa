//! Files by name, as gnostr and rust-libp2p's example of file sharing have them: a text in, an array of integers back.

use std::collections::HashMap;

use libp2p::request_response::{cbor, Config, Event, Message, OutboundRequestId, ProtocolSupport};
use libp2p::{PeerId, StreamProtocol};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::chat::{Obeyed, Peer};
use crate::kademlia::encode;
use crate::lines::tell;

#[derive(Debug, Serialize, Deserialize)]
pub struct Name(String);

#[derive(Debug, Serialize, Deserialize)]
pub struct Body(Vec<u8>);

pub type Named = cbor::Behaviour<Name, Body>;

pub fn named() -> Named {
    Named::new([(StreamProtocol::new("/file-exchange/1"), ProtocolSupport::Full)], Config::default())
}

#[derive(Default)]
pub struct Names {
    kept: HashMap<String, Vec<u8>>,
    fetches: HashMap<OutboundRequestId, (PeerId, String)>,
}

impl Peer {
    pub fn put_file(&mut self, path: &str, name: &str) -> Obeyed {
        let body = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        self.names.kept.insert(name.into(), body);
        tell("file_shared", json!({"file_id": name}));
        Ok(())
    }

    pub fn get_file(&mut self, peer_id: PeerId, name: &str) {
        let request = self.swarm.behaviour_mut().named.send_request(&peer_id, Name(name.into()));
        self.names.fetches.insert(request, (peer_id, name.into()));
    }

    pub fn hear_named(&mut self, event: Event<Name, Body>) {
        match event {
            Event::Message { message: Message::Request { request, channel, .. }, .. } => {
                // What is not there is not answered: the stream ends.
                if let Some(body) = self.names.kept.get(&request.0) {
                    let _ = self.swarm.behaviour_mut().named.send_response(channel, Body(body.clone()));
                }
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                let Some((peer_id, name)) = self.names.fetches.remove(&request_id) else { return };
                let sha256 = encode(&Sha256::digest(&response.0));
                let told = json!({"peer_id": peer_id.to_string(), "file_id": name, "sha256": sha256, "size": response.0.len()});
                tell("file_received", told);
            }
            Event::OutboundFailure { request_id, error, .. } => {
                let Some((peer_id, name)) = self.names.fetches.remove(&request_id) else { return };
                let reason = error.to_string();
                tell("transfer_failed", json!({"peer_id": peer_id.to_string(), "file_id": name, "reason": reason}));
            }
            Event::InboundFailure { error, .. } => tell("serving_failed", json!({"reason": error.to_string()})),
            Event::ResponseSent { .. } => {}
        }
    }
}
