"""Keeps what orders.openapi.yaml promises, with the standard library only: threads, and one SQLite file that all
instances share. A key is claimed by inserting its row; the row's answer is written in the transaction of the order."""
import json
import os
import sqlite3
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

DATABASE, CARD = sys.argv[1], sys.argv[2]


def connect():
    database = sqlite3.connect(DATABASE, timeout=10, isolation_level=None)
    database.execute("pragma synchronous = off")
    return database


def setup():
    database = connect()
    database.execute("pragma journal_mode = wal")
    database.execute("create table if not exists rows (kind text, reference text)")
    database.execute("create table if not exists notes (reference text primary key, text text)")
    database.execute("create table if not exists keys (id text primary key, body text, answer text)")


def is_gift(body):
    if "gift" not in body:
        return True
    gift = body["gift"]
    if not isinstance(gift, dict) or not isinstance(gift.get("to"), str) or not isinstance(gift.get("lines"), list):
        return False
    return all(isinstance(line, str) for line in gift["lines"])


def valid(kind, body):
    if not isinstance(body, dict) or not isinstance(body.get("reference"), str):
        return False
    if kind == "refunds":
        amount = body.get("amount")
        return type(amount) is int and amount >= 1
    sku, quantity = body.get("sku"), body.get("quantity")
    known = set(body) <= {"reference", "sku", "quantity", "gift"} and is_gift(body)
    return known and isinstance(sku, str) and 1 <= len(sku) <= 20 and type(quantity) is int and 1 <= quantity <= 99


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the client went; what was begun has ended all the same

    def answer(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if "Correlation-Id" in self.headers:
            self.send_header("Correlation-Id", self.headers["Correlation-Id"])
        if self.command == "POST" and self.path.startswith("/refunds"):
            self.send_header("Deprecation", "@1767225600")
            self.send_header("Sunset", "Tue, 01 Jan 2030 00:00:00 GMT")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        parts = urlsplit(self.path)
        kind = parts.path.split("/")[1]
        reference = parse_qs(parts.query).get("reference", [""])[0]
        if kind == "notes":
            query = ("select count(*) from notes where reference = ?", (reference,))
        else:
            query = ("select count(*) from rows where kind = ? and reference = ?", (kind, reference))
        self.answer(200, {"total": connect().execute(*query).fetchone()[0]})

    def body(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if len(raw) < int(self.headers.get("Content-Length", 0)):
            raise ConnectionResetError
        try:
            return json.loads(raw)
        except ValueError:
            return None

    def do_PUT(self):
        body = self.body()
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str) or text == "":
            return self.answer(400, {"title": "no text"})
        statement = "insert into notes values (?, ?) on conflict (reference) do update set text = excluded.text"
        connect().execute(statement, (unquote(self.path.split("/")[2]), text))
        return self.answer(200, {"text": text})

    def do_POST(self):
        body, kind, caller = self.body(), self.path.split("/")[1], self.headers.get("X-Api-Key")
        if caller is None:
            return self.answer(401, {})
        if not valid(kind, body):
            return self.answer(400, {"title": "that is not one"})
        key = self.headers.get("Idempotency-Key")
        if key is None:
            return self.answer(400, {"title": "no key"})
        identity = json.dumps([kind, caller, key] if kind == "orders" else [kind, key])
        canonical = json.dumps(body, sort_keys=True)
        database = connect()
        claim = "insert into keys values (?, ?, null) on conflict do nothing"
        if database.execute(claim, (identity, canonical)).rowcount == 0:
            row = database.execute("select body, answer from keys where id = ?", (identity,)).fetchone()
            if row is None or row[1] is None:
                return self.answer(409, {"title": "still running"}, {"Retry-After": "1"})
            if row[0] != canonical:
                return self.answer(422, {"title": "another body"})
            status, first, headers = json.loads(row[1])
            return self.answer(status, first, {**headers, "Idempotent-Replayed": "true"})
        return self.answer(*self.work(database, identity, kind, body))

    def work(self, database, identity, kind, body):
        gone = body.get("sku") == "gone" or body.get("amount") == 404
        if kind == "orders" and not gone:
            try:
                urllib.request.urlopen(f"{CARD}/charges", data=b"", timeout=1.2).read()
            except OSError:
                database.execute("delete from keys where id = ?", (identity,))
                return 503, {"title": "no cards now"}, {"Retry-After": "1"}
        time.sleep(0.015)
        database.execute("begin immediate")
        if gone:
            result = (404, {"title": "there is no such thing"}, {})
        else:
            row = database.execute("insert into rows values (?, ?)", (kind, body["reference"])).lastrowid
            result = (201, {"id": row}, {"Location": f"/{kind}/{row}"})
        database.execute("update keys set answer = ? where id = ?", (json.dumps(result), identity))
        database.execute("commit")
        return result


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def leave_with_starter():
    sys.stdin.read()
    os._exit(0)


setup()
threading.Thread(target=leave_with_starter, daemon=True).start()
server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
