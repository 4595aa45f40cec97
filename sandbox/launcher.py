"""Runs one sandbox until it is told to stop: ``python -m sandbox.launcher --port 4570 ...``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from sandbox.settings import ACCOUNT_ID, HOST, REGION, SandboxSettings
from sandbox.smtp import MailServer
from sandbox.weather.seeded import Weather, WeatherKind
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("sandbox")

PARENT_CHECK_SECONDS = 1.0


def parse(arguments: Sequence[str]) -> tuple[SandboxSettings, int | None]:
    """The settings on the command line, and the process to live no longer than."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.launcher", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where mails are stored")
    parser.add_argument("--speed", type=float, default=1.0, help="virtual seconds per real second")
    parser.add_argument("--auth", action="store_true", help="enforce IAM")
    parser.add_argument("--account-limit", type=int, default=1000)
    parser.add_argument("--worker-cap", type=int, default=10)
    parser.add_argument("--unreserved-minimum", type=int)
    parser.add_argument("--rate-share", type=float, default=1.0)
    parser.add_argument("--weather", type=WeatherKind, default=WeatherKind.CALM)
    parser.add_argument("--weather-seed", type=int, default=0)
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    given = parser.parse_args(arguments)
    settings = SandboxSettings(
        port=given.port,
        smtp_port=given.smtp_port,
        directory=given.directory,
        speed=given.speed,
        auth=given.auth,
        account_limit=given.account_limit,
        worker_cap=given.worker_cap,
        unreserved_minimum=given.unreserved_minimum,
        rate_share=given.rate_share,
        weather=Weather(kind=given.weather, seed=given.weather_seed),
    )
    return settings, given.parent


def emulator_environment(settings: SandboxSettings) -> dict[str, str]:
    """What the emulator reads from its environment when it is imported."""
    return {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(settings.worker_cap),
        "LAMBDA_WARM_TTL_SECONDS": "60",
        "LOG_LEVEL": "WARNING",
        "AUTH": "true" if settings.auth else "false",
        "AWS_ENDPOINT_URL_S3": settings.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the sandbox and serve until SIGTERM or SIGINT."""
    settings, parent = parse(sys.argv[1:] if arguments is None else arguments)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(emulator_environment(settings))
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logger.setLevel(logging.INFO)
    logger.info("the weather is %s, its seed is %d", settings.weather.kind, settings.weather.seed)
    settings.mail_directory.mkdir(parents=True, exist_ok=True)

    # The emulator reads its environment when it is imported, so this comes after that is set.
    from sandbox.patching import apply_all  # noqa: PLC0415

    world = World.of(settings)
    application = apply_all(world)
    mail_server = MailServer(settings.smtp_port, settings.mail_directory)
    mail_server.start()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    try:
        asyncio.run(_serve(application, settings, world))
    finally:
        world.stop.set()
        mail_server.stop()
        _end_workers()
        if parent is not None and os.getppid() != parent:
            # Nobody is left who would remove it.
            shutil.rmtree(settings.directory, ignore_errors=True)
    return 0


async def _serve(application: Any, settings: SandboxSettings, world: World) -> None:
    config = Config()
    config.bind = [f"{HOST}:{settings.port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.5
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await serve(application, config, shutdown_trigger=stopping.wait)
    world.stop.set()


def _follow(parent: int) -> None:
    """Stop when the process that started the sandbox is gone, however it ended."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _end_workers() -> None:
    from ministack.core import lambda_runtime  # noqa: PLC0415 - see above

    lambda_runtime.reset()


if __name__ == "__main__":
    exit_code = main()
    # Threads that wait inside a function's invocation must not keep the process alive.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
