from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from newsletter.admin import words
from newsletter.admin.campaign_doubts import decide
from newsletter.admin.campaign_live import live_of
from newsletter.admin.pages import demand
from newsletter.admin.read_only import ReadOnly
from newsletter.models import Campaign
from newsletter.sending import campaigns, export

LABELS = {
    "draft": "info",
    "missed": "warning",
    "frozen": "info",
    "sending": "info",
    "paused": "warning",
    "done": "success",
    "cancelled": "danger",
}


@admin.register(Campaign)
class CampaignAdmin(ReadOnly, ModelAdmin):
    """The operator's page: how far a sending is, what keeps it, and the buttons that stop it or let it go on."""

    list_display = ["edition", "newsletter", "status", "readers", "begun", "trouble"]
    list_filter = ["state", "newsletter"]
    list_select_related = ["edition", "newsletter"]
    search_fields = ["edition__subject", "edition__slug", "key"]
    fields = ["newsletter"]
    readonly_fields = ["newsletter"]

    class Media:
        css = {"all": ["desk/compose.css", "desk/campaign.css"]}
        js = ["desk/compose.js", "desk/campaign.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).select_related("edition", "newsletter")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:campaign_id>/live/", wrap(self.live_part), name="newsletter_campaign_live"),
            path("<int:campaign_id>/csv/<slug:state>/", wrap(self.csv), name="newsletter_campaign_csv"),
            path(
                "<int:campaign_id>/doubts/<int:delivery_id>/<slug:verb>/",
                wrap(self.decide),
                name="newsletter_campaign_doubt",
            ),
            path("<int:campaign_id>/<slug:verb>/act/", wrap(self.act), name="newsletter_campaign_act"),
        ]
        return own + super().get_urls()

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if campaign is not None:
            context["live"] = live_of(campaign, now=timezone.now())
            context["moves"] = list(campaign.moves.all())
            context |= _permissions(request)
            context["title"] = str(campaign.edition)
        return super().changeform_view(request, object_id, form_url, context)

    def live_part(self, request: HttpRequest, campaign_id: int) -> HttpResponse:
        """The part of the page that changes while a campaign runs."""
        demand(request, "view_campaign")
        context = {"live": live_of(self._find(campaign_id), now=timezone.now()), **_permissions(request)}
        return HttpResponse(render_to_string("admin/newsletter/campaign/_live.html", context, request=request))

    def act(self, request: HttpRequest, campaign_id: int, verb: str) -> HttpResponse:
        """One of the moves, by its button."""
        demand(request, "send_edition")
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if verb not in VERBS:
            raise Http404(f"A campaign has no verb “{verb}”.")
        campaign = self._find(campaign_id)
        more = {"reason": request.POST.get("reason", "").strip()[:300]} if verb in TAKES_REASON else {}
        try:
            VERBS[verb](campaign, actor=request.user, now=timezone.now(), **more)
        except (campaigns.NotMoved, campaigns.FreezeRefused) as refused:
            for reason in getattr(refused, "reasons", [str(refused)]):
                messages.error(request, reason)
        else:
            back_in_hold = verb == "resume" and campaign.state == Campaign.State.FROZEN
            messages.success(request, BACK_IN_HOLD if back_in_hold else ANSWERS[verb])
        return HttpResponseRedirect(reverse("admin:newsletter_campaign_change", args=[campaign_id]))

    def decide(self, request: HttpRequest, campaign_id: int, delivery_id: int, verb: str) -> HttpResponse:
        """A person's word on one delivery that is in doubt or unknown."""
        return decide(request, campaign_id=campaign_id, delivery_id=delivery_id, verb=verb)

    def csv(self, request: HttpRequest, campaign_id: int, state: str) -> StreamingHttpResponse:
        """The deliveries in a state, or all of them, streamed: a million rows take no more memory than one."""
        demand(request, "view_delivery")
        if state not in export.STATES:
            raise Http404(f"There is no state “{state}”: use one of {', '.join(export.STATES)}.")
        parts = export.csv_parts(self._find(campaign_id), state)
        return StreamingHttpResponse(
            (part.encode() for part in parts),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="campaign-{campaign_id}-{state}.csv"',
                "Cache-Control": "no-store",  # it holds addresses
            },
        )

    def _find(self, campaign_id: int) -> Campaign:
        campaign = Campaign.objects.select_related("edition", "newsletter").filter(pk=campaign_id).first()
        if campaign is None:
            raise Http404(f"There is no campaign {campaign_id}.")
        return campaign

    # --- The list ------------------------------------------------------------------------------------------------

    @display(description="state", ordering="state", label=LABELS)
    def status(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state, campaign.get_state_display()

    @display(description="readers", ordering="frozen_count")
    def readers(self, campaign: Campaign) -> str:
        return "not frozen yet" if campaign.frozen_count is None else f"{campaign.frozen_count:,}"

    @display(description="begins or began", ordering="started_at")
    def begun(self, campaign: Campaign) -> str:
        moment = campaign.started_at or campaign.held_until or campaign.slot
        if moment is None:
            return "when somebody sends it"
        return words.slot(moment, zone=campaign.newsletter.zone, now=timezone.now())


def _permissions(request: HttpRequest) -> dict[str, bool]:
    return {
        "may_send": request.user.has_perm("newsletter.send_edition"),
        "may_see_deliveries": request.user.has_perm("newsletter.view_delivery"),
    }


VERBS: dict[str, Callable[..., None]] = {
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "cancel": campaigns.cancel,
    "freeze": campaigns.freeze,
    "send_missed": campaigns.send_missed,
    "release": partial(campaigns.release, early=True),
}
BACK_IN_HOLD = "The hold has begun anew: nobody has been mailed, and you can still stop it."
TAKES_REASON = {"pause", "resume", "cancel"}
ANSWERS = {
    "pause": "Paused: nothing new leaves. What stands at a server is still waited for.",
    "resume": "It goes on with the rest; nobody gets a second copy.",
    "cancel": "Cancelled for good. Those who have their mail have it; nobody else gets one.",
    "freeze": "Frozen: the hold has begun, and you can still stop it.",
    "send_missed": "Frozen: the hold has begun, and you can still stop it.",
    "release": "Sending has begun.",
}
