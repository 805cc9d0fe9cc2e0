"""Who runs an experiment: one process at a time, and nobody for long after it died."""

import threading
from datetime import timedelta

import pytest
from catalog_samples import HERE, NOW, key, register, start
from sqlalchemy import Engine

from db import catalog
from db.engine import open_catalog, writing
from db.leases import EXPIRY
from db.money_tables import LeaseRow

ADA = catalog.Owner("ada", "boot-1", 17, "100")
BOB = catalog.Owner("bob", "boot-2", 17, "100")


def unseen(owner: catalog.Owner) -> None:
    return None


def ages(engine: Engine, experiment: int, by: timedelta) -> None:
    """So long ago was the last heartbeat."""
    with writing(engine) as session:
        row = session.get(LeaseRow, experiment)
        assert row is not None
        row.heartbeat_at -= by
        session.add(row)


@pytest.fixture
def experiment(engine: Engine) -> int:
    return start(engine, register(engine))


def test_one_takes_it_and_the_other_is_told_who_has_it(engine: Engine, experiment: int) -> None:
    assert catalog.take_lease(engine, experiment, ADA, unseen) is None
    held = catalog.take_lease(engine, experiment, BOB, unseen)
    assert held is not None
    assert (held.owner, held.alive) == (ADA, True)
    assert 0 <= held.age < 30
    assert catalog.take_lease(engine, experiment, ADA, unseen) is None, "its own is renewed"
    assert not catalog.release_lease(engine, experiment, BOB)
    assert catalog.release_lease(engine, experiment, ADA)
    assert catalog.leases(engine, unseen) == []
    assert catalog.take_lease(engine, experiment, BOB, unseen) is None


def test_elsewhere_an_old_heartbeat_is_a_dead_owner(engine: Engine, experiment: int) -> None:
    catalog.take_lease(engine, experiment, ADA, unseen)
    ages(engine, experiment, EXPIRY - timedelta(seconds=20))
    assert catalog.take_lease(engine, experiment, BOB, unseen) is not None
    ages(engine, experiment, timedelta(seconds=21))
    (lease,) = catalog.leases(engine, unseen)
    assert not lease.alive
    assert catalog.take_lease(engine, experiment, BOB, unseen) is None
    (lease,) = catalog.leases(engine, unseen)
    assert (lease.owner, lease.alive) == (BOB, True)
    held = catalog.take_lease(engine, experiment, ADA, unseen)
    assert held is not None
    assert held.owner == BOB, "one that comes back late finds it taken"


def test_a_heartbeat_keeps_it(engine: Engine, experiment: int) -> None:
    catalog.take_lease(engine, experiment, ADA, unseen)
    ages(engine, experiment, EXPIRY)
    catalog.take_lease(engine, experiment, ADA, unseen)
    assert catalog.take_lease(engine, experiment, BOB, unseen) is not None


@pytest.mark.parametrize("clock_jumps", [timedelta(0), timedelta(hours=1), -timedelta(hours=1)])
def test_where_the_process_can_be_seen_no_clock_matters(
    engine: Engine, experiment: int, clock_jumps: timedelta
) -> None:
    catalog.take_lease(engine, experiment, ADA, unseen)
    ages(engine, experiment, clock_jumps)
    assert catalog.take_lease(engine, experiment, BOB, lambda owner: True) is not None
    assert catalog.take_lease(engine, experiment, BOB, lambda owner: False) is None


def test_whoever_lost_it_starts_nothing_more(engine: Engine, experiment: int) -> None:
    catalog.take_lease(engine, experiment, ADA, unseen)
    begun = {"executor": "local", "host": "ada", "boot_id": "boot-1", "now": NOW}
    assert catalog.begin_attempt(engine, experiment, key("cosformer", 0), **begun, owner=ADA) is not None
    ages(engine, experiment, EXPIRY + timedelta(seconds=1))
    assert catalog.take_lease(engine, experiment, BOB, unseen) is None
    with pytest.raises(catalog.LeaseError, match=r"leased to process 17 on bob since .*; nothing was started"):
        catalog.begin_attempt(engine, experiment, key("cosformer", 1), **begun, owner=ADA)
    assert catalog.begin_attempt(engine, experiment, key("cosformer", 1), **HERE, now=NOW, owner=BOB) is not None


def test_of_many_at_once_one_gets_it(url: str) -> None:
    with open_catalog(url) as opened:
        experiment = start(opened.engine, register(opened.engine))
    owners = [catalog.Owner(f"host-{number}", "boot", number, "1") for number in range(6)]
    refused: list[catalog.Owner] = []

    def take(owner: catalog.Owner) -> None:
        with open_catalog(url) as opened:
            if catalog.take_lease(opened.engine, experiment, owner, unseen) is not None:
                refused.append(owner)

    threads = [threading.Thread(target=take, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(owners) - 1
