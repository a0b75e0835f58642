//! One decision before the snapshot.
//!
//! Lazily made tables and first-use allocations are paid once, while the pack
//! is compiled, and not by every fresh instance. The answers are thrown away.

use crate::bundle::Mode;
use crate::program::Program;
use crate::request::{EntityUid, Request};

/// A change and a deployment that touch every fact. Nobody in it is anybody.
const EVIDENCE: &str = include_str!("warm_up.json");

impl Program {
    /// Decides a few made-up requests and forgets the answers.
    pub fn warm_up(&self) {
        for request in self.warm_up_requests() {
            // Whatever it says, it says it to nobody.
            drop(self.decide(&request));
        }
    }

    fn warm_up_requests(&self) -> Vec<Request> {
        let request = |action: &str, ty: &str, id: &str| Request {
            principal: EntityUid::new("Person", "warm-up"),
            action: EntityUid::new("Action", action),
            resource: EntityUid::new(ty, id),
            now: Some(0),
            evidence: Some(EVIDENCE.to_owned()),
            entities: None,
            context: None,
        };
        match self.description.mode {
            Mode::Evidence => vec![
                request("merge", "Change", "warm-up"),
                request("deploy", "Deployment", "warm-up"),
            ],
            Mode::Cedar => self.vocabulary.examples(),
        }
    }
}
