//! Names and texts from elsewhere, made fit to be shown.

/// Every control character is shown as its escape, and so are the characters that reorder text.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || reorders(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Marks, embeddings, overrides and isolates of the Unicode bidirectional
/// algorithm, and the two characters besides controls that end a line.
fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}
