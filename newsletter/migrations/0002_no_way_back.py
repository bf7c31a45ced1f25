"""What the database itself refuses, whatever a program does: the last line behind the conditional updates.

SQLite rebuilds a table that a later migration alters and loses its triggers: begin one that alters
`newsletter_delivery` or `newsletter_campaign` with `unguard` and end it with `guard`, as 0003 does. The tests of the triggers
run on both databases and tell when it was forgotten.
"""

from django.db import migrations

FINAL = "('sent', 'rejected', 'suppressed', 'gave_up', 'unknown')"
ENDED = (
    f"OLD.state IN {FINAL} AND NEW.state <> OLD.state "
    # The one door: a bounce, a click or a provider's event proves that a message of unknown fate had left.
    "AND NOT (OLD.state = 'unknown' AND NEW.state = 'sent')"
)
MOVED = (
    "NEW.message_id <> OLD.message_id OR NEW.subscriber_id <> OLD.subscriber_id OR NEW.campaign_id <> OLD.campaign_id"
)
UNBALANCED = f"""NEW.state = 'done' AND OLD.state <> 'done' AND (
    NEW.frozen_count <> (SELECT count(*) FROM newsletter_delivery WHERE campaign_id = NEW.id AND state IN {FINAL})
    OR EXISTS (SELECT 1 FROM newsletter_delivery WHERE campaign_id = NEW.id AND state NOT IN {FINAL})
)"""

GUARDS = [  # name, table, columns, when, words
    (
        "delivery_no_way_back",
        "newsletter_delivery",
        "state",
        ENDED,
        "a delivery that has ended cannot change its state",
    ),
    (
        "delivery_identity_fixed",
        "newsletter_delivery",
        "message_id, subscriber_id, campaign_id",
        MOVED,
        "a delivery keeps its Message-ID, reader and campaign",
    ),
    (
        "campaign_books_balance",
        "newsletter_campaign",
        "state",
        UNBALANCED,
        "a campaign is not done while a delivery is open",
    ),
]


def guard(apps, schema_editor):
    unguard(apps, schema_editor)
    write = _write_postgresql if schema_editor.connection.vendor == "postgresql" else _write_sqlite
    for each in GUARDS:
        write(schema_editor, *each)
    if schema_editor.connection.vendor == "postgresql":
        # Room on the page for the one update a row gets: settling then touches no index (heap-only).
        schema_editor.execute("ALTER TABLE newsletter_delivery SET (fillfactor = 50)")


def unguard(apps, schema_editor):
    for name, table, *_ in GUARDS:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _write_sqlite(schema_editor, name, table, columns, when, words):
    schema_editor.execute(
        f"CREATE TRIGGER {name} BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
    )


def _write_postgresql(schema_editor, name, table, columns, when, words):
    # A trigger's own WHEN costs next to nothing where it is false, but may not hold a query.
    test, condition = (f"IF {when} THEN", "") if "SELECT" in when else ("IF TRUE THEN", f"WHEN ({when})")
    schema_editor.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{test} RAISE EXCEPTION '{words}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        "RETURN NEW; END $$"
    )
    schema_editor.execute(
        f"CREATE TRIGGER {name} BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION {name}()"
    )


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0001_initial")]

    operations = [migrations.RunPython(guard, unguard)]
