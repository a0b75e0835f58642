//! What is wrong with a pack, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, NamedSource, SourceCode, SourceSpan, SpanContents,
};
use serde::Serialize;

use crate::code::{Code, Severity};
use crate::source::{Source, display};

/// A range of bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// Byte offset from the start of the file.
    pub offset: usize,
    /// In bytes.
    pub length: usize,
}

/// One thing that is wrong. Serialises to the JSON that tools read.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// The file, as reached from the path that was asked for.
    pub file: Option<String>,
    /// Where in the file.
    pub span: Option<Span>,
    /// Line of the span's start, from 1.
    pub line: Option<usize>,
    /// Column of the span's start in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    #[serde(skip)]
    source: Option<Excerpt>,
}

impl Finding {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Finding {
            code,
            severity: code.severity(),
            file: None,
            span: None,
            line: None,
            column: None,
            message: message.into(),
            help: None,
            source: None,
        }
    }

    /// The file, where there is no place in it to point at.
    pub(crate) fn in_file(mut self, name: impl Into<String>) -> Self {
        self.file = Some(name.into());
        self
    }

    /// The place. A range outside of the text points at its end.
    pub(crate) fn at(mut self, source: &Source, range: Range<usize>) -> Self {
        let end = range.end.min(source.text.len());
        let start = range.start.min(end);
        let (line, column) = source.position(start);
        self.file = Some(source.name.clone());
        self.span = Some(Span {
            offset: start,
            length: end - start,
        });
        self.line = Some(line);
        self.column = Some(column);
        self.source = Some(Excerpt(NamedSource::new(
            &source.name,
            Arc::clone(&source.text),
        )));
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line and column behind the last character of the span, as `line` and `column` count.
    pub fn end(&self) -> Option<(usize, usize)> {
        let span = self.span?;
        let text = self
            .source
            .as_ref()?
            .0
            .inner()
            .get(span.offset..span.offset + span.length)?;
        let last = text.rsplit('\n').next().unwrap_or("").chars().count();
        Some(match text.matches('\n').count() {
            0 => (self.line?, self.column? + last),
            lines => (self.line? + lines, last + 1),
        })
    }

    fn order(&self) -> impl Ord + '_ {
        (&self.file, self.span, self.code, &self.message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Finding {}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span?;
        let label = LabeledSpan::underline((span.offset, span.length.min(NEAR)));
        Some(Box::new(std::iter::once(label)))
    }
}

/// A text of which lines that were not written by hand are shown in part.
#[derive(Debug, Clone)]
struct Excerpt(NamedSource<Arc<str>>);

/// A line with more bytes is not written by hand.
const LONG_LINE: usize = 1000;
/// So much is shown of it.
const NEAR: usize = 80;

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.0.read_span(span, lines_before, lines_after)?;
        let mut lines = contents.data().split(|byte| *byte == b'\n');
        if lines.all(|line| line.len() <= LONG_LINE) {
            return Ok(contents);
        }
        let line = self.0.read_span(span, 0, 0)?.line();
        let text = self.0.inner();
        let (before, after) = text
            .split_at_checked(span.offset())
            .ok_or(MietteError::OutOfBounds)?;
        let first = before.rfind('\n').map_or(0, |at| at + 1);
        let last = after.find('\n').map_or(text.len(), |at| span.offset() + at);
        let start = text.floor_char_boundary(first.max(span.offset().saturating_sub(NEAR)));
        let end = text.floor_char_boundary(last.min(span.offset() + 2 * NEAR));
        let shown = text
            .as_bytes()
            .get(start..end)
            .ok_or(MietteError::OutOfBounds)?;
        let column = text.get(first..start).unwrap_or("").chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.name().to_owned(),
            shown,
            (start, end - start).into(),
            line,
            column,
            1,
        )))
    }
}

/// Nobody reads more at a time.
const MOST_SHOWN: usize = 200;

/// Everything found, in the order of files and lines.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    /// Keeps the value of a success and notes the finding of a failure.
    pub(crate) fn note<T>(&mut self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.push(finding)).ok()
    }

    /// By file and place; the same thing found twice (by Cedar, once per kind of request) is said once.
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| a.order().cmp(&b.order()));
        self.0.dedup_by(|a, b| a.order().cmp(&b.order()).is_eq());
        self
    }

    /// Is any of them an error?
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors.
    pub fn errors(&self) -> usize {
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        self.0.iter().filter(is_error).count()
    }

    /// How many warnings.
    pub fn warnings(&self) -> usize {
        self.0.len() - self.errors()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For people: each with its lines of source, then how many there are.
    pub fn render(&self, colour: bool) -> String {
        let theme = match colour {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_wrap_lines(false)
            .with_links(false);
        let mut out = String::new();
        for finding in self.iter().take(MOST_SHOWN) {
            // Writing to a string cannot fail; should a snippet not render, the message still does.
            if handler.render_report(&mut out, finding).is_err() {
                out.push_str(&finding.message);
            }
            out.push('\n');
        }
        if let Some(more @ 1..) = self.0.len().checked_sub(MOST_SHOWN) {
            out.push_str(&format!("and {more} more, which may go when these do\n\n"));
        }
        out + &format!("{self}\n")
    }

    /// What is about no file is about the folder that was asked for.
    pub(crate) fn about(mut self, folder: &Path) -> Self {
        for finding in &mut self.0 {
            finding.file.get_or_insert_with(|| display(folder));
        }
        self
    }

    /// Adds what was found elsewhere.
    pub fn append(&mut self, other: Findings) {
        self.0.extend(other.0);
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        Findings(findings.into_iter().collect())
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Findings(vec![finding])
    }
}

impl fmt::Display for Findings {
    /// `2 errors, 1 warning`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (errors, warnings) = (self.errors(), self.warnings());
        write!(f, "{errors} error{}", plural(errors))?;
        write!(f, ", {warnings} warning{}", plural(warnings))
    }
}

impl std::error::Error for Findings {}

impl Diagnostic for Findings {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|one| one as &dyn Diagnostic)))
    }
}
