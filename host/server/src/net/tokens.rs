//! Bearer tokens: a file with one `name:sha256-of-token` on each line. The tokens themselves are nowhere.

use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::config::ConfigError;

/// Who may ask.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Debug, PartialEq, Eq)]
struct Token {
    name: String,
    digest: [u8; 32],
}

impl Tokens {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Tokens::parse(&text).map_err(|problem| {
            let problem = format!("`{}`: {problem}", path.display());
            let help = "one `name:sha256-of-token` on each line, for example from `printf %s TOKEN | sha256sum`";
            ConfigError::contradiction("server.tokens", problem, help)
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut tokens: Vec<Token> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let token = Token::parse(text).ok_or(format!(
                "line {line} is not `name:` and 64 hexadecimal digits"
            ))?;
            if tokens.iter().any(|other| other.digest == token.digest) {
                return Err(format!("line {line} is of a token that is there already"));
            }
            tokens.push(token);
        }
        if tokens.is_empty() {
            return Err("there is no token in it, so nobody could ask".to_owned());
        }
        Ok(Tokens(tokens))
    }

    /// The name of the token in `Authorization: Bearer`, if it is one of these.
    ///
    /// How long it takes tells how many tokens there are, and nothing of any of them.
    pub(super) fn name(&self, headers: &HeaderMap) -> Option<&str> {
        let value = headers.get(AUTHORIZATION)?.as_bytes();
        let (scheme, token) = value.split_at_checked(7)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ")
            || headers.get_all(AUTHORIZATION).iter().count() != 1
        {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let mut found = usize::MAX as u64;
        for (index, token) in (0u64..).zip(&self.0) {
            found.conditional_assign(&index, token.digest.ct_eq(&digest));
        }
        let token = self.0.get(usize::try_from(found).ok()?)?;
        Some(&token.name)
    }
}

impl Token {
    fn parse(line: &str) -> Option<Self> {
        let (name, digits) = line.rsplit_once(':')?;
        let digits = digits.trim();
        let named = !name.trim().is_empty() && !name.chars().any(char::is_control);
        if !named || digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Token {
            name: name.trim().to_owned(),
            digest,
        })
    }
}

#[cfg(test)]
mod tests {
    //! Whose token it is, and what is none.

    use axum::http::HeaderValue;

    use super::*;

    /// SHA-256 of `abc`, FIPS 180-2 appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn name(tokens: &Tokens, value: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
        tokens.name(&headers).map(str::to_owned)
    }

    #[test]
    fn a_token_is_known_by_its_digest() -> Result<(), String> {
        let tokens = Tokens::parse(&format!("# who\n\nci:{ABC}\n"))?;
        assert_eq!(name(&tokens, "Bearer abc").as_deref(), Some("ci"));
        assert_eq!(name(&tokens, "bearer abc").as_deref(), Some("ci"));
        for wrong in ["Bearer abcd", "Bearer ", "abc", "Basic abc", "Bearer  abc"] {
            assert_eq!(name(&tokens, wrong), None, "{wrong}");
        }
        assert_eq!(tokens.name(&HeaderMap::new()), None);
        Ok(())
    }

    #[test]
    fn two_authorizations_are_none() -> Result<(), String> {
        let tokens = Tokens::parse(&format!("ci:{ABC}"))?;
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer other"));
        assert_eq!(tokens.name(&headers), None);
        Ok(())
    }

    #[test]
    fn a_file_that_means_nothing_is_refused_with_its_line() {
        for (text, problem) in [
            ("ci:abc".to_owned(), "line 1 is not"),
            (format!("\n{ABC}"), "line 2 is not"),
            (format!("a:{ABC}\nb:{ABC}"), "line 2 is of a token"),
            (format!(":{ABC}"), "line 1 is not"),
            ("# nobody\n".to_owned(), "there is no token"),
        ] {
            let error = Tokens::parse(&text).err().unwrap_or_default();
            assert!(error.starts_with(problem), "{text}: {error}");
        }
    }
}
