from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from newsletter.admin import words
from newsletter.admin.read_only import ReadOnly
from newsletter.models import Delivery, Subscriber

MOST_READERS = 200  # whose address begins as was typed
MOMENTS = ["frozen_at", "settled_at", "next_attempt_at", "doubted_at"]
CAME_BACK = ["bounced_at", "complained_at", "clicked_at", "left_at"]
BACK_WORDS = {"bounced_at": "bounced", "complained_at": "complained", "clicked_at": "clicked", "left_at": "left"}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, ModelAdmin):
    """Who got which campaign, and what the server said. Reached from a campaign's numbers."""

    list_display = ["subscriber", "variant", "status", "attempts", "when", "reply", "came_back"]
    list_filter = ["state", "campaign"]
    search_fields = ["subscriber__address", "message_id"]  # asked as get_search_results does
    search_help_text = "The beginning of an address, or a whole Message-ID."
    list_select_related = ["subscriber", "variant"]
    show_full_result_count = False  # a campaign can have a million
    list_per_page = 50
    fieldsets = [
        (None, {"fields": ["subscriber", "campaign", "variant", "status", "reply", "attempts", "doubts", "paced"]}),
        ("Moments (UTC)", {"fields": MOMENTS}),
        ("What came back", {"fields": CAME_BACK}),
        ("In our books", {"fields": ["message_id", "number"]}),
    ]
    readonly_fields = ["status"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Over indexes only: readers whose address begins so, or the one delivery of a Message-ID."""
        term = search_term.strip().strip("<>").lower()
        if not term:
            return queryset, False
        readers = Subscriber.objects.filter(address__startswith=term).order_by("address")
        found = list(readers.values_list("pk", flat=True)[: MOST_READERS + 1])
        if len(found) > MOST_READERS:
            messages.info(request, f"More than {MOST_READERS} readers begin so: these are the first of them.")
        return queryset.filter(Q(subscriber__in=found[:MOST_READERS]) | Q(message_id=term)), False

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

    @display(description="when (UTC)")
    def when(self, delivery: Delivery) -> str:
        """When it ended, or when it goes on."""
        if delivery.settled_at:
            return f"{delivery.settled_at:%d %b %H:%M:%S}"
        if at := delivery.next_attempt_at:
            return f"next {at:%d %b %H:%M} ({words.until(at, now=timezone.now())})"
        return ""

    @display(description="came back")
    def came_back(self, delivery: Delivery) -> str:
        return ", ".join(BACK_WORDS[name] for name in CAME_BACK if getattr(delivery, name))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}
