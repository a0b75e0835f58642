//! Collectors: they turn what a source of truth holds into raw evidence for `sod decide`.
//!
//! A collector reports what it observed and concludes nothing. It gives
//! complete lists or an error, never a list that is silently short.
//!
//! The one collector so far reads a git repository: [`git::collect`]. It runs
//! no program, follows no instruction of the repository, and hashes every
//! object that it reads. docs/evidence-git.md is its manual.
//!
//! # Example
//!
//! 1. Name the repository and the two ends of the change.
//! 2. Say what git cannot know: where the change goes, who approved it, who people are.
//! 3. Collect, and pass the JSON on as the `evidence` of a request.
//!
//! ```no_run
//! use sod_evidence::git::{self, Directory, GitOptions};
//!
//! let mut options = GitOptions::new("payments", "origin/main", "HEAD");
//! options.repository = Some("bank/payments".to_owned());
//! options.approvals = Some("approvals.json".into());
//! options.directory = Directory::File("directory.json".into());
//! let evidence = git::collect(&options)?;
//! println!("{}", serde_json::to_string_pretty(&evidence)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod evidence;
pub mod git;
pub mod input;
