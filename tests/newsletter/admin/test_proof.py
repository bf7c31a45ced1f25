import pytest
from django.contrib.auth.models import User

from config.celery import app
from tests.newsletter.admin.test_edition_page import told, url

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def queued():
    """What was put on the queue of the proofs, in the broker that runs in memory."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("transactional")
        queue.clear()

        def take() -> dict:
            return queue.get(block=True, timeout=2).payload[1]

        yield take
        queue.clear()


def test_goes_to_the_editors_own_address_as_the_segment_sees_it(desk, edition, queued):
    answer = desk.post(
        url("act", edition, "proof"), {"segment": "researchers", "back": "preview", "query": "segment=researchers"}
    )
    segment = edition.newsletter.segments.get(slug="researchers")
    assert queued() == {"edition_id": edition.pk, "segment_id": segment.pk, "to": "chief@example.org"}
    assert "A proof as Researchers see it is on its way to chief@example.org" in told(answer)
    assert answer.url == url("preview", edition) + "?segment=researchers"


def test_without_a_segment_it_is_everyone_elses(desk, edition, queued):
    desk.post(url("act", edition, "proof"))
    assert queued()["segment_id"] is None


def test_an_editor_without_an_address_is_told(desk, edition):
    User.objects.update(email="")
    assert "has no e-mail address" in told(desk.post(url("act", edition, "proof")))
