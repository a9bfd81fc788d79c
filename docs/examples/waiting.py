import asyncio
import os

from atelier_client import AsyncAtelier, GenerationFailedError


async def main() -> None:
    async with AsyncAtelier(os.environ["API"], os.environ["API_KEY"]) as atelier:
        submitted = await atelier.submit("sketch", {"prompt": "a lighthouse at dawn"})
        print(submitted.id, submitted.status)  # keep the id: another process may wait for it
        try:
            generation = await atelier.wait(submitted.id, timeout=300, on_update=lambda it: print(it.status))
        except GenerationFailedError as exc:
            print(exc.generation.error)
        else:
            print(generation.output)


asyncio.run(main())
