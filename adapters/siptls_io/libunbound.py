"""The part of libunbound that is needed, bound by ctypes: questions without waiting, answers with their status.

The library is looked for when the first `Context` is made, so that all else works without it.
"""

from __future__ import annotations

import ctypes
import functools
import operator
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Final, Protocol

from .errors import MissingLibrary

NAMES = ("libunbound.so.8", "libunbound.8.dylib", "/opt/homebrew/lib/libunbound.8.dylib")
"""Under which names the library is looked for. The number stands for the layout of what it returns."""

_IN = 1
_THREAD = 1

_OPTIONS: Final = (
    (b"module-config:", b"validator iterator"),
    (b"val-log-level:", b"2"),  # nothing is logged, but without this no reason is given for what is bogus
    (b"trust-anchor-signaling:", b"no"),  # nothing is sent that nobody asked for
    (b"root-key-sentinel:", b"no"),
    # How many questions to servers are under way at a time, each with a file, and how many questions to us. By default
    # it is 16. A question that nobody awaits any more counts until the library gives it up, after many seconds: those
    # to servers that keep silent must not take the place of all others.
    (b"outgoing-range:", b"512"),
    (b"num-queries-per-thread:", b"1024"),
    (b"infra-keep-probing:", b"yes"),  # a forwarder that was silent is asked again soon
)
_DESCRIPTORS = 16
"""How many files must be free for a start. It takes seven; if there are only four to six, the library calls exit()."""
_NO_EXCEPTIONS: Final = (b"test.", b"home.arpa.")
"""Names that the library would deny by itself. What they mean in this network is for the DNS to say."""


class _Result(ctypes.Structure):
    """The beginning of ``struct ub_result``; the rest, which has changed between releases, is not needed."""

    _fields_ = (
        ("qname", ctypes.c_char_p),
        ("qtype", ctypes.c_int),
        ("qclass", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_void_p),
        ("canonname", ctypes.c_char_p),
        ("rcode", ctypes.c_int),
        ("answer_packet", ctypes.c_void_p),
        ("answer_len", ctypes.c_int),
        ("havedata", ctypes.c_int),
        ("nxdomain", ctypes.c_int),
        ("secure", ctypes.c_int),
        ("bogus", ctypes.c_int),
        ("why_bogus", ctypes.c_char_p),
    )


class _PointerToResult(Protocol):
    contents: _Result


_Pointer = ctypes.POINTER(_Result)
_Callback = ctypes.CFUNCTYPE(None, ctypes.py_object, ctypes.c_int, _Pointer)
# box[error] = result: done in C, so that no exception can come in between, not even that of Ctrl-C.
_PUT_INTO_BOX: Final = _Callback(operator.setitem)

_SYMBOLS: Final = {
    "ub_ctx_create": (ctypes.c_void_p,),
    "ub_ctx_delete": (None, ctypes.c_void_p),
    "ub_ctx_debugout": (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p),
    "ub_ctx_set_option": (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p),
    "ub_ctx_set_fwd": (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p),
    "ub_ctx_add_ta": (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p),
    "ub_ctx_async": (ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
    "ub_ctx_zone_remove": (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p),
    "ub_fd": (ctypes.c_int, ctypes.c_void_p),
    "ub_process": (ctypes.c_int, ctypes.c_void_p),
    "ub_resolve_async": (
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.py_object,
        _Callback,
        ctypes.POINTER(ctypes.c_int),
    ),
    "ub_cancel": (ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
    "ub_resolve_free": (None, _Pointer),
    "ub_strerror": (ctypes.c_char_p, ctypes.c_int),
}
"""What is called: the type of the result, then those of the arguments (unbound.h)."""


class Reply:
    """What libunbound says to one question.

    Attributes:
        packet: a DNS message; empty after an error.
        secure: whether all of it was validated.
        bogus: whether it should have been and does not validate. Then the message must not be used.
        why: why it is bogus, or what error there was; text from outside.
    """

    __slots__ = ("bogus", "packet", "secure", "why")

    def __init__(self, packet: bytes, *, secure: bool, bogus: bool, why: str) -> None:
        self.packet: Final = packet
        self.secure: Final = secure
        self.bogus: Final = bogus
        self.why: Final = why


_ENDED: Final = Reply(b"", secure=False, bogus=False, why="libunbound: it has ended")


class Query:
    """One question on its way.

    Attributes:
        reply: None until it is here.
    """

    __slots__ = ("box", "number", "reply")

    def __init__(self) -> None:
        self.number: Final = ctypes.c_int(0)
        self.box: Final[dict[int, _PointerToResult]] = {}
        self.reply: Reply | None = None


class Context:
    """A validating resolver of libunbound, with a thread and a cache of its own.

    It is deleted by `delete`, or as soon as nobody refers to it, or when the interpreter ends. Only one thread at a
    time may call it: the one that holds `lock`.

    The library ends the whole process if it cannot open files while its thread starts. Therefore the thread is started
    here, once it is sure that there are enough; only other threads that take nearly all of them in that instant can
    still bring it about. Later, without files, questions fail and nothing else happens.

    Args:
        forwarders: ``address@port`` of those who are asked; without any, it asks the authoritative servers itself.
        anchors: DS and DNSKEY records, one line each.

    Raises:
        MissingLibrary: libunbound is not there or too old.
        OSError: it cannot start, for instance because fewer than 16 more files can be opened.
    """

    def __init__(self, forwarders: Iterable[str], anchors: Iterable[str]) -> None:
        self._library = load()
        _room_for(_DESCRIPTORS)
        self._context = self._library.ub_ctx_create()
        if not self._context:
            raise OSError("libunbound cannot start: out of memory or of file descriptors")
        # Reentrant, because the garbage collector may end an abandoned question at any time.
        self.lock: Final = threading.RLock()
        self.pid: Final = os.getpid()
        self.delete: Final = weakref.finalize(self, _delete, self._library, self._context, self.pid, self.lock)
        self._library.ub_ctx_debugout(self._context, None)
        for option, value in _OPTIONS:
            self._do("ub_ctx_set_option", option, value)
        for forwarder in forwarders:
            # One on this machine is as good as any. Without forwarders, no zone may send us to localhost.
            self._do("ub_ctx_set_option", b"do-not-query-localhost:", b"no")
            self._do("ub_ctx_set_fwd", forwarder.encode())
        for anchor in anchors:
            self._do("ub_ctx_add_ta", anchor.encode())
        self._do("ub_ctx_async", _THREAD)
        for name in _NO_EXCEPTIONS:  # the first of them puts into effect what was set
            self._do("ub_ctx_zone_remove", name)
        self.fd: Final[int] = self._library.ub_fd(self._context)
        """Readable when there is something for `process`."""
        self._start()

    def ask(self, query: Query, name: str, rrtype: int) -> None:
        """Send a question on its way. If that fails, the reply is here at once.

        Args:
            query: what will hold the reply; keep it until then or until `cancel`.
            name: the name, in presentation format.
            rrtype: the number of the type.
        """
        if not self._usable():
            query.reply = _ENDED
            return
        code = self._library.ub_resolve_async(
            self._context,
            name.encode(),
            rrtype,
            _IN,
            query.box,
            _PUT_INTO_BOX,
            ctypes.byref(query.number),
        )
        if code:
            query.reply = self._error(code)

    def process(self) -> Reply | None:
        """Put what has arrived into the boxes, without waiting; if nothing can arrive any more, return the reason."""
        if not self._usable():
            return _ENDED
        code = self._library.ub_process(self._context)
        return self._error(code) if code else None

    def take(self, query: Query) -> bool:
        """Make the reply of what is in the box, and return whether there was something."""
        if not query.box:
            return False
        error, pointer = query.box.popitem()
        if error:
            query.reply = self._error(error)
            return True
        try:
            result = pointer.contents
            packet = ctypes.string_at(result.answer_packet, result.answer_len) if result.answer_packet else b""
            why = (result.why_bogus or b"").decode("ascii", "backslashreplace")
            query.reply = Reply(packet, secure=bool(result.secure), bogus=bool(result.bogus), why=why)
        finally:
            self._library.ub_resolve_free(pointer)
        return True

    def cancel(self, query: Query) -> None:
        """Make sure that nothing is put into the box any more."""
        if self._usable():
            self._library.ub_cancel(self._context, query.number)

    def _start(self) -> None:
        """Have the first question start the thread: one that the library answers itself."""
        _room_for(_DESCRIPTORS // 2)
        first = Query()
        self.ask(first, "localhost.", 1)
        if first.reply is not None:
            raise OSError(f"libunbound cannot start: {first.reply.why}")
        self.cancel(first)

    def _usable(self) -> bool:
        """Say whether the context is there, in this process: after a fork its thread is in the parent alone."""
        return self.delete.alive and self.pid == os.getpid()

    def _do(self, function: str, *arguments: bytes | int) -> None:
        call: Callable[..., int] = getattr(self._library, function)
        if code := call(self._context, *arguments):
            raise OSError(f"libunbound cannot start: {function}{arguments}: {self._error(code).why}")

    def _error(self, code: int) -> Reply:
        text: bytes = self._library.ub_strerror(code)
        return Reply(b"", secure=False, bogus=False, why=f"libunbound: {text.decode('ascii', 'backslashreplace')}")


@functools.cache
def load() -> ctypes.CDLL:
    """Load the library, and tell ctypes how its functions are called.

    Raises:
        MissingLibrary: it cannot be loaded, or has not all that is needed.
    """
    problems: list[str] = []
    for name in NAMES:
        try:
            library = ctypes.CDLL(name)
            for symbol, (result, *arguments) in _SYMBOLS.items():
                function = getattr(library, symbol)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            problems.append(str(error))
        else:
            return library
    raise MissingLibrary("libunbound", "libunbound8", problems[0])


def _room_for(descriptors: int) -> None:
    """Raise OSError if so many files cannot be opened now."""
    with ExitStack() as opened:
        for _ in range(descriptors // 2):
            for end in os.pipe():
                opened.callback(os.close, end)


def _delete(library: ctypes.CDLL, context: int, pid: int, lock: threading.RLock) -> None:
    """Delete a context, in the process that made it, when no thread is in the middle of a call."""
    if os.getpid() == pid:
        with lock:
            library.ub_ctx_delete(context)
