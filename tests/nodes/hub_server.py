"""A hub on 127.0.0.1 that speaks what huggingface_hub asks of the real one to list and download a model.

Source: the answers that huggingface_hub reads in `HfApi.model_info` and `get_hf_file_metadata`: a listing with `blobs`
under /api/models/ID/revision/REV; ETag and X-Repo-Commit under /ID/resolve/COMMIT/FILE, and for a large file a redirect
to where its bytes are.
"""

import json
import re
import sys
import threading
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from checkpoint_folders import COMMIT

LARGE = (".safetensors", ".bin", ".model")  # kept in git-lfs, told by sha256, sent from elsewhere
GOOD_TOKEN = "hf_good"


class Model:
    """One model of the hub: its files, and who may have them."""

    def __init__(self, files: dict[str, bytes], commit: str = COMMIT, gated: bool = False) -> None:
        self.files = files
        self.commit = commit
        self.gated = gated
        self.revisions = {"main": commit, "v1": commit, commit: commit}


class Hub:
    """The server; a context manager.

    Attributes:
        models: by id.
        requests: "GET /path" of all that was asked, with the range behind it.
        cut: after so many bytes of a large file the connection breaks, each time.
        stall: after so many bytes of a large file nothing more comes, until the server is closed.
        busy: so many requests for bytes are answered with 503 first.
        spoilt: large files come with another content.
    """

    def __init__(self, **models: Model) -> None:
        self.models = {name.replace("__", "/"): model for name, model in models.items()}
        self.requests: list[str] = []
        self.cut: int | None = None
        self.stall: int | None = None
        self.busy = 0
        self.spoilt = False
        self.ranges = True
        self.closing = threading.Event()

    def __enter__(self) -> "Hub":
        hub = self

        class Answer(Answers):
            pass

        Answer.hub = hub
        self.server = Server(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def asked(self, part: str) -> list[str]:
        return [request for request in self.requests if part in request]


class Server(ThreadingHTTPServer):
    """One that is not astonished when somebody hangs up."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Answers(BaseHTTPRequestHandler):
    """What the hub answers to one request."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        asked = self.headers.get("Range", "")
        self.hub.requests.append(f"{self.command} {path} {asked}".strip())
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path)
        resolve = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        bytes_of = re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path)
        found = api or resolve or bytes_of
        model = self.hub.models.get(found[1]) if found else None
        if model is None:
            self.answer(401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Invalid username or password."})
        elif api:
            self.list(api[1], model, api[2])
        elif resolve:
            self.resolve(resolve[1], model, resolve[2], resolve[3])
        else:
            self.send_bytes(model.files[bytes_of[2]])

    def list(self, name: str, model: Model, revision: str) -> None:
        if revision not in model.revisions:
            self.answer(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return
        siblings = []
        for file, content in model.files.items():
            told = {"rfilename": file, "size": len(content), "blobId": git_sha(content)}
            if file.endswith(LARGE):
                told["lfs"] = {"sha256": sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            siblings.append(told)
        info = {"id": name, "sha": model.revisions[revision], "siblings": siblings, "gated": model.gated}
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(info).encode())

    def resolve(self, name: str, model: Model, revision: str, file: str) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if model.gated and token != GOOD_TOKEN:
            self.answer(
                403 if token else 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."}
            )
        elif revision not in model.revisions or file not in model.files:
            self.answer(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        else:
            content = model.files[file]
            commit = {"X-Repo-Commit": model.revisions[revision]}
            if not file.endswith(LARGE):
                self.answer(200, {**commit, "ETag": f'"{git_sha(content)}"'}, content)
                return
            etag = sha256(content).hexdigest()
            linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))}
            # Where the bytes are is another host, which may not be told who asks.
            elsewhere = f"http://localhost:{self.server.server_port}/cdn/{name}/{file}"  # type: ignore[attr-defined]
            self.answer(302, {**commit, **linked, "Location": elsewhere})

    def send_bytes(self, content: bytes) -> None:
        if "Authorization" in self.headers:
            self.answer(400, {"X-Error-Message": "A token was sent to another host."})
            return
        if self.hub.busy:
            self.hub.busy -= 1
            self.answer(503)
            return
        if self.hub.spoilt:
            content = bytes(len(content))
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if self.hub.ranges else None
        start = int(begin[1]) if begin else 0
        told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if begin else {}
        self.send_head(206 if begin else 200, {**told, "Content-Length": str(len(content) - start)})
        rest = content[start:]
        limit = self.hub.cut if self.hub.cut is not None else self.hub.stall
        self.wfile.write(rest[:limit])
        self.wfile.flush()
        if self.hub.cut is not None and len(rest) > self.hub.cut:
            self.close_connection = True
            self.connection.shutdown(2)
        elif self.hub.stall is not None and len(rest) > self.hub.stall:
            self.hub.closing.wait()

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_head(status, {**(headers or {}), "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def git_sha(content: bytes) -> str:
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()
