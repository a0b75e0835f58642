//! Stable codes of findings: an interface, each with its heading in docs/diagnostics.md.

use serde::{Serialize, Serializer};

const DOCUMENTATION: &str = include_str!("../../../docs/diagnostics.md");

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The pack is not valid.
    Error,
    /// The pack is valid, and probably not what its author means.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $text:literal $severity:ident,)+) => {
        /// What a finding is about. `docs/diagnostics.md` has a heading for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$variant),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$variant => $text,)+
                }
            }

            /// What docs/diagnostics.md says about it, in Markdown.
            pub fn explanation(self) -> &'static str {
                let heading = format!("\n## `{}`\n", self.as_str());
                let section = DOCUMENTATION.split_once(&heading).map_or("", |(_, rest)| rest);
                let end = section.find("\n## ").into_iter().chain(section.find("\n# ")).min();
                section.get(..end.unwrap_or(section.len())).unwrap_or_default().trim()
            }

            /// Error or warning. A code is always the same.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Code::$variant => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// A file or folder is absent or cannot be read.
    Unreadable = "unreadable" Error,
    /// A file is not UTF-8.
    NotUtf8 = "not-utf8" Error,
    /// A file is larger than any that a person writes.
    TooLarge = "too-large" Error,
    /// A file that is no rule lies among the rules.
    StrayFile = "stray-file" Error,
    /// A file of a pack is a link to something outside of it.
    LinkOutside = "link-outside" Error,

    /// The folder has no `pack.toml`.
    ManifestMissing = "manifest-missing" Error,
    /// `pack.toml` is not TOML of the right form.
    ManifestInvalid = "manifest-invalid" Error,
    /// A pack's name is not kebab-case.
    NameInvalid = "name-invalid" Error,
    /// Two packs of one tree have the same name.
    NameDuplicate = "name-duplicate" Error,
    /// A version is not a semantic version.
    VersionInvalid = "version-invalid" Error,
    /// A licence is not an SPDX expression.
    LicenseInvalid = "license-invalid" Error,
    /// A quorum needs nobody, or a role zero people, or has a name that no policy can write.
    QuorumInvalid = "quorum-invalid" Error,
    /// Two packs define the same quorum differently.
    QuorumConflict = "quorum-conflict" Error,
    /// A class of paths, a window or a conflict of roles that could never mean anything.
    SettingInvalid = "setting-invalid" Error,
    /// Two packs define the same class of paths, window or conflict of roles differently.
    SettingConflict = "setting-conflict" Error,
    /// An included pack is not there.
    IncludeMissing = "include-missing" Error,
    /// Packs include each other.
    IncludeCycle = "include-cycle" Error,
    /// A pack is included that another include brings already.
    IncludeShadowed = "include-shadowed" Warning,
    /// A pack and one that it includes are of different modes, or a mode does not go with the rest.
    ModeConflict = "mode-conflict" Error,

    /// There is no schema where one is needed.
    SchemaMissing = "schema-missing" Error,
    /// A schema is not Cedar schema syntax.
    SchemaSyntax = "schema-syntax" Error,
    /// A schema declares what is already declared.
    SchemaRedefinition = "schema-redefinition" Error,
    /// A schema speaks of what is not declared, or contradicts itself.
    SchemaInvalid = "schema-invalid" Error,
    /// The schema that an editor reads is not the pack's.
    EditorSchema = "editor-schema" Warning,

    /// There are no rules.
    RulesMissing = "rules-missing" Error,
    /// There are more rules than anybody reads.
    RulesTooMany = "rules-too-many" Error,
    /// A rule is not Cedar.
    PolicySyntax = "policy-syntax" Error,
    /// A rule has slots to be filled in.
    PolicyTemplate = "policy-template" Error,
    /// A rule has no `@id`.
    IdMissing = "id-missing" Error,
    /// An `@id` is not kebab-case.
    IdInvalid = "id-invalid" Error,
    /// Two rules have the same `@id`.
    IdDuplicate = "id-duplicate" Error,
    /// A rule has no `@reason`.
    ReasonMissing = "reason-missing" Warning,
    /// An expression is nested deeper than the engine evaluates.
    NestingTooDeep = "nesting-too-deep" Error,
    /// A rule names an entity type that the schema does not have.
    UnknownEntityType = "unknown-entity-type" Error,
    /// A rule names an action that the schema does not have.
    UnknownAction = "unknown-action" Error,
    /// A rule reads an attribute, fact or quorum that is not there.
    UnknownAttribute = "unknown-attribute" Error,
    /// A rule reads an optional attribute without asking whether it is there.
    UnguardedAttribute = "unguarded-attribute" Error,
    /// An expression has another type than its place takes.
    TypeMismatch = "type-mismatch" Error,
    /// Cedar refuses a rule for another reason.
    PolicyInvalid = "policy-invalid" Error,
    /// A rule can never apply.
    PolicyImpossible = "policy-impossible" Warning,
    /// Cedar warns about a rule.
    PolicySuspicious = "policy-suspicious" Warning,
    /// A rule is valid, and its evaluation may fail.
    MayFail = "may-fail" Warning,
    /// A permit that a forbid always takes back.
    PermitForbidden = "permit-forbidden" Warning,
    /// A rule says what another one says already.
    RuleRepeated = "rule-repeated" Warning,
    /// A rule compares with contributors, and they need not be known.
    UnattributedSlipsThrough = "unattributed-slips-through" Warning,
    /// A role that no pack declares, where some do.
    UnknownRole = "unknown-role" Error,
    /// A team that no pack declares, where some do.
    UnknownTeam = "unknown-team" Error,
    /// A role or a team that is nearly another one.
    NameMisspelt = "name-misspelt" Warning,

    /// A case is not JSON of the right form.
    CaseInvalid = "case-invalid" Error,
    /// The fixture of a case or a matrix is absent or no JSON.
    CaseFixture = "case-fixture" Error,
    /// The patch of a case or a matrix does not apply to its evidence.
    CasePatch = "case-patch" Error,
    /// What a case expects is not complete.
    CaseExpectation = "case-expectation" Error,
    /// No case is decided by a rule.
    RuleUndecided = "rule-undecided" Error,
    /// No case notices a small slip in a rule or a setting.
    MutantSurvives = "mutant-survives" Error,
    /// A mutant is exempt that need not be, or for no reason.
    MutantExempt = "mutant-exempt" Error,

    /// A request is allowed that an invariant rules out, or denied that one promises.
    InvariantBroken = "invariant-broken" Error,
    /// Some request makes a rule err.
    RuleErrs = "rule-errs" Error,
    /// No request whatever is matched by a rule.
    RuleNeverApplies = "rule-never-applies" Error,
    /// Whatever a rule matches is decided by other rules alike.
    RuleWithoutEffect = "rule-without-effect" Error,
    /// The solver does not know whether a property holds, or not in time.
    PropertyUndecided = "property-undecided" Warning,

    /// `matrix.toml` is not TOML of the right form, or asks for what is not there.
    MatrixInvalid = "matrix-invalid" Error,
    /// A role or an action of the pack's rules is not in its matrix.
    MatrixUncovered = "matrix-uncovered" Error,
    /// What a matrix leaves out on purpose is in it, or is nothing that its rules name, or has no reason.
    MatrixExempt = "matrix-exempt" Error,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
