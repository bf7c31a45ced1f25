"""`message`: building one personalised message, beside Django's EmailMultiAlternatives of the same text and HTML."""

from collections.abc import Callable
from time import process_time

from benchmarks import pairs
from benchmarks.options import Options
from benchmarks.result import Result, middle
from benchmarks.stage import set_up_django

RECIPIENTS, RUNS = 5_000, 5
READERS = 100  # names of all scripts, some without one; built again and again


def run(options: Options) -> Result:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        set_up_django(f"sqlite:///{folder}/message.sqlite3")
        return _measure(options.recipients_or(RECIPIENTS), options.runs_or(RUNS))


def _measure(count: int, runs: int) -> Result:
    from benchmarks import edition
    from newsletter.rendering.message import ByteTemplate
    from newsletter.sending import clock
    from newsletter.sending.messages import Press
    from newsletter.sending.relay import the_relays

    newsletter = edition.make_newsletter()
    edition.add_readers(newsletter, READERS)
    campaign = edition.frozen_campaign(newsletter)
    letters = [pairs.a_letter(campaign, number) for number in range(READERS)]
    press, relay, now = Press(campaign), the_relays()[0], clock.database_now()
    slots = [pairs.slots_of(campaign, letter, now=now) for letter in letters]
    variant = campaign.variants.get(pk=letters[0].variant)
    template = ByteTemplate.from_bytes(bytes(variant.template))
    size = len(template.merge(slots[0]))
    django = _per_call(lambda n: _django(variant, letters[n % READERS]), max(count // 50, 20), runs)
    result = Result("message", notes=[f"{count} messages for {READERS} readers, {runs} runs; CPU of one core."])
    result.figures = {
        "merge_us": _per_call(lambda n: template.merge(slots[n % READERS]), count, runs),
        "envelope_us": _per_call(lambda n: press.envelope(letters[n % READERS], now=now, relay=relay), count, runs),
        "message_bytes": size,
    }
    result.references = {"email_multi_alternatives_us": django}
    result.ratios = {"django_to_merge": django / result.figures["merge_us"]}
    result.ratios["django_to_envelope"] = django / result.figures["envelope_us"]
    result.targets = {"merge_us": "<= 10", "envelope_us": "<= 10"}
    return result


def _per_call(make: Callable[[int], object], count: int, runs: int) -> float:
    """Microseconds of CPU, the middle of the runs."""
    make(0)
    spans = []
    for _ in range(runs):
        begun = process_time()
        for number in range(count):
            make(number)
        spans.append((process_time() - begun) / count * 1e6)
    return middle(spans)


def _django(variant: object, letter: object) -> bytes:
    """What a package does that builds each message with the library; the merge of its text is not even counted."""
    from django.core.mail import EmailMultiAlternatives

    message = EmailMultiAlternatives(
        variant.subject,
        variant.text,
        "The Weekly AI Recap <recap@example.org>",
        [letter.email],
        headers={"Message-ID": f"<{letter.message_id}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )
    message.attach_alternative(variant.html, "text/html")
    return message.message().as_bytes()
