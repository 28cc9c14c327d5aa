//! Files and direct messages alike: bytes with their length in front, and bytes with their length back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::request_response::{self, Codec, ProtocolSupport};
use libp2p::StreamProtocol;

use crate::proto::varint;

/// The largest file that is fetched, in bytes: it is held in memory.
pub const MAX_FILE: usize = 64 * 1024 * 1024;
pub const MAX_FILE_ID: usize = 256;
const MAX_DIRECT: usize = 64 * 1024;

pub type Exchange = request_response::Behaviour<Prefixed>;
pub type Exchanged = request_response::Event<Vec<u8>, Arc<Vec<u8>>>;

pub fn files() -> Exchange {
    let limits = Prefixed { request: MAX_FILE_ID, response: MAX_FILE };
    exchange("/universal-connectivity-file/1", limits, Duration::from_secs(30))
}

pub fn direct() -> Exchange {
    let limits = Prefixed { request: MAX_DIRECT, response: MAX_DIRECT };
    exchange("/universal-connectivity/dm/1.0.0", limits, Duration::from_secs(5))
}

fn exchange(protocol: &'static str, limits: Prefixed, patience: Duration) -> Exchange {
    let config = request_response::Config::default().with_request_timeout(patience);
    let protocols = [(StreamProtocol::new(protocol), ProtocolSupport::Full)];
    Exchange::with_codec(limits, protocols, config)
}

/// The most bytes that are read.
#[derive(Clone)]
pub struct Prefixed {
    request: usize,
    response: usize,
}

#[async_trait]
impl Codec for Prefixed {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Arc<Vec<u8>>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.request).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.response).await.map(Arc::new)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Self::Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Self::Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, most: usize) -> io::Result<Vec<u8>> {
    let mut length = 0;
    for shift in (0..35).step_by(7) {
        let mut byte = [0];
        io.read_exact(&mut byte).await?;
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    if length > most as u64 {
        return Err(io::Error::other(format!("{length} bytes or more, {most} are the most")));
    }
    // Memory grows with what comes, not with what is announced.
    let mut body = Vec::new();
    io.take(length).read_to_end(&mut body).await?;
    if (body.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, body: &[u8]) -> io::Result<()> {
    io.write_all(&varint(body.len() as u64)).await?;
    io.write_all(body).await
}
