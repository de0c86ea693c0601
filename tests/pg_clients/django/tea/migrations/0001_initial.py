"""Two tables."""

import os
import uuid
from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

PID = os.getpid()


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Garden",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80, unique=True)),
                ("altitude", models.IntegerField(default=0, db_index=True)),
            ],
            options={"db_table": f"tea_dj_garden_{PID}"},
        ),
        migrations.CreateModel(
            name="Tea",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("price", models.DecimalField(decimal_places=2, default=Decimal("1.50"),
                                              max_digits=10)),
                ("picked", models.DateField(null=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("key", models.UUIDField(default=uuid.uuid4)),
                ("garden", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE,
                                             related_name="teas", to="tea.garden")),
            ],
            options={"db_table": f"tea_dj_tea_{PID}"},
        ),
    ]
