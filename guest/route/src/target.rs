//! The request line's path and query, read in one way or not at all.

/// More than any sensible address.
const LONGEST: usize = 8 << 10;

/// A path, decoded, and the query as it came.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) path: String,
    pub(crate) query: &'a str,
}

impl<'a> Target<'a> {
    /// # Errors
    /// What in it another program may read in another way.
    pub(crate) fn read(target: &'a str) -> Result<Self, String> {
        if target.len() > LONGEST {
            return Err(format!(
                "the path and query are longer than {LONGEST} bytes"
            ));
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "the path or query has a character that must be percent-encoded".to_owned(),
            );
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path.contains('#') || query.contains('#') {
            return Err("the path or query has a `#`".to_owned());
        }
        let decoded = decode(path).ok_or("the path is not percent-encoded UTF-8")?;
        if decoded.matches('/').count() != path.matches('/').count() {
            return Err("the path has an encoded `/`".to_owned());
        }
        plain(&decoded)?;
        Ok(Target {
            path: decoded,
            query,
        })
    }

    /// The value of that parameter of the query, if there is one.
    ///
    /// # Errors
    /// It is there twice, in whatever case, or not to be decoded in one way.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<String>, String> {
        let mut found = None;
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decode(key).ok_or("the query is not percent-encoded UTF-8")?;
            if !key.eq_ignore_ascii_case(name) {
                continue;
            }
            if key != name || found.is_some() {
                return Err(format!(
                    "the query parameter `{name}` is there twice or in another case"
                ));
            }
            if value.contains(['+', ';']) {
                return Err(format!(
                    "the query parameter `{name}` has a `+` or `;` that must be percent-encoded"
                ));
            }
            found = Some(decode(value).ok_or("the query is not percent-encoded UTF-8")?);
        }
        Ok(found)
    }
}

/// Would every program read this decoded path alike?
fn plain(path: &str) -> Result<(), String> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("the path does not begin with `/`".to_owned());
    };
    if path.contains(['\\', ';', '%']) || path.chars().any(char::is_control) {
        return Err(
            "the path has a `\\`, `;`, `%` or control character, encoded or not".to_owned(),
        );
    }
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if matches!(segment, "." | "..") || segment.is_empty() && !last {
            return Err("the path has an empty, `.` or `..` segment".to_owned());
        }
    }
    Ok(())
}

/// Percent-decoded, if that is UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Percent-encoded but for what no program takes for more than itself.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
