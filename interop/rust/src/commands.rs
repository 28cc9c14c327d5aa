//! What the peer is told to do.

use libp2p::gossipsub::IdentTopic;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId};
use serde_json::{json, Value};

use crate::chat::{Obeyed, Peer, CHAT};
use crate::lines::tell;
use crate::usage;

impl Peer {
    pub fn obey(&mut self, line: Result<Value, String>) {
        let command = line.as_ref().ok().and_then(|line| line["command"].as_str()).unwrap_or_default().to_owned();
        if let Err(reason) = line.and_then(|line| self.do_one(&line)) {
            tell("error", json!({"command": command, "reason": reason}));
        }
    }

    fn do_one(&mut self, line: &Value) -> Obeyed {
        let text = |name: &str| line[name].as_str().ok_or(format!("{name} is missing"));
        let peer = || text("peer")?.parse::<PeerId>().map_err(|error| error.to_string());
        match text("command")? {
            "connect" => match text("address")?.parse() {
                Ok(address) => self.connect(address),
                Err(error) => {
                    tell("dial_failed", json!({"address": text("address")?, "cause": error.to_string()}));
                }
            },
            "disconnect" => {
                let gone = self.swarm.disconnect_peer_id(peer()?);
                return gone.map_err(|()| "it is not connected".into());
            }
            "say" => self.say(text("text")?),
            "share" => return self.share(text("path")?),
            "offer" => return self.offer(text("file")?),
            "get" => self.get(peer()?, text("file")?),
            "msg" => self.message(peer()?, text("text")?),
            "put_file" => return self.put_file(text("path")?, text("name")?),
            "get_file" => self.get_file(peer()?, text("name")?),
            "provide" => return self.provide(text("key")?),
            "find" => return self.find(text("key")?),
            "put_value" => return self.put_value(text("key")?, text("value")?),
            "get_value" => return self.get_value(text("key")?),
            "stats" => tell(
                "statistics",
                json!({"id": line["id"], "memory_bytes": usage::memory(), "cpu_seconds": usage::processor()}),
            ),
            "ping" => return Err("the Rust peer has no ping".into()),
            other => return Err(format!("there is no command {other}")),
        }
        Ok(())
    }

    pub fn connect(&mut self, address: Multiaddr) {
        let told = address.to_string();
        let dial = DialOpts::from(address);
        self.dials.insert(dial.connection_id(), told.clone());
        let id = dial.connection_id();
        if let Err(error) = self.swarm.dial(dial) {
            self.dials.remove(&id);
            tell("dial_failed", json!({"address": told, "cause": error.to_string()}));
        }
    }

    fn say(&mut self, text: &str) {
        match self.swarm.behaviour_mut().gossip.publish(IdentTopic::new(CHAT), text) {
            Ok(_) => tell("message_sent", json!({"text": text})),
            Err(error) => tell("message_refused", json!({"text": text, "reason": error.to_string()})),
        }
    }
}
