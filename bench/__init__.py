"""The benchmark: what a call costs in oxide, in the official SDK, and in code written by hand for nothing else."""
