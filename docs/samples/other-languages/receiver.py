"""Receives CloudEvents over HTTP. Python's standard library and SQLite; nothing of Spandrel."""

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, HTTPServer

db = sqlite3.connect(os.environ["DATABASE"], isolation_level=None)
db.execute("create table if not exists seen (source text, id text, primary key (source, id))")
db.execute("create table if not exists brews (order_id integer)")


class Events(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = (self.headers["ce-source"], self.headers["ce-id"])
        db.execute("begin immediate")
        try:
            # The same transaction notes the message and does the work. A copy changes nothing.
            if db.execute("insert or ignore into seen values (?, ?)", message).rowcount == 1:
                db.execute("insert into brews values (?)", (data["orderId"],))
            db.execute("commit")
            status = 204
        except Exception:
            db.execute("rollback")
            status = 503  # try again later
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Events)
print(server.server_address[1], flush=True)
server.serve_forever()
