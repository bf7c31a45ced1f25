"""A story is edited at the desk: all of it, once, and by one person at a time."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Article, Audience, Claim, Group, Source, Story
from curation.models.claim import Origin
from curation.models.story import State
from curation.storyfile import read, store, write
from tests.curation.admin.forms import add_row, fields_of, opened
from tests.curation.samples import bytes_of, changed, full
from tests.makers import NOW, make_story


def stored(status: str = "drafted") -> Story:
    store(read(bytes_of(changed(full(), "status", status))), by="import_story", now=NOW)
    return Story.objects.with_parts().get()


def url(story: Story) -> str:
    return reverse("admin:curation_story_change", args=[story.pk])


def sent(client: Client, story: Story, form: dict[str, Any]) -> str:
    """The page after saving: the messages after a success, the form with its errors after a refusal."""
    return client.post(url(story), form | {"_continue": "1"}, follow=True).content.decode()


@pytest.mark.parametrize("name", ["story", "source", "article", "audience", "group"])
def test_every_page_of_the_desk_opens(editor: Client, name: str) -> None:
    story = stored()
    group = Group.objects.create(name="One event")
    rows = {"story": story, "source": Source.objects.get(), "article": Article.objects.first(), "group": group,
            "audience": Audience.objects.first()}  # fmt: skip
    for page in (
        reverse(f"admin:curation_{name}_changelist"),
        reverse(f"admin:curation_{name}_changelist") + "?q=x",
        reverse(f"admin:curation_{name}_add"),
        reverse(f"admin:curation_{name}_change", args=[rows[name].pk]),  # type: ignore[union-attr]
        reverse(f"admin:curation_{name}_history", args=[rows[name].pk]),  # type: ignore[union-attr]
    ):
        assert editor.get(page).status_code == 200, page


def test_saving_without_a_change_leaves_no_trace(editor: Client) -> None:
    story = stored("approved")
    before = write(story)
    page = sent(editor, story, opened(editor, url(story)))
    assert "was changed successfully" in page
    after = Story.objects.with_parts().get()
    assert write(after) == before
    assert (after.version, after.state, after.history.count()) == (1, State.APPROVED, 1)
    assert after.provenance.filter(editor__isnull=False).count() == 0


def test_a_whole_story_is_written_at_the_desk(editor: Client) -> None:
    source, other = Source.objects.create(name="Wire", country="FR"), make_story()
    add = reverse("admin:curation_story_add")
    form = opened(editor, add) | {
        "headline": "Laboratory opens its model", "hook": "Data is free too", "what_to_do_next": "Read it.",
        "slug": "laboratory-opens", "source": source.pk, "original_url": "https://wire.example.org/x",
        "published_at_0": "2026-11-16", "published_at_1": "08:00:00",
        "collected_at_0": "2026-11-16", "collected_at_1": "09:21:00",
        "comparison": "Point | Ours | Theirs \\| Co\nLicence | open | closed",
    }  # fmt: skip
    add_row(form, "audience_links", audience="engineers")
    add_row(form, "audience_links", audience="researchers")
    add_row(form, "what_changed", text="The weights are public.")
    add_row(form, "why_it_matters", text="Anybody can check.")
    add_row(form, "why_it_matters", text="Repeat it.", audience="researchers")
    add_row(form, "takeaway", text="It is small.")
    add_row(form, "technical", lead="Experts", text="Eight of them.")
    add_row(form, "implication", lead="Others follow.", text="The licence allows it.")
    add_row(form, "events", date="2025", text="Founded.")
    add_row(form, "events", date="2026-11-16", text="Opened.")
    add_row(form, "related_links", related=other.pk)
    page = editor.post(add, form, follow=True)
    story = Story.objects.with_parts().get(slug="laboratory-opens")
    assert page.status_code == 200
    data = write(story)
    assert data["status"] == "new"
    assert data["collected"]["minutes"] == 81
    assert [care["code"] for care in data["tldr"]["who_should_care"]] == ["engineers", "researchers"]
    assert data["tldr"]["why_it_matters_for"] == {"researchers": "Repeat it."}
    assert data["deep_insight"]["competitor_analysis"]["columns"] == ["Ours", "Theirs | Co"]
    assert data["deep_insight"]["technical_deep_dive"]["items"] == [
        {"term": "Experts", "explanation": "Eight of them."}
    ]
    assert data["deep_insight"]["ai_generated"] is False
    assert [item["slug"] for item in data["related_updates"]["items"]] == [other.slug]
    assert [event["date"] for event in data["deep_insight"]["timeline"]["items"]] == ["2025", "2026-11-16"]
    assert read(bytes_of(data)).headline == story.headline  # the export of a desk's story is a good file
    assert set(story.provenance.values_list("origin", "editor__username")) == {("editor", "erin")}


def test_edited_words_become_the_editors_and_others_stay_the_machines(editor: Client) -> None:
    story = stored()
    form = opened(editor, url(story)) | {"takeaway-0-text": "The weights weigh 14 GB on disk."}
    sent(editor, story, form)
    assert list(story.claims.filter(kind=Claim.Kind.TAKEAWAY).values_list("text", "origin")) == [
        ("The weights weigh 14 GB on disk.", Origin.EDITOR),
        ("The data is described, not given.", Origin.MACHINE),
    ]
    row = story.provenance.last()
    assert row is not None
    assert (row.field, row.origin, row.editor.get_username()) == ("deep_insight.key_takeaways", "editor", "erin")  # type: ignore[union-attr]
    assert Story.objects.get().version == 2


def test_rows_are_ordered_added_and_removed(editor: Client) -> None:
    story = stored()
    form = opened(editor, url(story)) | {"takeaway-0-position": "1", "takeaway-1-position": "0"}
    form["what_changed-1-DELETE"] = "on"
    add_row(form, "takeaway", text="The newest stands last.")
    sent(editor, story, form)
    assert list(story.claims.filter(kind=Claim.Kind.TAKEAWAY).values_list("text", flat=True)) == [
        "The data is described, not given.",
        "The weights weigh 14 GB.",
        "The newest stands last.",
    ]
    assert story.claims.filter(kind=Claim.Kind.WHAT_CHANGED).count() == 1


def test_the_comparison_can_be_rewritten_and_removed(editor: Client) -> None:
    story = stored()
    form = opened(editor, url(story))
    assert form["comparison"].splitlines() == ["Point | Laboratory | Rival \\| Co", "Licence | Apache 2.0 | closed"]
    sent(editor, story, form | {"comparison": "A | B | C\nd | e | f\ng | h | i"})
    table = Story.objects.get().table
    assert (table.columns, len(table.rows), table.origin) == (["B", "C"], 2, Origin.EDITOR)
    sent(editor, story, opened(editor, url(story)) | {"comparison": "  \n"})
    assert not hasattr(Story.objects.get(), "table")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("headline", "x" * 91, "at most 90 characters (it has 91)"),
        ("headline", "a\u0085b", "Keep this on one line"),
        ("hook", "a\x07b", "Keep this on one line"),
        ("original_url", "javascript:alert(1)", "Enter a valid URL"),
        ("comparison", "A | B | C\nd | e", "Row 1 has 1 cells; there are 2 columns."),
        ("comparison", "A | B\nd | e", "A comparison has 2 to 4 columns"),
        ("comparison", "A | B | C\nd | " + "x" * 61 + " | f", "has 61 characters; a cell holds 60"),
        ("comparison", "x" * 20_001, "This has 20,001 characters"),
        ("takeaway-0-text", "x" * 241, "at most 240 characters (it has 241)"),
        ("why_it_matters-1-text", "x" * 141, "This has 141 characters; an audience&#x27;s own form has 140"),
        ("events-0-date", "2026-12", "2026-12 lies after 2026-11-16; mark it as planned"),
        ("events-0-date", "soon", "Write the date as YYYY, YYYY-MM or YYYY-MM-DD."),
        ("events-1-date", "2024", "2024 stands after 2025; put the events in the order of time."),
        ("technical-0-lead", "", "This field is required"),
    ],
)
def test_bad_input_is_kept_and_explained(editor: Client, field: str, value: str, told: str) -> None:
    story = stored()
    page = sent(editor, story, opened(editor, url(story)) | {field: value})
    assert told in page
    if "\x07" not in value:
        assert fields_of(page)[field] == value
    assert Story.objects.get().version == 1


def test_lists_have_their_limits(editor: Client) -> None:
    story = stored()
    form = opened(editor, url(story))
    for number in range(3):
        add_row(form, "what_changed", text=f"More {number}.")
    add_row(form, "why_it_matters", text="For everyone too.")
    add_row(form, "related_links", related=story.pk)
    page = sent(editor, story, form)
    assert "There are 5; 3 at most." in page or "Please submit at most 3 forms" in page
    assert "Two rows are for everyone" in page
    assert "A story is not an update of itself" in page


def test_a_second_form_of_one_audience_is_refused(editor: Client) -> None:
    story = stored()
    form = opened(editor, url(story))
    add_row(form, "why_it_matters", text="Again.", audience="researchers")
    assert "an audience has one form of its own" in sent(editor, story, form)


def test_the_later_of_two_editors_is_told_and_loses_nothing(editor: Client, writer: Client) -> None:
    story = stored()
    early, late = opened(editor, url(story)), opened(writer, url(story))
    sent(editor, story, early | {"headline": "Erin was first", "what_changed-1-DELETE": "on"})
    page = sent(writer, story, late | {"headline": "Wim was second", "takeaway-0-text": "Wim's takeaway."})
    assert "erin saved this story at" in page
    assert "(version 2)" in page
    assert "Wim was second" in page
    assert "Wim&#x27;s takeaway." in page
    assert Story.objects.get().headline == "Erin was first"
    again = opened(writer, url(story)) | {"headline": "Wim after reloading"}
    sent(writer, story, again)
    assert (Story.objects.get().headline, Story.objects.get().version) == ("Wim after reloading", 3)


def test_saving_never_writes_over_a_move_made_in_the_meantime(editor: Client, writer: Client) -> None:
    story = stored("in_review")
    form = opened(writer, url(story))
    editor.post(reverse("admin:curation_story_approve", args=[story.pk]))
    page = sent(writer, story, form)
    assert "was changed successfully" in page
    assert Story.objects.get().state == State.APPROVED


def test_an_approved_story_goes_back_to_review_when_its_words_change(editor: Client) -> None:
    story = stored("approved")
    page = sent(editor, story, opened(editor, url(story)) | {"hook": "Only the weights are free"})
    assert "Its words changed, so it went back to review" in page
    after = Story.objects.get()
    last = after.moves.last()
    assert after.state == State.IN_REVIEW
    assert last is not None
    assert (last.actor_name, last.reason) == ("erin", "Changed after approval: hook.")


def test_a_published_story_asks_for_a_correction_note(editor: Client) -> None:
    story = stored("published")
    form = opened(editor, url(story)) | {"hook": "Only the weights are free"}
    assert "This field is required" in sent(editor, story, form)
    assert Story.objects.get().state == State.PUBLISHED
    page = sent(editor, story, form | {"correction_note": "The data is not free."})
    assert "The correction is shown on the story" in page
    after = Story.objects.get()
    assert (after.state, after.hook) == (State.CORRECTED, "Only the weights are free")
    assert after.moves.last().reason == "The data is not free."  # type: ignore[union-attr]


def test_a_note_without_a_correction_is_not_kept_and_that_is_told(editor: Client) -> None:
    story, other = stored("published"), make_story()
    note = {"correction_note": "The data is not free."}
    assert "Nothing was changed, so the note was not kept." in sent(editor, story, opened(editor, url(story)) | note)
    form = opened(editor, url(story)) | note
    add_row(form, "related_links", related=other.pk)
    assert "No words of the story were changed, so the note was not kept." in sent(editor, story, form)
    assert Story.objects.get(pk=story.pk).state == State.PUBLISHED


def test_only_stories_that_were_read_show_the_correction_note(editor: Client) -> None:
    assert "correction_note" not in opened(editor, url(stored("approved")))


def test_the_slug_of_a_public_story_stands(editor: Client) -> None:
    story = stored("approved")
    form = opened(editor, url(story))
    assert "slug" not in form
    sent(editor, story, form | {"slug": "moved"})
    assert Story.objects.get().slug == story.slug


def test_a_withdrawn_story_can_only_be_looked_at(editor: Client) -> None:
    story = stored("withdrawn")
    assert "headline" not in opened(editor, url(story))
    assert editor.post(url(story), {"headline": "Back again"}).status_code == 403


def test_ten_megabytes_are_refused_politely(editor: Client) -> None:
    story = stored()
    form = opened(editor, url(story)) | {"hook": "x" * 10_000_000}
    page = editor.post(url(story), form, content_type="application/x-www-form-urlencoded")
    assert page.status_code == 400
    assert "Nothing was stored" in page.content.decode()


def test_how_it_was_made_and_the_evidence_are_shown(editor: Client) -> None:
    page = editor.get(url(stored("approved"))).content.decode()
    for shown in ("Collected to Drafted", "import_story", "“14 GB”", "characters 65–70", "desk&#x27;s own note"):
        assert shown in page


def test_the_stored_text_of_an_article_cannot_be_changed(editor: Client) -> None:
    stored()
    article = Article.objects.first()
    assert article is not None
    change = reverse("admin:curation_article_change", args=[article.pk])
    form = opened(editor, change)
    assert "text" not in form
    editor.post(change, form | {"text": "Another text", "title": "A title"})
    after = Article.objects.get(pk=article.pk)
    assert (after.text, after.title) == (article.text, "A title")
