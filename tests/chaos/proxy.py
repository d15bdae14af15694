"""A slow wire: a TCP proxy that holds back everything for a while, differently each time."""

import asyncio
import random
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def slow_wire(port: int, delay_s: float) -> Generator[int]:
    """Yield a port of loopback that leads to the given one, with up to twice the delay on the way and back."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_listen(port, delay_s))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _listen(port: int, delay_s: float) -> asyncio.Server:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, there[1], delay_s), _carry(there[0], writer, delay_s))

    return await asyncio.start_server(connect, "127.0.0.1", 0)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(random.uniform(0, 2 * delay_s))  # noqa: S311 - weather
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
