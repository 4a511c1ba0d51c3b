"""Points jupyter_server's own HTTP tests at a workspace's door instead of at a server of their own.

It takes the place of that project's tests/conftest.py. Whatever a test asks of the reference implementation's inside
(its managers, its configuration) is not there to ask: such a test is skipped, with what it asked for.
"""

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest
import tornado.httpclient
import tornado.websocket
from jupyter_server.utils import url_path_join
from nbformat import writes
from nbformat.v4 import new_notebook
from tornado.escape import url_escape

pytest_plugins = ["jupyter_server.pytest_plugin"]

door = os.environ["DOOR_URL"]
token = os.environ["DOOR_TOKEN"]
# The environment's disk, as this process reaches it.
disk = Path(os.environ["DOOR_DISK"])
host, base_path = door.split("://")[1].split("/", 1)
# What tests put on the disk, the environment's own user may change.
os.umask(0)


def ask(method, path):
    request = urllib.request.Request(door + path, method=method, headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or b"null")


def end_everything():
    for session in ask("GET", "api/sessions"):
        ask("DELETE", f"api/sessions/{session['id']}")
    for kernel in ask("GET", "api/kernels"):
        ask("DELETE", f"api/kernels/{kernel['id']}")
    for terminal in ask("GET", "api/terminals"):
        ask("DELETE", f"api/terminals/{terminal['name']}")


def empty(directory):
    for entry in directory.iterdir():
        if entry.name == "lost+found":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class NotThere:
    """Stands for a part of the reference implementation."""

    def __init__(self, name, **known):
        self.__dict__.update(known)
        self.__dict__["_name"] = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        pytest.skip(f"asks the inside of jupyter_server: {self._name}.{name}")

    def __setattr__(self, name, value):
        pytest.skip(f"sets the inside of jupyter_server: {self._name}.{name}")


@pytest.fixture(autouse=True)
def clean_environment():
    end_everything()
    empty(disk)
    yield
    end_everything()


@pytest.fixture
def jp_root_dir():
    return disk


@pytest.fixture
def contents_dir():
    return disk


@pytest.fixture
def jp_data_dir():
    directory = disk / ".local/share/jupyter"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def jp_base_url():
    return "/" + base_path


@pytest.fixture
def jp_http_port():
    return int(host.split(":")[1])


@pytest.fixture
def jp_auth_header():
    return {"Authorization": f"token {token}"}


@pytest.fixture(autouse=True)
def jp_server_cleanup():
    return None


@pytest.fixture
def jp_serverapp():
    return NotThere(
        "serverapp",
        root_dir=str(disk),
        base_url="/" + base_path,
        kernel_manager=NotThere("kernel_manager", use_pending_kernels=False, default_kernel_name="python3"),
        contents_manager=NotThere("contents_manager", root_dir=str(disk), allow_hidden=False),
        session_manager=NotThere("session_manager"),
    )


@pytest.fixture
def jp_web_app():
    pytest.skip("asks for the tornado application itself")


@pytest.fixture
def jp_configurable_serverapp():
    pytest.skip("configures a server of its own")


def url_of(scheme, parts, params):
    path = url_path_join("/" + base_path, url_escape(url_path_join(*parts), plus=False))
    return f"{scheme}://{host}{path}?{urlencode(params or {})}"


@pytest.fixture
def jp_fetch(jp_asyncio_loop, jp_auth_header):
    def fetch(*parts, headers=None, params=None, **kwargs):
        client = tornado.httpclient.AsyncHTTPClient(force_instance=True)
        kwargs.setdefault("request_timeout", 20)
        return client.fetch(url_of("http", parts, params), headers={**jp_auth_header, **(headers or {})}, **kwargs)

    return fetch


@pytest.fixture
def jp_ws_fetch(jp_asyncio_loop, jp_auth_header):
    def fetch(*parts, headers=None, params=None, **kwargs):
        request = tornado.httpclient.HTTPRequest(
            url_of("ws", parts, params), headers={**jp_auth_header, **(headers or {})}, connect_timeout=120
        )
        return tornado.websocket.websocket_connect(request)

    return fetch


# The names that the tests of jupyter_server take from its own conftest.
dirs = [
    ("", "inroot"),
    ("Directory with spaces in", "inspace"),
    ("unicodé", "innonascii"),
    ("foo", "a"),
    ("foo", "b"),
    ("foo", "name with spaces"),
    ("foo", "unicodé"),
    ("foo/bar", "baz"),
    ("ordering", "A"),
    ("ordering", "b"),
    ("ordering", "C"),
    ("å b", "ç d"),
]


@pytest.fixture
def contents(contents_dir):
    paths = {"notebooks": [], "textfiles": [], "blobs": [], "contents_dir": contents_dir}

    def add(kind, file, content):
        file.write_bytes(content)
        paths[kind].append(file.relative_to(contents_dir))

    for folder, name in dirs:
        directory = contents_dir / folder
        directory.mkdir(parents=True, exist_ok=True)
        add("notebooks", directory / f"{name}.ipynb", writes(new_notebook(), version=4).encode())
        add("textfiles", directory / f"{name}.txt", f"{name} text file".encode())
        add("blobs", directory / f"{name}.blob", name.encode() + b"\xff")
    paths["all"] = list(paths.values())
    return paths


@pytest.fixture
def folders():
    return list({folder for folder, _ in dirs})
