//! What holds for every request: invariants of a pack, and what a change of it allows or denies.
