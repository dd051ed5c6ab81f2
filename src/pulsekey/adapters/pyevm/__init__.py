"""The embedded EVM: py-evm with the one precompile that it lacks."""
