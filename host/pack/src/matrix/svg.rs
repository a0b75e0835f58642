//! The matrix as a picture: the tables of the page, with numbers for the reasons and what they mean below.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sod_core::Effect;

use super::html::{escape, title};
use super::{Answered, Answers, Because, Cell, Grid, word};

const MARGIN: usize = 24;
/// Of one character, of the fonts that a renderer may choose about the widest.
const CHARACTER: usize = 10;
const LINE: usize = 20;
const ROW: usize = 30;
/// Characters in a line of the legend, at least.
const MEASURE: usize = 100;

/// Colours by class, so that one picture serves a light and a dark page.
const STYLE: &str = "\
text{font:14px system-ui,sans-serif;fill:#1c2126}.h1{font-size:24px;font-weight:700}.h2{font-size:18px;font-weight:700}\
.b{font-weight:700}.f{fill:#57606a}.page{fill:#fff}.head{fill:#f3f5f7}rect{stroke:#d0d7de}.page{stroke:none}\
.allow{fill:#d7f2dd}.deny{fill:#fbe9e7}.allow-t{fill:#0a5522;font-weight:700}.deny-t{fill:#8c1d18}\
@media(prefers-color-scheme:dark){text{fill:#e4e8ec}.f{fill:#9aa4ae}.page{fill:#14181c}.head{fill:#1f252b}\
rect{stroke:#3a424b}.allow{fill:#123d22}.deny{fill:#3c1d1c}.allow-t{fill:#9be8b1}.deny-t{fill:#f5b5b0}}";

struct Picture {
    body: String,
    width: usize,
    /// The top of what comes next.
    y: usize,
}

pub(super) fn render(packs: &[Answers]) -> String {
    let mut picture = Picture {
        body: String::new(),
        width: 2 * MARGIN + MEASURE * CHARACTER,
        y: MARGIN,
    };
    packs.iter().for_each(|pack| picture.pack(pack));
    let (width, height) = (picture.width, picture.y + MARGIN);
    let (title, body) = (title(packs), picture.body);
    let described: Vec<String> = packs.iter().map(describe).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n\
         <desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n",
        described.join(" ")
    )
}

/// For those who do not see the picture.
fn describe(pack: &Answers) -> String {
    let cells = pack.cells();
    let titles: Vec<&str> = pack
        .tables
        .iter()
        .map(|table| table.title.as_str())
        .collect();
    escape(&format!(
        "Pack {}: {} of {cells} requests are allowed. Tables: {}. `sod matrix --format html` has the same as text.",
        pack.pack,
        pack.allowed(),
        titles.join("; ")
    ))
}

// Writing to a string cannot fail.
impl Picture {
    fn pack(&mut self, pack: &Answers) {
        self.line("h1", MARGIN, 34, &pack.pack);
        let keys = pack.reasons.iter().map(|because| because.key.as_str());
        let numbers: BTreeMap<&str, usize> = keys.zip(1..).collect();
        for table in &pack.tables {
            self.y += LINE;
            self.line("h2", MARGIN, 26, &table.title);
            self.line("f", MARGIN, LINE, &table.resource);
            table
                .grids
                .iter()
                .for_each(|grid| self.grid(table, grid, &numbers));
        }
        self.y += LINE;
        self.line("h2", MARGIN, 26, "What the numbers mean");
        for (because, number) in pack.reasons.iter().zip(1..) {
            self.reason(because, number);
        }
    }

    fn grid(&mut self, table: &Answered, grid: &Grid, numbers: &BTreeMap<&str, usize>) {
        self.y += 12;
        let labels = table.people.iter().map(|person| person.label.as_str());
        let mut widths = vec![width(labels.chain([grid.action.as_str()]))];
        for (column, state) in table.states.iter().enumerate() {
            let cells = grid.rows.iter().filter_map(|row| row.get(column));
            let cells: Vec<String> = cells.map(|cell| shown(cell, numbers)).collect();
            widths.push(width(
                cells.iter().map(String::as_str).chain([state.as_str()]),
            ));
        }
        let heads: Vec<(&str, &str, String)> = table
            .states
            .iter()
            .map(|state| ("head", "b", state.clone()))
            .collect();
        self.row(&widths, &grid.action, heads);
        for (person, row) in table.people.iter().zip(&grid.rows) {
            let cells = row.iter().map(|cell| match cell.effect {
                Effect::Allow => ("allow", "allow-t", shown(cell, numbers)),
                Effect::Deny => ("deny", "deny-t", shown(cell, numbers)),
            });
            self.row(&widths, &person.label, cells.collect());
        }
    }

    fn row(&mut self, widths: &[usize], label: &str, cells: Vec<(&str, &str, String)>) {
        let all = std::iter::once(("head", "b", label.to_owned())).chain(cells);
        let mut x = MARGIN;
        for ((fill, class, text), width) in all.zip(widths) {
            let _ = write!(
                self.body,
                "<rect class=\"{fill}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{ROW}\"/>",
                self.y
            );
            self.text(class, x + CHARACTER, self.y + 20, &text);
            x += width;
        }
        self.width = self.width.max(x + MARGIN);
        self.y += ROW;
    }

    fn reason(&mut self, because: &Because, number: usize) {
        self.y += 6;
        self.line("b", MARGIN, LINE, &format!("{number}  {}", because.key));
        let then = because
            .obligation
            .iter()
            .map(|then| format!("and then: {then}"));
        for text in because.messages.iter().cloned().chain(then) {
            for line in wrapped(&text) {
                self.line("f", MARGIN + 3 * CHARACTER, LINE, &line);
            }
        }
    }

    fn line(&mut self, class: &str, x: usize, height: usize, text: &str) {
        self.y += height;
        self.text(class, x, self.y - 6, text);
    }

    fn text(&mut self, class: &str, x: usize, y: usize, text: &str) {
        self.width = self
            .width
            .max(x + text.chars().count() * CHARACTER + MARGIN);
        let text = escape(text);
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>"
        );
    }
}

/// `deny 2 5`
fn shown(cell: &Cell, numbers: &BTreeMap<&str, usize>) -> String {
    let numbers = cell
        .reasons
        .iter()
        .filter_map(|key| numbers.get(key.as_str()));
    numbers.fold(word(cell.effect).to_owned(), |text, number| {
        format!("{text} {number}")
    })
}

fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    let longest = texts.map(|text| text.chars().count()).max().unwrap_or(0);
    longest * CHARACTER + 2 * CHARACTER
}

/// At blanks, into lines of the measure.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= MEASURE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
