//! The command line.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use libp2p::Multiaddr;

use crate::security::Kind;

pub struct Options {
    pub port: Option<u16>,
    pub ws: Option<u16>,
    pub quic: Option<u16>,
    pub ip6: bool,
    pub connect: Vec<Multiaddr>,
    pub security: Vec<Kind>,
    pub relay: Vec<Multiaddr>,
    pub relay_server: bool,
    pub unlimited: bool,
    pub dcutr: bool,
    pub mdns: bool,
    pub discovery: bool,
    pub interval: Duration,
    pub kademlia: bool,
}

/// Returns what is asked for, or a sentence that says what is wrong with it.
pub fn parse(arguments: Vec<String>) -> Result<Options, String> {
    let mut options = Options {
        port: None,
        ws: None,
        quic: None,
        ip6: false,
        connect: Vec::new(),
        security: Vec::new(),
        relay: Vec::new(),
        relay_server: false,
        unlimited: false,
        dcutr: false,
        mdns: false,
        discovery: false,
        interval: Duration::from_secs(10),
        kademlia: false,
    };
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let value = &mut arguments;
        match name.as_str() {
            "--port" => options.port = Some(next(&name, value)?),
            "--ws" => options.ws = Some(next(&name, value)?),
            "--quic" => options.quic = Some(next(&name, value)?),
            "--ip6" => options.ip6 = true,
            "--connect" => options.connect.push(next(&name, value)?),
            "--security" => options.security.push(next(&name, value)?),
            "--relay" => options.relay.push(next(&name, value)?),
            "--relayed" => {} // as the big one, it can always call through a relay
            "--relay-server" => options.relay_server = true,
            "--unlimited" => options.unlimited = true,
            "--dcutr" => options.dcutr = true,
            "--mdns" => options.mdns = true,
            "--discovery" => options.discovery = true,
            "--interval" => options.interval = Duration::from_millis(next(&name, value)?).max(Duration::from_millis(1)),
            "--kademlia" => options.kademlia = true,
            _ => return Err(format!("this peer knows no option {name}")),
        }
    }
    if options.security.is_empty() {
        options.security.push(Kind::Noise);
    }
    Ok(options)
}

fn next<T: FromStr<Err: Display>>(name: &str, arguments: &mut impl Iterator<Item = String>) -> Result<T, String> {
    let value = arguments.next().ok_or(format!("{name} needs a value"))?;
    value.parse().map_err(|error| format!("{name} {value}: {error}"))
}
