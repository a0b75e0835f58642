//! `pack.toml`: what its author wrote, made into what is valid.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use sod_core::bundle::{ON_CALL, PERSON, TEAM};
use sod_core::{LeavesOut, Mode, Quorum, QuorumOf};
use toml::Spanned;

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::options::{Choice, RawOption};
use crate::settings::{
    self, Named, RawApproval, RawConflict, RawGrant, RawPaths, RawSettings, RawWindow, Settings,
};
use crate::source::{MAX_TEXT, Source};

/// The file that makes a folder a pack.
pub const MANIFEST: &str = "pack.toml";

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    name: Spanned<String>,
    version: Spanned<String>,
    description: Option<String>,
    license: Option<Spanned<String>>,
    #[serde(default = "evidence")]
    mode: Spanned<Mode>,
    #[serde(default)]
    includes: Vec<Spanned<String>>,
    roles: Option<Vec<Spanned<String>>>,
    teams: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    quorum: Named<RawQuorum>,
    approval: Option<RawApproval>,
    #[serde(default)]
    paths: Named<RawPaths>,
    #[serde(default)]
    window: Named<RawWindow>,
    #[serde(default)]
    conflict: Named<RawConflict>,
    #[serde(default)]
    grant: Named<RawGrant>,
    #[serde(default)]
    option: Named<RawOption>,
    #[serde(default)]
    choose: Named<Spanned<Choice>>,
}

fn evidence() -> Spanned<Mode> {
    Spanned::new(0..0, Mode::Evidence)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuorum {
    of: QuorumOf,
    need: Spanned<BTreeMap<Spanned<String>, Spanned<i64>>>,
    #[serde(default)]
    one_person_may_fill_several: bool,
    leaves_out: Option<Spanned<LeavesOut>>,
}

/// What people and machines can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Role,
    Team,
}

impl Group {
    pub(crate) const ALL: [Group; 2] = [Group::Role, Group::Team];

    pub(crate) fn noun(self) -> &'static str {
        match self {
            Group::Role => "role",
            Group::Team => "team",
        }
    }

    /// Of the base schema.
    pub(crate) fn of_type(entity_type: &str) -> Option<Self> {
        match entity_type {
            "Role" => Some(Group::Role),
            "Team" => Some(Group::Team),
            _ => None,
        }
    }

    /// Of one need of a quorum; people and shifts are in none.
    fn of_need(need: &str) -> Option<(Self, &str)> {
        match need.strip_prefix(TEAM) {
            Some(team) => Some((Group::Team, team)),
            None if need == ON_CALL || need.starts_with(PERSON) => None,
            None => Some((Group::Role, need)),
        }
    }
}

/// A pack's name, version and so on, valid.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) name_at: Range<usize>,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) mode_at: Range<usize>,
    pub(crate) includes: Vec<(String, Range<usize>)>,
    /// The roles and the teams that it says there are. One of the two absent: it does not say.
    pub(crate) declared: BTreeMap<Group, Vec<String>>,
    /// Those that its quorums, conflicts and grants name, each with its place.
    pub(crate) groups: Vec<(Group, String, Range<usize>)>,
    pub(crate) quorums: Vec<(Quorum, Range<usize>)>,
    pub(crate) settings: Settings,
    pub(crate) source: Source,
}

impl Manifest {
    /// Reads the manifest of a pack folder. `None` if nothing can be made of it.
    pub(crate) fn read(folder: &Path, findings: &mut Findings) -> Option<Self> {
        let path = folder.join(MANIFEST);
        let read = Source::read_inside(folder, &path, MAX_TEXT, Code::ManifestMissing);
        let source = read.map_err(|finding| {
            let is_missing = finding.code == Code::ManifestMissing;
            let help = "a pack is a folder with a `pack.toml`; its first lines are `name = \"my-pack\"` and `version = \"0.1.0\"`";
            if is_missing { finding.help(help) } else { finding }
        });
        let source = findings.note(source)?;
        let raw = toml::from_str::<RawManifest>(&source.text).map_err(|error| {
            let help = "docs/diagnostics.md#manifest-invalid has the keys and what they take";
            invalid(Code::ManifestInvalid, &source, &error).help(help)
        });
        let raw = findings.note(raw)?;
        Some(validate(raw, source, findings))
    }
}

/// Not TOML, or not of the right form.
pub(crate) fn invalid(code: Code, source: &Source, error: &toml::de::Error) -> Finding {
    let message = error.message().trim_end_matches('.').replace('\n', "; ");
    Finding::new(code, message).at(source, error.span().unwrap_or(0..0))
}

fn validate(raw: RawManifest, source: Source, findings: &mut Findings) -> Manifest {
    let mut check = |ok: bool, code, at: Range<usize>, message: String, help: &str| {
        if !ok {
            findings.push(Finding::new(code, message).at(&source, at).help(help));
        }
    };
    let name = raw.name.get_ref();
    check(
        is_kebab_case(name),
        Code::NameInvalid,
        raw.name.span(),
        format!("`{name}` is not a name for a pack"),
        "lower-case letters, digits and single hyphens, such as `protected-deploy`",
    );
    let version = raw.version.get_ref();
    check(
        semver::Version::parse(version).is_ok(),
        Code::VersionInvalid,
        raw.version.span(),
        format!("`{version}` is not a version"),
        "a semantic version has three numbers: `1.0.0`",
    );
    if let Some(license) = &raw.license {
        check(
            spdx::Expression::parse(license.get_ref()).is_ok(),
            Code::LicenseInvalid,
            license.span(),
            format!("`{}` is not an SPDX licence expression", license.get_ref()),
            "for example `Apache-2.0`, `MIT OR Apache-2.0`, or `LicenseRef-internal` for one of your own",
        );
    }
    let mode = *raw.mode.get_ref();
    let mut declared = BTreeMap::new();
    for (group, names) in [(Group::Role, raw.roles), (Group::Team, raw.teams)] {
        for name in names.iter().flatten() {
            check(
                !name.get_ref().is_empty() && !name.get_ref().contains([':', '|']),
                Code::SettingInvalid,
                name.span(),
                format!("`{}` is no name for a {}", name.get_ref(), group.noun()),
                "a name as the directory has it, without `:` and `|`",
            );
        }
        let names = names.map(|names| names.into_iter().map(Spanned::into_inner).collect());
        declared.extend(names.map(|names: Vec<String>| (group, names)));
    }
    let mut groups = groups_of_quorums(&raw.quorum);
    let quorums = raw.quorum.into_iter().filter_map(|(name, quorum)| {
        let at = name.span();
        Some((valid_quorum(name, quorum, &source, findings)?, at))
    });
    let quorums = quorums.collect();
    let settings = RawSettings {
        approval: raw.approval,
        paths: raw.paths,
        windows: raw.window,
        conflicts: raw.conflict,
        grants: raw.grant,
        options: raw.option,
        choose: raw.choose,
    };
    groups.extend(settings.roles().map(|(name, at)| (Group::Role, name, at)));
    let settings = settings::validate(settings, &source, findings);
    Manifest {
        quorums,
        settings,
        declared,
        groups,
        name: raw.name.get_ref().clone(),
        name_at: raw.name.span(),
        version: raw.version.into_inner(),
        description: raw.description,
        license: raw.license.map(Spanned::into_inner),
        mode,
        mode_at: raw.mode.span(),
        includes: raw
            .includes
            .into_iter()
            .map(|include| (include.get_ref().clone(), include.span()))
            .collect(),
        source,
    }
}

fn groups_of_quorums(quorums: &Named<RawQuorum>) -> Vec<(Group, String, Range<usize>)> {
    let needs = quorums
        .values()
        .flat_map(|quorum| quorum.need.get_ref().keys());
    let mut groups = Vec::new();
    for need in needs {
        let alternatives = need.get_ref().split('|').filter_map(Group::of_need);
        groups.extend(alternatives.map(|(group, name)| (group, name.to_owned(), need.span())));
    }
    groups
}

/// The quorum as far as it is valid: what is not is a finding, and the rules can still be checked.
fn valid_quorum(
    name: Spanned<String>,
    raw: RawQuorum,
    source: &Source,
    findings: &mut Findings,
) -> Option<Quorum> {
    let mut refuse = |at: Range<usize>, message: String, help: &str| {
        findings.push(
            Finding::new(Code::QuorumInvalid, message)
                .at(source, at)
                .help(help),
        );
    };
    let named = is_identifier(name.get_ref());
    if !named {
        refuse(
            name.span(),
            format!("no policy can write `context.quorum.{}`", name.get_ref()),
            "letters, digits and underscores, not a digit first, and not a word of Cedar",
        );
    }
    if raw.need.get_ref().is_empty() {
        refuse(
            raw.need.span(),
            format!(
                "quorum `{}` needs nobody, so it would always be met",
                name.get_ref()
            ),
            "name at least one role: `need = { security = 1 }`",
        );
    }
    let leaves_out = raw.leaves_out.as_ref();
    if let Some(leaves_out) = leaves_out.filter(|_| raw.of == QuorumOf::Deployment) {
        refuse(
            leaves_out.span(),
            "a quorum of deployments leaves nobody out".to_owned(),
            "what looks like a favour is known of approvals of changes only: `of = \"change\"`",
        );
    }
    let mut need = BTreeMap::new();
    for (role, count) in raw.need.into_inner() {
        if !role.get_ref().split('|').all(is_need) {
            refuse(
                role.span(),
                format!("nobody can fill `{}`", role.get_ref()),
                "the name of a role, `team:NAME`, `person:ID` or `on_call`; several with `|` between them",
            );
        }
        match u32::try_from(*count.get_ref()) {
            Ok(people @ 1..=MAX_PEOPLE) => {
                need.insert(role.into_inner(), people);
            }
            _ => refuse(
                count.span(),
                format!("`{}` is not a number of people", count.get_ref()),
                "from 1 to 1000",
            ),
        }
    }
    named.then(|| Quorum {
        name: name.into_inner(),
        of: raw.of,
        need,
        one_person_may_fill_several: raw.one_person_may_fill_several,
        leaves_out: raw.leaves_out.map(Spanned::into_inner).unwrap_or_default(),
    })
}

/// Something that somebody could be.
fn is_need(need: &str) -> bool {
    let name = need
        .strip_prefix(TEAM)
        .or_else(|| need.strip_prefix(PERSON));
    match name {
        Some(name) => !name.is_empty(),
        None => !need.is_empty() && !need.contains(':'),
    }
}

/// A quorum of more is a slip of the finger.
const MAX_PEOPLE: u32 = 1000;

/// `a`, `a-b`, `a1-2b`: how packs and rules are named.
pub fn is_kebab_case(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.len() <= 128 && name.split('-').all(is_word)
}

/// Can Cedar read it after a dot, and declare it as an attribute?
pub(crate) fn is_identifier(name: &str) -> bool {
    use sod_core::cedar::Expression;
    let starts_well = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    let goes_on_well = name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    name.len() <= 128
        && starts_well
        && goes_on_well
        && format!("context.{name}").parse::<Expression>().is_ok()
}
