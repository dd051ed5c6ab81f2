"""Settlement: a chain that makes heads final, and the contract that keeps them there."""
