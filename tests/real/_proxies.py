"""Proxies: what leads from the client to a server."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.real._programs import Program, free_port, needed

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "anna", "s3cret:with/odd@signs"
SIMPLE = "s3cret"  # tinyproxy allows no odd signs

TINYPROXY = """
Listen 127.0.0.1
Port {port}
Timeout 20
MaxClients 300
Allow 127.0.0.1
{more}
"""

SQUID = """
http_port 127.0.0.1:{port}
pid_filename none
access_log none
cache_log stdio:/dev/stderr
cache deny all
cache_mem 0 MB
memory_pools off
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
coredump_dir {folder}
visible_hostname squid.test
{access}
"""

SQUID_LOGIN = """
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/users
auth_param basic realm test
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""

DANTE = """
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: lo
socksmethod: none
clientmethod: none
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks {rule} {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
"""


def tinyproxy(folder: Path, more: str = "", login: bool = False) -> Program:
    """Start tinyproxy with further lines."""
    more += f"\nBasicAuth {USER} {SIMPLE}" if login else ""
    program, port = needed("tinyproxy"), free_port()
    config = folder / "tinyproxy.conf"
    config.write_text(TINYPROXY.format(port=port, more=more), "ascii")
    return Program([program, "-d", "-c", str(config)], port, folder)


def squid(folder: Path, login: bool = False) -> Program:
    """Start squid, which serves everybody, or those alone who log in."""
    program, port = needed("squid"), free_port()
    access = SQUID_LOGIN.format(folder=folder) if login else "http_access allow all"
    if login:
        coded = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True)
        (folder / "users").write_text(f"{USER}:{coded.stdout.strip()}\n", "ascii")
    config = folder / "squid.conf"
    config.write_text(SQUID.format(port=port, folder=folder, access=access), "ascii")
    return Program([program, "-N", "-f", str(config)], port, folder)


def microsocks(folder: Path, login: bool = False) -> Program:
    """Start microsocks."""
    program, port = needed("microsocks"), free_port()
    users = ["-u", USER, "-P", PASSWORD] if login else []
    return Program([program, "-i", "127.0.0.1", "-p", str(port), *users], port, folder)


def dante(folder: Path, rule: str = "pass") -> Program:
    """Start Dante's server, which lets everybody pass, or nobody ("block")."""
    program, port = needed("danted"), free_port()
    users = "user.privileged: root\nuser.unprivileged: nobody\n" if os.geteuid() == 0 else ""
    config = folder / "dante.conf"
    config.write_text(users + DANTE.format(port=port, rule=rule), "ascii")
    return Program([program, "-f", str(config), "-p", str(folder / "dante.pid")], port, folder)
