#!/usr/bin/env python3
"""Runs the go command on the module against the library of a build folder.

usage: run_go.py BUILD GO ARGUMENT...

MessagePack comes from Debian's package where that is installed, so that no network is needed; elsewhere go fetches
it as go.mod says.
"""

import hashlib
import os
import pathlib
import subprocess
import sys

MODULE = pathlib.Path(__file__).resolve().parent
DEBIAN = pathlib.Path("/usr/share/gocode/src")
# The modules that go.mod asks for.
PACKAGED = ["github.com/vmihailenco/msgpack/v5", "github.com/vmihailenco/tagparser/v2"]
# What only their own tests import: go wants to see a go.mod of it all the same.
UNUSED = "github.com/stretchr/testify"


def offline_module(folder):
    """A go.mod whose requirements are Debian's packages, or None."""
    if not all((DEBIAN / path / "go.mod").exists() for path in PACKAGED):
        return None
    unused = folder / "unused"
    unused.mkdir(parents=True, exist_ok=True)
    write(unused / "go.mod", f"module {UNUSED}\n")
    lines = [f"replace {path} => {DEBIAN / path}" for path in PACKAGED] + [f"replace {UNUSED} => {unused}"]
    write(folder / "offline.mod", (MODULE / "go.mod").read_text() + "\n" + "\n".join(lines) + "\n")
    write(folder / "offline.sum", "")
    return folder / "offline.mod"


def write(path, text):
    """Only if it says something else: several tests may be at it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def headers_digest():
    """cgo does not see that a header outside the module has changed: its flags have to."""
    digest = hashlib.sha256()
    for header in sorted((MODULE.parents[1] / "include").rglob("*.h")):
        digest.update(header.read_bytes())
    return digest.hexdigest()[:16]


def environment(build):
    env = dict(os.environ)
    env["PKG_CONFIG_PATH"] = str(build / "meson-uninstalled")
    env["LD_LIBRARY_PATH"] = str(build / "src/api")
    env["BROOD_NURSERY"] = str(build / "src/nursery/brood-nursery")
    env["BROOD_BUILD"] = str(build)
    env["CGO_CXXFLAGS"] = f"-O2 -DBROOD_HEADERS=0x{headers_digest()}"
    env["GOTOOLCHAIN"] = "local"
    env.setdefault("HOME", str(build))
    modules = offline_module(build / "bindings/go")
    if modules is not None:
        env["GOFLAGS"] = f"-modfile={modules} -mod=mod -buildvcs=false"
        env["GOPROXY"] = "off"
        env["GONOSUMDB"] = "*"
    return env


def main():
    build, go, arguments = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3:]
    return subprocess.run([go, *arguments], cwd=MODULE, env=environment(build)).returncode


if __name__ == "__main__":
    sys.exit(main())
