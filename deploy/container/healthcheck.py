"""Exit 0 when the server of this container answers `/healthz`, 1 otherwise. The standard library is enough.

    healthcheck.py [PATH]

The port is that of STENTOR_HTTP. Over HTTPS the certificate is not checked: this is our own process on
loopback, and the certificate names the public host.
"""

from __future__ import annotations

import os
import ssl
import sys
import urllib.error
import urllib.request

TIMEOUT = 2.5  # seconds: under the 3 s of HEALTHCHECK, so that the reason is still printed


def url(path: str) -> str:
    """Where this process serves `path`: the address it listens on, or loopback for a wildcard."""
    host, _, port = os.environ.get("STENTOR_HTTP", "0.0.0.0:8080").rpartition(":")
    own = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104  (nothing is bound here)
    scheme = "https" if os.environ.get("STENTOR_TLS_CERT") else "http"
    return f"{scheme}://{own}:{port}{path}"


def ask(path: str, *, token: str | None = None) -> tuple[int, str]:
    """Status and body of a GET, or of a POST with this Bearer token. Raises OSError, also for 4xx and 5xx."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # No proxy of the environment may stand between a process and itself.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    request = urllib.request.Request(url(path))  # noqa: S310  (http or https, see url)
    if token is not None:
        request.method = "POST"
        request.data = b""
        request.add_header("Authorization", f"Bearer {token}")
    with opener.open(request, timeout=TIMEOUT) as answer:
        return answer.status, answer.read().decode()


def main() -> int:
    """Ask once."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
    try:
        status, _ = ask(path)
    except (urllib.error.URLError, OSError) as error:
        print(f"{url(path)}: {error}", file=sys.stderr)
        return 1
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
