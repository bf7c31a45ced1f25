"""What made a million deliveries slow to freeze on PostgreSQL: the same promises, kept for all rows of a statement at once.

A foreign key looks up and locks its parent once a row: three of them cost more than all the rest of the freeze. One trigger a
statement now looks for what is missing in one join, and triggers on the parents refuse to leave a delivery without one. An
advisory lock stands between the two where a foreign key has its row locks: who deletes a parent waits for who inserts deliveries,
and the other way round; the second sees what the first did. SQLite keeps its foreign keys.

`unique=True` also made a second index, for LIKE, which nobody asks; a constraint makes one.
"""

from importlib import import_module

from django.db import migrations, models

guards = import_module("newsletter.migrations.0002_no_way_back")  # SQLite rebuilds the table they watch: off before, on after

LOCK = 7_266_301  # an advisory lock's key, ours alone
PARENTS = ("subscriber", "campaign", "variant")

CHECK_CHILDREN = f"""
CREATE FUNCTION delivery_has_parents() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE orphaned boolean;
BEGIN
    PERFORM pg_advisory_xact_lock_shared({LOCK});
    -- EXECUTE: planned for the number of rows at hand, one or a million.
    EXECUTE 'SELECT EXISTS (SELECT 1 FROM fresh LEFT JOIN newsletter_subscriber AS parent ON parent.id = fresh.subscriber_id
                            WHERE parent.id IS NULL)
                 OR EXISTS (SELECT 1 FROM (SELECT DISTINCT campaign_id, variant_id FROM fresh) AS pair
                            LEFT JOIN newsletter_variant AS parent
                                ON parent.id = pair.variant_id AND parent.campaign_id = pair.campaign_id
                            WHERE parent.id IS NULL)' INTO orphaned;
    IF orphaned THEN
        RAISE EXCEPTION 'a delivery needs a subscriber, and a variant of its own campaign' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
CHECK_PARENT = """
CREATE FUNCTION delivery_keeps_{parent}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    IF EXISTS (SELECT 1 FROM newsletter_delivery WHERE {where}) THEN
        RAISE EXCEPTION 'a {parent} with deliveries cannot be deleted' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
WHERE = {
    "subscriber": "subscriber_id = OLD.id",
    "campaign": "campaign_id = OLD.id",
    "variant": "campaign_id = OLD.campaign_id AND variant_id = OLD.id",
}
VARIANT_FIXED = """
CREATE FUNCTION delivery_variant_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.variant_id <> OLD.variant_id THEN
        RAISE EXCEPTION 'a delivery keeps its variant' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""


def watch_statements(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    run = schema_editor.execute
    delivery = apps.get_model("newsletter", "Delivery")
    for parent in PARENTS:
        column = delivery._meta.get_field(parent).column
        for name in schema_editor._constraint_names(delivery, [column], foreign_key=True):
            run(schema_editor._delete_fk_sql(delivery, name))
    run(CHECK_CHILDREN)
    run(
        "CREATE TRIGGER delivery_has_parents AFTER INSERT ON newsletter_delivery REFERENCING NEW TABLE AS fresh "
        "FOR EACH STATEMENT EXECUTE FUNCTION delivery_has_parents()"
    )
    for parent in PARENTS:
        run(CHECK_PARENT.format(parent=parent, lock=LOCK, where=WHERE[parent]))
        # At the end of the transaction, like Django's foreign keys: a parent may be deleted before its children.
        run(
            f"CREATE CONSTRAINT TRIGGER delivery_keeps_{parent} AFTER DELETE OR UPDATE OF id ON newsletter_{parent} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION delivery_keeps_{parent}()"
        )
    run(VARIANT_FIXED)
    run(
        "CREATE TRIGGER delivery_variant_fixed BEFORE UPDATE OF variant_id ON newsletter_delivery "
        "FOR EACH ROW EXECUTE FUNCTION delivery_variant_fixed()"
    )


def watch_rows(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for parent in PARENTS:
        schema_editor.execute(f"DROP FUNCTION delivery_keeps_{parent}() CASCADE")
    schema_editor.execute("DROP FUNCTION delivery_has_parents() CASCADE")
    schema_editor.execute("DROP FUNCTION delivery_variant_fixed() CASCADE")
    delivery = apps.get_model("newsletter", "Delivery")
    for parent in PARENTS:
        schema_editor.execute(
            schema_editor._create_fk_sql(
                delivery, delivery._meta.get_field(parent), "_fk_%(to_table)s_%(to_column)s"
            )
        )


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0003_pace")]

    operations = [
        migrations.RunPython(guards.unguard, guards.guard),
        migrations.AlterField("delivery", "message_id", models.CharField(max_length=320)),
        migrations.AddConstraint(
            "delivery", models.UniqueConstraint(fields=["message_id"], name="delivery_message_id_once")
        ),
        migrations.RunPython(watch_statements, watch_rows),
        migrations.RunPython(guards.guard, guards.unguard),
    ]
