"""What py-peer costs and how fast it is: `python -m benchmarks.bench`, run by `make bench`. No part of the package."""
