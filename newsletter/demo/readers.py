"""Sixty made-up readers, all at example.org (RFC 2606): names of many scripts, some without a name, mixed interests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reader:
    local: str
    name: str
    language: str
    interests: tuple[str, ...]
    depth: str = "deep"


def _group(interests: tuple[str, ...], *people: tuple[str, str, str]) -> list[Reader]:
    return [Reader(local, name, language, interests) for local, name, language in people]


READERS: list[Reader] = [
    *_group(
        ("researchers",),
        ("amara.okafor", "Amara Okafor", "en"),
        ("chen.yu", "陈宇", "zh"),
        ("elif.demir", "Elif Demir", "tr"),
        ("giulia.conti", "Giulia Conti", "it"),
        ("haruka.sato", "佐藤 遥", "ja"),
        ("ingrid.solberg", "Ingrid Solberg", "nb"),
        ("j.nowak", "Józef Nowak", "pl"),
        ("layla.haddad", "ليلى حداد", "ar"),
        ("m.ferreira", "Márcia Ferreira", "pt"),
        ("niran.s", "นิรันดร์ สุขใจ", "th"),
        ("quiet.reader", "", "en"),
        ("reading.group", "", "en"),
    ),
    *_group(
        ("researchers", "engineers"),
        ("priya.raman", "Priya Raman", "en"),
        ("tomas.novak", "Tomáš Novák", "cs"),
        ("yael.cohen", "יעל כהן", "he"),
        ("zoe.muller", "Zoë Müller", "de"),
    ),
    *_group(
        ("engineers",),
        ("ada.lindqvist", "Ada Lindqvist", "sv"),
        ("bao.nguyen", "Nguyễn Bảo", "vi"),
        ("carlos.vega", "Carlos Vega", "es"),
        ("dmytro.koval", "Дмитро Коваль", "uk"),
        ("eun-ji.park", "박은지", "ko"),
        ("farid.aziz", "Farid Aziz", "en"),
        ("greta.olsen", "Greta Olsen", "da"),
        ("on.call", "", "en"),
        ("kwame.mensah", "Kwame Mensah", "en"),
        ("lucie.moreau", "Lucie Moreau", "fr"),
        ("oneill", "Siobhán O'Neill", "en"),
        ("build.bot.owner", "", "en"),
        ("rohan.iyer", "Rohan Iyer", "en"),
    ),
    *_group(
        ("founders",),
        ("aisha.bello", "Aisha Bello", "en"),
        ("beatriz.lima", "Beatriz Lima", "pt"),
        ("daniel.kim", "Daniel Kim", "en"),
        ("helena.costa", "Helena Costa", "pt"),
        ("ivan.horvat", "Ivan Horvat", "hr"),
        ("office", "", "en"),
    ),
    *_group(
        ("founders", "investors"),
        ("katrin.weber", "Katrin Weber", "de"),
        ("meera.shah", "Meera Shah", "en"),
        ("olivier.dubois", "Olivier Dubois", "fr"),
        ("sana.rahman", "Sana Rahman", "en"),
        ("wei.zhang", "张伟", "zh"),
    ),
    *_group(
        ("policy",),
        ("andrei.popescu", "Andrei Popescu", "ro"),
        ("claire.jansen", "Claire Jansen", "nl"),
        ("eleni.p", "Ελένη Παπαδοπούλου", "el"),
        ("legal.desk", "", "en"),
        ("maria.rossi", "Maria Rossi", "it"),
        ("nadia.karim", "Nadia Karim", "en"),
        ("pekka.virtanen", "Pekka Virtanen", "fi"),
        ("t.wolf", "Theresa Wolf", "de"),
        ("victor.hugo", "Victor Hugo Salas", "es"),
    ),
    *_group(
        ("product",),
        ("emma.byrne", "Emma Byrne", "en"),
        ("kenji.ito", "伊藤 健二", "ja"),
        ("rosa.marin", "Rosa Marín", "es"),
    ),
    *_group(
        (),
        ("anna.k", "Anna K.", "en"),
        ("curious", "", "en"),
        ("grandpa", "", "en"),
        ("hello", "", "en"),
        ("library", "City Library", "en"),
        ("newsroom.friend", "Noor", "en"),
        ("samir", "Samir", "en"),
        ("someone.long.address.for.wrapping", "", "en"),
    ),
]
