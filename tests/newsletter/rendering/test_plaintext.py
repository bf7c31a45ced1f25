import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.rendering.plaintext import WIDTH, cells, lay_out
from newsletter.rendering.variant import render
from tests.newsletter.rendering.makers import (
    SITE,
    demo_stories,
    make_copy,
    make_issue,
    make_publication,
    make_sight,
    make_slots,
)


def text_of(stories=(), slots=None, **issue):
    rendered = render(make_publication(), make_issue(**issue), make_sight(stories), site_url=SITE)
    return rendered.sample(slots or make_slots())[1]


def test_lines_end_at_72_cells_but_for_addresses():
    for line in text_of(demo_stories()[:12]).splitlines():
        assert cells(line) <= WIDTH or line.strip().startswith("https://")


def test_headlines_are_numbered_and_what_follows_stands_under_them():
    text = text_of(
        [make_copy(1, headline="A headline that is much too long for one line of a plain text mail, by far indeed")]
    )
    assert "\n1. A headline that is much too long for one line of a plain text mail,\n   by far indeed\n" in text


def test_the_labels_are_those_of_the_html():
    text = text_of()
    for label in ("What changed:", "Why it matters:", "What to do next:", "Who should care:", "Key takeaway:"):
        assert f"   {label} " in text


def test_every_address_stands_on_its_own_line():
    for line in text_of(demo_stories()[:12]).splitlines():
        assert "://" not in line or line.strip().startswith("https://")


def test_without_a_name_there_is_no_greeting_and_no_gap():
    text = text_of(slots=make_slots(to_name=""))
    assert "Hello" not in text
    assert "\n\n\n" not in text
    assert "week in AI\n------------------------------------------\n\nA quiet week" in text


def test_nothing_is_escaped_as_if_it_were_html():
    assert 'R&D <at> "Lab\'s"' in text_of([make_copy(hook='R&D <at> "Lab\'s"')])


def test_wide_letters_wrap_by_cells_and_closing_marks_stay_on_their_line():
    lines = lay_out("   " + "研究者は一台の計算機で結果を再現できる。" * 8).splitlines()
    assert len(lines) > 2
    assert all(cells(line) <= WIDTH + 2 for line in lines)
    assert not any(line.strip()[0] in "。、）" for line in lines)


@given(
    st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")) | st.just(" "), max_size=400)
)
def test_laying_out_loses_no_letter(text):
    assert lay_out(text).replace("\n", "").replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("count", [1, 2])
def test_counts_agree_with_their_nouns(count):
    text = text_of([make_copy(number) for number in range(count)])
    assert ("1 story, about" if count == 1 else "2 stories, about") in text
