import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from newsletter.editions import compose
from newsletter.models import Campaign, Edition
from newsletter.sending import campaigns
from tests.makers import NOW, make_edition, make_newsletter, make_segment, make_story, make_subscriber


def make_editor(name: str, *permissions: str, **fields) -> User:
    """Somebody of the staff with these permissions of the newsletter's desk."""
    editor = User.objects.create_user(name, f"{name}@example.org", "a long password", is_staff=True, **fields)
    wanted = Permission.objects.filter(content_type__app_label__in=["newsletter", "curation"], codename__in=permissions)
    assert wanted.count() == len(permissions)
    editor.user_permissions.set(wanted)
    return editor


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def chief(db) -> User:
    return User.objects.create_superuser("chief", "chief@example.org", "a long password")


@pytest.fixture
def desk(chief) -> Client:
    return client_of(chief)


@pytest.fixture
def edition(db) -> Edition:
    """A draft with three stories, for a newsletter with two segments and three readers."""
    newsletter = make_newsletter()
    make_segment(newsletter, "researchers")
    make_segment(newsletter, "engineers")
    make_subscriber(newsletter, "researchers")
    make_subscriber(newsletter, "engineers")
    make_subscriber(newsletter)
    stories = [make_story(), make_story(audiences=("engineers",)), make_story(audiences=("policy",))]
    return make_edition(newsletter, stories, slot=NOW.replace(year=2035))


@pytest.fixture
def frozen(edition, chief) -> Campaign:
    compose.approve(edition, actor=chief, now=NOW)
    campaign = campaigns.start(edition, slot=None, actor=chief, now=timezone.now())
    campaigns.freeze(campaign, actor=chief, now=timezone.now())
    return campaign


@pytest.fixture
def sending(frozen, chief) -> Campaign:
    campaigns.release(frozen, actor=chief, now=timezone.now(), early=True)
    return frozen
