"""Each code at each step has its state: what the letter comes to, what the journal is told, and the next goes on."""

import contextlib

import pytest

from newsletter.sending.outcomes import Accepted, Doubt, Later, Never, NotSent, OursToMend
from newsletter.sending.post import Envelope
from newsletter.sending.relay import Relay
from newsletter.sending.smtp import Pool, way
from tests.newsletter.sending.smtp.conftest import ALL_OFFERS, MESSAGE, Letters, step_until
from tests.postbox import Quirk

NUMBERS = "200 250 251 252 354 421 450 451 452 499 500 501 502 503 530 535 550 551 552 553 554 571 600 999 000"
ANSWERS = [f"{number} 4.2.0 words" for number in NUMBERS.split()] + ["hello there", "2", ""]
ADA, BEA = "ada@example.org", "bea@example.org"
GOOD = {"mail": ("250",), "rcpt": ("250", "251")}


def expected(step: str, code: str) -> type:
    if step == "dot":
        return dot(code)
    if code in GOOD.get(step, ()):
        return Accepted
    if code == "421" or code[:1] not in ("4", "5"):
        return NotSent
    if code[0] == "4":
        return Later
    return OursToMend if step == "mail" else Never


def dot(code: str) -> type:
    if code == "421":
        return NotSent
    return {"2": Accepted, "4": Later, "5": Never}.get(code[:1] if code.isdigit() and len(code) == 3 else "", Doubt)


@pytest.fixture(autouse=True)
def short_rests(monkeypatch):
    monkeypatch.setattr(way, "FIRST_REST", 0.01)


def carried(box) -> Letters:
    """Two letters over one line, the first of which meets the quirk."""
    letters = Letters([Envelope("ada's", ADA, MESSAGE), Envelope("bea's", BEA, MESSAGE)])
    with contextlib.closing(Pool([Relay("127.0.0.1", box.port)], letters, connections=1)) as pool:
        step_until(pool, lambda: len(letters.outcomes) == 2)
    if not isinstance(letters.outcomes[BEA], Accepted):
        assert letters.outcomes[BEA].words.startswith("421 "), "it was only behind"
    return letters


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("step", ["mail", "rcpt"])
def test_to_its_envelope(make_postbox, offers, step, answer):
    box = make_postbox(extensions=offers)
    box.quirks["ada's" if step == "mail" else ADA] = [Quirk(step, answer)]
    letters = carried(box)
    kind = expected(step, answer[:3])
    assert type(letters.outcomes[ADA]) is kind
    assert (ADA in letters.dots()) == (kind is Accepted)


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if not answer.startswith("354")])
@pytest.mark.parametrize("offers", [ALL_OFFERS, ()])
def test_to_data(make_postbox, offers, answer):
    box = make_postbox(extensions=offers, quirks={ADA: [Quirk("data", answer)], BEA: []})
    letters = carried(box)
    assert type(letters.outcomes[ADA]) is expected("data", answer[:3])
    assert ADA not in letters.dots()


@pytest.mark.parametrize("answer", ANSWERS)
def test_to_the_dot(make_postbox, offers, answer):
    box = make_postbox(extensions=offers)
    box.quirks[ADA] = [Quirk("dot", answer)]
    letters = carried(box)
    code = answer[:3]
    assert type(letters.outcomes[ADA]) is dot(code)
    assert letters.codes(ADA) == ([int(code)] if code.isdigit() and len(code) == 3 else [])


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("step", ["greeting", "ehlo"])
def test_before_any_letter(make_postbox, step, answer):
    box = make_postbox(extensions=ALL_OFFERS, always=Quirk(step, answer))
    letters = Letters([Envelope("", ADA, MESSAGE)])
    with contextlib.closing(Pool([Relay("127.0.0.1", box.port)], letters, connections=1)) as pool:
        step_until(pool, lambda: letters.outcomes or pool.down)
        if (step, answer[:3]) == ("ehlo", "250"):
            assert isinstance(letters.outcomes[ADA], Accepted)
        else:
            assert letters.waiting, "no letter was asked for"
            assert answer in pool.down
            assert f"relay 127.0.0.1:{box.port} does not" in pool.down
