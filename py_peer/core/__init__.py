"""Pure parts: events, commands, limits, cleaning, addresses. Neither trio nor libp2p is imported here."""
