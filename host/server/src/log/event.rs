//! What is in the log besides decisions: what was in force, and what went wrong.

use serde::{Deserialize, Serialize};
use sod_host::Digest;

use crate::record::PackId;

/// A line that is no decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A server began to write.
    Start {
        /// Version of `sod`.
        version: String,
        /// Digest of the configuration file, if there is one.
        configuration: Option<Digest>,
    },
    /// A server ended as it should.
    Stop,
    /// From here on requests mean what this configuration says.
    Configuration {
        /// Digest of the configuration file, if there is one.
        configuration: Option<Digest>,
    },
    /// From here on this pack decides what is asked of its name.
    Pack {
        /// Which.
        pack: PackId,
    },
    /// A pack was not taken. The one before it goes on, if there was one.
    PackRefused {
        /// `NAME` of `[pack.NAME]`.
        served_as: String,
        /// Digest of the component, if there was one.
        digest: Option<Digest>,
        /// Why not.
        problem: String,
    },
    /// Decisions left without a record.
    Gap(Gap),
    /// Records can be written again.
    Resumed {
        /// How many decisions this server has not let out so far, for want of a record.
        refused: u64,
    },
    /// What the last write before a crash had left of a line was set aside.
    Recovered {
        /// The file that ended so.
        file: String,
        /// Where it was cut off.
        offset: u64,
        /// How many bytes were set aside.
        bytes: u64,
        /// Their digest.
        digest: Digest,
        /// The file that has them now.
        set_aside: String,
    },
    /// Old files were removed, as the configuration says.
    Removed {
        /// Their names.
        files: Vec<String>,
        /// Number of the first record that is left.
        first_seq: u64,
        /// `prev` of that record: the end of what was removed.
        first_prev: Option<Digest>,
    },
}

/// Decisions without a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// How many.
    pub lost: u64,
    /// When the first of them was made.
    pub from: String,
    /// When the last of them was made.
    pub to: String,
    /// What stood against the last of them.
    pub problem: String,
}
