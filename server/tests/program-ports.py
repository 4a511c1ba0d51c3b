"""A program such as people run in their environment: pages, redirects, cookies, streams and a WebSocket."""

import asyncio
import json
import sys
import time

import tornado.web
import tornado.websocket


class Show(tornado.web.RequestHandler):
    def get(self):
        self.finish(json.dumps({"uri": self.request.uri, "headers": dict(self.request.headers.get_all())}))

    def put(self):
        self.finish(str(len(self.request.body)))


class Redirect(tornado.web.RequestHandler):
    def get(self):
        self.set_status(302)
        self.set_header("Location", self.get_argument("to"))


class Cookies(tornado.web.RequestHandler):
    def get(self):
        for name in ("own", "terrarium"):
            self.add_header("Set-Cookie", name + "=1; Path=/; Domain=localhost")
        self.set_status(401)
        self.set_header("WWW-Authenticate", "Basic")
        self.finish("who are you?")


class Big(tornado.web.RequestHandler):
    async def get(self):
        block = b"x" * 1024 * 1024
        try:
            for _ in range(int(self.get_argument("mebibytes"))):
                self.write(block)
                await self.flush()
        except tornado.iostream.StreamClosedError:
            Ended.count += 1


class Ended(tornado.web.RequestHandler):
    count = 0

    def get(self):
        self.finish(str(Ended.count))


class Events(tornado.web.RequestHandler):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        await self.flush()
        for number in range(3):
            self.write(f"data: {number} {time.time()}\n\n")
            await self.flush()
            await asyncio.sleep(0.3)


class Echo(tornado.websocket.WebSocketHandler):
    def select_subprotocol(self, subprotocols):
        return "second" if "second" in subprotocols else None

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self):
        Ended.count += 1


async def main():
    pages = [
        ("/redirect", Redirect),
        ("/cookies", Cookies),
        ("/big", Big),
        ("/ended", Ended),
        ("/events", Events),
        ("/ws", Echo),
        ("/.*", Show),
    ]
    settings = {"websocket_max_message_size": 1 << 30}
    tornado.web.Application(pages, **settings).listen(int(sys.argv[1]), sys.argv[2], max_buffer_size=1 << 30)
    await asyncio.Event().wait()


asyncio.run(main())
