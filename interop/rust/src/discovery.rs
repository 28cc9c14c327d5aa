//! Others are found on the discovery topic and by mDNS, and dialled.

use std::collections::HashMap;

use libp2p::gossipsub::IdentTopic;
use libp2p::identity::PublicKey;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::DialError;
use libp2p::{mdns, Multiaddr, PeerId};
use serde_json::json;

use crate::chat::{Peer, ADDRESSES};
use crate::lines::tell;
use crate::proto::{bytes, fields, Field};

pub const DISCOVERY: &str = "universal-connectivity-browser-peer-discovery";

impl Peer {
    /// Says who it is and where it listens: Peer { bytes publicKey = 1; repeated bytes addrs = 2; }.
    pub fn announce(&mut self) {
        let mut message = bytes(1, &self.key.encode_protobuf());
        for address in self.swarm.listeners() {
            message.extend(bytes(2, address.as_ref()));
        }
        // Nobody may be there, and who says the same again says nothing new.
        let _ = self.swarm.behaviour_mut().gossip.publish(IdentTopic::new(DISCOVERY), message);
    }

    pub fn announced(&mut self, message: &[u8]) {
        let Some(fields) = fields(message) else { return };
        let mut key = None;
        let mut addresses = Vec::new();
        for field in fields {
            match field {
                (1, Field::Bytes(bytes)) => key = PublicKey::try_decode_protobuf(bytes).ok(),
                (2, Field::Bytes(bytes)) => addresses.extend(Multiaddr::try_from(bytes.to_vec())),
                _ => {}
            }
        }
        if let Some(key) = key {
            self.found(key.to_peer_id(), addresses);
        }
    }

    pub fn hear_mdns(&mut self, event: mdns::Event) {
        let mdns::Event::Discovered(pairs) = event else { return };
        let mut peers: HashMap<PeerId, Vec<Multiaddr>> = HashMap::new();
        for (peer_id, address) in pairs {
            peers.entry(peer_id).or_default().push(address);
        }
        for (peer_id, addresses) in peers {
            self.found(peer_id, addresses);
        }
    }

    fn found(&mut self, peer_id: PeerId, mut addresses: Vec<Multiaddr>) {
        if peer_id == *self.swarm.local_peer_id() {
            return;
        }
        addresses.truncate(ADDRESSES);
        let told: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        tell("peer_found", json!({"peer_id": peer_id.to_string(), "addresses": told}));
        let dial = DialOpts::peer_id(peer_id).addresses(addresses).condition(PeerCondition::DisconnectedAndNotDialing);
        match self.swarm.dial(dial.build()) {
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {} // or it is connected, or about to be
            Err(error) => tell("dial_failed", json!({"peer_id": peer_id.to_string(), "cause": error.to_string()})),
        }
    }
}
