"""What `HeadlessService` runs in its thread: one session, the outbox, the named peers, the queue of events."""
