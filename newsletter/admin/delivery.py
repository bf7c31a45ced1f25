from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from newsletter.admin.read_only import ReadOnly
from newsletter.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, ModelAdmin):
    """Who got which campaign, and what the server said. Reached from a campaign's numbers."""

    list_display = ["subscriber", "variant", "status", "attempts", "settled_at", "reply"]
    list_filter = ["state", "campaign"]
    search_fields = ["subscriber__address", "message_id"]
    list_select_related = ["subscriber", "variant"]
    show_full_result_count = False  # a campaign can have a million
    list_per_page = 50

    @display(
        description="state",
        label={
            "sent": "success",
            "queued": "info",
            "deferred": "warning",
            "in_doubt": "warning",
            "unknown": "warning",
            "rejected": "danger",
            "gave_up": "danger",
        },
    )
    def status(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}
