//! A bare node for the benchmark: it takes the commands of benchmarks/node_peer.py and tells what that tells.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt, StreamExt};
use libp2p::gossipsub::{self, IdentTopic, PublishError};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Codec, Message, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{identify, noise, ping, tcp, yamux, Multiaddr, StreamProtocol, Swarm, SwarmBuilder};
use serde_json::{json, Value};
use tokio::time::sleep;

use crate::lines::{self, tell};
use crate::node;
use crate::usage::now;

const TOPIC: &str = "bench";
const TEXT_BYTES: usize = 100;
const MESSAGES_PER_TURN: u64 = 16;
const ZEROS: StreamProtocol = StreamProtocol::new("/py-peer/bench/1.0.0");
static BLOCK: [u8; 256 * 1024] = [0; 256 * 1024];
const PATIENCE: Duration = Duration::from_secs(600);
/// What is full is tried again after a while.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(NetworkBehaviour)]
struct Parts {
    gossip: gossipsub::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    zeros: request_response::Behaviour<Zeros>,
}

struct Bench {
    swarm: Swarm<Parts>,
    expected: u64,
    numbers: Vec<u64>,
    delays: Vec<f64>,
    first: f64,
    last: f64,
}

type Done = Result<(), Box<dyn Error>>;

/// Runs a node until the parent is gone.
pub async fn run() -> Done {
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| {
            let config = request_response::Config::default().with_request_timeout(PATIENCE);
            Ok(Parts {
                gossip: node::gossip(key)?,
                identify: node::identify(key),
                ping: ping::Behaviour::default(),
                zeros: request_response::Behaviour::new([(ZEROS, ProtocolSupport::Full)], config),
            })
        })?
        .build();
    let mut bench = Bench { swarm, expected: 0, numbers: Vec::new(), delays: Vec::new(), first: 0.0, last: 0.0 };
    bench.swarm.behaviour_mut().gossip.subscribe(&IdentTopic::new(TOPIC))?;
    bench.swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let mut lines = lines::read();
    loop {
        tokio::select! {
            event = bench.swarm.select_next_some() => bench.hear(event),
            line = lines.recv() => match line {
                Some(line) => {
                    if let Err(error) = bench.obey(line?).await {
                        tell("failed", json!({"reason": error.to_string()}));
                    }
                }
                None => return Ok(()),
            },
        }
    }
}

impl Bench {
    fn hear(&mut self, event: SwarmEvent<PartsEvent>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                let address = address.with(Protocol::P2p(*self.swarm.local_peer_id()));
                tell("ready", json!({"address": address.to_string()}));
            }
            SwarmEvent::ConnectionClosed { .. } => tell("failed", json!({"reason": "the connection has ended"})),
            SwarmEvent::Behaviour(PartsEvent::Gossip(gossipsub::Event::Subscribed { .. })) => tell("joined", json!({})),
            SwarmEvent::Behaviour(PartsEvent::Gossip(gossipsub::Event::Message { message, .. })) => {
                self.heard(&message.data);
            }
            SwarmEvent::Behaviour(PartsEvent::Zeros(event)) => self.hear_zeros(event),
            _ => {}
        }
    }

    fn heard(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let mut parts = text.split(' ');
        let (Some(Ok(number)), Some(Ok(said))) = (parts.next().map(str::parse), parts.next().map(str::parse::<f64>))
        else {
            return;
        };
        if (self.numbers.len() as u64) < self.expected {
            self.last = now();
            if self.numbers.is_empty() {
                self.first = self.last;
            }
            self.numbers.push(number);
            self.delays.push(self.last - said);
            if self.numbers.len() as u64 == self.expected {
                self.report();
            }
        }
    }

    fn report(&self) {
        let mut distinct = self.numbers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let told = json!({
            "delays": self.delays,
            "in_order": self.numbers.is_sorted(),
            "distinct": distinct.len(),
            "seconds": self.last - self.first,
        });
        tell("received", told);
    }

    fn hear_zeros(&mut self, event: request_response::Event<u64, Sent>) {
        match event {
            request_response::Event::Message { message: Message::Request { request, channel, .. }, .. } => {
                let sent = Sent { count: request, seconds: 0.0 };
                let _ = self.swarm.behaviour_mut().zeros.send_response(channel, sent);
            }
            request_response::Event::Message { message: Message::Response { response, .. }, .. } => {
                tell("fetched", json!({"seconds": response.seconds}));
            }
            request_response::Event::OutboundFailure { error, .. } => {
                tell("failed", json!({"reason": error.to_string()}));
            }
            _ => {}
        }
    }

    async fn obey(&mut self, line: Value) -> Done {
        let address = || line["address"].as_str().unwrap_or_default().parse::<Multiaddr>();
        let count = line["count"].as_u64().unwrap_or_default();
        match line["do"].as_str().unwrap_or_default() {
            "dial" => self.swarm.dial(address()?)?,
            "expect" => {
                self.expected = count;
                self.numbers.clear();
                self.delays.clear();
                tell("expecting", json!({}));
            }
            "send" => self.send(count, line["rate"].as_f64().unwrap_or_default()).await?,
            "report" => self.report(),
            "fetch" => {
                let address = address()?;
                let Some(Protocol::P2p(peer)) = address.iter().last() else {
                    return Err("an address without an ID".into());
                };
                self.swarm.behaviour_mut().zeros.send_request_with_addresses(&peer, count, vec![address]);
            }
            other => return Err(format!("there is no command {other}").into()),
        }
        Ok(())
    }

    /// Says so many texts, evenly, at a rate a second; 0: as fast as they go.
    async fn send(&mut self, count: u64, rate: f64) -> Done {
        let start = now();
        for number in 0..count {
            let due = if rate > 0.0 { start + number as f64 / rate } else { 0.0 };
            self.wait(Duration::from_secs_f64((due - now()).max(0.0))).await;
            while !self.publish(number)? {
                self.wait(PAUSE).await;
            }
            if number % MESSAGES_PER_TURN == 0 {
                tokio::task::yield_now().await;
                while let Some(Some(event)) = self.swarm.next().now_or_never() {
                    self.hear(event);
                }
            }
        }
        tell("sent", json!({}));
        Ok(())
    }

    /// Returns whether there was room for it.
    fn publish(&mut self, number: u64) -> Result<bool, PublishError> {
        let mut text = format!("{number} {:.6} ", now()).into_bytes();
        text.resize(TEXT_BYTES, b'.');
        match self.swarm.behaviour_mut().gossip.publish(IdentTopic::new(TOPIC), text) {
            Ok(_) => Ok(true),
            Err(PublishError::AllQueuesFull(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn wait(&mut self, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.hear(event),
                () = &mut over => return,
            }
        }
    }
}

/// How many zeros, and how long it took until they were there.
#[derive(Debug)]
struct Sent {
    count: u64,
    seconds: f64,
}

/// Eight bytes say how many zeros are asked for, and they come.
#[derive(Clone, Default)]
struct Zeros {
    asked: Option<(u64, Instant)>,
}

#[async_trait]
impl Codec for Zeros {
    type Protocol = StreamProtocol;
    type Request = u64;
    type Response = Sent;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<u64>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut count = [0; 8];
        io.read_exact(&mut count).await?;
        Ok(u64::from_be_bytes(count))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Sent>
    where
        T: AsyncRead + Unpin + Send,
    {
        let (asked, start) = self.asked.unwrap_or((0, Instant::now()));
        let mut block = vec![0; BLOCK.len()];
        let mut count = 0;
        while count < asked {
            match io.read(&mut block).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => count += length as u64,
            }
        }
        Ok(Sent { count, seconds: start.elapsed().as_secs_f64() })
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, count: u64) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.asked = Some((count, Instant::now()));
        io.write_all(&count.to_be_bytes()).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, sent: Sent) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let mut left = sent.count;
        while left > 0 {
            let length = left.min(BLOCK.len() as u64);
            io.write_all(&BLOCK[..length as usize]).await?;
            left -= length;
        }
        Ok(())
    }
}
