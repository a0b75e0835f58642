//! Shared parts of the proof.
