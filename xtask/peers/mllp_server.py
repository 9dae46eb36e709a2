"""A receiver of HL7 over MLLP as one would write it with python-hl7: parsed, looked up, written, synced, answered.

Everything that waits shares one fdatasync, as in ours, which is the best Python can do; the sync runs beside the loop. It does not
encrypt and forgets nothing. Started by `cargo xtask bench`: says `listening ADDRESS`, ends with its standard input.
"""

import asyncio
import os
import sys

from hl7.mllp import start_hl7_server

known = set()
waiting = []
work = asyncio.Event()


async def keep(log):
    loop = asyncio.get_running_loop()
    while True:
        await work.wait()
        work.clear()
        batch, waiting[:] = list(waiting), []

        def write():
            os.write(log, b"".join(text.encode("iso2022_jp") for text, _ in batch))
            os.fdatasync(log)

        await loop.run_in_executor(None, write)
        for _, kept in batch:
            kept.set_result(None)


async def serve(reader, writer):
    try:
        while True:
            message = await reader.readmessage()
            number = (str(message["MSH.F3"]), str(message["MSH.F4"]), str(message["MSH.F10"]))
            if number not in known:
                known.add(number)
                kept = asyncio.get_running_loop().create_future()
                waiting.append((str(message), kept))
                work.set()
                await kept
            writer.writemessage(message.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def main():
    log = os.open(os.path.join(sys.argv[1], "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    server = await start_hl7_server(serve, host="127.0.0.1", port=0, encoding="iso2022_jp")
    print("listening %s:%d" % server.sockets[0].getsockname(), flush=True)
    keeping = asyncio.ensure_future(keep(log))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    keeping.cancel()


asyncio.run(main())
