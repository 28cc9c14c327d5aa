//! A rust-libp2p peer of the chat, configured as the Rust peer of Universal Connectivity is. It speaks the protocol of
//! interop/README.md: objects a line, of what it is to do on standard input, and of what it sees on standard output.

mod bench;
mod chat;
mod commands;
mod direct;
mod discovery;
mod exchange;
mod gnostr;
mod kademlia;
mod lines;
mod named;
mod node;
mod options;
mod proto;
mod security;
mod transfers;
mod usage;

use std::process::exit;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = if arguments == ["bench"] {
        bench::run().await
    } else if arguments.first().is_some_and(|word| word == "gnostr") {
        gnostr::run(&arguments[1..]).await
    } else {
        match options::parse(arguments) {
            Ok(options) => chat::run(options).await,
            Err(reason) => {
                eprintln!("{reason}");
                exit(2)
            }
        }
    };
    // At once: a thread may still wait for a line.
    match ended {
        Ok(()) => exit(0),
        Err(error) => {
            eprintln!("{error}");
            exit(1)
        }
    }
}
