"""Every page of the desk opens for the editor of the demo, accounts included."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

admin.autodiscover()
MODELS = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)


@pytest.mark.parametrize("model", MODELS)
def test_lists_open_in_the_desks_face(model: str, admin_client: Client) -> None:
    response = admin_client.get(reverse(f"admin:{model}_changelist"), follow=True)
    assert response.status_code == 200
    assert "Newsroom" in response.text


@pytest.mark.parametrize("name", ["auth_user_add", "auth_group_add"])
def test_accounts_can_be_made(name: str, admin_client: Client) -> None:
    assert admin_client.get(reverse(f"admin:{name}")).status_code == 200


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    response = client.get(reverse("admin:index"))
    assert response.status_code == 302
    assert reverse("admin:login") in response.url  # type: ignore[attr-defined]
