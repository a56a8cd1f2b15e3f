"""Front ends: TLS, HTTP/1.1 and HTTP/2 towards the client, cleartext HTTP/1.1 towards the embedded server.

Where a front end can, it tells the client's port in `x-connection`, so that the connections can be counted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real._programs import Program, free_port, needed

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent

NGINX = """
daemon off;
{user}
worker_processes 2;
error_log stderr warn;
pid {folder}/pid;
events {{ worker_connections 2000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
    {http}
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            add_header x-connection $remote_port always;
            {location}
        }}
    }}
}}
"""

HAPROXY = """
global
    maxconn 2000
    stats socket {folder}/admin mode 600 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    {defaults}
frontend front
    bind 127.0.0.1:{port} ssl crt {pem} alpn h2,http/1.1
    http-after-response set-header x-connection %[src_port]
    default_backend back
backend back
    server one 127.0.0.1:{upstream}
    {backend}
"""

CADDY = """
{{
    admin off
    auto_https off
    servers {{
        protocols h1 h2
    }}
}}
https://127.0.0.1:{port} {{
    bind 127.0.0.1
    tls {pem} {pem}
    header x-connection {{http.request.remote.port}}
    reverse_proxy 127.0.0.1:{upstream}
}}
"""

APACHE = """
ServerRoot {folder}
ServerName 127.0.0.1
PidFile {folder}/pid
ErrorLog {folder}/errors
DefaultRuntimeDir {folder}
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule http2_module {modules}/mod_http2.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule authz_core_module {modules}/mod_authz_core.so
{user}
SSLSessionCache none
SSLEngine on
SSLCertificateFile {pem}
Protocols h2 http/1.1
MaxKeepAliveRequests 0
ServerLimit 8
ThreadsPerChild 50
MaxRequestWorkers 400
StartServers 3
ProxyPass / http://127.0.0.1:{upstream}/ flushpackets=on
Header always set x-connection "expr=%{{REMOTE_PORT}}"
"""

STUNNEL = """
foreground = yes
pid =
syslog = no
[front]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{upstream}
cert = {pem}
"""


class Front:
    """A front end that runs."""

    def __init__(self, name: str, program: Program, http2: bool = True, counted: bool = True) -> None:
        self.name = name
        self.program = program
        self.http2 = http2
        self.counted = counted
        self.url = f"https://127.0.0.1:{program.port}/v1"


def nginx(folder: Path, pem: Path, upstream: int, http: str = "", location: str = "proxy_buffering off;") -> Front:
    """Start nginx; `http` and `location` are further directives."""
    program, port = needed("nginx"), free_port()
    user = "user root;" if os.geteuid() == 0 else ""  # its workers must reach the folder
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(folder=folder, pem=pem, port=port, upstream=upstream, user=user, http=http, location=location), encoding="ascii"
    )
    return Front("nginx", Program([program, "-p", str(folder), "-c", str(config), "-e", "stderr"], port, folder))


def haproxy(folder: Path, pem: Path, upstream: int, defaults: str = "", backend: str = "") -> Front:
    """Start haproxy; `defaults` and `backend` are further lines of these sections."""
    program, port = needed("haproxy"), free_port()
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(folder=folder, pem=pem, port=port, upstream=upstream, defaults=defaults, backend=backend), "ascii")
    return Front("haproxy", Program([program, "-db", "-f", str(config)], port, folder))


def nghttpx(folder: Path, pem: Path, upstream: int) -> Front:
    """Start nghttpx."""
    program, port = needed("nghttpx"), free_port()
    command = [program, f"--frontend=127.0.0.1,{port}", f"--backend=127.0.0.1,{upstream}", "--conf=/dev/null", "--workers=2"]
    command += ["--errorlog-file=/dev/stderr", f"--pid-file={folder}/pid", str(pem), str(pem)]
    return Front("nghttpx", Program(command, port, folder), counted=False)


def caddy(folder: Path, pem: Path, upstream: int) -> Front:
    """Start caddy."""
    program, port = needed("caddy"), free_port()
    config = folder / "Caddyfile"
    config.write_text(CADDY.format(pem=pem, port=port, upstream=upstream), "ascii")
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [program, "run", "--config", str(config), "--adapter", "caddyfile"]
    return Front("caddy", Program(command, port, folder, homes))


def apache(folder: Path, pem: Path, upstream: int) -> Front:
    """Start Apache's httpd."""
    program, port = needed("apache2"), free_port()
    config = folder / "apache.conf"
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    modules = "/usr/lib/apache2/modules"
    config.write_text(APACHE.format(folder=folder, pem=pem, port=port, upstream=upstream, user=user, modules=modules), "ascii")
    return Front("apache", Program([program, "-D", "FOREGROUND", "-f", str(config), "-E", str(folder / "start")], port, folder))


def stunnel(folder: Path, pem: Path, upstream: int) -> Front:
    """Start stunnel, which knows no HTTP: TLS alone, without ALPN."""
    program, port = needed("stunnel4"), free_port()
    config = folder / "stunnel.conf"
    config.write_text(STUNNEL.format(pem=pem, port=port, upstream=upstream), "ascii")
    return Front("stunnel", Program([program, str(config)], port, folder), http2=False, counted=False)


def node(folder: Path, pem: Path, upstream: int) -> Front:
    """Start the odd front end that is written for Node; see `odd_server.js`."""
    program, port = needed("node"), free_port()
    return Front("node", Program([program, str(HERE / "odd_server.js"), str(port), str(upstream), str(pem)], port, folder))


FRONTS: dict[str, Callable[[Path, Path, int], Front]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "nghttpx": nghttpx,
    "caddy": caddy,
    "apache": apache,
    "stunnel": stunnel,
    "node": node,
}
