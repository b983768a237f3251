"""Shows the rendered book on this machine alone."""

import argparse
import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from .environment import ROOT


def main(arguments: list[str]) -> int:
    """Serves `_build/html` on 127.0.0.1 until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tools serve")
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args(arguments).port
    html = ROOT / "_build" / "html"
    if not (html / "index.html").exists():
        print("tools: there is no rendered book yet, `make book` makes it", file=sys.stderr)
        return 1
    handler = functools.partial(SimpleHTTPRequestHandler, directory=html)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(f"tools: port {port} cannot be used ({error.strerror}): --port N", file=sys.stderr)
        return 1
    print(f"The book is at http://127.0.0.1:{server.server_port} until Ctrl-C.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
