//! Noise, TLS, or both, in the order that is asked for.

use std::io;
use std::str::FromStr;

use futures::future::{BoxFuture, Either, FutureExt};
use futures::{AsyncRead, AsyncWrite};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use libp2p::identity::Keypair;
use libp2p::{noise, tls, PeerId};

const NOISE: &str = "/noise";
const TLS: &str = "/tls/1.0.0";

#[derive(Clone, Copy)]
pub enum Kind {
    Noise,
    Tls,
}

impl FromStr for Kind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "noise" => Ok(Kind::Noise),
            "tls" => Ok(Kind::Tls),
            _ => Err("it is noise or tls"),
        }
    }
}

#[derive(Clone)]
pub struct Offered {
    names: Vec<&'static str>,
    noise: noise::Config,
    tls: tls::Config,
}

impl Offered {
    pub fn new(key: &Keypair, kinds: &[Kind]) -> io::Result<Self> {
        let name = |kind: &Kind| match kind {
            Kind::Noise => NOISE,
            Kind::Tls => TLS,
        };
        Ok(Self {
            names: kinds.iter().map(name).collect(),
            noise: noise::Config::new(key).map_err(io::Error::other)?,
            tls: tls::Config::new(key).map_err(io::Error::other)?,
        })
    }
}

impl UpgradeInfo for Offered {
    type Info = &'static str;
    type InfoIter = Vec<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.names.clone()
    }
}

type Secured<C> = (PeerId, Either<noise::Output<C>, tls::TlsStream<C>>);

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for Offered {
    type Output = Secured<C>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Secured<C>>>;

    fn upgrade_inbound(self, socket: C, name: &'static str) -> Self::Future {
        async move {
            if name == NOISE {
                let (peer, stream) = self.noise.upgrade_inbound(socket, name).await.map_err(io::Error::other)?;
                return Ok((peer, Either::Left(stream)));
            }
            let (peer, stream) = self.tls.upgrade_inbound(socket, name).await.map_err(io::Error::other)?;
            Ok((peer, Either::Right(stream)))
        }
        .boxed()
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for Offered {
    type Output = Secured<C>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Secured<C>>>;

    fn upgrade_outbound(self, socket: C, name: &'static str) -> Self::Future {
        async move {
            if name == NOISE {
                let (peer, stream) = self.noise.upgrade_outbound(socket, name).await.map_err(io::Error::other)?;
                return Ok((peer, Either::Left(stream)));
            }
            let (peer, stream) = self.tls.upgrade_outbound(socket, name).await.map_err(io::Error::other)?;
            Ok((peer, Either::Right(stream)))
        }
        .boxed()
    }
}
