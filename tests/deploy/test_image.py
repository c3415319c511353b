"""The image and who runs it, read: no container engine is asked."""

import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from server import VARIABLES
from terminal.options import SECRET
from terminal.serving import END_SECONDS
from tests.deploy.files import DEPLOY, ROOT, Instruction, compose, instructions, manifests, named, settings
from tests.terminal.commands import Terminal
from tests.wire.processes import free_port, serving_http

DOCKERFILE = DEPLOY / "Dockerfile"
UV, BUILD, IMAGE = instructions(DOCKERFILE.read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]


def lint(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a linter of this environment."""
    beside = Path(sys.executable).parent / command[0]
    return subprocess.run([str(beside), *command[1:]], capture_output=True, text=True, check=False, timeout=60)


def environment(stage: list[Instruction]) -> dict[str, str]:
    """Give what a stage sets."""
    pairs = [word.partition("=") for instruction in named(stage, "ENV") for word in instruction.words]
    return {name: value for name, _, value in pairs}


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    done = lint("hadolint", "--failure-threshold", "style", str(DOCKERFILE))

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_hadolint_would_find_an_image_without_a_version(tmp_path: Path) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text(DOCKERFILE.read_text().replace("uv:0.", "uv AS old\nFROM ghcr.io/astral-sh/uv:0."))

    assert "DL3006" in lint("hadolint", str(broken)).stdout


def test_the_image_is_built_from_what_the_wheel_holds_and_the_lock_file_names() -> None:
    copied = {word for step in named(BUILD, "COPY") if "--from" not in step.rest for word in step.words[:-1]}

    assert copied == {*WHEEL, "LICENSE", "README.md", "pyproject.toml", "uv.lock"}
    syncs = [step.rest for step in named(BUILD, "RUN")]
    assert len(syncs) == 2
    assert all(sync.startswith("uv sync --locked --no-dev ") for sync in syncs)


def test_nothing_else_reaches_the_builder() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    first, *rules = [line for line in lines if not line.startswith("#")]
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}

    assert first == "*"
    assert allowed == {*WHEEL, "LICENSE", "README.md", "pyproject.toml", "uv.lock"}
    assert [rule for rule in rules if not rule.startswith("!")] == ["**/__pycache__"]


def test_base_images_have_versions_and_python_is_the_one_that_tests_run_on() -> None:
    (python,) = [line.partition("=")[2] for line in DOCKERFILE.read_text().splitlines() if line.startswith("ARG P")]

    assert [stage[0].rest for stage in (BUILD, IMAGE)] == ["python:${PYTHON} AS build", "python:${PYTHON}"]
    assert fnmatch(python, f"{(ROOT / '.python-version').read_text().strip()}.*-slim-*")
    assert fnmatch(UV[0].rest, "ghcr.io/astral-sh/uv:*.*.* AS uv")
    assert fnmatch(compose()["services"]["database"]["image"], "postgres:*.*-*")


def test_the_image_runs_as_nobody_in_particular_and_keeps_its_things_in_one_folder() -> None:
    (user,) = named(IMAGE, "USER")
    (volume,) = named(IMAGE, "VOLUME")
    number = user.rest.partition(":")[0]

    assert int(number) > 0
    assert f"--uid {number} " in named(IMAGE, "RUN")[0].rest
    assert environment(IMAGE)["COMPANIONS_FOLDER"] == volume.rest
    assert SECRET.isdisjoint(environment(IMAGE))


def test_a_container_without_settings_refuses_to_serve_everybody(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    (entry,), (command,) = named(IMAGE, "ENTRYPOINT"), named(IMAGE, "CMD")
    assert entry.rest == '["companions"]'

    said = Terminal(capsysbinary)(*[word.strip("[],") for word in command.words])

    assert said.status != 0
    assert "COMPANIONS_AUTH" in said.err


def test_the_health_check_of_the_image_succeeds_while_the_server_is_well_and_only_then(tmp_path: Path) -> None:
    (check,) = named(IMAGE, "HEALTHCHECK")
    _, _, code = [word.strip("[],") for word in check.rest.partition("CMD ")[2].split('"')[1::2]]

    def healthy(port: int) -> bool:
        asked = code.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        done = subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True, timeout=60)
        return done.returncode == 0

    with serving_http(tmp_path) as served:
        assert healthy(served.port)
    assert not healthy(free_port())


def test_compose_s_schema_takes_our_file_and_not_one_with_an_unknown_key(tmp_path: Path) -> None:
    ours, broken = DEPLOY / "compose.yaml", tmp_path / "broken.yaml"
    broken.write_text(ours.read_text().replace("depends_on:", "depends:"))

    said = lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(ours), str(broken))

    assert said.returncode == 1
    assert "broken.yaml" in said.stdout
    assert str(ours) not in said.stdout


def test_compose_starts_nothing_without_a_password_and_settings_and_waits_for_the_database() -> None:
    ours, database = (compose()["services"][name] for name in ("companions", "database"))

    assert ours["environment"]["PGPASSWORD"].startswith("${DATABASE_PASSWORD:?")
    assert ours["env_file"] == "settings.env"  # no settings, no start
    assert {"POSTGRES_PASSWORD_FILE"} == {name for name in database["environment"] if "PASSWORD" in name}
    assert compose()["secrets"] == {"database_password": {"environment": "DATABASE_PASSWORD"}}
    assert ours["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "pg_isready" in database["healthcheck"]["test"]
    assert (ROOT / "deploy" / ours["build"]["context"] / ours["build"]["dockerfile"]).resolve() == DOCKERFILE
    assert f"spool:{environment(IMAGE)['COMPANIONS_FOLDER']}" in ours["volumes"]


def test_kubernetes_sends_calls_to_the_pods_that_its_manifest_makes() -> None:
    known = manifests()
    pod = known["StatefulSet"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]

    assert known["Service"]["spec"]["selector"] == labels
    assert known["StatefulSet"]["spec"]["selector"]["matchLabels"] == labels
    assert known["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert known["StatefulSet"]["spec"]["replicas"] > known["PodDisruptionBudget"]["spec"]["maxUnavailable"]
    assert container["ports"] == [{"name": "http", "containerPort": int(named(IMAGE, "EXPOSE")[0].rest)}]
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health"}


def test_kubernetes_leaves_a_pod_more_time_to_end_than_the_server_takes() -> None:
    pod = manifests()["StatefulSet"]["spec"]["template"]["spec"]
    waited = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod["terminationGracePeriodSeconds"] > waited + 2 * END_SECONDS


def test_kubernetes_gives_pods_the_team_s_settings_and_a_secret_of_somebody_else_s_making() -> None:
    known = manifests()
    pod = known["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert known["ConfigMap"]["data"] == settings("team")
    assert container["envFrom"] == [{"configMapRef": {"name": "companions"}}, {"secretRef": {"name": "companions"}}]
    assert "Secret" not in known
    assert pod["enableServiceLinks"] is False  # else COMPANIONS_PORT and more are set, which are no settings of ours


def test_pods_are_the_image_s_user_and_can_write_where_it_writes_and_nowhere_else() -> None:
    pod = manifests()["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    user, group = map(int, named(IMAGE, "USER")[0].rest.split(":"))

    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]) == (user, group)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        environment(IMAGE)["COMPANIONS_FOLDER"],
        "/tmp",  # noqa: S108 (a volume of the pod's own)
    }


@pytest.mark.parametrize("name", ["development", "one-machine", "team"])
def test_a_settings_file_names_settings_and_no_secrets(name: str) -> None:
    assert set(settings(name)) <= set(VARIABLES.values()) - SECRET
