"""py-peer: the Python peer of libp2p's Universal Connectivity chat."""

__version__ = "0.1.0"
