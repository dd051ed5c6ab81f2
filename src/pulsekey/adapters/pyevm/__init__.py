"""The embedded EVM: py-evm with the one precompile that it lacks."""

import sys

_LIMIT = sys.getrecursionlimit()

import eth.vm.forks.prague  # noqa: E402, F401  Imported here, between the two lines around it.

# py-evm and py_ecc raise Python's recursion limit for the whole process, to 100,000. At that depth
# nested JSON from outside overflows the C stack and kills the node. Our contract calls one deep.
sys.setrecursionlimit(_LIMIT)
