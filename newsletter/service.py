"""The newsletter as one process: pages, schedule and delivery, from its start to the signal that ends it."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from newsletter import bootstrap, logs, memory, systemd
from newsletter.delivery.brake import Brake
from newsletter.delivery.dispatch import DRAIN
from newsletter.duties import Duties
from newsletter.errors import NewsletterError
from newsletter.schedule import Schedule

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.store import Store

_LOG = logs.of("service")
_STOPPING = DRAIN + 2.0  # seconds
_RESTART = ("database", "web", "returns")  # sections that only a new process goes by


class Service:
    """Pages and schedule of an installation, in threads of their own."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Raises ConfigError: the address of the pages cannot be taken, the topics cannot be read; TemplateError."""
        from newsletter.web.server import Pages  # noqa: PLC0415  lazy: the web framework takes half a second

        _prove(settings)
        self._settings = settings
        self._store = store
        self._brake = Brake()
        self._pages = Pages(settings, store)
        self._serving = threading.Thread(target=self._pages.run, name="pages", daemon=True)
        self._schedule = Schedule(self._duties(settings))

    def _duties(self, settings: Settings) -> Duties:
        return Duties(settings, self._store, self._brake, clock=bootstrap.clock)

    def start(self) -> None:
        """Begin to serve and to work."""
        self._serving.start()
        self._schedule.start()
        logs.event(_LOG, "started", pages=self._pages.address)

    @property
    def alive(self) -> bool:
        """Whether both still do."""
        return self._serving.is_alive() and self._schedule.alive

    def renew(self, settings: Settings) -> None:
        """Go on by other settings. Raises NewsletterError where they cannot be used; then all stays as it was."""
        _prove(settings)
        self._pages.renew(settings)
        self._schedule.duties = self._duties(settings)
        late = [name for name in _RESTART if getattr(settings, name) != getattr(self._settings, name)]
        self._settings = settings
        logs.event(_LOG, "settings read again", needs_restart=", ".join(late))

    def stop(self) -> bool:
        """End in good order: messages on their way are finished. Tell whether nothing is left running."""
        self._pages.stop()
        self._brake.pull()
        left = self._schedule.stop(_STOPPING)
        self._serving.join(_STOPPING)
        if left or self._serving.is_alive():
            logs.event(_LOG, "stopped in the middle", level=logging.WARNING, of=", ".join(sorted(left)) or "pages")
            return False
        self._pages.close()
        logs.event(_LOG, "stopped")
        return True


def _prove(settings: Settings) -> None:
    """See that mail can be made by some settings. Raises NewsletterError: else it would be found out when it is due."""
    bootstrap.signer(settings)
    bootstrap.timetable(settings)
    bootstrap.renderer(settings).prove()


def run(settings: Settings, store: Store, read_again: Callable[[], Settings]) -> bool:
    """Run until SIGTERM or Ctrl-C; `read_again` gives the settings at SIGHUP. Tell whether all ended well.

    Raises NewsletterError where it cannot start.
    """
    memory.stay_small()
    service = Service(settings, store)
    with _signals() as told, _listening(settings, store):
        service.start()
        systemd.notify("READY=1", "STATUS=running")
        well = _attend(service, told, read_again)
        systemd.notify("STOPPING=1")
        ended = service.stop()
    if not ended:  # a thread that waits for a server would keep the process; what it did is recorded, step by step
        logging.shutdown()
        os._exit(0 if well else 1)
    return well


@contextmanager
def _listening(settings: Settings, store: Store) -> Iterator[None]:
    """Take mail that comes back from the mail server of this machine, where that is set. Raises ConfigError."""
    if not settings.returns.listen:
        yield
        return
    with bootstrap.listener(settings, store).running() as listener:
        logs.event(_LOG, "listening for bounces", host=listener.host, port=listener.port)
        yield


def _attend(service: Service, told: _Told, read_again: Callable[[], Settings]) -> bool:
    """Wait for the signal to stop; read the settings at the other one. Tell whether it was a signal that came."""
    limit = systemd.watchdog()
    pause = limit / 3 if limit else 5.0
    while not told.stop:
        if not service.alive:
            logs.event(_LOG, "a part of the program ended by itself", level=logging.ERROR)
            return False
        systemd.notify("WATCHDOG=1")
        told.wait(pause)
        if told.reload:
            told.reload = False
            _renew(service, read_again)
    return True


def _renew(service: Service, read_again: Callable[[], Settings]) -> None:
    systemd.reloading()
    try:
        service.renew(read_again())
    except NewsletterError as error:
        logs.event(_LOG, "the settings stay as they were", level=logging.ERROR, error=str(error))
    systemd.notify("READY=1")


class _Told:
    """What signals said.

    A signal may come at any moment, also while this thread is about to wait for one: a lock that it holds then, as an
    Event has one, would never be free for the handler. Putting into a SimpleQueue needs none.
    """

    def __init__(self) -> None:
        self._something: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.stop = self.reload = False

    def to_stop(self, *_: object) -> None:
        self.stop = True
        self._something.put(None)

    def to_reload(self, *_: object) -> None:
        self.reload = True
        self._something.put(None)

    def wait(self, seconds: float) -> None:
        """Wait until a signal comes, so many seconds at most."""
        with suppress(queue.Empty):
            self._something.get(timeout=seconds)


@contextmanager
def _signals() -> Iterator[_Told]:
    told = _Told()
    handlers = {signal.SIGTERM: told.to_stop, signal.SIGINT: told.to_stop, signal.SIGHUP: told.to_reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
