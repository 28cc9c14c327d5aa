"""Peers of the same chat in other languages, and what they and ours do together, in tables (README.md)."""
