from newsletter.models import Delivery, ProviderMessage
from newsletter.sending.outcomes import Accepted
from newsletter.sending.providers.ids import remember


def test_a_providers_id_is_kept_and_the_last_one_counts(campaign):
    first, second, third = Delivery.objects.values_list("pk", flat=True)
    remember(
        [
            (first, Accepted(250, "queued", provider="resend", provider_id="a")),
            (second, Accepted(250, "2.0.0 taken")),  # by SMTP
        ]
    )
    remember([(first, Accepted(250, "queued", provider="brevo", provider_id="b" * 300))])
    (kept,) = ProviderMessage.objects.all()
    assert (kept.delivery_id, kept.esp, kept.message_id) == (first, "brevo", "b" * 200)
