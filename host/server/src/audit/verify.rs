//! Is the chain whole?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sod_host::{Digest, Effect};
use uuid::Uuid;

use super::read::{Line, Lines};
use super::{AuditError, Log};
use crate::log::{file, keep};
use crate::record::PackId;

/// So many breaks are listed; all are counted.
const LISTED: usize = 100;

/// What a log has in it, and where it breaks.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Nothing was changed, taken out or put in, as far as the chain can tell.
    pub whole: bool,
    /// Where it breaks: the first hundred places.
    pub breaks: Vec<Break>,
    /// In how many places it breaks.
    pub broken: u64,
    /// Lines of any kind.
    pub records: u64,
    /// Number of the first of them; greater than 1 if older files were removed.
    pub first_seq: Option<u64>,
    /// Number of the last of them.
    pub last_seq: Option<u64>,
    /// Time of the first of them.
    pub from: Option<String>,
    /// Time of the last of them.
    pub to: Option<String>,
    /// Decisions, those of searches not counted.
    pub decisions: u64,
    /// Searches.
    pub searches: u64,
    /// Decisions that say allow.
    pub allows: u64,
    /// Decisions that say deny.
    pub denies: u64,
    /// Decisions that say deny and were let pass (shadow mode).
    pub shadowed: u64,
    /// Decisions that left without a record, by the log's own account.
    pub lost: u64,
    /// How often a server started.
    pub starts: u64,
    /// How often the rest of a line was set aside after a crash.
    pub recovered: u64,
    /// Components that decided, by their digest.
    pub packs: BTreeMap<String, Decisions>,
    /// Digest of the last line: written down elsewhere it pins all that is before it.
    pub head: Option<Digest>,
}

/// What one component decided.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Decisions {
    /// Name of the pack.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Decisions that say allow.
    pub allows: u64,
    /// Decisions that say deny.
    pub denies: u64,
}

/// A place where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Break {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub problem: String,
}

/// As much of a line as the chain and the summary need.
#[derive(Deserialize)]
struct Glance {
    kind: String,
    time: String,
    seq: u64,
    id: Uuid,
    prev: Option<Digest>,
    #[serde(default)]
    pack: Option<PackId>,
    #[serde(default)]
    verdict: Option<Answered>,
    #[serde(default)]
    enforced: Option<Effect>,
    #[serde(default)]
    lost: u64,
    #[serde(default)]
    first_seq: Option<u64>,
    #[serde(default)]
    first_prev: Option<Digest>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    effect: Option<Effect>,
}

/// The line before.
struct Last {
    seq: u64,
    id: Uuid,
    digest: Option<Digest>,
}

#[derive(Default)]
struct Walk {
    report: Verified,
    last: Option<Last>,
    /// A first line that does not begin the log, until a record says why: its place, number and `prev`.
    unexplained: Option<(Break, u64, Option<Digest>)>,
}

/// Follows the chain from the first line to the last. Every digest of `heads` has to be that of one of its lines.
///
/// # Errors
/// A file that cannot be read.
pub fn verify(log: &Log, heads: &[Digest]) -> Result<Verified, AuditError> {
    let mut walk = Walk::default();
    let mut wanted: Vec<Digest> = heads.to_vec();
    let mut lines = Lines::new(&log.files);
    let mut place = (String::new(), 0);
    while let Some(line) = lines.next()? {
        let digest = Digest::of(line.bytes);
        if line.whole {
            wanted.retain(|head| *head != digest);
        }
        walk.step(&line, digest);
        if place.0 != line.file {
            line.file.clone_into(&mut place.0);
        }
        place.1 = line.number;
    }
    let Walk {
        report,
        unexplained,
        ..
    } = &mut walk;
    if let Some((at, ..)) = unexplained.take() {
        report.breaks(at);
    }
    for head in wanted {
        report.breaks(Break {
            file: place.0.clone(),
            line: place.1,
            problem: format!("the log ends here, and no line in it has the digest {head}"),
        });
    }
    report.components(log);
    report.whole = report.broken == 0;
    Ok(walk.report)
}

impl Walk {
    fn step(&mut self, line: &Line<'_>, digest: Digest) {
        if !line.whole {
            let problem = match self.is_line(line) {
                true => "the last line has no line feed".to_owned(),
                false => "the file ends in the middle of a line; a server that starts sets such a rest aside".to_owned(),
            };
            return self.breaks(line, problem);
        }
        self.report.records += 1;
        self.report.head = Some(digest);
        match serde_json::from_slice::<Glance>(line.bytes) {
            Ok(glance) => {
                self.chained(line, &glance);
                self.last = Some(Last {
                    seq: glance.seq,
                    id: glance.id,
                    digest: Some(digest),
                });
                self.report.count(glance);
            }
            Err(error) => {
                self.breaks(line, format!("this is no record: {error}"));
                // What comes next is tied to it all the same, or not.
                if let Some(last) = &mut self.last {
                    last.digest = Some(digest);
                    last.seq += 1;
                }
            }
        }
    }

    fn is_line(&self, line: &Line<'_>) -> bool {
        serde_json::from_slice::<Glance>(line.bytes).is_ok()
    }

    fn chained(&mut self, line: &Line<'_>, glance: &Glance) {
        match &self.last {
            None => self.first(line, glance),
            Some(last) => {
                let tied = glance.prev.is_some() && glance.prev == last.digest;
                let (expected, behind) = (last.seq + 1, glance.id > last.id);
                if !tied {
                    let problem = match glance.prev {
                        Some(_) => {
                            "it is not tied to the line before it: that was changed, or lines between them were taken out or put in"
                        }
                        None => "a log begins here, in the middle of another one",
                    };
                    self.breaks(line, problem.to_owned());
                }
                if glance.seq != expected {
                    let seq = glance.seq;
                    self.breaks(line, format!("it is record {seq}, expected was {expected}"));
                }
                if !behind {
                    let id = glance.id;
                    self.breaks(
                        line,
                        format!("its id {id} is not greater than the one before it"),
                    );
                }
            }
        }
        if let (Some((_, seq, prev)), "removed") = (&self.unexplained, glance.kind.as_str())
            && glance.first_seq == Some(*seq)
            && glance.first_prev == *prev
        {
            self.unexplained = None;
        }
    }

    fn first(&mut self, line: &Line<'_>, glance: &Glance) {
        self.report.first_seq = Some(glance.seq);
        self.report.from = Some(glance.time.clone());
        if glance.seq == 1 && glance.prev.is_none() {
            return;
        }
        let at = line.breaks(format!(
            "the log begins with record {}, and no record says that older files were removed up to here",
            glance.seq
        ));
        self.unexplained = Some((at, glance.seq, glance.prev));
    }

    fn breaks(&mut self, line: &Line<'_>, problem: String) {
        self.report.breaks(line.breaks(problem));
    }
}

impl Line<'_> {
    fn breaks(&self, problem: String) -> Break {
        Break {
            file: self.file.to_owned(),
            line: self.number,
            problem,
        }
    }
}

impl Verified {
    fn breaks(&mut self, at: Break) {
        self.broken += 1;
        if self.breaks.len() < LISTED {
            self.breaks.push(at);
        }
    }

    fn count(&mut self, glance: Glance) {
        self.last_seq = Some(glance.seq);
        self.to = Some(glance.time);
        match glance.kind.as_str() {
            "decision" => {
                let effect = glance.verdict.and_then(|verdict| verdict.effect);
                self.decision(effect, glance.enforced, glance.pack);
            }
            "search" => {
                self.searches += 1;
                let _ = glance.pack.map(|pack| self.pack(pack));
            }
            "gap" => self.lost += glance.lost,
            "start" => self.starts += 1,
            "recovered" => self.recovered += 1,
            _ => {}
        }
    }

    fn decision(&mut self, effect: Option<Effect>, enforced: Option<Effect>, pack: Option<PackId>) {
        self.decisions += 1;
        let (allow, deny) = (effect == Some(Effect::Allow), effect == Some(Effect::Deny));
        self.allows += u64::from(allow);
        self.denies += u64::from(deny);
        self.shadowed += u64::from(deny && enforced == Some(Effect::Allow));
        if let Some(pack) = pack {
            let decisions = self.pack(pack);
            decisions.allows += u64::from(allow);
            decisions.denies += u64::from(deny);
        }
    }

    fn pack(&mut self, pack: PackId) -> &mut Decisions {
        let entry = self.packs.entry(pack.digest.to_string());
        entry.or_insert_with(|| Decisions {
            name: pack.name,
            version: pack.version,
            ..Decisions::default()
        })
    }

    /// A component that was kept, and is another one now.
    fn components(&mut self, log: &Log) {
        let folder = log.folder.join(file::COMPONENTS);
        let digests: Vec<Digest> = self
            .packs
            .keys()
            .filter_map(|text| text.parse().ok())
            .collect();
        for digest in digests {
            let path = keep::path(&folder, &digest, "wasm");
            if std::fs::read(&path).is_ok_and(|bytes| Digest::of(&bytes) != digest) {
                self.breaks(Break {
                    file: format!("{}/{}", file::COMPONENTS, file::named(&path)),
                    line: 0,
                    problem: "its bytes do not have the digest that it is named for".to_owned(),
                });
            }
        }
    }
}
