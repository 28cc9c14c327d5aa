//! What is told, and what is to be done: JSON objects, one a line.

use std::io::{self, BufRead, Read, Write};

use serde_json::Value;
use tokio::sync::mpsc;

/// The longest line that is read: a text of a megabyte, with every character escaped, is shorter.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Tells something; waits for who reads it. Nobody does any more when the parent is gone, and then it ends soon anyway.
pub fn tell(event: &str, mut more: Value) {
    more["event"] = event.into();
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{more}").and_then(|()| output.flush());
}

/// Returns the lines of standard input, to their end. What is no JSON comes as its error.
pub fn read() -> mpsc::Receiver<Result<Value, String>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match (&mut input).take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(length) if length > 0 => {}
                _ => return,
            }
            let read = serde_json::from_slice(&line).map_err(|error| error.to_string());
            if sender.blocking_send(read).is_err() {
                return;
            }
        }
    });
    receiver
}
