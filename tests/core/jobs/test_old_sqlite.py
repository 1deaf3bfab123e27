"""A worker starts whatever SQLite the machine brings."""

from __future__ import annotations

import time

import sqlalchemy as sa

from core.jobs.old_sqlite import teach_subseconds


def test_a_default_in_subseconds_is_the_time_on_any_sqlite() -> None:
    teach_subseconds()
    teach_subseconds()
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(sa.text("create table t (a int, at integer not null default (unixepoch('subsec') * 1000))"))
        connection.execute(sa.text("insert into t (a) values (1)"))
        stamp = connection.execute(sa.text("select at from t")).scalar_one()
    assert abs(stamp / 1000 - time.time()) < 5
