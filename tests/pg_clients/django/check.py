"""Django's ORM over psycopg: migrations, atomic() nested, bulk_create, select_for_update, queries.

Connects by libpq's variables; names every check that fails. Its application is the folder `tea`.
"""

import datetime as dt
import os
import sys
from decimal import Decimal
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, raises, run  # noqa: E402

settings.configure(
    TIME_ZONE="UTC",
    INSTALLED_APPS=["tea"],
    DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "postgres"),
        "USER": os.environ.get("PGUSER", "postgres"),
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
    }},
    USE_TZ=True,
)
django.setup()

from django.db import IntegrityError, connection, transaction  # noqa: E402
from django.db.models import Count, F, Q, Sum  # noqa: E402
from django.db.models.functions import Lower  # noqa: E402
from tea.models import Garden, Tea  # noqa: E402


def check_migrate():
    call_command("migrate", verbosity=0)
    names = connection.introspection.table_names()
    for model in (Garden, Tea):
        assert model._meta.db_table in names, names
    call_command("migrate", verbosity=0, check_unapplied=True)


def check_create_and_get():
    garden = Garden.objects.create(name="Ceylon", altitude=1200)
    assert garden.pk
    tea = Tea.objects.create(garden=garden, name="Uva", picked=dt.date(2024, 2, 29))
    found = Tea.objects.get(pk=tea.pk)
    equal((found.price, found.picked, found.key), (Decimal("1.50"), tea.picked, tea.key))
    assert found.made_at.tzinfo is not None
    raises(Tea.DoesNotExist, lambda: Tea.objects.get(pk=-1))


def check_save_and_update():
    garden = Garden.objects.get(name="Ceylon")
    garden.altitude = F("altitude") + 100
    garden.save()
    garden.refresh_from_db()
    equal(garden.altitude, 1300)
    equal(Garden.objects.filter(name="Ceylon").update(altitude=1400), 1)


def check_atomic_rolls_back():
    def failing():
        with transaction.atomic():
            Garden.objects.create(name="undone")
            equal(Garden.objects.count(), 2)
            raise ValueError

    raises(ValueError, failing)
    equal(Garden.objects.count(), 1)


def check_nested_atomic():
    with transaction.atomic():
        Garden.objects.create(name="outer")
        with transaction.atomic():
            Garden.objects.create(name="kept")
        try:
            with transaction.atomic():
                Garden.objects.create(name="Ceylon")
        except IntegrityError as error:
            equal(error.__cause__.sqlstate, "23505")
        point = transaction.savepoint()
        Garden.objects.create(name="undone")
        transaction.savepoint_rollback(point)
    equal(set(Garden.objects.values_list("name", flat=True)), {"Ceylon", "outer", "kept"})


def check_on_commit():
    called = []
    with transaction.atomic():
        transaction.on_commit(lambda: called.append(1))
        Garden.objects.filter(name="kept").delete()
        equal(called, [])
    equal(called, [1])


def check_bulk_create():
    gardens = Garden.objects.bulk_create(
        [Garden(name=f"bulk {n}", altitude=n) for n in range(500)], batch_size=200)
    assert all(garden.pk for garden in gardens)
    equal(len({garden.pk for garden in gardens}), 500)
    ignored = Garden.objects.bulk_create([Garden(name="bulk 1")], ignore_conflicts=True)
    equal(len(ignored), 1)
    Garden.objects.bulk_create([Garden(name="bulk 1", altitude=7777)], update_conflicts=True,
                               unique_fields=["name"], update_fields=["altitude"])
    equal(Garden.objects.get(name="bulk 1").altitude, 7777)


def check_bulk_update():
    gardens = list(Garden.objects.filter(name__startswith="bulk").order_by("pk")[:50])
    for garden in gardens:
        garden.altitude += 10000
    equal(Garden.objects.bulk_update(gardens, ["altitude"]), 50)
    equal(Garden.objects.filter(altitude__gte=10000).count(), 50)


def check_get_or_create():
    garden, made = Garden.objects.get_or_create(name="Assam", defaults={"altitude": 50})
    assert made
    again, made = Garden.objects.get_or_create(name="Assam")
    equal((made, again.pk), (False, garden.pk))
    changed, made = Garden.objects.update_or_create(name="Assam", defaults={"altitude": 60})
    equal((made, changed.altitude), (False, 60))


def check_select_for_update():
    with transaction.atomic():
        garden = Garden.objects.select_for_update().get(name="Assam")
        garden.altitude += 1
        garden.save()
    equal(Garden.objects.get(name="Assam").altitude, 61)


def check_queries():
    ceylon = Garden.objects.get(name="Ceylon")
    Tea.objects.bulk_create([Tea(garden=ceylon, name=f"tea {n}", organic=n % 2 == 0)
                             for n in range(10)])
    counted = Garden.objects.annotate(n=Count("teas"), worth=Sum("teas__price")).get(pk=ceylon.pk)
    equal((counted.n, counted.worth), (11, Decimal("16.50")))
    named = Tea.objects.filter(Q(organic=True) | Q(name="Uva"), garden__name="Ceylon")
    equal(named.count(), 6)
    equal(list(Tea.objects.filter(name__iexact="UVA").values_list("name", flat=True)), ["Uva"])
    equal(Garden.objects.annotate(low=Lower("name")).filter(low="ceylon").exists(), True)
    equal(Tea.objects.filter(made_at__date=dt.datetime.now(dt.timezone.utc).date()).count(), 11)
    equal(Tea.objects.select_related("garden").first().garden.name, "Ceylon")
    equal(len(Garden.objects.prefetch_related("teas").filter(name="Ceylon")[0].teas.all()), 11)


def check_server_side_cursor():
    equal(sum(1 for _ in Garden.objects.all().iterator(chunk_size=100)), 503)


def check_cascade():
    deleted, per_model = Garden.objects.filter(name="Ceylon").delete()
    equal((deleted, per_model["tea.Tea"]), (12, 11))


def check_introspection():
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, Garden._meta.db_table)
        equal([column.name for column in described], ["id", "name", "altitude"])
        constraints = connection.introspection.get_constraints(cursor, Tea._meta.db_table)
        assert any(one["primary_key"] and one["columns"] == ["id"]
                   for one in constraints.values()), constraints
        assert any(one["index"] and one["columns"] == ["organic", "price"]
                   for one in constraints.values()), constraints


def check_migrate_back():
    call_command("migrate", "tea", "zero", verbosity=0)
    assert Garden._meta.db_table not in connection.introspection.table_names()


def clean_up():
    with connection.cursor() as cursor:
        for table in (Tea._meta.db_table, Garden._meta.db_table, "django_migrations"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
    connection.close()


if __name__ == "__main__":
    run([value for name, value in list(globals().items()) if name.startswith("check_")], clean_up)
