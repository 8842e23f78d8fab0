"""`newsletter keys` and `newsletter password`."""

from __future__ import annotations

import subprocess
import sys

from argon2 import PasswordHasher

from tests.cli.desk import Desk


def test_a_key_is_shown_once_listed_without_it_and_taken_back(bare: Desk) -> None:
    made = bare("keys", "add", "dashboard", "--scope", "papers:read", "--scope", "issues:read")
    secret = made.out.strip()
    assert secret.startswith("nl_")
    listed = bare("keys", "list", "--json")
    [one] = listed.json
    assert (one["name"], one["scopes"]) == ("dashboard", ["issues:read", "papers:read"])
    assert secret not in listed.out
    assert "already" in bare("keys", "add", "dashboard", "--scope", "papers:read", status=1).err
    assert "subscribers:read" in bare("keys", "add", "other", "--scope", "everything", status=2).err
    bare("keys", "remove", "dashboard")
    assert bare("keys", "list", "--json").json == []
    assert "no key" in bare("keys", "remove", "dashboard", status=1).err


def test_a_password_from_a_pipe_becomes_a_hash_that_the_settings_take(bare: Desk) -> None:
    command = [sys.executable, "-m", "newsletter", "password"]
    done = subprocess.run(command, input="correct horse battery\n", capture_output=True, text=True, check=True)
    assert PasswordHasher().verify(done.stdout.strip(), "correct horse battery")
    bare("keys", "list", admin__password_hash=done.stdout.strip())
    assert "newsletter password" in bare("keys", "list", status=1, admin__password_hash="plain").err
    short = subprocess.run(command, input="short\n", capture_output=True, text=True, check=False)
    assert (short.returncode, short.stdout) == (2, "")
