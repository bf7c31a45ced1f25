import quopri

from hypothesis import given
from hypothesis import strategies as st

from newsletter.rendering.quoted import piece

ANY = st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"), max_size=600)


@given(ANY)
def test_what_is_encoded_decodes_to_the_same(text):
    assert quopri.decodestring(piece(text)).decode() == text.replace("\n", "\r\n")


@given(st.lists(ANY, max_size=5))
def test_pieces_can_be_joined(texts):
    whole = "".join(texts).replace("\n", "\r\n")
    assert quopri.decodestring(b"".join(map(piece, texts))).decode() == whole


@given(ANY | st.text(alphabet=". =From\n", min_size=60, max_size=300))
def test_lines_are_short_end_in_crlf_and_begin_with_no_dot_and_no_from(text):
    encoded = piece(text)
    assert encoded == b"" or encoded.endswith(b"\r\n")
    assert b"\r" not in encoded.replace(b"\r\n", b"")
    assert b"\n" not in encoded.replace(b"\r\n", b"")
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
