"""The files for containers say what they must; Docker is not needed to read them."""

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backoffice.cli import migrate
from backoffice.stack import schema
from backoffice.stack.kafka import EmbeddedKafka
from backoffice.stack.postgres import SETTINGS
from shared.runtime import settings
from tests.support import containers

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = {name: CONTAINERS[name] for name in schema.SERVICES}
OURS = {name: each for name, each in CONTAINERS.items() if each["image"] == "backoffice:local"}
ONE_SHOT = ("migrate", "tools")
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[?-])?([^}]*)\}")
ADDRESSES = frozenset(
    {"listeners", "advertised.listeners", "inter.broker.listener.name", "listener.security.protocol.map"}
    | {"controller.quorum.voters", "log.dirs"}
)
"""Kafka's settings that follow from where it runs."""


def test_what_is_not_ours_is_an_official_image_with_its_version() -> None:
    """The tests' containers use the same ones, so that what is tested is what runs."""
    foreign = {name: each["image"] for name, each in CONTAINERS.items() if name not in OURS}
    assert foreign == {"kafka": containers.KAFKA_IMAGE, "postgres": containers.POSTGRES_IMAGE}
    assert _instructions("FROM") == ["python:3.13-slim AS build", "python:3.13-slim"]


def test_everything_of_ours_runs_from_one_image() -> None:
    """What is migrated, run and used by hand is of one version, built once and never looked for elsewhere."""
    assert set(OURS) == {*schema.SERVICES, *ONE_SHOT}
    assert {name: each["build"] for name, each in CONTAINERS.items() if "build" in each} == {"migrate": "."}
    assert all(each["pull_policy"] == "never" for each in OURS.values() if "build" not in each)


def test_our_image_does_not_run_as_root() -> None:
    """A number, because an orchestrator cannot see who a name is."""
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", _instructions("USER")[-1])
    assert not any("user" in each or each.get("privileged") for each in CONTAINERS.values())


def test_our_image_installs_only_pinned_packages_of_the_runtime() -> None:
    """What tests and the embedded stack need, among it a JDK, stays out."""
    install = next(line for line in _instructions("RUN") if "pip" in line)
    assert "--require-hashes" in install
    assert "--no-cache-dir" in install
    copied = " ".join(_instructions("COPY"))
    assert re.findall(r"requirements/\S*", copied) == ["requirements/runtime.txt"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_write_nothing_but_their_temporary_folder(name: str) -> None:
    """Whoever breaks into one can neither change its programs nor become another user."""
    assert OURS[name]["read_only"] is True
    assert OURS[name]["tmpfs"] == ["/tmp"]
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert OURS[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_keeps_running_has_a_health_check_and_is_started_again(name: str) -> None:
    """`up --wait` returns only when all is ready, and a crash heals by itself."""
    container = CONTAINERS[name]
    if name in ONE_SHOT:
        assert container["restart"] == "no"
    else:
        assert container["healthcheck"]["test"][0] == "CMD"
        assert container["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+[mg]", container["mem_limit"])


@pytest.mark.parametrize("name", SERVICES)
def test_services_start_on_a_migrated_database(name: str) -> None:
    """They refuse to start on any other, so the one-shot container must have ended well."""
    conditions = {each: how["condition"] for each, how in SERVICES[name]["depends_on"].items()}
    assert conditions == {
        "migrate": "service_completed_successfully",
        "kafka": "service_healthy",
        "postgres": "service_healthy",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_services_can_be_scaled(name: str) -> None:
    """Several of one need ports, names and instances of their own."""
    assert "container_name" not in SERVICES[name]
    assert "hostname" not in SERVICES[name]
    assert "BACKOFFICE_INSTANCE" not in SERVICES[name]["environment"]
    (port,) = SERVICES[name]["ports"]
    assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z]+_PORTS:-\d+-\d+\}:8080", port)


@pytest.mark.parametrize("name", [name for name, each in CONTAINERS.items() if "ports" in each])
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    """Docker's own rules go past a firewall, and Kafka asks for no password here."""
    assert all(port.startswith("127.0.0.1:${") for port in CONTAINERS[name]["ports"])


def test_every_password_comes_from_outside() -> None:
    """A variable that is missing ends the command with what to type."""
    found: set[str] = set()
    for environment in (each["environment"] for each in CONTAINERS.values()):
        for name, value in environment.items():
            if name.endswith("_PASSWORD"):
                assert VARIABLE.fullmatch(value), f"{name} is given as it is"
            for variable, operator, words in VARIABLE.findall(str(value)):
                if variable.endswith("_PASSWORD"):
                    assert (operator, words) == (":?", "run make compose-env")
                    found.add(variable)
            fixed = VARIABLE.sub("", str(value))
            assert not re.search(r"://[^@/]*:[^@/]+@", fixed), f"{name} has a password in it"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert found == {"POSTGRES_PASSWORD", "OWNER_PASSWORD", *map(_setting_of, schema.LOGINS)}
    assert "COMPOSE_PASSWORDS := POSTGRES_PASSWORD OWNER_PASSWORD" in makefile


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_no_login_but_its_own(name: str) -> None:
    """What one service's container knows does not open another's books."""
    environment = SERVICES[name]["environment"]
    passwords = {variable for variable, _, _ in VARIABLE.findall(str(environment)) if "PASSWORD" in variable}
    assert passwords == {f"BACKOFFICE_{name.upper()}_PASSWORD"}
    assert f"//{name}_service@" in environment["BACKOFFICE_DATABASE_DSN"]


def test_migrate_is_given_the_password_of_every_login() -> None:
    """It makes them all."""
    environment = CONTAINERS["migrate"]["environment"]
    assert {_setting_of(login) for login in schema.LOGINS} < set(environment)
    assert environment["BACKOFFICE_OWNER_DSN"].startswith(f"postgresql://{schema.OWNER}:${{")


def test_every_setting_is_one_that_the_program_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service refuses to start with a setting that it does not know."""
    for each in OURS.values():
        for name, value in each["environment"].items():
            monkeypatch.setenv(name, str(value))
    settings.refuse_unknown()


def test_the_number_of_shards_is_the_same_everywhere() -> None:
    """Twelve, unless `BACKOFFICE_PARTITIONS` says otherwise."""
    default = settings.ServiceSettings.model_fields["partitions"].default
    given = {each["environment"]["BACKOFFICE_PARTITIONS"] for each in OURS.values()}
    assert given == {f"${{BACKOFFICE_PARTITIONS:-{default}}}"}
    assert f"$${{BACKOFFICE_PARTITIONS:-{default}}}" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_kafka_tells_each_client_an_address_that_it_can_reach() -> None:
    """A client goes on at the address that the broker advertises on the listener it came by."""
    advertised = CONTAINERS["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert advertised == "INNER://kafka:9092,OUTER://127.0.0.1:${KAFKA_PORT:-19092}"
    assert CONTAINERS["kafka"]["ports"] == ["127.0.0.1:${KAFKA_PORT:-19092}:19092"]
    inside = {each["environment"]["BACKOFFICE_KAFKA_BOOTSTRAP"] for each in OURS.values()}
    assert inside == {"kafka:9092"}


def test_kafka_is_set_as_the_embedded_one(tmp_path: Path) -> None:
    """What is seen on one stack is then true on the other."""
    lines = EmbeddedKafka(tmp_path, port=9092)._properties().splitlines()
    embedded = dict(line.split("=", 1) for line in lines)
    here = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in CONTAINERS["kafka"]["environment"].items()
    }
    common = (embedded.keys() & here.keys()) - ADDRESSES
    assert len(common) > 10
    assert {name: here[name] for name in common} == {name: embedded[name] for name in common}


def test_postgresql_is_set_as_the_embedded_one() -> None:
    """And its text sorts the same way, whatever locale the image prefers."""
    command = CONTAINERS["postgres"]["command"]
    given = dict(option.removeprefix("-c").split("=", 1) for option in command[1:])
    assert given == {name: SETTINGS[name] for name in given}
    arguments = CONTAINERS["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert arguments == [
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]


def test_no_secret_can_reach_the_repository_or_an_image() -> None:
    """Git and the engine are told apart what they must not take."""
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in sent if not line.startswith("#")) == "*"
    allowed = {line.removeprefix("!") for line in sent if line.startswith("!")}
    assert allowed == {"audit", "backoffice", "requirements/runtime.txt", "services", "shared"}


def test_compose_env_makes_passwords_once(tmp_path: Path) -> None:
    """Another password would no longer open the database that the first one has made."""
    first = _compose_env(tmp_path)
    passwords = dict(line.split("=", 1) for line in first)
    key = passwords.pop("BACKOFFICE_MASTER_KEY")
    assert len(base64.b64decode(key, validate=True)) == 64
    assert set(passwords) == {"POSTGRES_PASSWORD", "OWNER_PASSWORD", *map(_setting_of, schema.LOGINS)}
    assert all(re.fullmatch(r"[0-9a-f]{48}", each) for each in passwords.values())
    assert len(set(passwords.values())) == len(passwords)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert _compose_env(tmp_path) == first


def test_compose_env_adds_what_is_missing_and_leaves_the_rest(tmp_path: Path) -> None:
    """A newer version may need one password more."""
    first = _compose_env(tmp_path)
    (tmp_path / ".env").write_text("\n".join(["KAFKA_PORT=29092", *first[1:], ""]), encoding="utf-8")
    (tmp_path / ".env").chmod(0o644)
    second = _compose_env(tmp_path)
    assert second[:-1] == ["KAFKA_PORT=29092", *first[1:]]
    assert second[-1].startswith("POSTGRES_PASSWORD=")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def _compose_env(folder: Path) -> list[str]:
    """Run `make compose-env` in a folder and return the lines of its `.env`."""
    command = ["make", "-f", str(ROOT / "Makefile"), f"PYTHON={sys.executable}", "compose-env"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / ".env").read_text(encoding="utf-8").splitlines()


def _instructions(word: str) -> list[str]:
    """Return what follows an instruction in the Dockerfile, each with its continuation lines."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def _setting_of(login: str) -> str:
    return migrate._setting_of(login)
