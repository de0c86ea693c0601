"""SQLAlchemy 2 over psycopg: Core and ORM, DDL, sessions, savepoints, RETURNING, bulk, reflection.

Connects by libpq's variables; names every check that fails.
"""

import datetime as dt
import enum
import os
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.dialects.postgresql import insert as pg_insert

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, raises, run  # noqa: E402

PID = os.getpid()
engine = sa.create_engine("postgresql+psycopg://")
Session = orm.sessionmaker(engine)


class Base(orm.DeclarativeBase):
    pass


class Colour(enum.Enum):
    GREEN = "green"
    BLACK = "black"


class Garden(Base):
    __tablename__ = f"tea_garden_{PID}"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(80), unique=True)
    teas: orm.Mapped[list["Tea"]] = orm.relationship(back_populates="garden",
                                                     cascade="all, delete-orphan")


class Tea(Base):
    __tablename__ = f"tea_tea_{PID}"
    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    garden_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey(Garden.id))
    name: orm.Mapped[str] = orm.mapped_column(sa.Text)
    price: orm.Mapped[Decimal] = orm.mapped_column(sa.Numeric(10, 2), server_default="1.50")
    picked: orm.Mapped[dt.date | None]
    made_at: orm.Mapped[dt.datetime] = orm.mapped_column(sa.DateTime(timezone=True),
                                                         server_default=sa.func.now())
    organic: orm.Mapped[bool] = orm.mapped_column(default=False)
    key: orm.Mapped[uuid.UUID] = orm.mapped_column(default=uuid.uuid4)
    garden: orm.Mapped[Garden] = orm.relationship(back_populates="teas")


class Leaf(Base):
    __tablename__ = f"tea_leaf_{PID}"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    size: orm.Mapped[float]
    colour: orm.Mapped[Colour] = orm.mapped_column(
        sa.Enum(Colour, name=f"tea_colour_{PID}", native_enum=False))
    __table_args__ = (sa.Index(f"tea_leaf_size_{PID}", "size"),
                      sa.CheckConstraint("size > 0", name=f"tea_leaf_check_{PID}"))


def check_create_all():
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)  # finds them by reflection and does nothing


def check_orm_flush_and_commit():
    with Session() as session:
        garden = Garden(name="Ceylon", teas=[Tea(name="Uva"), Tea(name="Dimbula", organic=True)])
        session.add(garden)
        session.flush()
        assert garden.id is not None and [tea.id for tea in garden.teas]
        equal(garden.teas[0].price, Decimal("1.50"))
        assert garden.teas[0].made_at.tzinfo is not None
        session.commit()
    with Session() as session:
        garden = session.scalars(sa.select(Garden).options(orm.selectinload(Garden.teas))).one()
        equal(sorted(tea.name for tea in garden.teas), ["Dimbula", "Uva"])


def check_orm_update_and_delete():
    with Session() as session:
        tea = session.scalars(sa.select(Tea).where(Tea.name == "Uva")).one()
        tea.price = Decimal("2.75")
        tea.picked = dt.date(2024, 2, 29)
        session.commit()
        equal(session.get(Tea, tea.id).price, Decimal("2.75"))
        session.delete(tea)
        session.commit()
        equal(session.scalar(sa.select(sa.func.count()).select_from(Tea)), 1)


def check_rollback():
    with Session() as session:
        session.add(Garden(name="Assam"))
        session.flush()
        equal(session.scalar(sa.select(sa.func.count()).select_from(Garden)), 2)
        session.rollback()
        equal(session.scalar(sa.select(sa.func.count()).select_from(Garden)), 1)


def check_integrity_error():
    with Session() as session:
        session.add(Garden(name="Ceylon"))
        error = raises(exc.IntegrityError, session.flush)
        equal(error.orig.sqlstate, "23505")
        session.rollback()
        session.add(Garden(name="Nilgiri"))
        session.commit()


def check_begin_nested():
    with Session.begin() as session:
        session.add(Garden(name="outer"))
        with session.begin_nested():
            session.add(Garden(name="kept"))
        try:
            with session.begin_nested():
                session.add(Garden(name="Ceylon"))
                session.flush()
        except exc.IntegrityError:
            pass
        nested = session.begin_nested()
        session.add(Garden(name="undone"))
        session.flush()
        nested.rollback()
    with Session() as session:
        names = set(session.scalars(sa.select(Garden.name)))
        equal(names, {"Ceylon", "Nilgiri", "outer", "kept"})


def check_core_returning():
    with engine.begin() as conn:
        statement = sa.insert(Garden).values(name="Darjeeling").returning(Garden.id, Garden.name)
        row = conn.execute(statement).one()
        equal(row.name, "Darjeeling")
        updated = conn.execute(sa.update(Garden).where(Garden.id == row.id).values(name="D")
                               .returning(Garden.name)).scalars().all()
        equal(updated, ["D"])
        gone = conn.execute(sa.delete(Garden).where(Garden.id == row.id).returning(Garden.id))
        equal(gone.scalars().all(), [row.id])


def check_bulk_insert():
    with engine.begin() as conn:
        rows = [{"id": n, "size": n / 2, "colour": Colour.GREEN} for n in range(1, 3001)]
        conn.execute(sa.insert(Leaf), rows)
        equal(conn.scalar(sa.select(sa.func.count()).select_from(Leaf)), 3000)
    with Session.begin() as session:
        made = session.scalars(sa.insert(Garden).returning(Garden, sort_by_parameter_order=True),
                               [{"name": f"bulk {n}"} for n in range(50)]).all()
        equal([garden.name for garden in made], [f"bulk {n}" for n in range(50)])
        session.execute(sa.update(Leaf), [{"id": n, "size": 5000.0} for n in range(1, 11)])
        equal(session.scalar(sa.select(sa.func.count()).where(Leaf.size == 5000.0)), 10)
    with Session.begin() as session:
        session.add_all([Leaf(id=n, size=1, colour=Colour.BLACK) for n in range(5000, 5100)])


def check_upsert():
    with engine.begin() as conn:
        statement = pg_insert(Leaf).values([
            {"id": 1, "size": 7.0, "colour": Colour.BLACK},
            {"id": 9001, "size": 8.0, "colour": Colour.BLACK},
        ])
        statement = statement.on_conflict_do_update(
            index_elements=[Leaf.id], set_={"size": statement.excluded.size})
        conn.execute(statement)
        equal(conn.scalar(sa.select(Leaf.size).where(Leaf.id == 1)), 7.0)
        equal(conn.scalar(sa.select(Leaf.colour).where(Leaf.id == 9001)), Colour.BLACK)


def check_check_constraint():
    with engine.connect() as conn:
        bad = sa.insert(Leaf).values(id=9999, size=-1, colour=Colour.GREEN)
        equal(raises(exc.IntegrityError, lambda: conn.execute(bad)).orig.sqlstate, "23514")


def check_queries():
    with Session() as session:
        per_colour = sa.select(Leaf.colour, sa.func.count(), sa.func.avg(Leaf.size)).group_by(
            Leaf.colour).order_by(sa.func.count())
        rows = session.execute(per_colour).all()
        equal([(row[0], row[1]) for row in rows], [(Colour.BLACK, 101), (Colour.GREEN, 3000)])
        joined = sa.select(Garden.name, Tea.name).join(Tea.garden).where(Tea.organic.is_(True))
        equal([tuple(row) for row in session.execute(joined)], [("Ceylon", "Dimbula")])
        window = sa.select(Leaf.id, sa.func.row_number().over(order_by=Leaf.id)).limit(2)
        equal(session.execute(window).all()[1][1], 2)
        numbers = sa.select(Leaf.id).where(Leaf.id.in_([1, 2, 3])).order_by(Leaf.id)
        equal(session.scalars(numbers).all(), [1, 2, 3])


def check_select_for_update():
    with Session.begin() as session:
        leaf = session.scalars(sa.select(Leaf).where(Leaf.id == 2).with_for_update()).one()
        leaf.size += 1
    with Session() as session:
        equal(session.get(Leaf, 2).size, 5001.0)


def check_stream():
    with engine.connect().execution_options(stream_results=True, yield_per=500) as conn:
        equal(sum(1 for _ in conn.execute(sa.select(Leaf.id))), 3101)


def check_isolation_levels():
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        equal(conn.get_isolation_level(), "REPEATABLE READ")
        before = conn.scalar(sa.select(sa.func.count()).select_from(Garden))
        with engine.begin() as other:
            other.execute(sa.insert(Garden).values(name="unseen"))
        equal(conn.scalar(sa.select(sa.func.count()).select_from(Garden)), before)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.delete(Garden).where(Garden.name == "unseen"))


def check_reflection():
    inspector = sa.inspect(engine)
    names = inspector.get_table_names()
    for model in (Garden, Tea, Leaf):
        assert model.__tablename__ in names, names
    equal([column["name"] for column in inspector.get_columns(Garden.__tablename__)],
          ["id", "name"])
    equal(inspector.get_pk_constraint(Tea.__tablename__)["constrained_columns"], ["id"])
    keys = inspector.get_foreign_keys(Tea.__tablename__)
    equal([(key["constrained_columns"], key["referred_table"]) for key in keys],
          [(["garden_id"], Garden.__tablename__)])
    assert any(index["column_names"] == ["size"]
               for index in inspector.get_indexes(Leaf.__tablename__))
    unique = inspector.get_unique_constraints(Garden.__tablename__)
    equal([one["column_names"] for one in unique], [["name"]])


def check_reflected_table():
    table = sa.Table(Leaf.__tablename__, sa.MetaData(), autoload_with=engine)
    equal([column.name for column in table.primary_key], ["id"])
    with engine.connect() as conn:
        equal(conn.scalar(sa.select(sa.func.count()).select_from(table)), 3101)


def check_temporary_table():
    metadata = sa.MetaData()
    table = sa.Table(f"tea_temp_{PID}", metadata, sa.Column("n", sa.Integer),
                     prefixes=["TEMPORARY"])
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(sa.insert(table), [{"n": n} for n in range(5)])
        equal(conn.scalar(sa.select(sa.func.sum(table.c.n))), 10)
        table.drop(conn)


def check_drop_all():
    Base.metadata.drop_all(engine)
    assert Garden.__tablename__ not in sa.inspect(engine).get_table_names()


def clean_up():
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        for model in (Tea, Garden, Leaf):
            conn.exec_driver_sql(f"DROP TABLE IF EXISTS {model.__tablename__}")
    engine.dispose()


if __name__ == "__main__":
    run([value for name, value in list(globals().items()) if name.startswith("check_")], clean_up)
