//! What `pack.toml` says besides names and quorums: classes of paths, windows of time, roles that do not go together or
//! are given for a time, and what an approval stands for. All of it is data that facts are made with.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::Deserialize;
use sod_core::{Conflict, GrantOf, PathClass, StandsFor, Window};
use toml::Spanned;

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::manifest::is_identifier;
use crate::options::{self, Choice, Options, RawOption};
use crate::source::Source;

/// As written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawApproval {
    stands_for: StandsFor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPaths {
    include: Vec<Spanned<String>>,
    #[serde(default)]
    exclude: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWindow {
    zone: Spanned<String>,
    days: Vec<Spanned<String>>,
    from: Spanned<String>,
    until: Spanned<String>,
    #[serde(default)]
    closed: Vec<RawClosed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClosed {
    from: Spanned<String>,
    until: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConflict {
    roles: Spanned<Vec<String>>,
    #[serde(default = "two")]
    at: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGrant {
    role: Spanned<String>,
}

fn two() -> Spanned<u32> {
    Spanned::new(0..0, 2)
}

/// Tables by name.
pub(crate) type Named<T> = BTreeMap<Spanned<String>, T>;

/// Valid, each with the place of its name.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) stands_for: Option<StandsFor>,
    pub(crate) paths: Vec<(PathClass, Range<usize>)>,
    pub(crate) windows: Vec<(Window, Range<usize>)>,
    pub(crate) conflicts: Vec<(Conflict, Range<usize>)>,
    pub(crate) grants: Vec<(GrantOf, Range<usize>)>,
    pub(crate) options: Options,
}

/// Where findings go, and the file that they are about.
pub(crate) struct Refuse<'a> {
    source: &'a Source,
    findings: &'a mut Findings,
}

impl Refuse<'_> {
    pub(crate) fn at(&mut self, at: Range<usize>, message: String, help: &str) {
        let finding = Finding::new(Code::SettingInvalid, message);
        self.findings.push(finding.at(self.source, at).help(help));
    }

    pub(crate) fn name(&mut self, name: &Spanned<String>, place: &str) -> bool {
        let ok = is_identifier(name.get_ref());
        if !ok {
            self.at(
                name.span(),
                format!("no policy can write `{place}.{}`", name.get_ref()),
                "letters, digits and underscores, not a digit first, and not a word of Cedar",
            );
        }
        ok
    }
}

/// The tables of `pack.toml` that this module reads.
pub(crate) struct RawSettings {
    pub(crate) approval: Option<RawApproval>,
    pub(crate) paths: Named<RawPaths>,
    pub(crate) windows: Named<RawWindow>,
    pub(crate) conflicts: Named<RawConflict>,
    pub(crate) grants: Named<RawGrant>,
    pub(crate) options: Named<RawOption>,
    pub(crate) choose: Named<Spanned<Choice>>,
}

impl RawSettings {
    /// Every role that a conflict or a grant names.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (String, Range<usize>)> {
        let conflicts = self.conflicts.values().flat_map(|conflict| {
            let roles = conflict.roles.get_ref().iter();
            roles.map(|role| (role.clone(), conflict.roles.span()))
        });
        let grants = self.grants.values().map(|grant| &grant.role);
        conflicts.chain(grants.map(|role| (role.get_ref().clone(), role.span())))
    }
}

pub(crate) fn validate(raw: RawSettings, source: &Source, findings: &mut Findings) -> Settings {
    let refuse = &mut Refuse { source, findings };
    Settings {
        stands_for: raw.approval.map(|approval| approval.stands_for),
        paths: each(raw.paths, class, refuse),
        windows: each(raw.windows, window, refuse),
        conflicts: each(raw.conflicts, conflict, refuse),
        grants: each(raw.grants, grant, refuse),
        options: options::validate(raw.options, raw.choose, refuse),
    }
}

/// What is valid of them, each with the place of its name.
pub(crate) fn each<R, T>(
    named: Named<R>,
    valid: fn(Spanned<String>, R, &mut Refuse<'_>) -> Option<T>,
    refuse: &mut Refuse<'_>,
) -> Vec<(T, Range<usize>)> {
    let mut list = Vec::new();
    for (name, raw) in named {
        let at = name.span();
        list.extend(valid(name, raw, refuse).map(|item| (item, at)));
    }
    list
}

fn grant(name: Spanned<String>, raw: RawGrant, refuse: &mut Refuse<'_>) -> Option<GrantOf> {
    let named = refuse.name(&name, "principal.grant");
    let role = raw.role.get_ref();
    if role.is_empty() {
        refuse.at(
            raw.role.span(),
            "no role".to_owned(),
            "the name of the role that is given for a time: `role = \"break-glass\"`",
        );
        return None;
    }
    named.then(|| GrantOf {
        name: name.into_inner(),
        role: raw.role.into_inner(),
    })
}

fn class(name: Spanned<String>, raw: RawPaths, refuse: &mut Refuse<'_>) -> Option<PathClass> {
    let mut ok = refuse.name(&name, "resource.touches");
    if raw.include.is_empty() {
        refuse.at(
            name.span(),
            format!("no path is in `{}`", name.get_ref()),
            "give `include` at least one glob, such as `docs/**`",
        );
        ok = false;
    }
    for glob in raw.include.iter().chain(&raw.exclude) {
        if let Err(problem) = check_glob(glob.get_ref()) {
            let help = "a glob is matched against the whole path: `docs/**`, `**/*.md`, `{a,b}/*.txt`; a `*` does not cross `/`";
            refuse.at(glob.span(), format!("`{}` {problem}", glob.get_ref()), help);
            ok = false;
        }
    }
    let texts = |globs: Vec<Spanned<String>>| globs.into_iter().map(Spanned::into_inner).collect();
    ok.then(|| PathClass {
        name: name.into_inner(),
        include: texts(raw.include),
        exclude: texts(raw.exclude),
    })
}

/// The matcher takes anything; what is likely not meant is refused here.
fn check_glob(glob: &str) -> Result<(), &'static str> {
    let count = |open: char, close: char| {
        let mut depth = 0_i32;
        glob.chars().all(|c| {
            depth += i32::from(c == open) - i32::from(c == close);
            depth >= 0
        }) && depth == 0
    };
    if glob.is_empty() {
        Err("is empty")
    } else if glob.starts_with('!') {
        Err("begins with `!`: put it into `exclude`")
    } else if glob.starts_with('/') || glob.ends_with('/') {
        Err("begins or ends with `/`, and no path does")
    } else if glob.contains('\\') {
        Err("has a backslash, which no path that is in a class has")
    } else if glob.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Err("has an empty part, `.` or `..`")
    } else if !count('{', '}') || !count('[', ']') {
        Err("has a bracket without its other half")
    } else {
        Ok(())
    }
}

fn conflict(name: Spanned<String>, raw: RawConflict, refuse: &mut Refuse<'_>) -> Option<Conflict> {
    let ok = refuse.name(&name, "principal.conflict");
    let mut roles = raw.roles.get_ref().clone();
    roles.sort();
    roles.dedup();
    let at = *raw.at.get_ref();
    let possible = at >= 2 && usize::try_from(at).is_ok_and(|at| at <= roles.len());
    if !possible {
        refuse.at(
            raw.roles.span(),
            format!(
                "nobody can hold {at} of {} roles against each other",
                roles.len()
            ),
            "name two roles or more; `at` is how many of them are too many, from 2 on",
        );
    }
    (ok && possible).then(|| Conflict {
        name: name.into_inner(),
        roles,
        at,
    })
}

fn window(name: Spanned<String>, raw: RawWindow, refuse: &mut Refuse<'_>) -> Option<Window> {
    let mut ok = refuse.name(&name, "context.window");
    let zone = raw.zone.get_ref().parse::<Tz>();
    if zone.is_err() {
        refuse.at(
            raw.zone.span(),
            format!("`{}` is no time zone", raw.zone.get_ref()),
            "a name of the IANA time zone database, such as `Europe/Zurich` or `UTC`",
        );
    }
    let mut days = Vec::new();
    for day in &raw.days {
        match day_number(day.get_ref()) {
            Some(number) => days.push(number),
            None => {
                let message = format!("`{}` is no day", day.get_ref());
                refuse.at(day.span(), message, "mon, tue, wed, thu, fri, sat, sun");
                ok = false;
            }
        }
    }
    days.sort_unstable();
    days.dedup();
    let minutes = (minute(raw.from.get_ref()), minute(raw.until.get_ref()));
    let (Some(from), Some(until)) = minutes else {
        refuse.at(
            raw.from.span(),
            format!(
                "`{}` to `{}` is no time",
                raw.from.get_ref(),
                raw.until.get_ref()
            ),
            "hours and minutes: `09:00`, until `24:00` at the latest",
        );
        return None;
    };
    if from >= until || days.is_empty() {
        refuse.at(
            raw.from.span(),
            format!("window `{}` is never open", name.get_ref()),
            "`from` comes before `until` on the same day, on at least one day; make two windows of a night",
        );
        ok = false;
    }
    let zone = zone.ok()?;
    let mut closed = Vec::new();
    for span in &raw.closed {
        let moment = |text: &Spanned<String>| moment(zone, text.get_ref());
        match (moment(&span.from), moment(&span.until)) {
            (Some(from), Some(until)) if from < until => closed.push((from, until)),
            _ => {
                let ends = (span.from.get_ref(), span.until.get_ref());
                refuse.at(
                    span.from.span(),
                    format!("`{}` to `{}` is no span of time", ends.0, ends.1),
                    "dates or local times, the second one excluded: `2026-12-19`, `2026-12-19T18:00`",
                );
                ok = false;
            }
        }
    }
    closed.sort_unstable();
    ok.then(|| Window {
        offsets: offsets(zone),
        zone: raw.zone.into_inner(),
        name: name.into_inner(),
        days,
        from,
        until,
        closed,
    })
}

fn day_number(day: &str) -> Option<u8> {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let number = days.iter().position(|name| *name == day)? + 1;
    u8::try_from(number).ok()
}

/// Minutes since midnight.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| match text.len() {
        2 => text.parse::<u16>().ok(),
        _ => None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let ok = (hours < 24 && minutes < 60) || (hours == 24 && minutes == 0);
    ok.then_some(hours * 60 + minutes)
}

/// Milliseconds since the Unix epoch of a date or a local time.
fn moment(zone: Tz, text: &str) -> Option<i64> {
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| date().map(|date| date.and_time(NaiveTime::MIN)))
        .ok()?;
    // A time that a change of the clocks leaves out is the one an hour later.
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| {
        let later = local.checked_add_signed(TimeDelta::hours(1))?;
        zone.from_local_datetime(&later).earliest()
    })?;
    Some(found.timestamp_millis())
}

/// Every change of the zone's offset from 1970 to 2100, with the offset at the beginning.
fn offsets(zone: Tz) -> Vec<(i64, i32)> {
    const DAYS: u64 = 131 * 366;
    let offset = |seconds: i64| {
        let utc = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        zone.offset_from_utc_datetime(&utc.naive_utc())
            .fix()
            .local_minus_utc()
    };
    let mut list = vec![(i64::MIN, offset(0))];
    let mut day = DateTime::UNIX_EPOCH;
    for _ in 0..DAYS {
        let Some(next) = day.checked_add_days(Days::new(1)) else {
            break;
        };
        let (mut before, mut after) = (day.timestamp(), next.timestamp());
        if offset(before) != offset(after) {
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                match offset(middle) == offset(before) {
                    true => before = middle,
                    false => after = middle,
                }
            }
            list.push((after * 1000, offset(after)));
        }
        day = next;
    }
    list
}
