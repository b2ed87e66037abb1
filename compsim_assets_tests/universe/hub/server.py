"""A hub on loopback: what huggingface_hub and datasets ask of the real one, for data sets, with faults on request."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer.

    status: an error status instead of the answer, with `headers`. Its body repeats the Authorization header, as the
        worst of hubs would.
    drop_after: the connection ends after so many bytes of the body.
    keep: the body ends, as if complete, after so many bytes.
    corrupt: one byte of the body is another one.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_after: int | None = None
    keep: int | None = None
    corrupt: bool = False


@dataclass(frozen=True)
class Request:
    """A request as it came; the path unquoted and without its query, names of headers in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class _Repository:
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False


@dataclass
class _Planned:
    part: str
    fault: Fault
    left: int | None


class HubServer:
    """A stand-in for the hub at `endpoint`, for as long as the block lasts.

        with HubServer() as hub:
            commit = hub.commit("owner/name", {"data/train-00000-of-00001.parquet": content})
            subprocess.run(program, env={**os.environ, **hub.environment(tmp_path / "hf")})
            assert hub.downloads("train-00000") == 1

    Parquet files are large files, as on the hub: named by their SHA-256, and served by another host name, without
    the token. `requests` are all requests since the start.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._repositories: dict[str, _Repository] = {}
        self._faults: list[_Planned] = []
        self._lock = Lock()
        hub = self

        class Handler(_Handler):
            server_of = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, home: Path) -> dict[str, str]:
        """Variables for a program that is to use this hub, with a hub cache of its own."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def commit(self, name: str, files: Mapping[str, bytes], branch: str = "main") -> str:
        """These files, and no others, as the branch's new head; the commit's id."""
        repository = self._repositories.setdefault(name, _Repository())
        digest = hashlib.sha1(f"{name} {len(repository.commits)}".encode())
        for path in sorted(files):
            digest.update(path.encode() + hashlib.sha1(files[path]).digest())
        commit = digest.hexdigest()
        repository.commits[commit] = dict(files)
        repository.branches[branch] = commit
        return commit

    def gate(self, name: str) -> None:
        """From now on the data set's files need a consent that nobody has given."""
        self._repositories[name].gated = True

    def misbehave(self, part: str, fault: Fault, times: int | None = 1) -> None:
        """The next `times` answers (None: all) whose path has this part in it are faulty; body faults: GET only."""
        with self._lock:
            self._faults.append(_Planned(part, fault, times))

    def behave(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def downloads(self, part: str = "") -> int:
        """How many times the content of a large file with this part in its path was asked for."""
        return sum(
            request.method == "GET" and request.path.startswith("/cdn/") and part in request.path
            for request in self.requests
        )

    def fault(self, request: Request) -> Fault | None:
        """The fault that this request meets; used up."""
        with self._lock:
            self.requests.append(request)
            for planned in self._faults:
                applies = planned.fault.status is not None or request.method == "GET"
                if planned.left != 0 and applies and planned.part in request.path:
                    planned.left = None if planned.left is None else planned.left - 1
                    return planned.fault
        return None

    def files(self, name: str, revision: str) -> tuple[str, dict[str, bytes]]:
        """Commit and files of a revision.

        Raises:
            KeyError: RepoNotFound or RevisionNotFound.
        """
        if (repository := self._repositories.get(name)) is None:
            raise KeyError("RepoNotFound")
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            raise KeyError("RevisionNotFound")
        return commit, repository.commits[commit]

    def is_gated(self, name: str) -> bool:
        """Whether the data set's files are kept back."""
        return self._repositories[name].gated


def _described(path: str, content: bytes) -> dict[str, Any]:
    """A file as the hub's listings have it."""
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": oid}
    if path.endswith(".parquet"):
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
    return entry


class _Handler(BaseHTTPRequestHandler):
    server_of: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self._sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, unquote(path), headers)
        self._fault = self.server_of.fault(request)
        if self._fault is not None and self._fault.status is not None:
            said = f"not now, {self.headers.get('Authorization')}"
            self._json({"error": said}, self._fault.status, self._fault.headers)
            return
        kind, *rest = [unquote(part) for part in path.strip("/").split("/")]
        try:
            if kind == "api":
                self._json(self._api("/".join(rest[1:3]), *rest[3:]))
            elif kind in ("datasets", "cdn"):
                files = self._resolve if kind == "datasets" else self._content
                files("/".join(rest[:2]), rest[3], "/".join(rest[4:]))
            else:  # a model's file: no kind goes before its name
                self._resolve(f"{kind}/{rest[0]}", rest[2], "/".join(rest[3:]))
        except KeyError as missing:
            code = missing.args[0]
            status = {"GatedRepo": 403, "RepoNotFound": 401}.get(code, 404)
            self._json({"error": code}, status, {"X-Error-Code": code})

    def _api(self, name: str, what: str = "revision", revision: str = "main", *path: str) -> Any:
        commit, files = self.server_of.files(name, revision)
        if what == "tree":
            return self._tree(files, "/".join(path))
        if what == "paths-info":
            wanted = parse_qs(self._sent.decode())["paths"]
            return [_described(name, files[name]) for name in wanted if name in files]
        siblings = [{"rfilename": name} for name in files]
        return {"id": name, "sha": commit, "private": False, "tags": [], "siblings": siblings}

    def _tree(self, files: Mapping[str, bytes], folder: str) -> list[dict[str, Any]]:
        query = parse_qs(urlsplit(self.path).query)
        recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
        prefix = f"{folder}/" if folder else ""
        inside = {name: files[name] for name in files if name.startswith(prefix)}
        if not inside:
            raise KeyError("EntryNotFound")
        entries = {}
        for name, content in inside.items():
            parts = name.removeprefix(prefix).split("/")
            for depth in range(1, len(parts) if recursive else min(len(parts), 2)):
                inner = prefix + "/".join(parts[:depth])
                entries[inner] = {"type": "directory", "path": inner, "size": 0, "oid": "0" * 40}
            if recursive or len(parts) == 1:
                entries[name] = _described(name, content)
        return list(entries.values())

    def _resolve(self, name: str, revision: str, path: str) -> None:
        commit, files = self.server_of.files(name, revision)
        if self.server_of.is_gated(name):
            raise KeyError("GatedRepo")
        if path not in files:
            raise KeyError("EntryNotFound")
        entry = _described(path, files[path])
        headers = {"X-Repo-Commit": commit, "ETag": f'"{entry["oid"]}"'}
        if "lfs" not in entry:
            self._send(200, headers, files[path])
            return
        place = quote(f"/cdn/{name}/at/{commit}/{path}")
        headers |= {
            "X-Linked-Etag": f'"{entry["lfs"]["oid"]}"',
            "X-Linked-Size": str(entry["size"]),
            "Location": f"http://localhost:{self.server_of.port}{place}?signature=secret",
        }
        self._send(302, headers, b"")

    def _content(self, name: str, revision: str, path: str) -> None:
        _, files = self.server_of.files(name, revision)
        content = files[path]
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked is None:
            self._send(200, headers, content)
            return
        start, _, end = asked.removeprefix("bytes=").partition("-")
        last = min(int(end), len(content) - 1) if end else len(content) - 1
        headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
        self._send(206, headers, content[int(start) : last + 1])

    def _json(self, said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(said).encode()
        self._send(status, {"Content-Type": "application/json", **(headers or {})}, body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        fault = self._fault if self._fault is not None else Fault()
        if fault.corrupt:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        body = body if fault.keep is None else body[: fault.keep]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if fault.drop_after is None else body[: fault.drop_after])
        self.close_connection = fault.drop_after is not None
