"""The demo: scripted peers, each a process of its own on this machine, so that someone alone sees a conversation."""
