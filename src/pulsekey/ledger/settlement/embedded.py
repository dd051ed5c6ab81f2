"""The default settlement: the contract on the embedded chain.

Consistency only, never finality: whoever runs the node could start another chain, and verification
says so.
"""

from pulsekey.ledger.settlement.contract import initcode
from pulsekey.ledger.settlement.journal import JournalledChain
from pulsekey.ledger.settlement.onchain import OnChainSettlement
from pulsekey.ledger.settlement.ports import Address
from pulsekey.primitives.clock import Clock, seconds
from pulsekey.primitives.errors import IntegrityError

PROPOSER = Address(b"pulsekey-proposer-01")
"""An address needs no key on a chain without signatures; another one cannot anchor all the same."""


def settlement_on(chain: JournalledChain, clock: Clock) -> OnChainSettlement:
    """Settle on an embedded chain, with the contract as its first transaction.

    Whoever opened the chain closes it.
    """
    contract = _deployed(chain, clock)
    name = f"embedded:{chain.chain_id}:{contract.hex()}"
    return OnChainSettlement(name, chain, contract, PROPOSER, clock)


def _deployed(chain: JournalledChain, clock: Clock) -> Address:
    if chain.length == 0:
        chain.deploy(PROPOSER, initcode(PROPOSER), seconds(clock.now()))
    contract = chain.first_contract()
    if contract is None:
        raise IntegrityError("the first transaction of the embedded chain deployed no contract")
    return contract
