//! Providers of keys, and values.

use libp2p::kad::{Event, GetProvidersOk, GetRecordOk, QueryId, QueryResult, Quorum, Record, RecordKey};
use libp2p::PeerId;
use serde_json::json;

use crate::chat::{Obeyed, Peer};
use crate::lines::tell;

const NONE: &str = "this peer was not started with --kademlia";

/// Who was found so far.
pub struct Lookup {
    pub key: String,
    pub providers: Vec<PeerId>,
}

impl Peer {
    pub fn provide(&mut self, key: &str) -> Obeyed {
        let record = RecordKey::from(decode(key)?);
        let kademlia = self.swarm.behaviour_mut().kademlia.as_mut().ok_or(NONE)?;
        if kademlia.kbuckets().next().is_none() {
            tell("provide_failed", json!({"key": key, "reason": "nobody is known who could record it"}));
        } else if let Err(error) = kademlia.start_providing(record) {
            tell("provide_failed", json!({"key": key, "reason": error.to_string()}));
        }
        Ok(())
    }

    pub fn find(&mut self, key: &str) -> Obeyed {
        let record = RecordKey::from(decode(key)?);
        let kademlia = self.swarm.behaviour_mut().kademlia.as_mut().ok_or(NONE)?;
        let lookup = Lookup { key: key.into(), providers: Vec::new() };
        self.lookups.insert(kademlia.get_providers(record), lookup);
        Ok(())
    }

    /// Has a value kept; one who keeps it is enough, as for gnostr's peers.
    pub fn put_value(&mut self, key: &str, value: &str) -> Obeyed {
        let record = Record::new(decode(key)?, decode(value)?);
        let kademlia = self.swarm.behaviour_mut().kademlia.as_mut().ok_or(NONE)?;
        if let Err(error) = kademlia.put_record(record, Quorum::One) {
            tell("put_failed", json!({"key": key, "reason": error.to_string()}));
        }
        Ok(())
    }

    pub fn get_value(&mut self, key: &str) -> Obeyed {
        let record = RecordKey::from(decode(key)?);
        let kademlia = self.swarm.behaviour_mut().kademlia.as_mut().ok_or(NONE)?;
        self.wanted.insert(kademlia.get_record(record), key.into());
        Ok(())
    }

    pub fn hear_kademlia(&mut self, event: Event) {
        match event {
            Event::RoutingUpdated { peer, is_new_peer: true, addresses, .. } => {
                let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                tell("peer_found", json!({"peer_id": peer.to_string(), "addresses": addresses}));
            }
            Event::OutboundQueryProgressed { result: QueryResult::StartProviding(result), .. } => match result {
                Ok(done) => tell("provided", json!({"key": encode(done.key.as_ref())})),
                Err(error) => {
                    let reason = error.to_string();
                    tell("provide_failed", json!({"key": encode(error.key().as_ref()), "reason": reason}));
                }
            },
            Event::OutboundQueryProgressed { id, result: QueryResult::GetProviders(result), step, .. } => {
                if let (Some(lookup), Ok(GetProvidersOk::FoundProviders { providers, .. })) =
                    (self.lookups.get_mut(&id), result)
                {
                    lookup.providers.extend(providers);
                }
                if step.last {
                    self.tell_providers(id);
                }
            }
            Event::OutboundQueryProgressed { result: QueryResult::PutRecord(result), .. } => match result {
                Ok(done) => tell("value_put", json!({"key": encode(done.key.as_ref())})),
                Err(error) => {
                    tell("put_failed", json!({"key": encode(error.key().as_ref()), "reason": error.to_string()}));
                }
            },
            Event::OutboundQueryProgressed { id, result: QueryResult::GetRecord(result), step, .. } => {
                if let Ok(GetRecordOk::FoundRecord(found)) = result {
                    self.tell_value(id, Some(encode(&found.record.value)));
                } else if step.last {
                    self.tell_value(id, None);
                }
            }
            _ => {}
        }
    }

    /// Tells the first value that was found, and of what comes after it nothing.
    fn tell_value(&mut self, id: QueryId, value: Option<String>) {
        let Some(key) = self.wanted.remove(&id) else { return };
        tell("value", json!({"key": key, "value": value}));
    }

    fn tell_providers(&mut self, id: QueryId) {
        let Some(Lookup { key, mut providers }) = self.lookups.remove(&id) else { return };
        providers.sort();
        providers.dedup();
        let peers: Vec<_> = providers.iter().map(ToString::to_string).collect();
        tell("providers", json!({"key": key, "peers": peers}));
    }
}

pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(hex: &str) -> Result<Vec<u8>, String> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2));
    let bytes = digits.map(|pair| u8::from_str_radix(pair?, 16).ok());
    bytes.collect::<Option<_>>().ok_or_else(|| format!("{hex} is not hex"))
}
