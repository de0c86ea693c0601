"""What migrations change: columns added, retyped, renamed, removed; an index; data."""

import os

from django.db import migrations, models

PID = os.getpid()


def fill(apps, schema_editor):
    apps.get_model("tea", "Garden").objects.create(name="made by the migration")


def empty(apps, schema_editor):
    apps.get_model("tea", "Garden").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("tea", "0001_initial")]
    operations = [
        migrations.AddField("Tea", "organic", models.BooleanField(default=False)),
        migrations.AddField("Tea", "notes", models.CharField(max_length=10, null=True)),
        migrations.AlterField("Tea", "notes", models.TextField(null=True)),
        migrations.RenameField("Tea", "notes", "remarks"),
        migrations.RemoveField("Tea", "remarks"),
        migrations.AddIndex("Tea", models.Index(fields=["organic", "price"],
                                                name=f"tea_dj_i_{PID}")),
        migrations.RunPython(fill, empty),
        migrations.RunSQL(f"DELETE FROM tea_dj_garden_{PID}", migrations.RunSQL.noop),
    ]
