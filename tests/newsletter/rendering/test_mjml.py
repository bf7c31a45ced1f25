from pathlib import Path

import pytest
from django.conf import settings

from newsletter.rendering import mjml
from newsletter.rendering.links import Site
from newsletter.rendering.mjml import MarkupError
from newsletter.rendering.transactional import render_message
from newsletter.rendering.variant import context_of
from newsletter.rendering.writing import writing_of
from tests.newsletter.rendering import mail_rules, mjml_lint
from tests.newsletter.rendering.makers import SITE, demo_stories, make_copy, make_issue, make_publication, make_sight
from tests.newsletter.rendering.test_html import CONFIRM

MAILS = Path(settings.BASE_DIR) / "templates" / "email"
FOLDERS = sorted(folder.name for folder in MAILS.iterdir() if folder.name not in ("parts", "weekly_recap"))
ANYTHING = {
    **CONFIRM,
    "from_email": "recap@example.org",
    "settings_url": f"{SITE}/settings/x/",
    "leave_url": f"{SITE}/leave/x/",
}


def recap(language="en", stories=()):
    values = context_of(make_publication(language=language), make_issue(), make_sight(stories), Site(SITE))
    return mjml.markup("email/weekly_recap/body.mjml", values)


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_the_recap_uses_known_tags_and_attributes_only(language):
    briefs = [make_copy(9, audiences=(("policy", "Policy"),), flag="", country_name="", original_url="")]
    assert mjml_lint.complaints(recap(language, [*demo_stories(), *briefs])) == []


@pytest.mark.parametrize("folder", ["weekly_recap", *FOLDERS])
def test_a_mail_is_a_folder_of_three_files(folder):
    assert sorted(file.name for file in (MAILS / folder).iterdir()) == ["body.mjml", "body.txt", "subject.txt"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_other_mails_use_known_tags_and_attributes_only(folder):
    values = {**ANYTHING, "writing": writing_of("en"), "site": Site(SITE), "postal_lines": ["x"], "subject": "y"}
    assert mjml_lint.complaints(mjml.markup(f"email/{folder}/body.mjml", values)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_other_mails_keep_every_rule_and_leave_nothing_over(folder):
    subject, html, text = render_message(folder, ANYTHING)
    assert mail_rules.complaints(html) == []
    assert subject
    for part in (subject, text):
        assert "{" not in part
        assert "&#" not in part


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<mj-column>", "<mj-colum>"),
        ("</mj-text>", "</mj-text><mj-html-attributes/>"),
        ('css-class="card"', 'class="card"'),
        ('css-class="card"', 'css-class=""'),
        ("<h1>", '<h1 onclick="x">'),
        ("<h1>", "<script/><h1>"),
        ("<mj-column>", "<mj-column><mj-section/>"),
    ],
)
def test_the_lint_is_seen_to_fail(old, new):
    good = recap()
    broken = good.replace(old, new)
    if "mj-colum>" in new:
        broken = broken.replace("</mj-column>", "</mj-colum>")
    assert broken != good
    assert mjml_lint.complaints(broken) != []


def test_broken_markup_is_refused_with_template_line_column_and_the_line():
    with pytest.raises(MarkupError) as refused:
        mjml.to_html("<mjml>\n<mj-body>\n<p>one<br></p>\n</mj-body></mjml>", title="x", template="email/x/body.mjml")
    for part in ("email/x/body.mjml", "line 3", "column", "<p>one<br></p>"):
        assert part in str(refused.value)


def test_well_formed_markup_that_is_no_mjml_is_refused_too():
    with pytest.raises(MarkupError, match="not valid MJML"):
        mjml.to_html("<mjml><mj-body><mj-include path='/etc/passwd'/></mj-body></mjml>", title="x")


def test_entities_are_neither_fetched_nor_expanded():
    bomb = (
        '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]><mjml><mj-body><mj-text>&a;</mj-text></mj-body></mjml>'
    )
    try:
        html = mjml.to_html(bomb, title="x")
    except MarkupError:
        return
    assert "root:" not in html


def test_no_font_is_fetched_from_elsewhere():
    assert "fonts.googleapis" not in mjml.to_html(
        "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>",
        title="x",
    )
