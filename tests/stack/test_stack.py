"""The whole stack: what each process is told, who may see what, and one stack a folder."""

import json
import stat
from pathlib import Path

import pytest

from backoffice.stack.errors import StackError
from backoffice.stack.health import Health, ask
from backoffice.stack.schema import LOGINS, OWNER
from backoffice.stack.stack import Stack, _failing, _public


@pytest.fixture
def locked(tmp_path: Path):
    """Hold a data folder as a running stack does."""
    stack = Stack(tmp_path / "data")
    stack._take_lock()
    yield stack
    assert stack._lock is not None
    stack._lock.close()


async def test_a_folder_has_one_stack(locked: Stack) -> None:
    """Two supervisors would take each other's servers for leftovers and kill them."""
    with pytest.raises(StackError) as refused:
        await Stack(locked.data).start()
    assert refused.value.error == "already_running"
    assert "backoffice down" in refused.value.fix


def test_passwords_are_random_private_and_kept(tmp_path: Path) -> None:
    """The database knows them already at the next start."""
    stack = Stack(tmp_path)
    passwords = stack._load_passwords()
    assert set(passwords) == {OWNER, *LOGINS}
    assert len(set(passwords.values())) == len(passwords)
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600
    assert stack._load_passwords() == passwords


def test_a_service_is_told_its_own_secrets_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that could read another's password could read its tables."""
    monkeypatch.setenv("BACKOFFICE_OWNER_DSN", "postgresql://owner")
    monkeypatch.setenv("BACKOFFICE_REPORTING_PASSWORD_FILE", "/secret")
    monkeypatch.setenv("BACKOFFICE_KAFKA_SASL_PASSWORD", "of another broker")
    monkeypatch.setenv("BACKOFFICE_FAILPOINT", "transactions:after_poll:1")
    stack = Stack(tmp_path)
    monkeypatch.setenv("BACKOFFICE_MASTER_KEY", "of another stack")
    stack._passwords = stack._load_passwords()
    stack._master_key = stack._load_master_key()
    stack.postgres._port = stack.kafka._port = 5
    told = stack.environment_of("transactions", slot="transactions-0", port=8)
    ours = {name: value for name, value in told.items() if name.startswith("BACKOFFICE_")}
    ours.pop("BACKOFFICE_CACHE", None)
    assert ours == {
        "BACKOFFICE_KAFKA_BOOTSTRAP": "127.0.0.1:5",
        "BACKOFFICE_DATABASE_DSN": stack.dsn("transactions_service"),
        "BACKOFFICE_PARTITIONS": "4",
        "BACKOFFICE_HTTP_PORT": "8",
        "BACKOFFICE_INSTANCE": "transactions-0",
        "BACKOFFICE_STANDBY_REQUIRED": "false",
        "BACKOFFICE_ROLES_REQUIRED": "false",
        "BACKOFFICE_MASTER_KEY": stack._master_key,
        "BACKOFFICE_FAILPOINT": "transactions:after_poll:1",
    }
    others = [password for login, password in stack.passwords.items() if login != "transactions_service"]
    assert not any(password in json.dumps(told) for password in others)
    assert len(stack._master_key) == 88
    assert stack._load_master_key() == stack._master_key
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert "BACKOFFICE_MASTER_KEY" not in stack.environment_of("reporting", slot="reporting-0", port=9)


def test_the_first_process_of_a_service_goes_by_its_name() -> None:
    """Scripts ask for `health.transactions`."""
    assert (_public("transactions-0"), _public("transactions-1")) == ("transactions", "transactions-1")


async def test_a_service_that_does_not_answer_is_not_ready() -> None:
    """And says so, instead of raising."""
    answer = await ask("http://127.0.0.1:1/health/ready")
    assert not answer.ok
    assert _failing(answer) == "does not answer"
    assert _failing(Health(503, {"failing": ["database"]})) == '["database"]'
