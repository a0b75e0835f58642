//! The matrix as a page: real tables, words beside the colours, no script and nothing from elsewhere.

use std::fmt::Write as _;

use super::{Answered, Answers, Because, Cell, Grid, word};

const STYLE: &str = include_str!("matrix.css");

/// Text between tags or in a quoted attribute; fit for XML too.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::harmless::harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No text of XML may have these.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The name of the page or picture.
pub(super) fn title(packs: &[Answers]) -> String {
    let names: Vec<&str> = packs.iter().map(|pack| pack.pack.as_str()).collect();
    escape(&format!("Who may do what: {}", names.join(", ")))
}

pub(super) fn render(packs: &[Answers]) -> String {
    let title = title(packs);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    packs.iter().for_each(|pack| render_pack(pack, &mut out));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

// Writing to a string cannot fail.
fn render_pack(pack: &Answers, out: &mut String) {
    let name = escape(&pack.pack);
    let _ = writeln!(
        out,
        "<section>\n<h1>{name}</h1>\n<p class=\"lead\">Who may do what, in which state. Each cell is the verdict of \
         the pack on one request, with the rules that decided it; they are explained \
         <a href=\"#{name}.reasons\">below</a>.</p>"
    );
    for table in &pack.tables {
        let _ = writeln!(
            out,
            "<h2>{}</h2>\n<p class=\"resource\"><code>{}</code></p>",
            escape(&table.title),
            escape(&table.resource)
        );
        table
            .grids
            .iter()
            .for_each(|grid| render_grid(&name, table, grid, out));
    }
    let _ = writeln!(
        out,
        "<h2 id=\"{name}.reasons\">What the reasons mean</h2>\n<dl>"
    );
    pack.reasons
        .iter()
        .for_each(|because| render_reason(&name, because, out));
    out.push_str("</dl>\n</section>\n");
}

fn render_grid(pack: &str, table: &Answered, grid: &Grid, out: &mut String) {
    let _ = writeln!(
        out,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}: {1}\">\n<table>\n\
         <caption>{1}</caption>\n<thead>\n<tr><th scope=\"col\">who</th>",
        escape(&table.title),
        escape(&grid.action)
    );
    for state in &table.states {
        let _ = writeln!(out, "<th scope=\"col\">{}</th>", escape(state));
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for (person, cells) in table.people.iter().zip(&grid.rows) {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}<br><code>{}</code></th>",
            escape(&person.label),
            escape(&person.principal)
        );
        cells.iter().for_each(|cell| render_cell(pack, cell, out));
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn render_cell(pack: &str, cell: &Cell, out: &mut String) {
    let word = word(cell.effect);
    let _ = write!(
        out,
        "<td class=\"{}\"><b>{word}</b><ul>",
        word.to_lowercase()
    );
    for reason in &cell.reasons {
        let _ = write!(
            out,
            "<li><a href=\"#{}\">{}</a></li>",
            anchor(pack, reason),
            escape(reason)
        );
    }
    out.push_str("</ul></td>\n");
}

fn render_reason(pack: &str, because: &Because, out: &mut String) {
    let _ = writeln!(
        out,
        "<dt id=\"{}\">{}</dt>",
        anchor(pack, &because.key),
        escape(&because.key)
    );
    for message in &because.messages {
        let _ = writeln!(out, "<dd>{}</dd>", escape(message));
    }
    if let Some(obligation) = &because.obligation {
        let _ = writeln!(
            out,
            "<dd class=\"then\">and then: {}</dd>",
            escape(obligation)
        );
    }
}

/// An id has no blanks.
fn anchor(pack: &str, key: &str) -> String {
    let key = key.replace(" (", ".").replace(')', "");
    format!("{pack}.{}", escape(&key))
}
