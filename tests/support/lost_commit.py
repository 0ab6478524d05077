#!/usr/bin/env python3
"""Stands between a client and a PostgreSQL, and loses the answer to one commit.

    lost_commit.py URL

prints another URL, on a port of the loopback. The first COMMIT that passes reaches the server; when the server has
answered that it is done, the answer is dropped and the connection closed. Everything else passes. Ends when standard
input ends.
"""
import socket
import sys
import threading
import urllib.parse

COMMIT = b"COMMIT\0"  # ends the client's order and the server's answer that it is done


class Proxy:
    def __init__(self, folder):
        self.socket_path = folder + "/.s.PGSQL.5432"
        self.loses = threading.Lock()  # taken by the connection whose commit it is, and kept
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.socket_path)
            loses = threading.Event()
            for pump in (self.to_server, self.to_client):
                threading.Thread(target=pump, args=(client, server, loses), daemon=True).start()

    def to_server(self, client, server, loses):
        seen = b""
        for data in pieces(client):
            seen = (seen + data)[-len(data) - len(COMMIT):]
            if COMMIT in seen and self.loses.acquire(blocking=False):
                loses.set()  # before the server can answer
            server.sendall(data)
        end(client, server)

    def to_client(self, client, server, loses):
        dropped = b""
        for data in pieces(server):
            if not loses.is_set():
                client.sendall(data)
                continue
            dropped += data
            if COMMIT in dropped:
                break
        end(client, server)


def pieces(source):
    try:
        while data := source.recv(65536):
            yield data
    except OSError:
        return


def end(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other direction was quicker


def main():
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(sys.argv[1]).query)
    proxy = Proxy(query["host"][0])
    threading.Thread(target=proxy.run, daemon=True).start()
    print(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres?sslmode=disable&gssencmode=disable", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
