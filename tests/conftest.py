"""What all tests share."""

from hypothesis import settings

# The same examples at every run; `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("promise", max_examples=300, derandomize=True, database=None, deadline=None)
settings.register_profile("search", max_examples=20_000, deadline=None)
settings.load_profile("promise")
