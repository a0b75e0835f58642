//! `matrix.txt`: laid out for its diff.
//!
//! A cell says only allow or deny, so that no line is longer because of one cell. Why is said below each table, by
//! rule: what a changed rule changes stands under that rule's own name. Reasons have names and no numbers, so that
//! one more does not renumber the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sod_core::Effect;

use super::{Answered, Answers, Because, Grid, word};

pub(super) fn render(answers: &Answers) -> String {
    let mut out = format!(
        "# {}: who may do what, in which state. Written by `sod matrix --bless`, reviewed as a diff.\n",
        answers.pack
    );
    for table in &answers.tables {
        render_table(table, &mut out);
    }
    out.push_str("\n== What the reasons mean\n");
    for because in &answers.reasons {
        render_reason(because, &mut out);
    }
    out
}

fn render_table(table: &Answered, out: &mut String) {
    line(out, &format!("\n== {}\n   {}", table.title, table.resource));
    for grid in &table.grids {
        render_grid(table, grid, out);
    }
    for (effect, heading) in [(Effect::Allow, "allowed by"), (Effect::Deny, "denied by")] {
        let by_reason = by_reason(table, effect);
        if !by_reason.is_empty() {
            line(out, &format!("\n-- {heading}"));
        }
        for (reason, cells) in by_reason {
            line(out, reason);
            for (actions, of) in cells {
                line(out, &format!("   {}: {of}", actions.join(", ")));
            }
        }
    }
}

fn render_grid(table: &Answered, grid: &Grid, out: &mut String) {
    let labels = table.people.iter().map(|person| &person.label);
    let first = labels.clone().chain([&grid.action]);
    let first = first.map(|label| label.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = table
        .states
        .iter()
        .map(|state| state.chars().count().max(word(Effect::Allow).len()))
        .collect();
    let mut row = |head: &str, cells: &[&str]| {
        let mut text = format!("{head:first$}");
        for (cell, width) in cells.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(text, "  {cell:width$}");
        }
        line(out, &text);
    };
    let states: Vec<&str> = table.states.iter().map(String::as_str).collect();
    row("", &[]);
    row(&grid.action, &states);
    for (label, cells) in labels.zip(&grid.rows) {
        let words: Vec<&str> = cells.iter().map(|cell| word(cell.effect)).collect();
        row(label, &words);
    }
}

/// Actions, and of whom in which states.
type Cells<'a> = (Vec<&'a str>, String);

/// For each reason the cells that have it, one line for the people who have it in the same states.
fn by_reason(table: &Answered, effect: Effect) -> BTreeMap<&str, Vec<Cells<'_>>> {
    let mut out: BTreeMap<&str, Vec<Cells<'_>>> = BTreeMap::new();
    for grid in &table.grids {
        let mut states_of: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
        for (person, cells) in grid.rows.iter().enumerate() {
            for (state, cell) in cells.iter().enumerate() {
                let reasons = cell.reasons.iter().filter(|_| cell.effect == effect);
                for reason in reasons {
                    let key = (reason.as_str(), person);
                    states_of.entry(key).or_default().push(state);
                }
            }
        }
        let mut people_of: BTreeMap<(&str, Vec<usize>), Vec<usize>> = BTreeMap::new();
        for ((reason, person), states) in states_of {
            people_of.entry((reason, states)).or_default().push(person);
        }
        let mut in_order: Vec<_> = people_of.into_iter().collect();
        in_order.sort_by_key(|(_, people)| people.first().copied());
        for ((reason, states), people) in in_order {
            let labels = table.people.iter().map(|person| person.label.as_str());
            let people = names(&people, labels, "everyone");
            let states = names(&states, table.states.iter().map(String::as_str), "always");
            let cells = format!("{people} ({states})");
            let lines = out.entry(reason).or_default();
            match lines.iter_mut().find(|(_, same)| *same == cells) {
                Some((actions, _)) => actions.push(&grid.action),
                None => lines.push((vec![&grid.action], cells)),
            }
        }
    }
    out
}

/// Those chosen, or all but the few that are not.
fn names<'a>(
    chosen: &[usize],
    labels: impl ExactSizeIterator<Item = &'a str>,
    all: &str,
) -> String {
    let count = labels.len();
    let (chosen, others): (Vec<_>, Vec<_>) = labels
        .enumerate()
        .partition(|(position, _)| chosen.contains(position));
    let list = |names: Vec<(usize, &str)>| {
        let names: Vec<&str> = names.into_iter().map(|(_, name)| name).collect();
        names.join("; ")
    };
    match others.len() {
        0 => all.to_owned(),
        few if count > 3 * few => format!("{all} but {}", list(others)),
        _ => list(chosen),
    }
}

fn render_reason(because: &Because, out: &mut String) {
    line(out, &because.key);
    for message in &because.messages {
        line(out, &format!("   {message}"));
    }
    if let Some(obligation) = &because.obligation {
        line(out, &format!("   and then: {obligation}"));
    }
}

/// Without blanks at its end, which editors take away and reviews complain about.
fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}
