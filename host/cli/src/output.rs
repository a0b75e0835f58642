//! Results on stdout, everything else on stderr.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write as _};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, miette};
use serde::Serialize;

use crate::command_line::Format;
use crate::failure::Outcome;
use crate::page::Page;

const WIDTH: usize = 110;

/// Where a verb prints to.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Output { format }
    }

    /// An empty page for stdout.
    pub(crate) fn page(&self) -> Page {
        Page::new(has_colour(io::stdout().is_terminal()))
    }

    /// A result for people.
    pub(crate) fn text(&self, page: &Page) -> Outcome<()> {
        self.bytes(page.as_str().as_bytes())
    }

    /// A result for programs.
    pub(crate) fn json(&self, value: &impl Serialize) -> Outcome<()> {
        let mut json = serde_json::to_vec_pretty(value)
            .map_err(|error| miette!("the result cannot be written as JSON: {error}"))?;
        json.push(b'\n');
        self.bytes(&json)
    }

    /// A result as it is. A reader that has seen enough and left is no error:
    /// the exit code still tells the result.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(miette!("cannot write to stdout: {error}").into())
            }
            _ => Ok(()),
        }
    }

    /// Something to know that is no result.
    pub(crate) fn note(&self, note: &str) {
        let mut page = Page::new(false);
        page.line(&format!("note: {note}"));
        to_stderr(&page);
    }

    /// An error, with all that is related to it.
    pub(crate) fn report(&self, diagnostic: &dyn Diagnostic) {
        let mut page = Page::new(false);
        page.block(&render(diagnostic));
        to_stderr(&page);
    }
}

/// `NO_COLOR` as <https://no-color.org> has it.
fn has_colour(is_terminal: bool) -> bool {
    let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
    is_terminal && !no_colour && !dumb
}

/// A diagnostic with its place in its file, its help, and all that is related to it.
pub(crate) fn render(diagnostic: &dyn Diagnostic) -> String {
    let mut handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(WIDTH)
        .with_links(false);
    let cause = diagnostic.source().map(ToString::to_string);
    if cause.is_some_and(|cause| diagnostic.to_string().contains(&cause)) {
        // The message has it already.
        handler = handler.without_cause_chain();
    }
    let mut text = String::new();
    match handler.render_report(&mut text, diagnostic) {
        Ok(()) => text,
        // A source that cannot be shown must not hide the error.
        Err(_) => format!("error: {diagnostic}\n"),
    }
}

/// If stderr is closed, too, the exit code is all that is left.
fn to_stderr(page: &Page) {
    let _ = io::stderr().write_all(page.as_str().as_bytes());
}
