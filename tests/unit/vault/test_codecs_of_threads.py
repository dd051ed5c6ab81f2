"""Each thread has zstd contexts of its own: shared ones corrupt what parallel requests read."""

import threading

from pulsekey.vault import segment


def test_two_threads_never_share_a_codec() -> None:
    found: list[object] = []
    thread = threading.Thread(
        target=lambda: found.extend((segment._codecs.pack, segment._codecs.unpack))
    )
    thread.start()
    thread.join()
    assert found[0] is not segment._codecs.pack
    assert found[1] is not segment._codecs.unpack
