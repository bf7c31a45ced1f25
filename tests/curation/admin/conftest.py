import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


def user(name: str, *permissions: str) -> User:
    made = User.objects.create_user(name, is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="curation"))
    return made


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


EDITS = [
    f"{verb}_{model}"
    for verb in ("add", "change", "view", "delete")
    for model in (
        "story", "claim", "storyaudience", "timelineevent", "relatedstory", "evidence", "source", "article", "audience",
        "group",
    )
]  # fmt: skip


@pytest.fixture
def editor(db: None) -> Client:
    """Somebody who writes and reviews."""
    return signed_in(user("erin", *EDITS, "review_story"))


@pytest.fixture
def writer(db: None) -> Client:
    """Somebody who writes and may not review."""
    return signed_in(user("wim", *EDITS))


@pytest.fixture
def onlooker(db: None) -> Client:
    """Somebody who may only look."""
    return signed_in(user("olga", "view_story"))
