//! Bytes as text without loss: git's names are bytes, JSON's are Unicode.

use std::fmt::Write;

/// Valid UTF-8 stays as it is, but a backslash becomes `\\`; any other byte
/// becomes `\xNN`. Different bytes give different text, and what comes before
/// and after a strange byte can still be matched.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for (nth, part) in chunk.valid().split('\\').enumerate() {
            if nth > 0 {
                out.push_str(r"\\");
            }
            out.push_str(part);
        }
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(out, r"\x{byte:02x}");
        }
    }
    out
}
