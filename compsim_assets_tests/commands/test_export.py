"""`compsim export`: to a real S3 server on this machine, and to a folder."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from compsim_assets.cli import app
from compsim_assets.storage import export as exporting
from compsim_assets.storage.export import ExportError, export_version
from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import Version, Versions
from compsim_assets_tests.storage.versions.rebuilds import rebuild

SECRET = "canary-7d1f"


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    """Two versions of a few results."""
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path / "data"))
    results = Results(tmp_path / "data/sample")
    versions = Versions(results)
    for number in (1, 2):
        rebuild(results, number)
        versions.publish({})
    return versions


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A bucket of a server on this machine, as boto sees it."""
    boto3 = pytest.importorskip("boto3")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="results")
        yield client
    server.stop()


def export(*words: str) -> Any:
    return CliRunner().invoke(app, ["export", *words])


def objects(s3: Any, prefix: str) -> dict[str, Any]:
    listed = s3.list_objects_v2(Bucket="results", Prefix=prefix).get("Contents", [])
    return {entry["Key"].removeprefix(f"{prefix}/"): entry for entry in listed}


def files_of(version: Version) -> set[str]:
    return {path for result in version.manifest["results"].values() for path in result["files"]} | {"manifest.json"}


def test_a_version_goes_to_s3_whole(versions: Versions, s3: Any) -> None:
    s3.put_object(Bucket="results", Key="weekly/somebody-elses.txt", Body=b"x")
    run = export("s3://results/weekly")
    assert run.exit_code == 0, run.output
    current = versions.current()
    assert current
    there = objects(s3, f"weekly/{current.id}")
    assert set(there) == files_of(current)
    for path in there:
        body = s3.get_object(Bucket="results", Key=f"weekly/{current.id}/{path}")["Body"].read()
        assert body == (current.folder / path).read_bytes()
    assert f"version {current.id} is whole in s3://results/weekly/{current.id}" in run.stdout
    assert "somebody-elses.txt" in objects(s3, "weekly")
    assert SECRET not in run.output
    # An older one, beside it, by the beginning of its name.
    older = versions.all()[1]
    assert export("s3://results/weekly", "--version", older.id[:20]).exit_code == 0
    assert set(objects(s3, f"weekly/{older.id}")) == files_of(older)


def test_what_is_there_is_not_sent_again_and_what_is_wrong_is(versions: Versions, s3: Any) -> None:
    assert export("s3://results/again").exit_code == 0
    current = versions.current()
    assert current
    before = objects(s3, f"again/{current.id}")
    wrong, *_, gone = sorted(files_of(current) - {"manifest.json"})
    size = before[wrong]["Size"]
    s3.put_object(Bucket="results", Key=f"again/{current.id}/{wrong}", Body=b"x" * size)  # of the same size
    s3.delete_object(Bucket="results", Key=f"again/{current.id}/{gone}")
    run = export("s3://results/again")
    assert run.exit_code == 0, run.output
    assert "2 files sent" in run.stdout
    for path in (wrong, gone):
        body = s3.get_object(Bucket="results", Key=f"again/{current.id}/{path}")["Body"].read()
        assert body == (current.folder / path).read_bytes()
    assert " 0 files sent" in export("s3://results/again").stdout


def test_a_copy_that_was_broken_off_has_no_manifest_and_is_completed(
    versions: Versions, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = versions.current()
    assert current
    sent, put = list[str](), exporting._put

    def put_two(*arguments: Any) -> None:
        if len(sent) == 2:
            raise ConnectionResetError("the network went away")
        sent.append(arguments[2])
        put(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr(exporting, "_put", put_two)
        with pytest.raises(ExportError, match=r"the network went away\. Run the same command again"):
            export_version(current, "s3://results/broken", print)
    assert len(objects(s3, f"broken/{current.id}")) == 2
    exported = export_version(current, "s3://results/broken", print)
    assert exported.sent == exported.files - 2
    assert set(objects(s3, f"broken/{current.id}")) == files_of(current)


def test_a_folder_and_its_url_are_targets_too_and_the_manifest_goes_last(versions: Versions, tmp_path: Path) -> None:
    current = versions.current()
    assert current
    for target in (str(tmp_path / "one"), f"file://{tmp_path}/two"):
        run = export(target)
        assert run.exit_code == 0, run.output
    for name in ("one", "two"):
        copy = Version(tmp_path / name / current.id)
        assert list(copy.damaged()) == []
        assert copy.manifest == current.manifest
        written = {path: (copy.folder / path).stat().st_mtime_ns for path in files_of(current)}
        assert max(written, key=lambda path: written[path]) == "manifest.json"


def test_a_damaged_version_stays_here(versions: Versions, tmp_path: Path) -> None:
    current = versions.current()
    assert current
    path = sorted(files_of(current) - {"manifest.json"})[0]
    content = (current.folder / path).read_bytes()
    (current.folder / path).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    run = export(str(tmp_path / "copy"))
    assert run.exit_code == 1
    assert path in run.output
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("s3://nowhere/x", "s3://nowhere/x: .*bucket"),
        ("nosuch://x/y", "Protocol not known: nosuch"),
        ("ftp://ann:canary-7d1f@127.0.0.1:1/x", "^compsim: ftp://127.0.0.1:1/x: "),
    ],
)
def test_a_target_that_cannot_be_used_is_said_without_secrets(
    versions: Versions, s3: Any, target: str, message: str
) -> None:
    run = export(target)
    assert run.exit_code == 1
    assert re.search(message, run.output), run.output
    assert "Traceback" not in run.output
    assert SECRET not in run.output


def test_missing_credentials_say_which(versions: Versions, s3: Any, tmp_path: Path) -> None:
    absent = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_ACCESS", "AWS_SECRET"))}
    environment = {**absent, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    run = subprocess.run(
        [sys.executable, "-m", "compsim_assets", "export", "s3://results/x"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    assert "AWS_ACCESS_KEY_ID" in run.stderr
    assert "Traceback" not in run.stderr


def test_without_a_version_it_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path))
    run = export(str(tmp_path / "copy"))
    assert run.exit_code == 2
    assert "no version yet" in run.output


def test_a_version_that_is_not_there_is_named_with_those_that_are(versions: Versions, tmp_path: Path) -> None:
    run = export(str(tmp_path / "copy"), "--version", "19990101")
    assert run.exit_code == 2
    assert versions.all()[0].id in run.output
    assert json.loads((versions.all()[0].folder / "manifest.json").read_text())["id"] in run.output
