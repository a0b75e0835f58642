//! `[option.*]`, what a pack leaves open for packs on top, and `[choose]`, what those say. Of several that choose, the
//! strictest counts: a pack on top makes no floor lower that chose for itself.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use sod_core::{OptionValue, PackOption};
use toml::Spanned;

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::folder::Folder;
use crate::settings::{Named, Refuse, each};

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOption {
    /// Strictest first.
    one_of: Option<Spanned<Vec<String>>>,
    /// The lower the stricter, or the higher.
    stricter: Option<Direction>,
    default: Spanned<Choice>,
}

/// Where numbers get stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    /// Towards less.
    Lower,
    /// Towards more.
    Higher,
}

/// What an option is, whichever it takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// One of its words.
    Word(String),
    /// A number.
    Number(i64),
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Choice;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a word or a whole number")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Choice, E> {
                Ok(Choice::Word(word.to_owned()))
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Choice, E> {
                Ok(Choice::Number(number))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Choice, E> {
                i64::try_from(number)
                    .map(Choice::Number)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// What an option may be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Words(Vec<String>),
    Numbers(Direction),
}

/// An option and what it is where nobody chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Defined {
    name: String,
    allowed: Allowed,
    default: Choice,
}

/// Valid, each with the place of its name.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) defined: Vec<(Defined, Range<usize>)>,
    pub(crate) chosen: Vec<(String, Choice, Range<usize>)>,
}

pub(crate) fn validate(
    options: Named<RawOption>,
    choose: Named<Spanned<Choice>>,
    refuse: &mut Refuse<'_>,
) -> Options {
    let chosen = choose.into_iter().map(|(name, choice)| {
        let at = choice.span();
        (name.into_inner(), choice.into_inner(), at)
    });
    Options {
        chosen: chosen.collect(),
        defined: each(options, defined, refuse),
    }
}

fn defined(name: Spanned<String>, raw: RawOption, refuse: &mut Refuse<'_>) -> Option<Defined> {
    let mut ok = refuse.name(&name, "context.option");
    let allowed = match (raw.one_of, raw.stricter) {
        (Some(words), None) => {
            let at = words.span();
            let words = words.into_inner();
            let mut sorted = words.clone();
            sorted.sort();
            sorted.dedup();
            if sorted.len() < 2 || sorted.len() != words.len() {
                let message = format!("option `{}` leaves nothing open", name.get_ref());
                refuse.at(
                    at,
                    message,
                    "name two different words or more, strictest first",
                );
                ok = false;
            } else {
                for word in &words {
                    let word = Spanned::new(at.clone(), word.clone());
                    ok &= refuse.name(&word, &format!("context.option.{}", name.get_ref()));
                }
            }
            Allowed::Words(words)
        }
        (None, Some(direction)) => Allowed::Numbers(direction),
        _ => {
            let message = format!("option `{}` is neither words nor a number", name.get_ref());
            let help = "`one_of = [\"strictest\", \"next\"]`, or `stricter = \"lower\"` (or \"higher\") for a number";
            refuse.at(name.span(), message, help);
            return None;
        }
    };
    if !allowed.takes(raw.default.get_ref()) {
        let message = format!(
            "option `{}` cannot be `{}`",
            name.get_ref(),
            raw.default.get_ref()
        );
        refuse.at(raw.default.span(), message, &allowed.help());
        ok = false;
    }
    ok.then(|| Defined {
        name: name.into_inner(),
        allowed,
        default: raw.default.into_inner(),
    })
}

impl Defined {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Allowed {
    fn takes(&self, choice: &Choice) -> bool {
        match (self, choice) {
            (Allowed::Words(words), Choice::Word(word)) => words.contains(word),
            (Allowed::Numbers(_), Choice::Number(_)) => true,
            _ => false,
        }
    }

    fn help(&self) -> String {
        match self {
            Allowed::Words(words) => format!("one of `{}`", words.join("`, `")),
            Allowed::Numbers(_) => "a whole number".to_owned(),
        }
    }

    fn takes_what(&self) -> String {
        match self {
            Allowed::Words(words) => format!("strictest first: {}", words.join(", ")),
            Allowed::Numbers(Direction::Lower) => "the lower the stricter".to_owned(),
            Allowed::Numbers(Direction::Higher) => "the higher the stricter".to_owned(),
        }
    }

    /// The smaller the stricter.
    fn rank(&self, choice: &Choice) -> i128 {
        match (self, choice) {
            (Allowed::Words(words), Choice::Word(word)) => {
                let position = words.iter().position(|w| w == word);
                position.and_then(|p| i128::try_from(p).ok()).unwrap_or(0)
            }
            (Allowed::Numbers(Direction::Lower), Choice::Number(number)) => i128::from(*number),
            (Allowed::Numbers(Direction::Higher), Choice::Number(number)) => -i128::from(*number),
            _ => i128::MIN,
        }
    }
}

/// An option as it stands: for people who choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOption {
    /// As `[choose]` names it.
    pub name: String,
    /// The strictest that a pack chose, or the default.
    pub value: Choice,
    /// What else it could be, in words.
    pub takes: String,
}

/// The options of a tree of packs, and the strictest of what these choose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settled {
    defined: BTreeMap<String, Defined>,
    chosen: BTreeMap<String, Choice>,
}

impl Settled {
    pub(crate) fn of(tree: &[Folder], defined: Vec<Defined>, findings: &mut Findings) -> Self {
        let by_name = defined
            .into_iter()
            .map(|option| (option.name.clone(), option));
        let mut settled = Settled {
            defined: by_name.collect(),
            chosen: BTreeMap::new(),
        };
        for manifest in tree.iter().map(|folder| &folder.manifest) {
            for (name, choice, at) in &manifest.settings.options.chosen {
                if let Err((message, help)) = settled.choose(name, choice) {
                    let finding = Finding::new(Code::SettingInvalid, message);
                    findings.push(finding.at(&manifest.source, at.clone()).help(help));
                }
            }
        }
        settled
    }

    /// As another pack on top would. What is wrong with it, and the remedy, if it cannot be.
    pub(crate) fn choose(&mut self, name: &str, choice: &Choice) -> Result<(), (String, String)> {
        let Some(option) = self.defined.get(name) else {
            let names: Vec<&str> = self.defined.keys().map(String::as_str).collect();
            let help = match names.as_slice() {
                [] => "include the pack that defines it".to_owned(),
                names => format!("the options are `{}`", names.join("`, `")),
            };
            let message = format!("no pack of this tree has an option `{name}`");
            return Err((message, help));
        };
        if !option.allowed.takes(choice) {
            let message = format!("option `{name}` cannot be `{choice}`");
            return Err((message, option.allowed.help()));
        }
        let rank = |choice: &Choice| option.allowed.rank(choice);
        let stricter = |before: &Choice| rank(choice) < rank(before);
        if self.chosen.get(name).is_none_or(stricter) {
            self.chosen.insert(name.to_owned(), choice.clone());
        }
        Ok(())
    }

    fn value(&self, defined: &Defined) -> Choice {
        let chosen = self.chosen.get(&defined.name);
        chosen.unwrap_or(&defined.default).clone()
    }

    pub(crate) fn open(&self) -> Vec<OpenOption> {
        let option = |defined: &Defined| OpenOption {
            name: defined.name.clone(),
            value: self.value(defined),
            takes: defined.allowed.takes_what(),
        };
        self.defined.values().map(option).collect()
    }

    pub(crate) fn values(&self) -> Vec<PackOption> {
        let option = |defined: &Defined| PackOption {
            name: defined.name.clone(),
            value: value(defined, self.value(defined)),
        };
        self.defined.values().map(option).collect()
    }
}

fn value(defined: &Defined, choice: Choice) -> OptionValue {
    match choice {
        Choice::Number(number) => OptionValue::Number(number),
        Choice::Word(chosen) => OptionValue::Word {
            chosen,
            of: match &defined.allowed {
                Allowed::Words(words) => words.clone(),
                Allowed::Numbers(_) => Vec::new(),
            },
        },
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Word(word) => f.write_str(word),
            Choice::Number(number) => number.fmt(f),
        }
    }
}
