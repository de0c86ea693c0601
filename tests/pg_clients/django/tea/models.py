"""The tables of the check; their names carry the process id."""

import os
import uuid
from decimal import Decimal

from django.db import models

PID = os.getpid()


class Garden(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    altitude = models.IntegerField(default=0, db_index=True)

    class Meta:
        db_table = f"tea_dj_garden_{PID}"


class Tea(models.Model):
    id = models.BigAutoField(primary_key=True)
    garden = models.ForeignKey(Garden, on_delete=models.CASCADE, related_name="teas")
    name = models.TextField()
    price = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal("1.50"))
    picked = models.DateField(null=True)
    made_at = models.DateTimeField(auto_now_add=True)
    organic = models.BooleanField(default=False)
    key = models.UUIDField(default=uuid.uuid4)

    class Meta:
        db_table = f"tea_dj_tea_{PID}"
        indexes = [models.Index(fields=["organic", "price"], name=f"tea_dj_i_{PID}")]
