from django.db import migrations

AUDIENCES = [
    ("researchers", "Researchers & Academics"),
    ("engineers", "Developers & Engineers"),
    ("founders", "Founders & Executives"),
    ("investors", "Investors & Analysts"),
    ("product", "Product & Design"),
    ("policy", "Policy & Legal"),
]


def give_the_six(apps, schema_editor):
    Audience = apps.get_model("curation", "Audience")
    for position, (code, label) in enumerate(AUDIENCES):
        Audience.objects.get_or_create(code=code, defaults={"label": label, "position": position})


class Migration(migrations.Migration):
    dependencies = [("curation", "0001_initial")]
    operations = [migrations.RunPython(give_the_six, migrations.RunPython.noop)]
