"""The HTML of every mail, in every language and form, keeps every rule; and every rule is seen to fail."""

import pytest
from lxml import etree

from newsletter.rendering.transactional import render_message
from newsletter.rendering.variant import render
from newsletter.rendering.writing import without_brackets
from tests.newsletter.rendering import mail_rules
from tests.newsletter.rendering.makers import (
    LABELS,
    SITE,
    demo_stories,
    make_copy,
    make_full_copy,
    make_issue,
    make_publication,
    make_sight,
)

CONFIRM = {
    "newsletter_name": "The Weekly Recap",
    "confirm_url": f"{SITE}/confirm/abc:def/",
    "site_url": SITE,
    "postal_address": "1 Example Street\n1000 Brussels",
    "expires_days": 7,
}


def html_of(stories=(), *, audience="researchers", language="en", **issue):
    sight = make_sight(stories, audience=audience, segment=LABELS.get(audience, ""))
    return render(make_publication(language=language), make_issue(**issue), sight, site_url=SITE).sample()[0]


@pytest.mark.parametrize("audience", ["", *LABELS])
def test_every_segment_of_the_demo_keeps_every_rule(audience):
    assert mail_rules.complaints(html_of(demo_stories()[:12], audience=audience)) == []


@pytest.mark.parametrize("language", ["en", "ar", "he", "ja", "th", "zh-Hant"])
def test_every_language_keeps_every_rule(language):
    assert mail_rules.complaints(html_of(language=language)) == []


def test_the_confirmation_keeps_every_rule():
    subject, html, text = render_message("confirm", CONFIRM)
    assert mail_rules.complaints(html) == []
    assert subject == "Please confirm: The Weekly Recap"
    assert CONFIRM["confirm_url"] in html
    assert f"\n{CONFIRM['confirm_url']}\n" in text


def test_twelve_stories_of_full_length_stay_under_sixty_kilobytes():
    assert len(html_of([make_full_copy(number) for number in range(1, 13)]).encode()) < 60_000


def test_a_story_is_one_heading_of_the_second_level_that_links_to_its_page():
    headings = etree.fromstring(html_of(), etree.HTMLParser()).findall(".//h2/a")
    assert [link.get("href") for link in headings] == [f"{SITE}/stories/story-{number}/" for number in (1, 2, 3, 4)]


def test_the_story_shows_flag_country_source_date_and_badge_in_words():
    meta = etree.fromstring(html_of([make_copy()]), etree.HTMLParser()).find(".//h2").getprevious()
    assert " ".join("".join(meta.itertext()).split()) == "🇫🇷 France · Example Wire · 19 Nov 2026 · New today"
    assert meta.find("span[@role='img']").get("aria-label") == "France"
    assert meta.find("a").get("href") == "https://wire.example.com/news/1"


def test_a_source_without_a_known_address_is_text_and_no_link():
    html = html_of([make_copy(original_url="")])
    assert "France · Example Wire · 19 Nov 2026" in html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//evil.example", "ftp://x.example/", "https://a@evil.example/"]
)
def test_an_address_that_is_no_plain_web_address_is_never_linked(address):
    assert "evil" not in html_of([make_copy(original_url=address)])


def test_predictions_are_left_to_the_storys_page():
    html = html_of()
    assert "Others will follow" not in html
    assert "Key takeaway:" in html


def test_other_peoples_stories_follow_under_a_break_of_their_own():
    ours = make_copy(1)
    theirs = make_copy(2, audiences=(("policy", LABELS["policy"]),), why_by_audience=())
    html = html_of([theirs, ours])
    assert html.index("number 1 opens") < html.index("Also this week") < html.index("number 2 opens")
    assert "Also this week" not in html_of([ours])


def test_the_disclosure_stands_only_where_a_machine_wrote():
    assert "AI-generated analysis" in html_of([make_copy(machine_made=True)])
    assert "AI-generated analysis" not in html_of([make_copy(machine_made=False)])
    assert "All content rights belong to original publishers." in html_of([make_copy(machine_made=False)])


def test_arabic_runs_from_right_to_left_down_to_the_columns():
    html = html_of(language="ar")
    assert '<html lang="ar" dir="rtl"' in html
    assert "direction:ltr" not in html
    assert "text-align:left;color" not in html
    assert "border-right:3px solid" in html


def test_every_dark_rule_has_its_twin_for_outlook():
    styles = "".join(style.text for style in etree.fromstring(html_of(), etree.HTMLParser()).findall("head/style"))
    _, dark = styles.split("@media (prefers-color-scheme:dark){", 1)
    block, twins = dark.split("\n}", 1)
    selectors = {each for rule in block.strip().splitlines() for each in rule.partition("{")[0].split(",")} - {"body"}
    assert len(selectors) > 10
    assert [
        each for each in selectors if f"[data-ogsb] {each}" not in twins and f"[data-ogsc] {each}" not in twins
    ] == []


def test_japanese_gets_higher_lines():
    assert "line-height:27px" in html_of(language="ja")


HOSTILE = (
    "<script>alert(1)</script> }} {{ x %} \" ' onload='x' --><!-- <![endif]--> "
    '="%7B%7B<img src=x onerror=alert(1)>%7D%7D"'
)


@pytest.mark.parametrize("field", ["headline", "hook", "source", "what_to_do_next"])
def test_hostile_text_is_shown_and_never_acts(field):
    html = html_of([make_copy(**{field: HOSTILE})])
    complaints = [each for each in mail_rules.complaints(html) if not each.startswith("leftovers")]
    assert complaints == []
    shown = " ".join("".join(etree.fromstring(html, etree.HTMLParser()).itertext()).split())
    assert HOSTILE in shown


@pytest.mark.parametrize("subject", ['ชื่อเรื่อง "quoted" <b>', 'a "b" \\ c', "é" * 70])
def test_a_title_of_any_letters_stays_whole(subject):
    root = etree.fromstring(html_of(subject=subject), etree.HTMLParser())
    assert root.findtext("head/title") == subject
    assert root.find("body/div").get("aria-label") == without_brackets(subject)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("doctype", lambda html: html.replace("<!DOCTYPE html>", "")),
        ("leftovers", lambda html: html.replace("Hello", "{{ hello }}")),
        ("language", lambda html: html.replace(' role="article" lang="en"', "")),
        ("headings", lambda html: html.replace("<h2", "<h3").replace("</h2", "</h3")),
        ("headings", lambda html: html.replace("<h1", "<p").replace("</h1", "</p")),
        ("links", lambda html: html.replace(f'href="{SITE}/stories/story-1/"', 'href="/stories/story-1/"')),
        ("links", lambda html: html.replace(">Unsubscribe<", "><")),
        ("links", lambda html: html.replace("Read: Laboratory number 2", "Read: Laboratory number 1")),
        ("tables", lambda html: html.replace('role="presentation"', "")),
        ("dark", lambda html: html.replace("@media (prefers-color-scheme:dark)", "@media print")),
        ("dark", lambda html: html.replace("!important", "")),
        ("dark", lambda html: html.replace("[data-ogsc]", "")),
        ("dark", lambda html: html.replace('name="color-scheme"', 'name="x"')),
        ("outlook", lambda html: html.replace("<![endif]-->", "", 1)),
        ("size", lambda html: html.replace("</body>", "x" * 80_000 + "</body>")),
        ("size", lambda html: html.replace("</style>", "x" * 8_000 + "</style>", 1)),
        ("foreign", lambda html: html.replace("</body>", "<script>1</script></body>")),
        ("foreign", lambda html: html.replace("<h1", "<h1 onclick='x'")),
        ("foreign", lambda html: html.replace("<h1 style='", "<h1 style='background:url(x);")),
        ("names", lambda html: html.replace("<title>", "<title></title><x>")),
        ("names", lambda html: html.replace("</body>", "<img src='https://x.example/'></body>")),
        ("names", lambda html: html.replace('aria-label="France"', "")),
    ],
)
def test_each_rule_is_seen_to_fail(rule, change):
    good = html_of()
    broken = change(good)
    assert broken != good
    assert any(complaint.startswith(f"{rule}:") for complaint in mail_rules.complaints(broken))
