//! The two messages of a direct message, as protobuf.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::proto::{bytes, fields, number, Field};

const VERSION: &[u8] = b"0.1.0";
const KIND: &[u8] = b"text/plain";
const OK: u64 = 200;
const ERROR: u64 = 500;

pub fn request(text: &str) -> Vec<u8> {
    [metadata(), bytes(2, text.as_bytes()), bytes(3, KIND)].concat()
}

/// Returns the text and the type of a request.
pub fn read_request(request: &[u8]) -> Option<(String, String)> {
    let (mut text, mut kind) = (String::new(), String::new());
    for field in fields(request)? {
        match field {
            (2, Field::Bytes(content)) => text = String::from_utf8_lossy(content).into(),
            (3, Field::Bytes(name)) => kind = String::from_utf8_lossy(name).into(),
            _ => {}
        }
    }
    Some((text, kind))
}

pub fn confirmed() -> Vec<u8> {
    [metadata(), number(2, OK)].concat()
}

pub fn refused(reason: &str) -> Vec<u8> {
    [metadata(), number(2, ERROR), bytes(3, reason.as_bytes())].concat()
}

/// Whether a response confirms; if not, why.
pub fn read_response(response: &[u8]) -> Result<(), String> {
    let (mut status, mut reason) = (0, String::new());
    for field in fields(response).ok_or("an answer that is no protobuf")? {
        match field {
            (2, Field::Number(value)) => status = value,
            (3, Field::Bytes(text)) => reason = String::from_utf8_lossy(text).into(),
            _ => {}
        }
    }
    if status == OK {
        Ok(())
    } else {
        Err(format!("status {status} {reason}"))
    }
}

fn metadata() -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    bytes(1, &[bytes(1, VERSION), number(2, now.as_millis() as u64)].concat())
}
