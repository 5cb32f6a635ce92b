"""Tokens as a login service gives them, unsigned, for brokers that believe them; and such a service."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


def token(subject, valid_s=300):
    """An unsigned token, and until when it holds."""
    now_s = int(time.time())
    claims = {"sub": subject, "iat": now_s, "exp": now_s + valid_s}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in ({"alg": "none"}, claims)]
    return b".".join(part.rstrip(b"=") for part in parts).decode() + ".", now_s + valid_s


@contextmanager
def token_service(secret):
    """A token endpoint for clients that know a secret; yields its URL and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            client, _, given = (
                base64.b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
            )
            asked.append({"client": client, "scope": form.get("scope")})
            is_known = given == secret
            body = {"access_token": token(client)[0], "token_type": "Bearer", "expires_in": 300}
            answer = json.dumps(body if is_known else {"error": "invalid_client"}).encode()
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token", asked
        finally:
            server.shutdown()
            thread.join()
