"""Quotes are added, changed and removed from the story's Evidence tab."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Article, Claim, Evidence, Story
from curation.models.article import hash_text
from curation.models.story import State
from curation.storyfile import read, store, write
from tests.curation.admin.conftest import EDITS, signed_in, user
from tests.curation.admin.forms import opened
from tests.curation.samples import TEXT, bytes_of, changed, full
from tests.makers import NOW, make_story


def stored(status: str = "approved") -> Story:
    store(read(bytes_of(changed(full(), "status", status))), by="import_story", now=NOW)
    return Story.objects.with_parts().get()


def story_page(story: Story) -> str:
    return reverse("admin:curation_story_change", args=[story.pk])


def adding(story: Story) -> str:
    return reverse("admin:curation_evidence_add") + f"?story={story.pk}"


def quoting(quote: str, *, takeaway: int = 1, title: str = "Model") -> dict[str, Any]:
    claim = Claim.objects.filter(kind=Claim.Kind.TAKEAWAY)[takeaway]
    return {"claim": claim.pk, "article": Article.objects.get(title=title).pk, "quote": quote}


def last_change(story: Story) -> tuple[str, str, str]:
    row = story.provenance.last()
    assert row is not None
    assert row.editor is not None
    return row.field, row.editor.get_username(), row.change


def test_a_quote_is_added_where_it_stands_and_the_approval_stays(editor: Client) -> None:
    story = stored()
    claim = Claim.objects.filter(kind=Claim.Kind.TAKEAWAY)[1]
    link = f"{adding(story)}&amp;claim={claim.pk}"
    assert link in editor.get(story_page(story)).content.decode()
    form = opened(editor, link.replace("&amp;", "&"))
    assert form["claim"] == [str(claim.pk)]
    sent = editor.post(adding(story), form | quoting("the licence is Apache 2.0"))
    assert (sent.status_code, sent["Location"]) == (302, story_page(story) + "#evidence")
    kept = Evidence.objects.get(claim=claim)
    assert TEXT[kept.start : kept.end] == kept.quote == "the licence is Apache 2.0"
    assert kept.text_hash == hash_text(TEXT)
    after = Story.objects.with_parts().get()
    assert (after.state, after.version) == (State.APPROVED, 2)
    assert last_change(after) == ("citations", "erin", "A quote was added.")
    assert read(bytes_of(write(after)))  # its export is a good file


def test_a_quote_over_two_lines_is_found(editor: Client) -> None:
    story = stored()
    editor.post(adding(story), quoting("on Monday.\r\nThe weights"))
    assert Evidence.objects.filter(quote="on Monday.\nThe weights").exists()


def test_words_that_stand_nowhere_are_refused(editor: Client) -> None:
    story = stored()
    page = editor.post(adding(story), quoting("The weights weigh 15 GB")).content.decode()
    assert "These words do not stand in “Model”. Copy them from its text." in page
    assert "The weights weigh 15 GB" in page
    assert Story.objects.get().version == 1


def test_the_same_quote_twice_is_refused(editor: Client) -> None:
    story = stored()
    page = editor.post(adding(story), quoting("The weights weigh 14 GB", takeaway=0)).content.decode()
    assert "This claim has this quote already." in page
    assert Story.objects.get().version == 1


def test_only_the_storys_own_claims_and_texts_are_offered(editor: Client) -> None:
    story, other = stored(), make_story()
    text = Article.objects.create(source=other.source, title="Another", text=TEXT + " More.")
    page = editor.post(adding(story), quoting("Apache 2.0") | {"article": text.pk}).content.decode()
    assert "Select a valid choice" in page
    page = editor.post(adding(other), quoting("Apache 2.0")).content.decode()
    assert page.count("Select a valid choice") == 2


def test_a_quote_is_changed_and_removed(editor: Client) -> None:
    story = stored()
    kept = Evidence.objects.get(quote="14 GB")
    change, remove = (reverse(f"admin:curation_evidence_{verb}", args=[kept.pk]) for verb in ("change", "delete"))
    page = editor.get(story_page(story)).content.decode()
    assert change in page
    assert remove in page
    form = opened(editor, change)
    assert editor.post(change, form)["Location"] == story_page(story) + "#evidence"
    assert Story.objects.get().version == 1  # nothing was changed
    editor.post(change, form | {"quote": "weigh 14 GB"})
    kept.refresh_from_db()
    assert TEXT[kept.start : kept.end] == "weigh 14 GB"
    assert last_change(story) == ("citations", "erin", "A quote was changed.")
    assert editor.get(remove).status_code == 200
    assert editor.post(remove, {"post": "yes"})["Location"] == story_page(story) + "#evidence"
    assert not Evidence.objects.filter(pk=kept.pk).exists()
    assert last_change(story) == ("citations", "erin", "A quote was removed.")
    assert Story.objects.get().version == 3


def test_a_quote_that_stays_stays_at_its_place(editor: Client) -> None:
    story = stored()
    text = Article.objects.create(source=story.source, title="Twice", text="free and free")
    story.articles.add(text)
    claim, other = Claim.objects.filter(kind=Claim.Kind.TAKEAWAY)
    place = {"start": 9, "end": 13, "text_hash": text.text_hash}
    kept = Evidence.objects.create(claim=claim, article=text, quote="free", **place)
    change = reverse("admin:curation_evidence_change", args=[kept.pk])
    editor.post(change, opened(editor, change) | {"claim": other.pk})
    kept.refresh_from_db()
    assert (kept.claim, kept.start) == (other, 9)


def test_the_quotes_of_a_withdrawn_story_stand(editor: Client) -> None:
    story = stored("withdrawn")
    kept = Evidence.objects.all()[0]
    change, remove = (reverse(f"admin:curation_evidence_{verb}", args=[kept.pk]) for verb in ("change", "delete"))
    page = editor.get(story_page(story)).content.decode()
    assert "Add a quote" not in page
    assert remove not in page
    assert editor.get(adding(story)).status_code == 403
    assert editor.post(change, {"quote": "Apache 2.0"}).status_code == 403
    assert editor.post(remove, {"post": "yes"}).status_code == 403


def test_who_may_not_write_quotes_sees_no_links(db: None) -> None:
    story = stored()
    kept = Evidence.objects.all()[0]
    reader = signed_in(user("rita", *[each for each in EDITS if "evidence" not in each], "view_evidence"))
    page = reader.get(story_page(story)).content.decode()
    for link in ("Add a quote", "Remove</a>", "evidence/"):
        assert link not in page
    assert reader.get(adding(story)).status_code == 403
    assert reader.get(reverse("admin:curation_evidence_change", args=[kept.pk])).status_code == 200


@pytest.mark.parametrize("query", ["", "?story=", "?story=0", "?story=x", "?story=" + "9" * 40])
def test_a_quote_without_a_story_leads_to_the_stories(editor: Client, query: str) -> None:
    page = editor.get(reverse("admin:curation_evidence_add") + query, follow=True)
    assert page.redirect_chain[-1][0] == reverse("admin:curation_story_changelist")
    assert "Open a story and add the quote there" in page.content.decode()
    assert "/curation/evidence/" not in editor.get(reverse("admin:index")).content.decode()
