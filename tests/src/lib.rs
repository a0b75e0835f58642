//! Shared parts of the proof.

pub mod random;
pub mod workload;
