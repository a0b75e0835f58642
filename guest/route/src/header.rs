//! Headers: case does not matter, and `_` is `-`, as it becomes on the way to many programs.

/// The name as all its spellings have it in common.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// The value of that header, if there is one.
///
/// # Errors
/// It is there twice, or in a spelling that another program may take for the same.
pub(crate) fn one<'a>(
    headers: &'a [(String, String)],
    name: &str,
) -> Result<Option<&'a str>, String> {
    let mut found = headers.iter().filter(|(other, _)| folded(other) == name);
    let Some((spelling, value)) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(format!("the header `{name}` is there twice"));
    }
    if spelling.contains('_') {
        return Err(format!("the header `{name}` is spelled with `_`"));
    }
    Ok(Some(value))
}

/// Is it a name that a route may use? In small letters, and without the `_` that proxies drop.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Is that header there, in whatever spelling?
pub(crate) fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| folded(other) == name)
}
