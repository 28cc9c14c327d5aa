"""Texts wait in order and within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.outbox import Outbox

texts = st.text(st.characters(exclude_categories=()), max_size=20)


@given(st.lists(st.one_of(texts, st.none()), max_size=60), st.integers(0, 8), st.integers(0, 60))
def test_texts_come_out_as_they_went_in_and_the_bounds_hold(said: list[str | None], most: int, size: int) -> None:
    outbox = Outbox(most, size)
    model: list[tuple[int, str]] = []
    for ticket, text in enumerate(said):
        if text is None:
            if model:
                assert outbox.peek()[1:] == model[0]
                assert outbox.pop()[1:] == model.pop(0)
        else:
            waiting = sum(len(kept.encode("utf-8", "surrogatepass")) for _, kept in model)
            fits = len(model) < most and waiting + len(text.encode("utf-8", "surrogatepass")) <= size
            assert outbox.put(ticket, text) is fits
            model += [(ticket, text)] if fits else []
        assert len(outbox) == len(model) <= most
        assert outbox.bytes == sum(len(kept.encode("utf-8", "surrogatepass")) for _, kept in model) <= size


def test_an_empty_outbox_has_nothing_to_give() -> None:
    outbox = Outbox(1, 1)
    for take in (outbox.pop, outbox.peek):
        with pytest.raises(LookupError):
            take()


def test_the_oldest_text_of_those_topics_where_somebody_is_goes_first() -> None:
    outbox = Outbox(4, 100)
    for ticket, name in enumerate(("news", "sport", "news", "art")):
        assert outbox.put(ticket, f"on {name}", name)
    assert not outbox.put(4, "one too many", "sport")
    assert (outbox.oldest(()), outbox.oldest(("room",))) == (None, None)
    gone = []
    while topic := outbox.oldest(("sport", "news")):
        gone.append(outbox.pop(topic).ticket)
    assert gone == [0, 1, 2]
    assert (len(outbox), outbox.count("art"), outbox.count("news")) == (1, 1, 0)
    assert outbox.peek("art").text == "on art"
