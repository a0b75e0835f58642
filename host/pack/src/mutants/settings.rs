//! What small slips could make of `pack.toml`.

use std::collections::BTreeMap;

use sod_core::{
    Conflict, LeavesOut, OptionValue, PackData, PackOption, PathClass, Quorum, StandsFor, Window,
};

use super::expression::Names;
use super::{Change, Mutant, Place, Setting};
use crate::pack::{Pack, Table};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Names that rules could take for each other.
pub(crate) fn names(pack: &Pack) -> Names {
    fn list<T>(items: &[T], name: impl Fn(&T) -> &String) -> Vec<String> {
        items.iter().map(|item| name(item).clone()).collect()
    }
    let data = pack.data();
    let paths = || list(&data.paths, |one| &one.name);
    let is_number = |one: &&PackOption| matches!(one.value, OptionValue::Number(_));
    let numbers = data.options.iter().filter(is_number);
    let mut names: Names = BTreeMap::from([
        ("quorum".to_owned(), list(pack.quorums(), |one| &one.name)),
        ("window".to_owned(), list(&data.windows, |one| &one.name)),
        (
            "conflict".to_owned(),
            list(&data.conflicts, |one| &one.name),
        ),
        ("touches".to_owned(), paths()),
        ("only".to_owned(), paths()),
        (
            "option".to_owned(),
            numbers.map(|one| one.name.clone()).collect(),
        ),
    ]);
    for option in &data.options {
        if let OptionValue::Word { of, .. } = &option.value {
            names.insert(format!("option.{}", option.name), of.clone());
        }
    }
    names
}

/// Everything that one slip makes of a setting of the pack's own.
pub(crate) fn mutants(pack: &Pack) -> Vec<Mutant> {
    let own = pack.own_settings().iter();
    own.flat_map(|(table, at)| {
        let mut of_one = OfOne {
            pack,
            table,
            at,
            list: Vec::new(),
        };
        of_one.add();
        of_one.list
    })
    .collect()
}

/// Mutants of one table of `pack.toml`.
struct OfOne<'a> {
    pack: &'a Pack,
    table: &'a Table,
    at: &'a std::ops::Range<usize>,
    list: Vec<Mutant>,
}

impl OfOne<'_> {
    fn add(&mut self) {
        let (pack, name) = (self.pack, &self.table.name);
        let data = pack.data();
        match self.table.kind {
            "quorum" => {
                let quorum = pack.quorums().iter().find(|one| one.name == *name);
                quorum.into_iter().for_each(|one| self.quorum(one));
            }
            "paths" => {
                let class = data.paths.iter().find(|one| one.name == *name);
                class.into_iter().for_each(|one| self.paths(one));
            }
            "window" => {
                let window = data.windows.iter().find(|one| one.name == *name);
                window.into_iter().for_each(|one| self.window(one));
            }
            "conflict" => {
                let conflict = data.conflicts.iter().find(|one| one.name == *name);
                conflict.into_iter().for_each(|one| self.conflict(one));
            }
            "option" | "choose" => {
                let option = data.options.iter().find(|one| one.name == *name);
                option.into_iter().for_each(|one| self.option(one));
            }
            _ => self.stands_for(data.stands_for),
        }
    }

    fn push(&mut self, operator: &str, what: String, remedy: &str, change: Change) {
        let place = Place::Setting {
            table: self.table.to_string(),
            source: self.pack.manifest().clone(),
            at: self.at.clone(),
        };
        let mutant = Mutant::new(
            place,
            operator,
            &what,
            what.clone(),
            remedy.to_owned(),
            change,
        );
        self.list.push(mutant);
    }

    fn quorum(&mut self, quorum: &Quorum) {
        let mut one_less = |need: &str, less: BTreeMap<String, u32>, what: String| {
            let remedy = format!("write a case that lacks exactly one `{need}`");
            let quorum = Quorum {
                need: less,
                ..quorum.clone()
            };
            self.push("need", what, &remedy, Change::Quorum(quorum));
        };
        for (need, count) in &quorum.need {
            let mut less = quorum.need.clone();
            less.remove(need);
            if !less.is_empty() {
                one_less(need, less.clone(), format!("`{need}` is not needed"));
            }
            if *count > 1 {
                less.insert(need.clone(), count - 1);
                one_less(
                    need,
                    less,
                    format!("{} `{need}` are enough, not {count}", count - 1),
                );
            }
        }
        if quorum.need.len() > 1 {
            let several = !quorum.one_person_may_fill_several;
            let what = format!("`one_person_may_fill_several` became `{several}`");
            let quorum = Quorum {
                one_person_may_fill_several: several,
                ..quorum.clone()
            };
            let remedy = "write a case in which one person could fill two places";
            self.push("one-person", what, remedy, Change::Quorum(quorum));
        }
        self.leaves_out(quorum);
    }

    fn leaves_out(&mut self, quorum: &Quorum) {
        let left = &quorum.leaves_out;
        let without = [
            (
                left.reciprocal_reviews.as_ref(),
                LeavesOut {
                    reciprocal_reviews: None,
                    ..left.clone()
                },
            ),
            (
                left.quicker_than_seconds.as_ref(),
                LeavesOut {
                    quicker_than_seconds: None,
                    ..left.clone()
                },
            ),
        ];
        for (name, leaves_out) in without {
            if let Some(name) = name {
                let quorum = Quorum {
                    leaves_out,
                    ..quorum.clone()
                };
                let remedy = "write a case in which only this leaves somebody out";
                self.push(
                    "leaves-out",
                    format!("nobody is left out by `{name}`"),
                    remedy,
                    Change::Quorum(quorum),
                );
            }
        }
    }

    fn paths(&mut self, class: &PathClass) {
        let without = |globs: &[String], at: usize| -> Vec<String> {
            let others = globs.iter().enumerate().filter(|(ix, _)| *ix != at);
            others.map(|(_, glob)| glob.clone()).collect()
        };
        for (at, glob) in class.include.iter().enumerate() {
            let include = without(&class.include, at);
            let changed = PathClass {
                include,
                ..class.clone()
            };
            let what = format!("`include` lacks `{glob}`");
            self.path(
                what,
                "write a case with a file that only this glob takes in",
                changed,
            );
        }
        for (at, glob) in class.exclude.iter().enumerate() {
            let exclude = without(&class.exclude, at);
            let changed = PathClass {
                exclude,
                ..class.clone()
            };
            let what = format!("`exclude` lacks `{glob}`");
            self.path(
                what,
                "write a case with a file that only this glob leaves out",
                changed,
            );
        }
    }

    fn path(&mut self, what: String, remedy: &str, class: PathClass) {
        let set = |data: &mut PackData, setting: &Setting| {
            let Setting::Paths(class) = setting else {
                return;
            };
            let same = |one: &&mut PathClass| one.name == class.name;
            data.paths
                .iter_mut()
                .find(same)
                .into_iter()
                .for_each(|one| *one = class.clone());
        };
        self.push(
            "glob",
            what,
            remedy,
            Change::Data(set, Box::new(Setting::Paths(class))),
        );
    }

    fn window(&mut self, window: &Window) {
        let set = |data: &mut PackData, setting: &Setting| {
            let Setting::Window(window) = setting else {
                return;
            };
            let same = |one: &&mut Window| one.name == window.name;
            data.windows
                .iter_mut()
                .find(same)
                .into_iter()
                .for_each(|one| *one = window.clone());
        };
        let mut push = |operator: &str, what: String, window: Window| {
            let change = Change::Data(set, Box::new(Setting::Window(window)));
            self.push(operator, what, "write a case at this time", change);
        };
        let minute = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        for from in [window.from.checked_sub(1), Some(window.from + 1)]
            .into_iter()
            .flatten()
        {
            push(
                "from",
                format!("`from` became `{}`", minute(from)),
                Window {
                    from,
                    ..window.clone()
                },
            );
        }
        for until in [window.until - 1, window.until + 1] {
            if until <= DAY {
                push(
                    "until",
                    format!("`until` became `{}`", minute(until)),
                    Window {
                        until,
                        ..window.clone()
                    },
                );
            }
        }
        for day in window.days.iter().filter(|_| window.days.len() > 1) {
            let days = window
                .days
                .iter()
                .filter(|one| *one != day)
                .copied()
                .collect();
            push(
                "day",
                format!("`days` lacks day {day} of the week"),
                Window {
                    days,
                    ..window.clone()
                },
            );
        }
        for at in 0..window.closed.len() {
            let closed = window.closed.iter().enumerate().filter(|(ix, _)| *ix != at);
            let closed = closed.map(|(_, span)| *span).collect();
            let what = format!("`closed` lacks number {}", at + 1);
            push(
                "closed",
                what,
                Window {
                    closed,
                    ..window.clone()
                },
            );
        }
    }

    fn conflict(&mut self, conflict: &Conflict) {
        let set = |data: &mut PackData, setting: &Setting| {
            let Setting::Conflict(conflict) = setting else {
                return;
            };
            let same = |one: &&mut Conflict| one.name == conflict.name;
            data.conflicts
                .iter_mut()
                .find(same)
                .into_iter()
                .for_each(|one| *one = conflict.clone());
        };
        let mut push = |operator: &str, what: String, remedy: &str, conflict: Conflict| {
            let change = Change::Data(set, Box::new(Setting::Conflict(conflict)));
            self.push(operator, what, remedy, change);
        };
        for at in [conflict.at - 1, conflict.at + 1] {
            let remedy = format!(
                "write a case of somebody who holds {} of the roles",
                at.min(conflict.at)
            );
            push(
                "at",
                format!("`at` became {at}"),
                &remedy,
                Conflict {
                    at,
                    ..conflict.clone()
                },
            );
        }
        for role in &conflict.roles {
            let roles = conflict
                .roles
                .iter()
                .filter(|one| *one != role)
                .cloned()
                .collect();
            let remedy =
                format!("write a case of somebody who holds `{role}` and just enough others");
            push(
                "role",
                format!("`roles` lacks `{role}`"),
                &remedy,
                Conflict {
                    roles,
                    ..conflict.clone()
                },
            );
        }
    }

    fn option(&mut self, option: &PackOption) {
        let others: Vec<(String, OptionValue)> = match &option.value {
            OptionValue::Number(number) => [number.checked_sub(1), number.checked_add(1)]
                .into_iter()
                .flatten()
                .map(|number| (number.to_string(), OptionValue::Number(number)))
                .collect(),
            OptionValue::Word { chosen, of } => {
                let others = of.iter().filter(|word| *word != chosen);
                let value = |word: &String| OptionValue::Word {
                    chosen: word.clone(),
                    of: of.clone(),
                };
                others.map(|word| (word.clone(), value(word))).collect()
            }
        };
        for (shown, value) in others {
            let change = Change::Option(option.name.clone(), value);
            let remedy = "write a case that chooses nothing and whose verdict hangs on it";
            self.push(
                "value",
                format!("it is `{shown}`, where nobody chooses"),
                remedy,
                change,
            );
        }
    }

    fn stands_for(&mut self, stands_for: StandsFor) {
        let set = |data: &mut PackData, setting: &Setting| {
            let Setting::StandsFor(stands_for) = setting else {
                return;
            };
            data.stands_for = *stands_for;
        };
        for (name, other) in [
            ("head", StandsFor::Head),
            ("tree", StandsFor::Tree),
            ("patch", StandsFor::Patch),
        ] {
            if other != stands_for {
                let change = Change::Data(set, Box::new(Setting::StandsFor(other)));
                let remedy =
                    "write a case with an approval of an earlier head, before a push or a rebase";
                self.push(
                    "stands-for",
                    format!("`stands_for` became `{name}`"),
                    remedy,
                    change,
                );
            }
        }
    }
}
