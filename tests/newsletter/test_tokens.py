"""Signed references to a reader: 48 characters, one purpose each, and nothing that was not signed by us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import tokens
from newsletter.tokens import BadToken, Purpose, ReaderRef

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
keys = st.binary(min_size=8, max_size=8).map(bytes.hex)
refs = st.builds(
    ReaderRef,
    subscriber=keys,
    newsletter_id=st.integers(0, 2**32 - 1),
    campaign=st.one_of(st.just(""), keys.filter(lambda key: key != "0" * 16)),
)
REF = ReaderRef("00112233445566ff", 7, "8899aabbccddeeff")


@given(refs, st.sampled_from(Purpose))
def test_a_token_gives_back_what_it_was_made_from(ref, purpose):
    token = tokens.for_reader(purpose, ref)
    assert len(token) == tokens.LENGTH == 48
    assert set(token) <= set(ALPHABET)
    assert tokens.read(purpose, token) == ref


@given(refs)
def test_a_token_serves_one_purpose(ref):
    with pytest.raises(BadToken):
        tokens.read(Purpose.SETTINGS, tokens.for_reader(Purpose.LEAVE, ref))
    with pytest.raises(BadToken):
        tokens.read(Purpose.LEAVE, tokens.for_reader(Purpose.SETTINGS, ref))


@pytest.mark.parametrize("length", [1, 50, 63, 64, 65, 200])
def test_a_secret_of_any_length_counts_to_its_last_character(settings, length):
    settings.SECRET_KEY = "ä" + "k" * length
    token = tokens.for_reader(Purpose.LEAVE, REF)
    assert tokens.read(Purpose.LEAVE, token) == REF
    settings.SECRET_KEY = settings.SECRET_KEY[:-1] + "l"
    with pytest.raises(BadToken):
        tokens.read(Purpose.LEAVE, token)


@given(refs, st.sampled_from(Purpose))
def test_a_maker_of_many_tokens_makes_the_same(ref, purpose):
    make = tokens.maker(purpose, newsletter_id=ref.newsletter_id, campaign=ref.campaign)
    assert make(ref.subscriber) == tokens.for_reader(purpose, ref)


def test_each_single_character_counts():
    token = tokens.for_reader(Purpose.LEAVE, REF)
    for place in range(len(token)):
        for other in ALPHABET:
            if other != token[place]:
                with pytest.raises(BadToken):
                    tokens.read(Purpose.LEAVE, token[:place] + other + token[place + 1 :])


@given(st.one_of(st.text(), st.text(alphabet=ALPHABET, min_size=48, max_size=48), st.text(min_size=48, max_size=48)))
def test_no_invented_text_is_a_token(text):
    with pytest.raises(BadToken):
        tokens.read(Purpose.LEAVE, text)


@given(st.integers(0, 47), st.integers(0, 60))
def test_a_token_that_was_cut_or_lengthened_is_refused(cut, more):
    token = tokens.for_reader(Purpose.SETTINGS, REF)
    for changed in (token[:cut], token + "A" * (more + 1), token[cut:] + token[:cut] if cut else "="):
        with pytest.raises(BadToken):
            tokens.read(Purpose.SETTINGS, changed)


def test_links_live_on_when_the_key_is_replaced(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the old key", []
    token, bounce = tokens.for_reader(Purpose.LEAVE, REF), tokens.return_paths("example.org")(9)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key", ["the old key"]
    assert tokens.read(Purpose.LEAVE, token) == REF
    assert tokens.read_return_path(bounce) == 9
    assert tokens.for_reader(Purpose.LEAVE, REF) != token


def test_links_end_when_the_old_key_is_given_up(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the old key", []
    token, bounce = tokens.for_reader(Purpose.LEAVE, REF), tokens.return_paths("example.org")(9)
    settings.SECRET_KEY = "the new key"
    with pytest.raises(BadToken):
        tokens.read(Purpose.LEAVE, token)
    with pytest.raises(BadToken):
        tokens.read_return_path(bounce)


@given(st.integers(0, 2**63 - 1))
def test_a_return_path_names_its_delivery_within_the_length_that_smtp_allows(delivery_id):
    address = tokens.return_paths("example.org")(delivery_id)
    local, _, domain = address.partition("@")
    assert domain == "example.org"
    assert len(local) <= 64
    assert tokens.read_return_path(address) == delivery_id


@given(st.integers(0, 2**63 - 1))
def test_a_return_path_survives_servers_that_change_its_case(delivery_id):
    assert tokens.read_return_path(tokens.return_paths("example.org")(delivery_id).upper()) == delivery_id


@given(st.one_of(st.text(), st.text(alphabet="0123456789abcdef", min_size=40, max_size=40)))
def test_no_invented_return_path_names_a_delivery(local):
    with pytest.raises(BadToken):
        tokens.read_return_path(f"bounce+{local}@example.org")


def test_a_readers_token_is_no_return_path():
    with pytest.raises(BadToken):
        tokens.read_return_path(f"bounce+{tokens.for_reader(Purpose.LEAVE, REF)}@example.org")
