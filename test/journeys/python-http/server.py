"""Orders. Python's standard library and SQLite."""

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def connect():
    db = sqlite3.connect("orders.db", isolation_level=None)
    db.row_factory = sqlite3.Row
    return db


connect().execute("create table if not exists orders (id integer primary key, drink text, paid integer default 0)")


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        rows = connect().execute("select id, drink, paid from orders order by id")
        self.answer(200, [dict(row) for row in rows])

    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.place_order(data)

    def place_order(self, order):
        cursor = connect().execute("insert into orders (drink) values (?)", (order["drink"],))
        self.answer(201, {"id": cursor.lastrowid})

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


port = int(os.environ.get("PORT", "5000"))
server = ThreadingHTTPServer(("127.0.0.1", port), Orders)
print(f"listening on {port}", flush=True)
server.serve_forever()
